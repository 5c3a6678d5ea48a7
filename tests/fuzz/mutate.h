#pragma once
// Damage to a file, as a pure function of the file and a number.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace avocado::test {

// One to eight of: flipped bits, bytes and 16-, 32- and 64-bit words overwritten with extreme
// values, truncation, removed, repeated, inserted and spliced blocks, words of a dictionary put in.
// `other` gives the bytes for splices.
std::vector<std::byte> mutate(std::span<const std::byte> file, std::span<const std::byte> other,
                              uint64_t number);

}  // namespace avocado::test
