#include "text/charsmap.h"

#include <bit>
#include <cstring>

#include "base/error.h"
#include "text/unicode.h"

namespace avocado {
namespace {

uint32_t read_u32(const char* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
  return value;
}

// Fields of a unit (the Darts double array): the offset to a node's children, the byte that leads
// to a node, and whether a value hangs below it.
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t label_of(uint32_t unit) { return unit & (1u << 31 | 0xff); }
bool has_leaf(uint32_t unit) { return unit >> 8 & 1; }
uint32_t value_of(uint32_t unit) { return unit & ~(1u << 31); }

}  // namespace

Charsmap::Charsmap(std::string_view blob, const std::string& where) : blob_(blob) {
  if (blob_.size() < 4)
    fail_input("{}: the character map has {} bytes, less than its header", where, blob_.size());
  const size_t trie = read_u32(blob_.data());
  if (trie > blob_.size() - 4 || trie % 4 != 0 || trie == 0)
    fail_input("{}: the character map's trie of {} bytes does not fit its {} bytes", where, trie,
               blob_.size());
  units_.resize(trie / 4);
  for (size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(blob_.data() + 4 + 4 * i);
  replacements_ = std::string_view(blob_).substr(4 + trie);
  // A value is an offset into the replacements; each must be ended by a zero byte.
  if (!replacements_.empty() && replacements_.back() != '\0')
    fail_input("{}: the character map's last replacement is not ended by a zero byte", where);
}

size_t Charsmap::longest_prefix(std::string_view text, std::string_view& replacement) const {
  size_t longest = 0;
  uint64_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size() || value_of(units_[node]) >= replacements_.size()) break;
    longest = i + 1;
    replacement = replacements_.substr(value_of(units_[node]));
    replacement = replacement.substr(0, replacement.find('\0'));
  }
  return longest;
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view replacement;
    size_t length = longest_prefix(text, replacement);
    if (length == 0) {
      const unicode::Decoded d = unicode::decode(text.data(), text.data() + text.size());
      length = static_cast<size_t>(d.length);
      replacement = d.valid ? text.substr(0, length) : std::string_view("\xef\xbf\xbd");
    }
    out += replacement;
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace avocado
