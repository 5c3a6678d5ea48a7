// tokenizer.ggml.* (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Tokenizer").

#include <algorithm>

#include "base/error.h"
#include "files/printable.h"
#include "text/bpe.h"
#include "text/merge_rules.h"
#include "text/spm.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace avocado {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens", kScores = "tokenizer.ggml.scores",
                           kTypes = "tokenizer.ggml.token_type", kMerges = "tokenizer.ggml.merges";

template <class T>
const std::vector<T>* array_for_tokens(const GgufFile& file, std::string_view key, size_t tokens) {
  const auto* array = file.get_array<T>(key);
  if (array && array->size() != tokens)
    fail_input("{}: {} has {} elements, but there are {} tokens", file.path(), key, array->size(),
               tokens);
  return array;
}

Vocab read_vocab(const GgufFile& file) {
  const auto* tokens = file.get_array<std::string_view>(kTokens);
  if (!tokens || tokens->empty())
    fail_input("{}: has no {}; the file holds no tokenizer", file.path(), kTokens);
  if (tokens->size() > (size_t{1} << 30))
    fail_input("{}: {} has {} elements", file.path(), kTokens, tokens->size());
  const auto* types = array_for_tokens<int32_t>(file, kTypes, tokens->size());
  const auto* scores = array_for_tokens<float>(file, kScores, tokens->size());
  Vocab vocab;
  for (size_t i = 0; i < tokens->size(); ++i) {
    const int32_t type = types ? (*types)[i] : 1;
    if (type < 1 || type > 6)
      fail_input("{}: {} of token {} is {}; known types are 1 to 6", file.path(), kTypes, i, type);
    // llama.cpp's name for a token without a spelling.
    const std::string_view text = (*tokens)[i];
    vocab.add(text.empty() ? fmt::format("[EMPTY_{}]", i) : std::string(text),
              static_cast<TokenKind>(type));
  }
  if (scores) vocab.scores = *scores;
  vocab.build_index(file.path());
  return vocab;
}

// -1 when absent or the 0xffffffff that some writers mean by that.
int32_t read_id(const GgufFile& file, std::string_view key, int32_t size) {
  const int64_t id = file.get_int(key, -1);
  if (id == -1 || id == 0xffffffff) return -1;
  if (id < 0 || id >= size)
    fail_input("{}: {} is {}, but there are {} tokens", file.path(), key, id, size);
  return static_cast<int32_t>(id);
}

// An id with a default that counts only when the vocabulary is large enough.
int32_t read_id(const GgufFile& file, std::string_view key, int32_t size, int32_t fallback) {
  if (file.find(key)) return read_id(file, key, size);
  return fallback < size ? fallback : -1;
}

void add_bos_and_eos(const GgufFile& file, TokenizerParts& parts, bool bos_by_default,
                     bool eos_by_default) {
  const auto add = [&](std::string_view key, bool by_default, int32_t id,
                       std::vector<int32_t>& to) {
    if (!file.get_bool(key, by_default)) return;
    if (id < 0 && file.find(key))
      fail_input("{}: {} is true, but no such token is named", file.path(), key);
    if (id >= 0) to.push_back(id);
  };
  add("tokenizer.ggml.add_bos_token", bos_by_default, parts.bos, parts.prefix);
  add("tokenizer.ggml.add_eos_token", eos_by_default, parts.eos, parts.suffix);
}

