#include "base/nearest.h"

#include <gtest/gtest.h>

namespace avocado {
namespace {

const std::vector<std::string> kNames = {"layers", "heads", "kv_heads", "lr"};

TEST(Nearest, FewestTypingErrors) {
  EXPECT_EQ(nearest("layer", kNames), "layers");
  EXPECT_EQ(nearest("hads", kNames), "heads");
  EXPECT_EQ(nearest("xyz", {"b", "a"}), "b");
}

TEST(Nearest, LikelyMeantOnlyWhenNear) {
  EXPECT_EQ(likely_meant("layerz", kNames), "layers");
  EXPECT_EQ(likely_meant("kvheads", kNames), "kv_heads");
  EXPECT_EQ(likely_meant("haeds", kNames), "heads");
  EXPECT_EQ(likely_meant("colour", kNames), "");
  EXPECT_EQ(likely_meant("ll", kNames), "");
  EXPECT_EQ(likely_meant("layers", {}), "");
}

}  // namespace
}  // namespace avocado
