// avocado run as a conversation: on a terminal of its own, with each command, interrupted, with
// files; and what comes through a pipe.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "chat/own_template.h"
#include "chat_tokenizer.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "program.h"
#include "tiny_model.h"

namespace avocado::test {
namespace {

// What begins a prompt: the terminal is asked to mark what is pasted.
constexpr const char* kPrompt = "\x1b[?2004h> ";
constexpr const char* kMore = "\x1b[?2004h. ";

// The text of lines as they stand on the screen in the end, without styles.
std::string screen(const std::string& shown) {
  std::string text, line;
  size_t column = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    if (c == '\x1b' && i + 1 < shown.size() && shown[i + 1] == '[') {
      i = std::min(shown.find_first_not_of("?;0123456789", i + 2), shown.size() - 1);
      if (shown[i] == 'K') line.resize(std::min(line.size(), column));
    } else if (c == '\n') {
      text += line + "\n";
      line.clear();
      column = 0;
    } else if (c == '\r') {
      column = 0;
    } else if (c == '\b') {
      column -= column > 0;
    } else if (c != '\a') {
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = c;
    }
  }
  return text + line;
}

class Chats : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    const auto tokenizer = chat_tokenizer();
    ModelConfig config = architecture("llama", "test").tiny();
    config.vocab = tokenizer->vocab_size();
    config.context = 20000;
    write_tiny_model(config, file("chat.gguf"), tokenizer.get(), std::string(kOwnTemplate));
    write_tiny_model(config, file("base.gguf"), tokenizer.get());
    write_file_atomically(file("notes.txt"), "the fox\n");
    write_file_atomically(file("binary"), std::string("a\0b", 3));
    // Says who speaks, and thinks first unless it is told not to.
    write_file_atomically(
        file("thinks.jinja"),
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% if enable_thinking is not defined or "
        "enable_thinking %}<think>\n{% endif %}{% endif %}");
    write_file_atomically(
        file("calls.jinja"),
        "{{ tools | length }} tools\n{% for m in messages %}{{ m.role }}: {{ m.content }}"
        "{% for call in m.tool_calls %}calls over {{ call.function.arguments.over }}{% endfor %}\n"
        "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}{# <tool_call> #}");
    write_file_atomically(file("tools.json"), R"([{"type": "function", "function": {"name": "fox",
      "parameters": {"type": "object", "properties": {"over": {"enum": ["dog", "fox"]}},
                     "required": ["over"], "additionalProperties": false}}}])");
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string file(const std::string& name) { return folder_->file(name); }

  // A chat whose answers are short and always the same.
  void start(std::vector<std::string> more = {"-n", "4"}) {
    more.insert(more.begin(), {"run", file("chat.gguf"), "--temp", "0"});
    program_.emplace(more, file(""));
    program_->read_prompt(kPrompt);
  }
  // What is shown from this line on to the next prompt.
  std::string say(const std::string& line) {
    program_->type(line + "\r");
    return to_prompt();
  }
  std::string to_prompt() { return screen(program_->read_prompt(kPrompt)); }
  void leave() {
    program_->type("\x04");
    EXPECT_EQ(program_->finish(), 0);
  }

  static TempFolder* folder_;
  std::optional<TerminalProgram> program_;
};

TempFolder* Chats::folder_ = nullptr;

