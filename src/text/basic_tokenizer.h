#pragma once
// What all tokenizers share: the vocabulary, special tokens found before anything else, and the
// normalizer. A model adds how plain text becomes ids.

#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/special_tokens.h"
#include "text/vocab.h"

namespace avocado {

// Filled by a loader (GGUF, tokenizer.json, trainer), then handed to a model.
struct TokenizerParts {
  std::string name;                              // of the file, for messages
  Vocab vocab;                                   // indexed
  std::vector<SpecialToken> special;             // looked for in the text as it stands
  std::vector<SpecialToken> normalized_special;  // looked for after the normalizer
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::string pre_name;  // what tokenizer.ggml.pre calls it; empty when it has no name
  std::vector<int32_t> prefix, suffix;  // what EncodeOptions::bos puts around the text
  int32_t bos = -1, eos = -1, unknown = -1;
  std::vector<int32_t>
      ends;  // ids that end a generation besides eos and those known by their spelling
  bool strip_first_space = false;
  // The tokenizer.json this came from, kept when GGUF's own keys cannot say all of it; written as
  // tokenizer.huggingface.json, with tokenizer_config.json beside it.
  std::string json, config_json;
};

// One SpecialToken for each control, unknown and user-defined token of a vocabulary.
std::vector<SpecialToken> special_tokens_of(const Vocab& vocab);

class BasicTokenizer : public Tokenizer {
 public:
  explicit BasicTokenizer(TokenizerParts parts);

  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const final;
  int32_t vocab_size() const final { return vocab_.size(); }
  std::string_view token_text(int32_t id) const final;
  int32_t find(std::string_view text) const final { return vocab_.text.find(text); }
  TokenKind kind(int32_t id) const final;
  void write_gguf(GgufWriter& writer) const final;

 protected:
  // Appends the ids of text without special tokens; `begins`: nothing stands before it.
  virtual void encode_plain(std::string_view text, bool begins,
                            std::vector<int32_t>& out) const = 0;
  // tokenizer.ggml.model and what belongs to it.
  virtual void write_model(GgufWriter& writer) const = 0;
  // A token as GGUF spells it.
  virtual std::string written_text(int32_t id) const { return std::string(vocab_.text[id]); }

  // Throws Error(usage) for an id outside the vocabulary.
  void check_id(int32_t id) const;

  std::string name_;
  Vocab vocab_;
  PreTokenizer pre_tokenizer_;
  std::string pre_name_;
  Normalizer normalizer_;
  std::vector<int32_t> prefix_, suffix_;
  int32_t unknown_;

 private:
  SpecialTokens special_, normalized_special_;
  std::string json_, config_json_;
};

}  // namespace avocado
