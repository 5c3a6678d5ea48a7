#pragma once
// Apart from rope.h because the SIMD body needs it and may not see the standard library.

namespace avocado::kernels {

enum class RopeStyle { pairs, halves };

}  // namespace avocado::kernels