testing::AssertionResult shows(const std::string& shown, const std::string& part) {
  if (shown.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "wanted: " << part << "\nshown: " << shown;
}

TEST_F(Chats, UntilCtrlDOrBye) {
  start();
  EXPECT_GT(say("fox").size(), 8u);
  say("and the dog");
  leave();
  for (const char* word : {"/bye", "/exit"}) {
    start();
    program_->type(std::string(word) + "\r");
    EXPECT_EQ(program_->finish(), 0);
  }
}

TEST_F(Chats, CtrlCStopsTheAnswerOrClearsTheLine) {
  start({});
  program_->type("fox\r");
  program_->read_until("\n");
  for (int i = 0; i < 60; ++i) program_->read_something();  // characters
  program_->type("\x03");
  to_prompt();
  // What was said so far stays.
  const std::string messages = say("/show messages");
  EXPECT_TRUE(shows(messages, "user: fox"));
  EXPECT_TRUE(shows(messages, "assistant: "));
  program_->type("wrong\x03");
  EXPECT_TRUE(shows(to_prompt(), "^C"));
  EXPECT_FALSE(shows(say("/show messages"), "wrong"));
  leave();
}

TEST_F(Chats, LinesCanBeEditedAndAreRemembered) {
  start();
  // Japanese: two columns and three bytes a character, deleted one by one and entered in between.
  say("/set system 日本人\x7f語\x01\x05!");
  EXPECT_TRUE(shows(say("/show system"), "日本語!"));
  say("\x10\x10\x7f?");  // the line before the last, with another end
  EXPECT_TRUE(shows(say("/show system"), "日本語?"));
  EXPECT_TRUE(shows(say("/sho\tsys\t"), "日本語?"));
  say("/set nohistory");
  say("/show info");
  leave();
  const std::string history = file(".local/state/avocado/history");
  EXPECT_TRUE(shows(read_text_file(history), "/set system 日本語?\n"));
  EXPECT_FALSE(shows(read_text_file(history), "/show info"));
  struct stat info {};
  ASSERT_EQ(stat(history.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  start();
  EXPECT_TRUE(shows(say("\x10"), "/set nohistory"));  // of the last time
  leave();
}

TEST_F(Chats, TextOfSeveralLines) {
  start();
  program_->type("\"\"\"\r");
  program_->read_prompt(kMore);
  program_->type("the\r");
  program_->read_prompt(kMore);
  say("fox\"\"\"");
  EXPECT_TRUE(shows(say("/show messages"), "user: the\nfox"));
  program_->type("/set system \"\"\"quick\r");
  program_->read_prompt(kMore);
  say("dog\"\"\"");
  EXPECT_TRUE(shows(say("/show system"), "quick\ndog"));
  program_->type("\"\"\"never sent\r");
  program_->read_prompt(kMore);
  program_->type("\x03");
  to_prompt();
  // Pasted lines are one text, sent by the key.
  say("\x1b[200~jumps\rover\r\x1b[201~!");
  const std::string messages = say("/show messages");
  EXPECT_TRUE(shows(messages, "user: jumps\nover!"));
  EXPECT_FALSE(shows(messages, "never"));
  leave();
}

TEST_F(Chats, CommandsSetAndShow) {
  start();
  EXPECT_TRUE(shows(say("/?"), "/set parameter NAME VALUE"));
  EXPECT_FALSE(shows(say("/help bye"), "/save"));
  EXPECT_TRUE(shows(say("/bey"), "the nearest is /bye"));
  EXPECT_TRUE(shows(say("/show messages"), "nothing was said yet"));
  EXPECT_TRUE(shows(say("/show info"), "20000 tokens"));
  EXPECT_TRUE(shows(say("/show template"), "<|start_header_id|>"));
  say("/set parameter temperature 1.5");
  say("/set parameter stop \"x\" \"y z\"");
  const std::string parameters = say("/show parameters");
  EXPECT_TRUE(shows(parameters, "temperature        1.5"));
  EXPECT_TRUE(shows(parameters, "[\"x\",\"y z\"]"));
  EXPECT_TRUE(shows(say("/set parameter temperature hot"), "temperature cannot be hot"));
  EXPECT_TRUE(shows(say("/set parameter tempreture 1"), "the nearest is temperature"));
  EXPECT_TRUE(shows(say("/set think"), "knows no thinking"));
  EXPECT_TRUE(shows(say("/set format xml"), "there is json"));
  say("/set verbose");
  const std::string told = say("fox");
  EXPECT_TRUE(shows(told, "answer: "));
  EXPECT_TRUE(shows(told, "of 20000 tokens ("));
  EXPECT_TRUE(shows(say("fox"), "kept from before"));
  say("/set quiet");
  EXPECT_FALSE(shows(say("fox"), "answer: "));
  say("/set format json");
  say("/set parameter num_predict 1");
  const std::string json = say("fox");
  const size_t first = json.find_first_not_of(" \n", json.find("fox\n") + 4);
  EXPECT_NE(std::string("{[\"-0123456789tfn>").find(json[first]), std::string::npos) << json;
  say("/set noformat");
  say("/set nowordwrap");
  say("/set wordwrap");
  say("/set history");
  say("/set system be brief");
  say("/clear");
  EXPECT_EQ(say("/show messages").find("user:"), std::string::npos);
  EXPECT_TRUE(shows(say("/show system"), "be brief"));
  leave();
}

TEST_F(Chats, AConversationIsSavedAndGoesOn) {
  start();
  say("/set system be brief");
  say("/set parameter top_k 3");
  say("fox");
  EXPECT_TRUE(shows(say("/save first"), "chats/first.json"));
  EXPECT_TRUE(shows(say("/save ./here.json"), "saved to ./here.json"));
  EXPECT_TRUE(shows(say("/save /proc/no.json"), "cannot write"));
  const std::string before = say("/show messages");
  leave();

  start();
  EXPECT_TRUE(shows(say("/load first"), "3 messages"));
  EXPECT_EQ(say("/show messages"), before);
  EXPECT_TRUE(shows(say("/show parameters"), "top_k              3"));
  write_file_atomically(file("odd.json"), R"({"messages": [{"content": "no role"}]})");
  EXPECT_TRUE(shows(say("/load ./odd.json"), "odd.json: a message is not an object"));
  EXPECT_TRUE(shows(say("/load none"), "none.json"));
  EXPECT_EQ(say("/show messages"), before);
  leave();

  const nlohmann::json saved = nlohmann::json::parse(read_text_file(file("here.json")));
  EXPECT_EQ(saved["messages"].size(), 3u);
  EXPECT_EQ(saved["parameters"]["top_k"], 3);
  const ProgramResult prompt = run_program({"template", file("chat.gguf"), file("here.json")});
  EXPECT_EQ(prompt.code, 0) << prompt.err;
  EXPECT_TRUE(shows(prompt.out, "be brief"));
}

TEST_F(Chats, FilesInALineAreAttached) {
  start();
  EXPECT_TRUE(shows(say("what is in ./notes.txt?"), "attached ./notes.txt (8 bytes)"));
  EXPECT_TRUE(shows(say("/show messages"), "the fox\n```\n\nwhat is in ./notes.txt?"));
  EXPECT_TRUE(shows(say(file("notes.txt") + " again"), "attached " + file("notes.txt")));
  EXPECT_TRUE(shows(say("and ./binary"), "binary: is not text"));
  EXPECT_FALSE(shows(say("/show messages"), "and ./binary"));
  leave();
}

TEST_F(Chats, ThinkingStandsApartAndIsNotSaidAgain) {
  start({"-n", "4", "--template", file("thinks.jinja"), "--verbose"});
  EXPECT_TRUE(shows(say("fox"), "Thinking\n"));
  EXPECT_TRUE(shows(say("/show messages"), "assistant: \n"));
  say("/set nothink");
  EXPECT_FALSE(shows(say("fox"), "Thinking"));
  say("/save ./thoughtless.json");
  say("/set think");
  EXPECT_TRUE(shows(say("fox"), "Thinking\n"));
  say("/load ./thoughtless.json");
  EXPECT_FALSE(shows(say("fox"), "Thinking"));
  leave();
  start({"-n", "4", "--template", file("thinks.jinja"), "--hide-thinking"});
  EXPECT_TRUE(shows(say("fox"), "Thinking...\n"));
  leave();
}

TEST_F(Chats, AFormatHoldsAfterThinking) {
  start({"-n", "60", "--template", file("thinks.jinja"), "--thinking-budget", "8"});
  say("/set format json");
  EXPECT_TRUE(shows(say("fox"), "Thinking\n"));
  say("/save ./formed.json");
  leave();
  const nlohmann::json saved = nlohmann::json::parse(read_text_file(file("formed.json")));
  const nlohmann::json& message = saved["messages"].back();
  EXPECT_TRUE(message.contains("reasoning_content")) << message;
  const std::string content = message["content"];
  ASSERT_FALSE(content.empty());
  EXPECT_NE(std::string("{[\"-0123456789tfn").find(content[0]), std::string::npos) << content;
}

TEST_F(Chats, CallsOfToolsAreShownAndStayInTheConversation) {
  start({"-s", "1", "--template", file("calls.jinja"), "--tools", file("tools.json"),
         "--tool-choice", "fox"});
  say("/set parameter temperature 1.5");
  say("/set parameter top_k 0");
  const std::string shown = say("jump");
  EXPECT_TRUE(shows(shown, "Tool call: fox\n{"));
  EXPECT_TRUE(shows(shown, "\"over\""));
  EXPECT_TRUE(shows(say("/show messages"), "\"tool_calls\""));
  EXPECT_TRUE(shows(say("again"), "Tool call: fox\n{"));
  say("/save ./calls.json");
  leave();
  const ProgramResult prompt =
      run_program({"template", file("calls.jinja"), file("calls.json"), "--json"});
  EXPECT_EQ(prompt.code, 0) << prompt.err;
  EXPECT_TRUE(shows(prompt.out, "1 tools"));
  EXPECT_TRUE(shows(prompt.out, "calls over "));
}

TEST_F(Chats, WhatWasDroppedOfTheConversationIsSaid) {
  start({"-n", "4", "--ctx", "80", "--overflow", "drop-oldest"});
  std::string shown;
  for (int i = 0; i < 12 && shown.find("did not fit") == std::string::npos; ++i)
    shown = say("fox and dog");
  EXPECT_TRUE(shows(shown, "the oldest "));
  EXPECT_TRUE(shows(shown, "were dropped"));
  leave();
  start({"-n", "4", "--ctx", "80"});
  for (int i = 0; i < 12 && shown.find("--ctx") == std::string::npos; ++i)
    shown = say("fox and dog");
  EXPECT_TRUE(shows(shown, "the context holds 80"));
  leave();
}

TEST_F(Chats, WithoutATerminalTheAnswerIsAsItWasWritten) {
  const std::vector<std::string> command = {"run",        file("chat.gguf"),    "fox",    "-n", "6",
                                            "--template", file("thinks.jinja"), "--temp", "0"};
  const ProgramResult whole = run_program(command);
  EXPECT_EQ(whole.code, 0) << whole.err;
  EXPECT_GT(whole.out.size(), 1u);
  std::vector<std::string> hiding = command;
  hiding.emplace_back("--hide-thinking");
  EXPECT_EQ(run_program(hiding).out, "\n");  // it was all thinking
}

TEST_F(Chats, APipeAndFilesComeBeforeThePrompt) {
  const auto tokens = [&](const std::vector<std::string>& more, const std::string& input) {
    std::vector<std::string> command = {"run", file("base.gguf"), "-n", "1", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    const ProgramResult result = run_program(command, {.input = input});
    EXPECT_EQ(result.code, 0) << result.err;
    return result.code == 0 ? nlohmann::json::parse(result.out)["prompt_tokens"].get<int>() : 0;
  };
  EXPECT_EQ(tokens({"the dog"}, "the fox\n"), tokens({"the fox\n\nthe dog"}, ""));
  EXPECT_EQ(tokens({"the dog", "--file", file("notes.txt")}, ""),
            tokens({file("notes.txt") + ":\n```\nthe fox\n```\n\nthe dog"}, ""));
  const ProgramResult binary =
      run_program({"run", file("base.gguf"), "a", "--file", file("binary")});
  EXPECT_EQ(binary.code, 1);
  EXPECT_TRUE(shows(binary.err, "binary: is not text"));
}

TEST_F(Chats, WithoutAModelTheDemoIsTakenOrTheOneOfTheProgram) {
  TempFolder home;
  {
    TerminalProgram none({"run"}, home.path().string());
    if (std::filesystem::exists(AVOCADO_SOURCES "/models/avocado-nano.gguf")) {
      EXPECT_TRUE(shows(none.read_prompt(kPrompt), "models/avocado-nano.gguf"));
      none.type("\x04");
      EXPECT_EQ(none.finish(), 0);
    } else {
      EXPECT_TRUE(shows(none.read_until("avocado demo"), "no MODEL is named"));
      EXPECT_EQ(none.finish(), 2);
    }
  }
  std::filesystem::create_directories(home.file(".local/share/avocado"));
  std::filesystem::copy(file("chat.gguf"), home.file(".local/share/avocado/avocado-demo.gguf"));
  TerminalProgram program({"run", "-n", "4"}, home.path().string());
  EXPECT_TRUE(shows(program.read_prompt(kPrompt), "avocado-demo.gguf"));
  program.type("\x04");
  EXPECT_EQ(program.finish(), 0);
}

}  // namespace
}  // namespace avocado::test
