#pragma once
// A named array that lies in somebody else's memory (a mapped file, a buffer).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace avocado {

struct TensorView {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> shape;       // outermost first, as numpy prints it; the last is contiguous
  std::span<const std::byte> data;  // at any address: safetensors files do not align their data

  int64_t count() const {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    return n;
  }
};

// All elements as float. Throws Error(input) when the type cannot be decoded by this build.
std::vector<float> to_f32(const TensorView& tensor);

}  // namespace avocado
