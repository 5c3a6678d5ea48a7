#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A value is a pure function of (seed, purpose, position), so any part of a
// stream can be drawn by anybody in any order.

#include <array>
#include <cstdint>

namespace avocado {

using PhiloxBlock = std::array<uint32_t, 4>;

// One block of the generator: 128 counter bits and 64 key bits in, 128 random bits out.
PhiloxBlock philox4x32(PhiloxBlock counter, std::array<uint32_t, 2> key);

// What a stream is drawn for. Two purposes never share numbers. The values are part of the
// reproducibility contract: add new ones, never renumber.
enum class Purpose : uint32_t {
  weight_init = 1,
  data_order = 2,
  sampling = 3,
  corpus = 4,
  test = 5,
  verified_windows = 6,
};

// A stream of numbers keyed by seed and purpose; `stream` separates independent uses of one
// purpose (e.g. one per tensor).
class Random {
 public:
  Random(uint64_t seed, Purpose purpose, uint32_t stream = 0)
      : seed_(seed), purpose_(purpose), stream_(stream) {}

  PhiloxBlock block(uint64_t position) const;
  uint32_t u32(uint64_t position) const { return block(position)[0]; }
  uint64_t u64(uint64_t position) const;
  // Uniform in [0, 1), 24 bits, exact in float.
  float uniform(uint64_t position) const {
    return static_cast<float>(u32(position) >> 8) * 0x1p-24f;
  }
  // Uniform in [0, 1), 53 bits.
  double uniform64(uint64_t position) const {
    return static_cast<double>(u64(position) >> 11) * 0x1p-53;
  }
  // Uniform integer in [0, n), n > 0, by multiply-shift on 64 bits (bias below n / 2^64).
  uint64_t below(uint64_t position, uint64_t n) const;

 private:
  uint64_t seed_;
  Purpose purpose_;
  uint32_t stream_;
};

// A pseudo-random permutation of [0, n) evaluated at index i without storing it: a keyed Feistel
// network over the next power of four, walked until it lands inside the range.
uint64_t permute(uint64_t i, uint64_t n, uint64_t seed, uint32_t stream);

}  // namespace avocado
