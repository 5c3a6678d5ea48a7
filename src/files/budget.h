#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace avocado {

// The memory a parser may still take for one file: the file's own size and some slack. Charged
// before each allocation, so that a small file cannot make the program allocate much.
class Budget {
 public:
  Budget(const std::string& name, uint64_t file_bytes, uint64_t slack)
      : name_(name), left_(file_bytes + slack) {}

  void take(uint64_t bytes) {
    if (bytes > left_) {
      fail_input(
          "{}: asks for far more memory than its size explains; the file is damaged or hostile",
          name_);
    }
    left_ -= bytes;
  }

 private:
  const std::string& name_;
  uint64_t left_;
};

}  // namespace avocado
