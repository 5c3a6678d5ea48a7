#include "graph/op.h"

#include <array>

namespace avocado::graph {

// In the order of OpKind.
template <class T>
const Op<T>& op(OpKind kind) {
  static const std::array<Op<T>, 10> table = {
      embed_op<T>(),  rms_norm_op<T>(), linear_op<T>(), rope_op<T>(),       attention_op<T>(),
      swiglu_op<T>(), add_op<T>(),      select_op<T>(), add_scaled_op<T>(), dora_op<T>(),
  };
  return table[static_cast<size_t>(kind)];
}

template const Op<float>& op<float>(OpKind);
template const Op<double>& op<double>(OpKind);

}  // namespace avocado::graph