TokenizerParts read_parts(const GgufFile& file) {
  TokenizerParts parts;
  parts.name = file.path();
  parts.vocab = read_vocab(file);
  parts.special = special_tokens_of(parts.vocab);
  const int32_t size = parts.vocab.size();
  parts.bos = read_id(file, "tokenizer.ggml.bos_token_id", size);
  parts.eos = read_id(file, "tokenizer.ggml.eos_token_id", size);
  for (std::string_view key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
    if (const int32_t id = read_id(file, key, size); id >= 0) parts.ends.push_back(id);
  return parts;
}

std::unique_ptr<Tokenizer> load_bpe(const GgufFile& file) {
  if (!file.find("tokenizer.ggml.pre"))
    fail_input(
        "{}: tokenizer.ggml.pre is missing, so how the model splits words is not known; add it "
        "(for example "
        "\"llama-bpe\", \"qwen2\" or \"gpt-2\") or convert the model again",
        file.path());
  const std::string_view pre = file.get_string("tokenizer.ggml.pre");
  const NamedPreTokenizer* named = find_pre_tokenizer(pre);
  if (!named)
    fail_input("{}: the pre-tokenizer tokenizer.ggml.pre = \"{}\" is not supported", file.path(),
               printable(pre));
  const auto* merges = file.get_array<std::string_view>(kMerges);
  if (!merges) fail_input("{}: has no {}", file.path(), kMerges);

  TokenizerParts parts = read_parts(file);
  parts.pre_tokenizer = make_pre_tokenizer(*named);
  parts.pre_name = pre;
  add_bos_and_eos(file, parts, named->add_bos, false);
  std::vector<Merge> rules;
  rules.reserve(merges->size());
  std::string scratch;
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string_view text = (*merges)[i];
    const size_t space = text.find(' ', 1);
    if (space == std::string_view::npos)
      fail_input("{}: {}[{}] is \"{}\", not two tokens with a space between", file.path(), kMerges,
                 i, printable(text));
    rules.push_back(make_merge(parts.vocab, text.substr(0, space), text.substr(space + 1),
                               static_cast<uint32_t>(i), scratch, file.path()));
  }
  return std::make_unique<BpeTokenizer>(std::move(parts), std::move(rules), named->ignore_merges);
}

