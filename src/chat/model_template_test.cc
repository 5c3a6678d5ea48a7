#include "chat/model_template.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "expect_error.h"
#include "files/gguf.h"
#include "temp_folder.h"

namespace avocado {
namespace {

class ModelTemplate : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  static std::string render(const std::string& path, const std::string& variant = "") {
    return load_chat_template(path, variant).render({{"messages", {{{"role", "user"}}}}}).text;
  }

  test::TempFolder folder_;
};

TEST_F(ModelTemplate, OfAGgufFile) {
  GgufWriter writer;
  writer.set_strings("tokenizer.ggml.tokens", {"<unk>", "<B>", "<E>"});
  writer.set_u32("tokenizer.ggml.bos_token_id", 1);
  writer.set_u32("tokenizer.ggml.eos_token_id", 2);
  writer.set_string("tokenizer.chat_template",
                    "{{ bos_token }}{{ messages[0].role }}{{ eos_token }}");
  writer.set_string("tokenizer.chat_template.tool_use", "tools");
  writer.write(folder_.file("a.gguf"));
  EXPECT_EQ(render(folder_.file("a.gguf")), "<B>user<E>");
  EXPECT_EQ(render(folder_.file("a.gguf"), "default"), "<B>user<E>");
  EXPECT_EQ(render(folder_.file("a.gguf"), "tool_use"), "tools");
  EXPECT_AVOCADO_ERROR(render(folder_.file("a.gguf"), "rag"), ErrorKind::input,
                       "has no chat template rag; it has default, tool_use");
  GgufWriter().write(folder_.file("b.gguf"));
  EXPECT_AVOCADO_ERROR(render(folder_.file("b.gguf")), ErrorKind::input, "has no chat template");
}

TEST_F(ModelTemplate, OfAFolder) {
  const std::string folder = folder_.path().string();
  write("tokenizer_config.json",
        R"({"bos_token": {"content": "<B>"}, "eos_token": "<E>", "chat_template": [
            {"name": "default", "template": "{{ bos_token }}d{{ eos_token }}"},
            {"name": "rag", "template": "r"}]})");
  EXPECT_EQ(render(folder), "<B>d<E>");
  EXPECT_EQ(render(folder, "rag"), "r");
  write("chat_template.jinja", "{{ bos_token }}file");
  write("additional_chat_templates/tool_use.jinja", "more");
  EXPECT_EQ(render(folder), "<B>file");
  EXPECT_EQ(render(folder, "tool_use"), "more");
  write("tokenizer_config.json", R"({"chat_template": "x{{ bos_token is defined }}"})");
  std::filesystem::remove(folder_.file("chat_template.jinja"));
  EXPECT_EQ(render(folder), "xFalse");
  write("tokenizer_config.json", R"({"chat_template": [{"name": "a"}]})");
  EXPECT_AVOCADO_ERROR(render(folder), ErrorKind::input, "lacks name or template");
}

TEST_F(ModelTemplate, OfAFile) {
  EXPECT_EQ(render(write("t.jinja", "{{ messages | length }}\n")), "1");
  EXPECT_AVOCADO_ERROR(render(folder_.file("absent.jinja")), ErrorKind::input, "absent.jinja");
  EXPECT_AVOCADO_ERROR(render(write("bad.jinja", "{% if %}")), ErrorKind::input, "line 1");
}

}  // namespace
}  // namespace avocado
