#pragma once
// What the tests of this room share.

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "grammar/matcher.h"
#include "text/bpe_trainer.h"

namespace avocado::test {

using grammar::Matcher;
using grammar::TokenTrie;

inline const Tokenizer& small_tokenizer() {
  static const std::unique_ptr<Tokenizer> tokenizer = train_bpe(
      {"{\"name\": \"value\", \"other\": [1, 2, 30, true, null], \"id\": \"abc-def\"}\n"
       "the cat and the dog; \"},{\" \":\" \"]}\" 日本語 naïve \\n \\u00e9"},
      {.vocab_size = 400, .special_tokens = {"<|end_of_text|>"}, .eos = "<|end_of_text|>"});
  return *tokenizer;
}

inline std::shared_ptr<const TokenTrie> byte_trie() {
  static const auto trie = std::make_shared<TokenTrie>(small_tokenizer());
  return trie;
}

inline bool writes(Matcher matcher, const std::string& text) {
  return matcher.accept_bytes(text) && matcher.complete();
}

// Compact, as Python's json.dumps writes it, and indented; ASCII alone and not. Each text once.
inline std::vector<std::string> spellings(const nlohmann::json& value) {
  std::vector<std::string> texts = {value.dump(), value.dump(-1, ' ', true), value.dump(2)};
  std::string spaced;
  bool inside = false;
  for (size_t i = 0; i < texts[0].size(); ++i) {
    const char c = texts[0][i];
    spaced += c;
    if (inside && c == '\\') {
      spaced += texts[0][++i];
    } else if (c == '"') {
      inside = !inside;
    } else if (!inside && (c == ',' || c == ':')) {
      spaced += ' ';
    }
  }
  texts.push_back(spaced);
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

}  // namespace avocado::test
