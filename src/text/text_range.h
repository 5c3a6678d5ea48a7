#pragma once

#include <cstddef>

namespace avocado {

// Bytes [begin, end) of a text.
struct TextRange {
  size_t begin, end;
};

}  // namespace avocado
