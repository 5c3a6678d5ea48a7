#include "files/printable.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace avocado {
namespace {

struct Decoded {
  uint32_t code;
  size_t bytes;  // 0: not valid UTF-8
};

// The UTF-8 character at the start of a non-empty text: shortest form only, no surrogates.
Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {0, 0};
  uint32_t code = first & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (overlong || surrogate || code > 0x10ffff) return {0, 0};
  return {code, bytes};
}

// Controls, line separators, and marks that reorder or hide what stands around them.
bool is_unsafe(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

}  // namespace

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  const auto add = std::back_inserter(out);
  while (!text.empty()) {
    if (out.size() >= limit) return out + "...";
    const auto [code, bytes] = decode_utf8(text);
    if (bytes == 0) {
      fmt::format_to(add, "\\x{:02x}", static_cast<uint8_t>(text[0]));
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\\') {
      out += "\\\\";
    } else if (is_unsafe(code)) {
      fmt::format_to(add, code < 0x80 ? fmt::runtime("\\x{:02x}") : fmt::runtime("\\u{{{:x}}}"),
                     code);
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

}  // namespace avocado
