// run with thinking, tools and text that does not fit, as a user meets them.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "files/atomic_file.h"
#include "program.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"

namespace avocado {
namespace {

using test::run_program;

class RequestFlags : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    BpeTrainerOptions trainer;
    trainer.vocab_size = 300;
    trainer.special_tokens = {"<|turn|>", "<|end|>", "<tool_call>", "</tool_call>"};
    trainer.eos = "<|end|>";
    const auto tokenizer =
        train_bpe({"the quick brown fox jumps over the lazy dog </think>"}, trainer);
    ModelConfig config = architecture("llama", "test").tiny();
    config.vocab = tokenizer->vocab_size();
    config.context = 600;
    test::write_tiny_model(
        config, file("chat.gguf"), tokenizer.get(),
        "{% for m in messages %}<|turn|>{{ m.role }} {{ m.content }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>a{% if enable_thinking %}<think>{% endif %}"
        "{% endif %}{# <tool_call> #}");
    test::write_tiny_model(config, file("mute.gguf"), tokenizer.get(), "{{ messages[0].content }}");
    write_file_atomically(file("tools.json"), R"([{"type": "function", "function": {"name": "fox",
      "parameters": {"type": "object", "properties": {"over": {"enum": ["dog", "fox"]}},
                     "required": ["over"], "additionalProperties": false}}}])");
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string file(const std::string& name) { return folder_->file(name); }

  static test::ProgramResult run(std::vector<std::string> more, const char* model = "chat.gguf") {
    more.insert(more.begin(), {"run", file(model), "--json", "--temp", "1.5", "--top-k", "0"});
    return run_program(more);
  }
  static nlohmann::json json_of(const test::ProgramResult& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }

  static test::TempFolder* folder_;
};

test::TempFolder* RequestFlags::folder_ = nullptr;

TEST_F(RequestFlags, ThinkingAndCallsAreTold) {
  const nlohmann::json thought =
      json_of(run({"--think", "the fox", "-n", "60", "--thinking-budget", "9", "--ignore-eos"}));
  const nlohmann::json& message = thought["message"];
  EXPECT_EQ(message["role"], "assistant");
  EXPECT_FALSE(message["reasoning_content"].get<std::string>().empty());
  EXPECT_FALSE(message["content"].get<std::string>().empty());
  const nlohmann::json plain = json_of(run({"--no-think", "the fox", "-n", "30", "--ignore-eos"}));
  EXPECT_FALSE(plain["message"].contains("reasoning_content"));

  const nlohmann::json call = json_of(run({"the fox", "--think=low", "--thinking-budget", "5",
                                           "--tools", file("tools.json"), "--tool-choice", "fox"}));
  EXPECT_EQ(call["stop"], "end");
  const nlohmann::json& function = call["message"]["tool_calls"][0]["function"];
  EXPECT_EQ(function["name"], "fox");
  const auto arguments = nlohmann::json::parse(function["arguments"].get<std::string>());
  EXPECT_TRUE(arguments["over"] == "dog" || arguments["over"] == "fox");
}

TEST_F(RequestFlags, NothingIsCutSilently) {
  const std::vector<std::string> text = {"--raw", "the fox", "--ctx", "12", "--ignore-eos"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), text.begin(), text.end());
    return run(more);
  };
  const test::ProgramResult refused = run({"--raw", std::string(200, 'x'), "--ctx", "12"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("200 tokens, but the context holds 12"), std::string::npos);
  EXPECT_NE(refused.err.find("up to 600 (--ctx)"), std::string::npos);

  const test::ProgramResult cut =
      run({"--raw", std::string(200, 'x'), "--ctx", "12", "-n", "3", "--overflow", "cut-middle"});
  const nlohmann::json json = json_of(cut);
  EXPECT_EQ(json["prompt_tokens"], 9);
  EXPECT_EQ(json["dropped"]["tokens"], 191);
  EXPECT_NE(cut.err.find("191 tokens from the middle"), std::string::npos) << cut.err;

  const test::ProgramResult full = with({"-n", "40"});
  EXPECT_EQ(json_of(full)["stop"], "context");
  EXPECT_NE(full.err.find("--context-shift"), std::string::npos) << full.err;
  const test::ProgramResult shifted = with({"-n", "40", "--context-shift", "--keep", "4"});
  EXPECT_EQ(json_of(shifted)["stop"], "length");
  EXPECT_GT(json_of(shifted)["forgotten"], 20);
  EXPECT_NE(shifted.err.find("were forgotten"), std::string::npos) << shifted.err;
}

TEST_F(RequestFlags, WhatCannotBeAskedForIsRefused) {
  const auto refused = [](const test::ProgramResult& result, const std::string& message) {
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused(run({"a", "--think"}, "mute.gguf"), "knows no thinking");
  refused(run({"a", "--think", "--raw"}), "chat template");
  refused(run({"a", "--think", "--no-think"}), "--think");
  refused(run({"a", "--think=hard"}), "hard");
  refused(run({"a", "--tool-choice", "required"}), "no tools");
  refused(run({"a", "--tools", file("tools.json"), "--tool-choice", "dog"}), "\"dog\"");
  refused(run({"a", "--overflow", "cut-middle"}), "drop-oldest");
  refused(run({"a", "--raw", "--overflow", "drop-oldest"}), "--raw");
  refused(run({"a", "--keep", "3"}), "--context-shift");
  refused(run({"a", "--context-shift", "--keep", "600"}), "keep is 600");
}

}  // namespace
}  // namespace avocado
