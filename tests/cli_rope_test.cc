// The flags that change how positions are turned, as a user meets them.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "program.h"
#include "temp_folder.h"
#include "tiny_model.h"

namespace avocado {
namespace {

class RopeFlags : public testing::Test {
 protected:
  RopeFlags() {
    ModelConfig config = architecture("llama", "test").tiny();
    config.rope_divisors.clear();
    config.context = 64;
    config.rope_base = 10000;
    config.head_dim = config.rope_dim = 64;  // pairs enough for each of YaRN's numbers to count
    test::write_tiny_model(config, model_);
  }

  test::ProgramResult logits(int tokens, const std::vector<std::string>& flags) const {
    std::string ids = "1";
    for (int i = 1; i < tokens; ++i) ids += fmt::format(",{}", i * 7 % 80);
    std::vector<std::string> arguments = {"logits", model_, "--digest", "--ids", ids};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return test::run_program(arguments);
  }
  std::string digest(const std::vector<std::string>& flags) const {
    const test::ProgramResult result = logits(40, flags);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }

  test::TempFolder folder_;
  std::string model_ = folder_.file("model.gguf");
};

TEST_F(RopeFlags, EachChangesTheAnswer) {
  const std::vector<std::string> yarn = {"--rope-scaling", "yarn", "--rope-scale", "4"};
  const auto with_yarn = [&](const char* flag, const char* value) {
    std::vector<std::string> flags = yarn;
    flags.insert(flags.end(), {flag, value});
    return digest(flags);
  };
  const std::string plain = digest({});
  const std::string answers[] = {
      plain,
      digest(yarn),
      digest({"--rope-scale", "4"}),
      digest({"--rope-freq-base", "20000"}),
      digest({"--rope-scaling", "dynamic", "--rope-scale", "4", "--yarn-orig-ctx", "32"}),
      with_yarn("--yarn-orig-ctx", "32"),
      with_yarn("--yarn-ext-factor", "0.5"),
      with_yarn("--yarn-attn-factor", "1.5"),
      with_yarn("--yarn-beta-slow", "4"),
      with_yarn("--yarn-beta-fast", "2")};
  EXPECT_EQ(std::set<std::string>(std::begin(answers), std::end(answers)).size(),
            std::size(answers));
  EXPECT_EQ(digest({"--rope-freq-scale", "0.25"}), digest({"--rope-scale", "4"}));
  EXPECT_EQ(digest({"--rope-scaling", "none"}), plain);
}

TEST_F(RopeFlags, ALongerContextIsAllowedWithThem) {
  EXPECT_EQ(logits(100, {"--rope-scaling", "yarn", "--rope-scale", "2"}).code, 0);
  const test::ProgramResult result = logits(100, {});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("the context holds 64"), std::string::npos) << result.err;
}

TEST_F(RopeFlags, NonsenseIsRefused) {
  const auto refused = [&](const std::vector<std::string>& flags, const char* message) {
    const test::ProgramResult result = logits(4, flags);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused({"--rope-scaling", "spiral"}, "spiral");
  refused({"--rope-scaling", "yarn"}, "needs a factor");
  refused({"--yarn-beta-fast", "8"}, "numbers of YaRN");
  refused({"--rope-scale", "2", "--rope-freq-scale", "0.5"}, "--rope-freq-scale");
  refused({"--yarn-ext-factor", "2"}, "--yarn-ext-factor");
}

}  // namespace
}  // namespace avocado
