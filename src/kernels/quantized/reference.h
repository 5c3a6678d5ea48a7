#pragma once
// The scalar reference of quantized.h: the specification. It reads the blocks as they are stored.

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/quantized/layout.h"
#include "tensor/blocks/block.h"

namespace avocado::kernels::reference {

// A row of x: integers and one scale per unit.
struct RoundedRow {
  std::vector<int8_t> a;
  std::vector<float> d;

  RoundedRow() = default;
  RoundedRow(const float* x, int64_t in)
      : a(static_cast<size_t>(in)), d(static_cast<size_t>(in / kUnit)) {
    for (size_t u = 0; u < d.size(); ++u) {
      const float* unit = x + u * kUnit;
      float m = 0;
      bool finite = true;
      for (int i = 0; i < kUnit; ++i) {
        finite = finite && std::isfinite(unit[i]);
        m = std::max(m, std::fabs(unit[i]));
      }
      if (!finite) {
        d[u] = std::numeric_limits<float>::quiet_NaN();
      } else if (m >= kTiny) {
        d[u] = m / 127.0f;
        const float r = 127.0f / m;
        for (int i = 0; i < kUnit; ++i)
          a[u * kUnit + static_cast<size_t>(i)] = static_cast<int8_t>(std::nearbyint(unit[i] * r));
      }
    }
  }
};

// One row of a weight: blocks taken apart.
template <class Block>
struct QuantizedValues {
  std::vector<int8_t> value;
  std::vector<float> scale, offset;

  QuantizedValues(const Block* blocks, int64_t in) {
    for (int64_t b = 0; b < in / Block::kCount; ++b) {
      uint8_t codes[Block::kCount];
      blocks[b].codes(codes);
      for (const uint8_t code : codes)
        value.push_back(static_cast<int8_t>(block_value<Block>(code)));
      for (int g = 0; g < Block::kCount / Block::kGroup; ++g) {
        scale.push_back(block_scale(blocks[b], g));
        offset.push_back(block_offset(blocks[b], g));
      }
    }
  }
};

template <class Block>
float dot(const QuantizedValues<Block>& w, const RoundedRow& x) {
  float acc = 0;
  for (size_t g = 0; g < w.scale.size(); ++g) {
    int32_t dot = 0, sum = 0;
    for (size_t i = g * Block::kGroup; i < (g + 1) * Block::kGroup; ++i) {
      dot += w.value[i] * x.a[i];
      sum += x.a[i];
    }
    const float d = x.d[g * Block::kGroup / kUnit];
    acc = std::fma(static_cast<float>(dot), w.scale[g] * d, acc);
    if (Block::kOffsets) acc = std::fma(w.offset[g], static_cast<float>(sum) * d, acc);
  }
  return acc;
}

}  // namespace avocado::kernels::reference
