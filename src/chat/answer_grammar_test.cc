#include "chat/answer_grammar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "chat/answer_cases.h"
#include "chat/answer_parser.h"
#include "chat/marks.h"
#include "expect_error.h"
#include "text/bpe_trainer.h"

namespace avocado::chat {
namespace {

using Calls = AnswerRules::Calls;
using Thinks = AnswerRules::Thinks;
using grammar::Constraint;
using grammar::Matcher;

std::unique_ptr<Tokenizer> make_tokenizer(std::vector<std::string> marks) {
  marks.emplace_back("<|the_end|>");
  return train_bpe({"{\"name\": \"value\", \"city\": [1, 2]} the cat and the dog\n\n"},
                   {.vocab_size = 320, .special_tokens = marks, .eos = "<|the_end|>"});
}

// Marks as text, and as control tokens.
const Tokenizer& plain() {
  static const auto tokenizer = make_tokenizer({});
  return *tokenizer;
}
const Tokenizer& marked() {
  static const auto tokenizer = make_tokenizer({"<think>",
                                                "</think>",
                                                "[THINK]",
                                                "[/THINK]",
                                                "[TOOL_CALLS]",
                                                "[ARGS]",
                                                "<tool_call>",
                                                "</tool_call>",
                                                "<|channel|>",
                                                "<|message|>",
                                                "<|start|>",
                                                "<|end|>",
                                                "<|call|>",
                                                "<|constrain|>",
                                                "<｜tool▁calls▁begin｜>",
                                                "<｜tool▁calls▁end｜>",
                                                "<｜tool▁call▁begin｜>",
                                                "<｜tool▁call▁end｜>",
                                                "<｜tool▁sep｜>",
                                                "<|START_THINKING|>",
                                                "<|END_THINKING|>",
                                                "<|START_ACTION|>",
                                                "<|END_ACTION|>",
                                                "<|START_RESPONSE|>",
                                                "</parameter>",
                                                "<arg_value>",
                                                "</arg_value>",
                                                "<|python_tag|>"});
  return *tokenizer;
}

class Rules {
 public:
  Rules(const AnswerFormat& format, const Tokenizer& tokenizer, const AnswerRules& rules)
      : tokenizer_(tokenizer),
        constraint_(answer_constraint(format, tokenizer, rules)),
        trie_(std::make_shared<grammar::TokenTrie>(tokenizer)) {}
  bool free() const { return constraint_ == nullptr; }
  bool begins(const std::string& text) const {
    return Matcher(constraint_, trie_).accept_bytes(mark_bytes(tokenizer_, text));
  }
  bool allows(const std::string& text) const {
    Matcher matcher(constraint_, trie_);
    return matcher.accept_bytes(mark_bytes(tokenizer_, text)) && matcher.complete();
  }

