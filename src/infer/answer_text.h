#pragma once
// The text of an answer as its tokens come, searched for strings that end it and strings that may
// not be in it. Text that could still become such a string is held back, whole tokens of it, so
// that what was given out is never taken back.
//
// Strings are compared as bytes, case and all, within the answer (not over the end of the prompt).
// The one that ends first is found, of those the one that begins first; so the same one is found
// however the text is cut into tokens. A stop string comes before a banned one that ends with it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace avocado {

class AnswerText {
 public:
  struct Match {
    bool banned;
    size_t string;  // index into stops or bans
    size_t begin;   // its first byte in the answer
    size_t token;   // in which that stands
  };

  // What a token stands for can depend on those before it (a character in several tokens, a space
  // at the very beginning), hence the prompt. Without a tokenizer there is no text. Throws
  // Error(usage) for strings that are empty or longer than 1024 bytes, more than 4096 of them, or
  // any without a tokenizer. `shown`: control tokens that stand in the text by their spelling.
  AnswerText(const Tokenizer* tokenizer, std::span<const int32_t> prompt,
             std::span<const std::string> stops, std::span<const std::string> banned,
             std::span<const int32_t> shown = {});

  // One more token.
  std::optional<Match> push(int32_t id);
  // The text of the last token.
  std::string_view last() const { return std::string_view(bytes_).substr(starts_.back()); }
  // Only the first `tokens` stay; at least given().
  void rewind(size_t tokens);
  // Only the bytes before `end` stay. Gives how many tokens they stand in.
  size_t cut(size_t end);

  // The text that has become safe since the last call, whole characters.
  std::string take();
  // All that is left; nothing comes after it.
  std::string finish();
  size_t given() const { return given_; }  // tokens whose text has been taken

 private:
  struct Watched {
    std::string text;
    bool banned;
    size_t index;
  };
  void watch(std::span<const std::string> strings, bool banned);
  std::string bytes_of(int32_t id);
  size_t token_at(size_t byte) const;
  size_t safe_end() const;

  const Tokenizer* tokenizer_;
  std::vector<int32_t> shown_;  // sorted
  std::vector<Watched> watched_;
  size_t longest_ = 0;
  std::string bytes_;           // of the answer
  std::vector<size_t> starts_;  // of each token in them
  size_t given_ = 0;            // tokens
  Utf8Stream characters_;
  bool begun_ = false;                 // a token of the prompt had bytes
  std::optional<size_t> first_token_;  // of the answer that had any, if the prompt had none
};

}  // namespace avocado
