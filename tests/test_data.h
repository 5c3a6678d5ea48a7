#pragma once
// Real weights, tokenizers and texts that some tests use when they are present.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace avocado::test {

// Path of a file or folder below the test data folder ($AVOCADO_TEST_DATA or the build's default).
inline std::filesystem::path data(const std::string& relative) {
  const char* env = std::getenv("AVOCADO_TEST_DATA");
  return std::filesystem::path(env ? env : AVOCADO_TEST_DATA) / relative;
}

}  // namespace avocado::test

// Skips the running test, visibly, when the data is not on this machine.
#define REQUIRE_TEST_DATA(relative)                                               \
  do {                                                                            \
    if (!std::filesystem::exists(avocado::test::data(relative)))                  \
      GTEST_SKIP() << "test data not present: " << avocado::test::data(relative); \
  } while (false)
