// avocado template, run as a user runs it.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace avocado::test {
namespace {

class TemplateVerb : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(file("t.jinja"))
        << "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'evil' %}"
           "{{ raise_exception('no evil') }}{% endif %}{% endfor %}{{ extra_word }}";
    std::ofstream(file("c.json")) << R"({"messages": [{"role": "user", "content": "née\n"}],
                                         "extra": {"extra_word": "!"}})";
  }
  std::string file(const std::string& name) const { return folder_.file(name); }

  TempFolder folder_;
};

TEST_F(TemplateVerb, PrintsThePrompt) {
  const ProgramResult plain = run_program({"template", file("t.jinja"), file("c.json")});
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.out, "<user>née\n!");
  const ProgramResult json =
      run_program({"template", file("t.jinja"), "-", "--json"},
                  {.input = R"({"messages": [{"role": "a", "content": "b"}]})"});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(nlohmann::json::parse(json.out)["prompt"], "<a>b");
}

TEST_F(TemplateVerb, SaysWhyThereIsNone) {
  const auto fails = [&](const std::string& input, int code, const std::string& message) {
    const ProgramResult result = run_program({"template", file("t.jinja"), "-"}, {.input = input});
    EXPECT_EQ(result.code, code) << input;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  fails(R"({"messages": [{"role": "evil"}]})", 1, "line 1: refuses this conversation: no evil");
  fails(R"({"messages": 1})", 2, "\"messages\" is not an array");
  fails("{", 1, "is not valid JSON");
  EXPECT_EQ(run_program({"template", file("t.jinja"), file("c.json"), "--variant", "rag"}).code, 1);
}

}  // namespace
}  // namespace avocado::test
