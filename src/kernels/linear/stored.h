#pragma once
// linear_backward_input for a weight in its stored type, which stays as it is.

#include "kernels/linear/linear.h"
#include "tensor/view.h"

namespace avocado::kernels {

// dx[n, in] = dy[n, out] * w[out, in], or dx + that when `add`; w is of any type that can be
// decoded to floats.
//
// ORDER OF ROUNDING. That of linear_backward_input on the decoded matrix: the chain of an output
// goes through the rows of w in ascending order, so some rows can be decoded at a time.
void linear_backward_input(ThreadPool& pool, const float* dy, const TensorView& w, float* dx,
                           int64_t n, bool add);

// Scratch memory that it takes for a matrix [out, in] that has to be decoded.
size_t linear_stored_scratch_bytes(int64_t n, int64_t out, int64_t in);

}  // namespace avocado::kernels