 private:
  const Tokenizer& tokenizer_;
  std::shared_ptr<const Constraint> constraint_;
  std::shared_ptr<const grammar::TokenTrie> trie_;
};

AnswerRules content(Thinks thinks, std::shared_ptr<const Constraint> allowed) {
  AnswerRules rules;
  rules.thinks = thinks;
  rules.content = std::move(allowed);
  return rules;
}

AnswerRules calls(Calls which, const std::vector<Tool>& tools, Thinks thinks = Thinks::no) {
  AnswerRules rules;
  rules.thinks = thinks;
  rules.calls = which;
  rules.tools = tools;
  return rules;
}

std::shared_ptr<const Constraint> schema() {
  return Constraint::from_json_schema(
      R"({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
          "additionalProperties": false})");
}

// What is between the thinking and the content, besides white space.
std::string head_of(const AnswerFormat& format) {
  const std::string name = format.name;
  return name == "harmony"            ? "<|channel|>final<|message|>"
         : name == "functionary-v3.2" ? "all\n"
                                      : "";
}

TEST(AnswerGrammar, HoldsTheContentAfterTheThinking) {
  for (const AnswerFormat* format : answer_formats()) {
    for (const Tokenizer* tokenizer : {&plain(), &marked()}) {
      SCOPED_TRACE(format->name);
      const AnswerRules rules = content(Thinks::inside, schema());
      const Rules inside(*format, *tokenizer, rules);
      if (format->thinking.close[0].empty()) {
        EXPECT_TRUE(inside.allows(head_of(*format) + "{\"a\": 1}"));
        EXPECT_FALSE(inside.begins("Hm"));
        continue;
      }
      const std::string ending(thinking_ending(*format, rules));
      EXPECT_TRUE(inside.allows("Hm {\"a\": x, \xc3" + ending + "{\"a\": 12}"));
      EXPECT_TRUE(inside.allows(ending + "{\"a\": 12}"));
      EXPECT_TRUE(inside.begins("Hm <tool_call> {\"a\": 12}"));
      EXPECT_FALSE(inside.allows("Hm {\"a\": 12}"));
      EXPECT_FALSE(inside.begins("Hm" + ending + "{\"b\""));
      EXPECT_FALSE(inside.begins("Hm" + ending + "Well"));

      const Rules may(*format, *tokenizer, content(Thinks::may, schema()));
      EXPECT_TRUE(may.allows(head_of(*format) + "{\"a\": 1}"));
      EXPECT_FALSE(may.begins("Hm"));
      const std::string open(format->thinking.open[0]);
      EXPECT_TRUE(may.allows(open + "Hm" + ending + "{\"a\": 1}"));
      EXPECT_FALSE(may.begins(open + "Hm" + ending + "{\"b\": 1}"));
      const Rules no(*format, *tokenizer, content(Thinks::no, schema()));
      EXPECT_TRUE(no.allows(head_of(*format) + "{\"a\": 1}"));
      // Messages of harmony cannot be told apart from thinking beforehand.
      EXPECT_EQ(no.begins(open), std::holds_alternative<HarmonyCalls>(format->calls));
    }
  }
  EXPECT_TRUE(Rules(answer_format("hermes"), plain(), content(Thinks::inside, nullptr)).free());
}

// Calls as the templates write them; with text around them where they may come, with thinking
// before them where it may.
TEST(AnswerGrammar, LetsCallsThrough) {
  const std::vector<Tool> tools = test::answer_tools(AVOCADO_TESTS);
  std::map<std::string, int> lazy, required;
  for (const test::AnswerCase& c : test::answer_cases(AVOCADO_TESTS)) {
    if (!c.name.ends_with(": one call") && !c.name.ends_with(": nested arguments")) continue;
    const std::string name = c.format->name;
    // The generic one writes {"tool_calls": ...} there; ids behind the arguments are not asked for.
    if (name == "generic" || name == "mistral" || name == "command-r7b") continue;
    std::string text = c.text.substr(c.text.find_first_not_of(" \n"));
    if (name == "harmony") text = text.substr(0, text.find("<|call|>") + 8);
    // Values are asked for as JSON: with double quotes, and null for None.
    if (name == "lfm2" || name == "llama4") {
      if (text.find("None") != std::string::npos) continue;
      std::replace(text.begin(), text.end(), '\'', '"');
    }
    for (const Tokenizer* tokenizer : {&plain(), &marked()}) {
      SCOPED_TRACE(name + ": " + text);
      AnswerRules rules = calls(Calls::must, tools);
      const Rules must(*c.format, *tokenizer, rules);
      EXPECT_TRUE(must.allows(text));
      EXPECT_FALSE(must.begins("Well"));
      EXPECT_FALSE(must.allows(""));
      ++required[name];
      if (!c.format->thinking.close[0].empty()) {
        rules.thinks = Thinks::inside;
        const Rules inside(*c.format, *tokenizer, rules);
        const std::string ending(thinking_ending(*c.format, rules));
        EXPECT_TRUE(inside.allows("Hm" + ending + text));
        EXPECT_FALSE(inside.allows("Hm"));
        if (c.format->thinking.ended_by_calls && name != "harmony") {
          EXPECT_TRUE(inside.allows("Hm" + text));
        }
      }
      rules = calls(Calls::may, tools);
      const Rules may(*c.format, *tokenizer, rules);
      if (may.free()) continue;
      EXPECT_TRUE(may.allows(text));
      EXPECT_TRUE(may.allows("Well, I do not"));
      EXPECT_TRUE(may.allows("Well, I do not know: <\xc3 " + text));
      EXPECT_TRUE(may.allows(text + " and so on "));
      EXPECT_TRUE(may.allows(text + "\n" + text));
      EXPECT_FALSE(may.allows(text.substr(0, text.size() / 2)));
      ++lazy[name];
      rules.content = schema();
      const Rules either(*c.format, *tokenizer, rules);
      EXPECT_TRUE(either.allows(text));
      EXPECT_TRUE(either.allows(head_of(*c.format) + "{\"a\": 5}"));
      EXPECT_FALSE(either.begins("Well"));
    }
  }
  EXPECT_EQ(required.size(), answer_formats().size() - 3);
  EXPECT_GE(lazy.size(), 16u);
}

TEST(AnswerGrammar, HoldsACallFromItsMarkOn) {
  const std::vector<Tool> tools = test::answer_tools(AVOCADO_TESTS);
  for (const Tokenizer* tokenizer : {&plain(), &marked()}) {
    AnswerRules rules = calls(Calls::may, tools);
    const Rules may(answer_format("hermes"), *tokenizer, rules);
    EXPECT_TRUE(may.begins("Well <tool_call>\n{\"name\": \"search\", \"arguments\": {"));
    EXPECT_FALSE(may.begins("Well <tool_call>\n{\"name\": \"find\""));
    EXPECT_FALSE(may.begins("Well <tool_call>\nsearch"));
    const std::string call = "<tool_call>{\"name\": \"ping\", \"arguments\": {}}</tool_call>";
    EXPECT_FALSE(may.begins(call + " and <tool_call>ping"));
    EXPECT_TRUE(may.begins(call + " and <b>"));
    rules.choice.several = false;
    const Rules once(answer_format("hermes"), *tokenizer, rules);
    EXPECT_TRUE(once.allows("Well " + call));
    EXPECT_FALSE(once.begins(call + " and"));
    EXPECT_FALSE(once.begins(call + call));
    rules = calls(Calls::may, tools, Thinks::inside);
    const Rules inside(answer_format("hermes"), *tokenizer, rules);
    EXPECT_TRUE(inside.allows("Hm, <tool_call>ping would do</think>" + call));
    EXPECT_FALSE(inside.begins("Hm, <tool_call>ping would do</think><tool_call>ping"));
    EXPECT_TRUE(inside.allows("Hm"));  // nothing is asked for
    rules = calls(Calls::must, tools);
    rules.choice.name = "ping";
    const Rules named(answer_format("hermes"), *tokenizer, rules);
    EXPECT_TRUE(named.allows(call));
    EXPECT_FALSE(named.begins("<tool_call>{\"name\": \"s"));
  }
  EXPECT_AVOCADO_ERROR(answer_constraint(answer_format("hermes"), plain(), calls(Calls::must, {})),
                       ErrorKind::usage, "no tools");
}

}  // namespace
}  // namespace avocado::chat
