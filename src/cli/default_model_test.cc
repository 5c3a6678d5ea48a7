#include "cli/default_model.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace avocado::cli {
namespace {

TEST(DefaultModel, IsSoughtWhereItIsInstalledAndInTheSourceTree) {
  const auto has = [](const std::string& program, const std::string& place) {
    const std::vector<std::string> places = shipped_model_places(program);
    return std::find(places.begin(), places.end(), place) != places.end();
  };
  EXPECT_EQ(shipped_model_places("/usr/bin")[0], "/usr/share/avocado/models/avocado-nano.gguf");
  EXPECT_TRUE(has("/home/a/avocado/build", "/home/a/avocado/models/avocado-nano.gguf"));
  EXPECT_TRUE(has("/home/a/avocado/build/bin", "/home/a/avocado/models/avocado-nano.gguf"));
  EXPECT_TRUE(has("/home/a/avocado/out/x/bin", "/home/a/avocado/models/avocado-nano.gguf"));
  EXPECT_FALSE(has("/home/a/avocado/build", "/models/avocado-nano.gguf"));
}

}  // namespace
}  // namespace avocado::cli
