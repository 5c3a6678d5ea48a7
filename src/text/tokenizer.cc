#include "text/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/basic_tokenizer.h"

namespace avocado {
namespace {

// Tokens that end a turn or a text, by the spelling their models gave them.
constexpr std::string_view kEnds[] = {
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
    "<EOT>",
    "[EOT]",
    "[EOS]",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
    "<turn|>",
};

// The parts of `ranges` in the `size` bytes from `begin` on, counted from there.
std::vector<TextRange> within(std::span<const TextRange> ranges, size_t begin, size_t size) {
  std::vector<TextRange> parts;
  const auto first = std::partition_point(ranges.begin(), ranges.end(),
                                          [&](const TextRange& r) { return r.end <= begin; });
  for (auto r = first; r != ranges.end() && r->begin < begin + size; ++r)
    parts.push_back({std::max(r->begin, begin) - begin, std::min(r->end, begin + size) - begin});
  return parts;
}

}  // namespace

std::string Tokenizer::decode(std::span<const int32_t> ids, bool special) const {
  std::string text;
  for (int32_t id : ids) text += token_bytes(id, special);
  if (strip_first_space_ && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

bool Tokenizer::is_end(int32_t id) const {
  return std::find(ends_.begin(), ends_.end(), id) != ends_.end();
}

std::vector<SpecialToken> special_tokens_of(const Vocab& vocab) {
  std::vector<SpecialToken> special;
  for (int32_t id = 0; id < vocab.size(); ++id) {
    if (vocab.is_special(id) || vocab.kind(id) == TokenKind::user_defined)
      special.push_back(
          {.text = std::string(vocab.text[id]), .id = id, .control = vocab.is_special(id)});
  }
  return special;
}

BasicTokenizer::BasicTokenizer(TokenizerParts parts)
    : name_(std::move(parts.name)),
      vocab_(std::move(parts.vocab)),
      pre_tokenizer_(std::move(parts.pre_tokenizer)),
      pre_name_(std::move(parts.pre_name)),
      normalizer_(std::move(parts.normalizer)),
      prefix_(std::move(parts.prefix)),
      suffix_(std::move(parts.suffix)),
      unknown_(parts.unknown),
      special_(std::move(parts.special)),
      normalized_special_(std::move(parts.normalized_special)),
      json_(std::move(parts.json)),
      config_json_(std::move(parts.config_json)) {
  bos_ = parts.bos;
  eos_ = parts.eos;
  strip_first_space_ = parts.strip_first_space;
  const auto end = [&](int32_t id) {
    if (id >= 0 && !is_end(id)) ends_.push_back(id);
  };
  end(eos_);
  for (int32_t id : parts.ends) end(id);
  for (std::string_view text : kEnds) {
    const int32_t id = find(text);
    if (id < 0 || (kind(id) != TokenKind::control && kind(id) != TokenKind::user_defined)) continue;
    // In the harmony format <|end|> ends a message, not the answer.
    if (text == "<|end|>" && find("<|return|>") >= 0 && find("<|call|>") >= 0) continue;
    end(id);
  }
}

std::vector<int32_t> BasicTokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<int32_t> out;
  out.reserve(text.size() / 4 + prefix_.size() + suffix_.size());
  if (options.bos) out = prefix_;
  const auto token = [&](int32_t id) { out.push_back(id); };
  const auto encode_stretch = [&](std::string_view stretch, bool begins, bool control) {
    if (normalizer_.empty() && normalized_special_.empty())
      return encode_plain(stretch, begins, out);
    const std::string normalized = normalizer_.apply(stretch, begins);
    normalized_special_.split(
        normalized, {.control = control},
        [&](std::string_view plain, bool plain_begins) {
          encode_plain(plain, begins && plain_begins, out);
        },
        token);
  };
  special_.split(
      text, {.control = options.special, .plain = options.plain},
      [&](std::string_view stretch, bool begins) {
        if (options.plain.empty()) return encode_stretch(stretch, begins, options.special);
        // What is plain is known before the normalizer only, so these tokens are looked for there.
        const std::vector<TextRange> plain = within(
            options.plain, static_cast<size_t>(stretch.data() - text.data()), stretch.size());
        normalized_special_.split(
            stretch, {.control = options.special, .plain = plain},
            [&](std::string_view part, bool part_begins) {
              encode_stretch(part, begins && part_begins, false);
            },
            token);
      },
      token);
  if (options.bos) out.insert(out.end(), suffix_.begin(), suffix_.end());
  return out;
}

void BasicTokenizer::check_id(int32_t id) const {
  if (id < 0 || id >= vocab_.size())
    fail_usage("token id {} is outside the vocabulary of {} tokens", id, vocab_.size());
}

std::string_view BasicTokenizer::token_text(int32_t id) const {
  check_id(id);
  return vocab_.text[id];
}

TokenKind BasicTokenizer::kind(int32_t id) const {
  check_id(id);
  return vocab_.kind(id);
}

void BasicTokenizer::write_gguf(GgufWriter& writer) const {
  write_model(writer);
  std::vector<std::string> tokens;
  std::vector<int32_t> kinds;
  for (int32_t id = 0; id < vocab_.size(); ++id) {
    tokens.push_back(written_text(id));
    kinds.push_back(static_cast<int32_t>(vocab_.kind(id)));
  }
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_i32s("tokenizer.ggml.token_type", kinds);
  if (!vocab_.scores.empty()) writer.set_f32s("tokenizer.ggml.scores", vocab_.scores);
  const auto set_id = [&](std::string_view key, int32_t id) {
    if (id >= 0) writer.set_u32(key, static_cast<uint32_t>(id));
  };
  set_id("tokenizer.ggml.bos_token_id", bos_);
  set_id("tokenizer.ggml.eos_token_id", eos_);
  set_id("tokenizer.ggml.unknown_token_id", unknown_);
  const auto adds = [](const std::vector<int32_t>& ids, int32_t id) {
    return id >= 0 && ids == std::vector{id};
  };
  writer.set_bool("tokenizer.ggml.add_bos_token", adds(prefix_, bos_));
  writer.set_bool("tokenizer.ggml.add_eos_token", adds(suffix_, eos_));
  std::vector<int32_t> strip_right;
  for (const SpecialToken& token : special_.tokens())
    if (token.strip_right) strip_right.push_back(token.id);
  if (!strip_right.empty()) writer.set_i32s("avocado.tokenizer.strip_right", strip_right);
  if (!json_.empty()) writer.set_string("tokenizer.huggingface.json", json_);
  if (!config_json_.empty()) writer.set_string("avocado.tokenizer.config_json", config_json_);
}

}  // namespace avocado
