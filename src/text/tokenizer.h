#pragma once
// Tokenizers. encode() gives exactly the ids that the model's own tokenizer gives.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/gguf.h"
#include "text/text_range.h"

namespace avocado {

struct EncodeOptions {
  bool bos = false;  // put the beginning-of-text token (and whatever else the model's tokenizer
                     // adds) around it
  bool special =
      false;  // text that spells a special token becomes that token; otherwise it is plain text
  std::span<const TextRange> plain = {};  // in order: here it is plain text all the same
};

enum class TokenKind : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};  // GGUF's numbers

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // From tokenizer.ggml.* metadata.
  static std::unique_ptr<Tokenizer> from_gguf(const GgufFile& file);
  // From a Hugging Face folder (tokenizer.json, with tokenizer_config.json for BOS/EOS/EOG) or a
  // tokenizer.json file.
  static std::unique_ptr<Tokenizer> from_huggingface(const std::string& path);
  // The same over texts in memory; the second may be empty, `name` is used in messages.
  static std::unique_ptr<Tokenizer> parse_huggingface(std::string_view tokenizer_json,
                                                      std::string_view tokenizer_config_json,
                                                      const std::string& name);

  virtual std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const = 0;
  // The bytes a token stands for; control tokens give nothing unless `special`. For SentencePiece
  // the leading-space rule of the first token is decode()'s business, not this one's.
  virtual std::string token_bytes(int32_t id, bool special = false) const = 0;
  std::string decode(std::span<const int32_t> ids, bool special = false) const;

  virtual int32_t vocab_size() const = 0;
  // The token as its vocabulary spells it, and back; -1 when absent.
  virtual std::string_view token_text(int32_t id) const = 0;
  virtual int32_t find(std::string_view text) const = 0;
  virtual TokenKind kind(int32_t id) const = 0;
  virtual std::string_view type_name() const = 0;  // "bpe", "spm", "unigram", "wordpiece"

  int32_t bos() const { return bos_; }  // -1: none
  int32_t eos() const { return eos_; }
  // Ends a generation: EOS, EOT, <|im_end|> and the like.
  bool is_end(int32_t id) const;
  const std::vector<int32_t>& ends() const { return ends_; }

  // Writes tokenizer.ggml.* so that from_gguf gives an equal tokenizer.
  virtual void write_gguf(GgufWriter& writer) const = 0;

 protected:
  int32_t bos_ = -1, eos_ = -1;
  std::vector<int32_t> ends_;
  bool strip_first_space_ = false;  // SentencePiece with a dummy prefix
};

// Text from a stream of bytes, never splitting a UTF-8 character: bytes of an unfinished one are
// held back until it is complete or proves invalid (then U+FFFD comes out).
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);
  std::string finish();

 private:
  std::string held_;
};

// The same for a stream of tokens.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false);
  std::string push(int32_t id);
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool special_;
  bool first_ = true;
  Utf8Stream stream_;
};

}  // namespace avocado
