#include <utility>

#include "text/tokenizer.h"
#include "text/unicode.h"

namespace avocado {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Length of the well-formed beginning of a character at `p` that is no character: how many bytes
// one U+FFFD stands for (Unicode 15, section 3.9, "maximal subpart"). `whole` when only bytes that
// may still come are missing.
size_t broken_length(std::string_view p, bool& unfinished) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(p[i]); };
  unfinished = false;
  const unsigned first = byte(0);
  const size_t wanted = first >= 0xc2 && first < 0xe0   ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 1;
  size_t length = 1;
  for (; length < wanted; ++length) {
    if (length == p.size()) {
      unfinished = true;
      return length;
    }
    unsigned low = 0x80, high = 0xbf;
    if (length == 1) {
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    }
    if (byte(length) < low || byte(length) > high) break;
  }
  return length;
}

// Moves what is decided out of `held`: all but the beginning of an unfinished character.
std::string take_text(std::string& held) {
  std::string out;
  size_t at = 0;
  while (at < held.size()) {
    const unicode::Decoded d = unicode::decode(held.data() + at, held.data() + held.size());
    auto length = static_cast<size_t>(d.length);
    if (d.valid) {
      out.append(held, at, length);
    } else {
      bool unfinished;
      length = broken_length(std::string_view(held).substr(at), unfinished);
      if (unfinished) break;
      out += kReplacement;
    }
    at += length;
  }
  held.erase(0, at);
  return out;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  return take_text(held_);
}

std::string Utf8Stream::finish() {
  std::string out = take_text(held_);
  if (!held_.empty()) out += kReplacement;
  held_.clear();
  return out;
}

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool special)
    : tokenizer_(tokenizer), special_(special) {}

std::string StreamDecoder::push(int32_t id) {
  const std::string bytes = tokenizer_.token_bytes(id, special_);
  if (bytes.empty()) return {};
  return stream_.push(std::exchange(first_, false) ? tokenizer_.decode({&id, 1}, special_) : bytes);
}

std::string StreamDecoder::finish() {
  first_ = true;
  return stream_.finish();
}

}  // namespace avocado
