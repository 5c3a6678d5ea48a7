#include "base/philox.h"

#include <bit>

namespace avocado {

PhiloxBlock philox4x32(PhiloxBlock c, std::array<uint32_t, 2> key) {
  constexpr uint64_t m0 = 0xD2511F53, m1 = 0xCD9E8D57;
  constexpr uint32_t w0 = 0x9E3779B9, w1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = m0 * c[0], p1 = m1 * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += w0;
    key[1] += w1;
  }
  return c;
}

PhiloxBlock Random::block(uint64_t position) const {
  return philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32),
                     static_cast<uint32_t>(purpose_), stream_},
                    {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
}

uint64_t Random::u64(uint64_t position) const {
  const PhiloxBlock b = block(position);
  return static_cast<uint64_t>(b[1]) << 32 | b[0];
}

uint64_t Random::below(uint64_t position, uint64_t n) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{u64(position)} * n >> 64);
}

uint64_t permute(uint64_t i, uint64_t n, uint64_t seed, uint32_t stream) {
  if (n <= 1) return 0;
  const int half = (std::bit_width(n - 1) + 1) / 2;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  const Random random(seed, Purpose::data_order, stream);
  do {
    uint64_t left = i >> half, right = i & mask;
    for (uint64_t round = 0; round < 6; ++round) {
      // The round number sits above the 32 bits that a half can have.
      const uint64_t next = left ^ (random.u64(round << 32 | right) & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= n);
  return i;
}

}  // namespace avocado
