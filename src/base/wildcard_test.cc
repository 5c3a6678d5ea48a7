#include "base/wildcard.h"

#include <gtest/gtest.h>

#include <string>

namespace avocado {
namespace {

TEST(Wildcard, MeansTheWholeText) {
  for (const char* pattern :
       {"blk.1.attn_q", "*", "blk.*", "*attn_q", "*1*", "b*1*q", "*.*.*", "**"})
    EXPECT_TRUE(wildcard_matches(pattern, "blk.1.attn_q")) << pattern;
  for (const char* pattern : {"", "attn_q", "blk", "blk.*.attn_k", "*attn", "q*", "*2*", "*q*q"})
    EXPECT_FALSE(wildcard_matches(pattern, "blk.1.attn_q")) << pattern;
  EXPECT_TRUE(wildcard_matches("", ""));
  EXPECT_TRUE(wildcard_matches("*", ""));
}

// A search that went back over every * would not end.
TEST(Wildcard, ManyStarsAreNoMoreWork) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(wildcard_matches(pattern + "b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace avocado
