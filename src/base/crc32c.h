#pragma once
// CRC-32C (Castagnoli): the checksum of TensorBoard's event files.

#include <cstdint>
#include <string_view>

namespace avocado {

uint32_t crc32c(std::string_view bytes);

}  // namespace avocado
