#include "tensor/view.h"

#include "base/error.h"

namespace avocado {

std::vector<float> to_f32(const TensorView& tensor) {
  const DTypeTraits* traits = dtype_traits(tensor.type);
  if (!traits) {
    fail_input("tensor {}: unknown type {}", tensor.name, static_cast<uint32_t>(tensor.type));
  }
  if (!traits->to_f32) {
    fail_input("tensor {}: type {} cannot be decoded by this version", tensor.name, traits->name);
  }
  const int64_t count = tensor.count();
  if (dtype_bytes(tensor.type, count) != tensor.data.size()) {
    fail_input("tensor {}: {} elements of {} do not fit {} bytes", tensor.name, count, traits->name,
               tensor.data.size());
  }
  std::vector<float> values(static_cast<size_t>(count));
  traits->to_f32(tensor.data.data(), values.data(), count);
  return values;
}

}  // namespace avocado