std::unique_ptr<Tokenizer> load_spm(const GgufFile& file) {
  TokenizerParts parts = read_parts(file);
  const int32_t size = parts.vocab.size();
  if (parts.vocab.scores.empty()) fail_input("{}: has no {}", file.path(), kScores);
  parts.bos = read_id(file, "tokenizer.ggml.bos_token_id", size, 1);
  parts.eos = read_id(file, "tokenizer.ggml.eos_token_id", size, 2);
  parts.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", size, 0);
  add_bos_and_eos(file, parts, true, false);
  if (file.get_bool("tokenizer.ggml.add_space_prefix", true)) {
    parts.normalizer.add({Normalizer::Kind::prepend, "", " "});
    parts.strip_first_space = true;
  }
  parts.normalizer.add({Normalizer::Kind::replace, " ", std::string(kSpaceMark)});
  // Phi-3 swallows white space after its special tokens; GGUF has no key of its own to say so.
  std::string model_name(file.get_string("general.name", ""));
  std::transform(model_name.begin(), model_name.end(), model_name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool phi3 =
      model_name.find("phi-3") != std::string::npos || model_name.find("phi3") != std::string::npos;
  std::vector<bool> stripping(static_cast<size_t>(size), phi3);
  if (const auto* listed = file.get_array<int32_t>("avocado.tokenizer.strip_right")) {
    for (int32_t id : *listed)
      if (id >= 0 && id < size) stripping[static_cast<size_t>(id)] = true;
  }
  for (SpecialToken& token : parts.special) {
    const bool plain =
        token.text == "<unk>" || token.text == "<s>" || token.text == "<|endoftext|>";
    token.strip_right = stripping[static_cast<size_t>(token.id)] && !plain;
  }
  return SpmTokenizer::from_scores(std::move(parts));
}

std::unique_ptr<Tokenizer> load_unigram(const GgufFile& file) {
  TokenizerParts parts = read_parts(file);
  const int32_t size = parts.vocab.size();
  if (parts.vocab.scores.empty()) fail_input("{}: has no {}", file.path(), kScores);
  parts.eos = read_id(file, "tokenizer.ggml.eos_token_id", size, 1);
  parts.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", size, 2);
  add_bos_and_eos(file, parts, false, true);
  using Kind = Normalizer::Kind;
  constexpr std::string_view kCharsmap = "tokenizer.ggml.precompiled_charsmap";
  std::string blob;
  if (const GgufValue* value = file.find(kCharsmap)) {
    const auto* array = std::get_if<GgufArray>(value);
    if (const auto* bytes = array ? std::get_if<std::vector<uint8_t>>(array) : nullptr) {
      blob.assign(bytes->begin(), bytes->end());
    } else if (const auto* signed_bytes =
                   array ? std::get_if<std::vector<int8_t>>(array) : nullptr) {
      blob.assign(signed_bytes->begin(), signed_bytes->end());
    } else {
      fail_input("{}: {} is not an array of bytes", file.path(), kCharsmap);
    }
    parts.normalizer.add(
        {Kind::charsmap, "", "",
         std::make_shared<Charsmap>(blob, fmt::format("{}: {}", file.path(), kCharsmap))});
  }
  if (file.get_bool("tokenizer.ggml.remove_extra_whitespaces", false))
    parts.normalizer.add({Kind::collapse_spaces});
  if (file.get_bool("tokenizer.ggml.add_space_prefix", false)) {
    parts.normalizer.add({Kind::prepend, "", " "});
    parts.strip_first_space = true;
  }
  parts.normalizer.add({Kind::replace, " ", std::string(kSpaceMark)});
  std::vector<double> scores(parts.vocab.scores.begin(), parts.vocab.scores.end());
  const auto& kinds = parts.vocab.kinds;
  const bool byte_fallback = std::find(kinds.begin(), kinds.end(), TokenKind::byte) != kinds.end();
  return std::make_unique<UnigramTokenizer>(std::move(parts), std::move(scores), byte_fallback);
}

std::unique_ptr<Tokenizer> load_wordpiece(const GgufFile& file) {
  TokenizerParts parts = read_parts(file);
  const int32_t size = parts.vocab.size();
  parts.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", size, 100);
  const int32_t begin =
      parts.bos >= 0 ? parts.bos : read_id(file, "tokenizer.ggml.cls_token_id", size, 101);
  const int32_t end =
      read_id(file, "tokenizer.ggml.seperator_token_id", size, 102);  // spelled so in GGUF
  if (begin >= 0) parts.prefix.push_back(begin);
  if (end >= 0) parts.suffix.push_back(end);
  const bool lowercase = file.get_bool("tokenizer.ggml.normalizer.lowercase", true);
  const bool strip_accents = file.get_bool("tokenizer.ggml.normalizer.strip_accents", lowercase);
  add_bert_normalizer(parts.normalizer, true, true, strip_accents, lowercase);
  add_bert_splits(parts.pre_tokenizer);
  parts.strip_first_space = true;
  constexpr size_t kLongestWord = 100;  // BERT's
  return std::make_unique<WordPieceTokenizer>(std::move(parts), WordPieceTokenizer::kGguf,
                                              kLongestWord);
}

}  // namespace

Merge make_merge(const Vocab& vocab, std::string_view left, std::string_view right, uint32_t rank,
                 std::string& scratch, const std::string& name) {
  scratch.assign(left).append(right);
  const Merge merge{vocab.text.find(left), vocab.text.find(right), vocab.text.find(scratch), rank};
  const auto require = [&](int32_t id, std::string_view text) {
    if (id < 0)
      fail_input("{}: merge {} speaks of \"{}\", which is not in the vocabulary", name, rank,
                 printable(text));
  };
  require(merge.left, left);
  require(merge.right, right);
  require(merge.merged, scratch);
  return merge;
}

std::unique_ptr<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  // The whole tokenizer.json says more than the keys beside it.
  constexpr std::string_view kJson = "tokenizer.huggingface.json";
  if (file.find(kJson))
    return parse_huggingface(file.get_string(kJson),
                             file.get_string("avocado.tokenizer.config_json", ""),
                             fmt::format("{}: {}", file.path(), kJson));
  const std::string_view model = file.get_string("tokenizer.ggml.model");
  if (model == "gpt2") return load_bpe(file);
  if (model == "llama") return load_spm(file);
  if (model == "t5") return load_unigram(file);
  if (model == "bert") return load_wordpiece(file);
  fail_input(
      "{}: tokenizer.ggml.model \"{}\" is not supported; supported are gpt2, llama, t5 and bert",
      file.path(), printable(model));
}

}  // namespace avocado
