#include "text/vocab.h"

#include "base/error.h"
#include "files/printable.h"

namespace avocado {

void Vocab::build_index(std::string_view name) {
  const int32_t duplicate = text.build_index([](int32_t) { return true; });
  if (duplicate < 0) return;
  fail_input("{}: the vocabulary holds \"{}\" twice, as ids {} and {}", name,
             printable(text[duplicate]), text.find(text[duplicate]), duplicate);
}

int byte_of_hex_token(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return -1;
  int value = 0;
  for (char c : spelling.substr(3, 2)) {
    int digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

std::string hex_token(int byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace avocado
