#pragma once
// The scalar reference of quantized.h: the specification. It reads the blocks as they are stored.

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/quantized/layout.h"
#include "tensor/blocks/block.h"

namespace avocado::kernels::reference {

// A row of x: integers, and one scale per stretch of 32 or 256.
struct RoundedRow {
  std::vector<int8_t> a;
  std::vector<float> d;

  RoundedRow() = default;
  RoundedRow(const float* x, int64_t in, int stretch)
      : a(static_cast<size_t>(in)), d(static_cast<size_t>(in / stretch)) {
    for (size_t s = 0; s < d.size(); ++s) {
      const size_t first = s * static_cast<size_t>(stretch),
                   end = first + static_cast<size_t>(stretch);
      float m = 0;
      bool finite = true;
      for (size_t i = first; i < end; ++i) {
        finite = finite && std::isfinite(x[i]);
        m = std::max(m, std::fabs(x[i]));
      }
      if (!finite) {
        d[s] = std::numeric_limits<float>::quiet_NaN();
      } else if (m >= kTiny) {
        d[s] = m / 127.0f;
        const float r = 127.0f / m;
        for (size_t i = first; i < end; ++i) a[i] = static_cast<int8_t>(std::nearbyint(x[i] * r));
      }
    }
  }
};

// One row of a weight: blocks taken apart. Scales and offsets are those of groups, or, with
// half_times, the floats of blocks beside the integers of groups.
template <class Block>
struct QuantizedValues {
  std::vector<int8_t> value;
  std::vector<float> scale, offset;
  std::vector<int> scale_code, offset_code;

  QuantizedValues(const Block* blocks, int64_t in) {
    for (int64_t b = 0; b < in / Block::kCount; ++b) {
      const Block& block = blocks[b];
      uint8_t codes[Block::kCount];
      block.codes(codes);
      for (const uint8_t code : codes)
        value.push_back(static_cast<int8_t>(block_value<Block>(code)));
      if constexpr (Block::kScales == ScaleKind::half_times) {
        scale.push_back(block_d(block).value() / block_divisor<Block>());
        if constexpr (Block::kOffsets) offset.push_back(-block.dmin.value());
      }
      for (int g = 0; g < Block::kCount / Block::kGroup; ++g) {
        if constexpr (Block::kScales == ScaleKind::half_times) {
          scale_code.push_back(block.scale_code(g));
          if constexpr (Block::kOffsets)
            offset_code.push_back(block.offset_code(g));
          else
            offset_code.push_back(0);
        } else {
          scale.push_back(block_scale(block, g));
          offset.push_back(block_offset(block, g));
        }
      }
    }
  }
};

template <class Block>
constexpr int stretch_of() {
  return Block::kScales == ScaleKind::half_times ? kSuper : kUnit;
}

template <class Block>
float dot(const QuantizedValues<Block>& w, const RoundedRow& x) {
  constexpr int kGroups = stretch_of<Block>() / Block::kGroup;
  float acc = 0;
  for (size_t s = 0; s < x.d.size(); ++s) {
    int32_t scaled = 0, taken = 0;  // sums over the groups of a stretch of 256
    for (size_t g = s * kGroups; g < (s + 1) * kGroups; ++g) {
      int32_t dot = 0, sum = 0;
      for (size_t i = g * Block::kGroup; i < (g + 1) * Block::kGroup; ++i) {
        dot += w.value[i] * x.a[i];
        sum += x.a[i];
      }
      if constexpr (Block::kScales == ScaleKind::half_times) {
        scaled += w.scale_code[g] * dot;
        taken += w.offset_code[g] * sum;
      } else {
        acc = std::fma(static_cast<float>(dot), w.scale[g] * x.d[s], acc);
        if (Block::kOffsets) acc = std::fma(w.offset[g], static_cast<float>(sum) * x.d[s], acc);
      }
    }
    if constexpr (Block::kScales == ScaleKind::half_times) {
      acc = std::fma(static_cast<float>(scaled), w.scale[s] * x.d[s], acc);
      if (Block::kOffsets) acc = std::fma(static_cast<float>(taken), w.offset[s] * x.d[s], acc);
    }
  }
  return acc;
}

}  // namespace avocado::kernels::reference
