#include "base/crc32c.h"

#include <array>

namespace avocado {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // bits reversed: the lowest one comes first

constexpr std::array<uint32_t, 256> kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? kPolynomial : 0);
    table[byte] = sum;
  }
  return table;
}();

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t sum = ~uint32_t{0};
  for (const char c : bytes) sum = sum >> 8 ^ kTable[(sum ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~sum;
}

}  // namespace avocado
