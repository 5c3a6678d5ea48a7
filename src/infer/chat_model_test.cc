// Conversations as generate() takes them: thinking, what may be answered, and how it is read.

#include "infer/chat_model.h"

#include <gtest/gtest.h>

#include "chat/thinking.h"
#include "expect_error.h"
#include "grammar/walker.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "tiny_model.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;
using grammar::Constraint;

// As Qwen 3 does it: thinking is opened unless it is switched off.
constexpr const char* kTemplate =
    "{%- if tools %}tools: {{ tools | length }}\n{% endif -%}"
    "{%- for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor -%}"
    "{%- if add_generation_prompt %}<|turn|>assistant\n"
    "{%- if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{%- elif opened %}<think>\n{% endif %}{% endif %}{# <tool_call> #}";

class ChatModelTest : public testing::Test {
 protected:
  ChatModelTest() {
    BpeTrainerOptions trainer;
    trainer.vocab_size = 330;
    trainer.special_tokens = {"<|turn|>", "<|end|>", "<tool_call>", "</tool_call>"};
    trainer.eos = "<|end|>";
    const auto tokenizer = train_bpe(
        {"{\"to\": 12, \"be\": true} <think> \n</think>\n to be or not to be", "</think>"},
        trainer);
    ModelConfig config = architecture("qwen3", "test").tiny();
    config.vocab = tokenizer->vocab_size() + 3;
    config.context = 400;
    const std::string path = folder_.file("tiny.gguf");
    test::write_tiny_model(config, path, tokenizer.get());
    model_.emplace(Model::load(path, pool_));
    engine_.emplace(*model_, pool_);
    options_.sampling.temperature = 1.5f;
    options_.sampling.top_k = 0;
    options_.max_tokens = 100;
    chat_ = with(kTemplate);
  }

  std::unique_ptr<ChatModel> with(const std::string& source) const {
    return std::make_unique<ChatModel>(tokenizer(), source, "test");
  }
  const Tokenizer& tokenizer() const { return *model_->tokenizer(); }
  static ChatRequest request(const Json& extra = Json::object()) {
    ChatRequest r;
    r.conversation = {{"messages", {{{"role", "user"}, {"content", "to be or not to be"}}}},
                      {"extra", extra}};
    return r;
  }
  static ChatRequest with_tools(ChatRequest r, const std::string& choice) {
    r.conversation["tools"] = Json::parse(R"([{"type": "function", "function": {"name": "be",
      "parameters": {"type": "object", "properties": {"to": {"type": "integer", "maximum": 30}},
                     "required": ["to"], "additionalProperties": false}}}])");
    r.tool_choice = choice;
    return r;
  }
  Completion run(const PreparedChat& chat, uint64_t seed) {
    const ScopedSequence sequence(*engine_);
    GenerateOptions options = chat.options;
    options.sampling.seed = seed;
    return generate(*engine_, sequence, chat.prompt, options);
  }
  // The same alone, in company, and with guesses.
  std::vector<Completion> run_all(const PreparedChat& chat, uint64_t seeds) {
    std::vector<GenerateRequest> requests;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      requests.push_back({chat.prompt, chat.options});
      requests.back().options.sampling.seed = seed;
    }
    const std::vector<Completion> batch = generate_batch(*engine_, requests, 5);
    Speculation speculation({.always = true});
    speculation.add("suffix", suffix_drafter());
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      const Completion single = run(chat, seed);
      EXPECT_EQ(single.ids, batch[seed].ids) << "seed " << seed;
      EXPECT_EQ(single.text, batch[seed].text);
      PreparedChat guessing = chat;
      guessing.options.speculation = &speculation;
      const Completion guessed = run(guessing, seed);
      EXPECT_EQ(guessed.ids, single.ids) << "seed " << seed;
      EXPECT_EQ(guessed.stop, single.stop);
      drafted_ += guessed.drafted;
      taken_back_ += single.taken_back;
    }
    return batch;
  }
  std::string text_of(std::span<const int32_t> ids) const {
    std::string text;
    for (const int32_t id : ids) text += tokenizer().token_bytes(id, true);
    return text;
  }

  test::TempFolder folder_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  std::optional<Engine> engine_;
  std::unique_ptr<ChatModel> chat_;
  GenerateOptions options_;
  int64_t drafted_ = 0, taken_back_ = 0;
};

TEST_F(ChatModelTest, ABudgetEndsThinkingAtItsToken) {
  ChatRequest r = request({{"opened", true}});
  PreparedChat free = chat_->prepare(r, options_);
  EXPECT_TRUE(free.reading.starts_in_thinking);
  EXPECT_FALSE(free.options.thinking.has_value());
  EXPECT_EQ(free.options.constraint, nullptr);
  // The end by chance does not come first.
  free.options.sampling.logit_bias = {{tokenizer().find("<|end|>"), "", -INFINITY}};
  const std::vector<int32_t> ending = tokenizer().encode("\n</think>\n\n", {.special = true});
  for (const int64_t budget : {0, 1, 17}) {
    r.thinking_budget = budget;
    PreparedChat chat = chat_->prepare(r, options_);
    chat.options.sampling = free.options.sampling;
    chat.options.sampling.n_probs = 1;
    const auto drafts_before = drafted_;
    const std::vector<Completion> all = run_all(chat, 3);
    for (uint64_t seed = 0; seed < all.size(); ++seed) {
      const Completion plain = run(free, seed);
      const std::vector<int32_t>& ids = all[seed].ids;
      ASSERT_GT(ids.size(), static_cast<size_t>(budget) + ending.size());
      const auto forced = ids.begin() + budget;
      EXPECT_TRUE(std::equal(ids.begin(), forced, plain.ids.begin()));
      EXPECT_TRUE(std::equal(ending.begin(), ending.end(), forced)) << text_of(ids);
      const chat::Answer read = chat::parse_answer(chat_->format(), chat.reading, all[seed].text);
      EXPECT_FALSE(read.content.empty());
      ASSERT_EQ(all[seed].probabilities.size(), ids.size());
      EXPECT_EQ(all[seed].probabilities[static_cast<size_t>(budget)].chosen.id, ending[0]);
      EXPECT_LE(all[seed].probabilities[static_cast<size_t>(budget)].chosen.logprob, 0);
      // What follows is what follows a prompt that ends so.
      GenerateRequest rest{chat.prompt, free.options};
      const auto end = forced + static_cast<ptrdiff_t>(ending.size());
      rest.prompt.insert(rest.prompt.end(), ids.begin(), end);
      rest.options.sampling.seed = seed;
      rest.options.max_tokens = options_.max_tokens - (end - ids.begin());
      EXPECT_EQ(generate_batch(*engine_, {rest})[0].ids, std::vector<int32_t>(end, ids.end()));
    }
    EXPECT_GE(drafted_, drafts_before);
  }
  EXPECT_GT(drafted_, 10);
}

TEST_F(ChatModelTest, AnAnswerThatOpensThinkingItselfHasTheBudget) {
  ChatRequest r = request();
  r.thinking_budget = 5;
  PreparedChat chat = chat_->prepare(r, options_);
  EXPECT_FALSE(chat.reading.starts_in_thinking);
  EXPECT_EQ(run(chat, 1).text.find("</think>"), std::string::npos);
  // <think> comes first when nothing else may.
  chat.options.constraint =
      Constraint::from_parts("root ::= \"<think>\" any", {{"any", grammar::FreeText{}}});
  chat.options.trie = std::make_shared<grammar::TokenTrie>(tokenizer());
  for (const Completion& done : run_all(chat, 4)) {
    const chat::Answer read = chat::parse_answer(chat_->format(), chat.reading, done.text);
    std::vector<int32_t> thought;
    size_t at = 0;
    std::string text;
    while (text != "<think>") text += tokenizer().token_bytes(done.ids[at++]);
    for (size_t i = 0; i < 5; ++i) text += tokenizer().token_bytes(done.ids[at++]);
    EXPECT_TRUE(text_of(std::span(done.ids).subspan(at)).starts_with("\n</think>\n\n"))
        << done.text;
  }
}

TEST_F(ChatModelTest, ASchemaHoldsAfterThinking) {
  options_.constraint = Constraint::from_json_schema(
      R"({"type": "object", "required": ["to"], "additionalProperties": false,
          "properties": {"to": {"type": "integer", "minimum": 3, "maximum": 250},
                         "be": {"type": "boolean"}}})");
  options_.banned_strings = {"t", "1"};
  ChatRequest r = request({{"opened", true}});
  r.thinking_budget = 12;
  int ended = 0;
  for (const bool opened : {true, false}) {
    if (!opened) r = request({{"enable_thinking", false}});
    const PreparedChat chat = chat_->prepare(r, options_);
    for (const Completion& done : run_all(chat, 8)) {
      const chat::Answer read = chat::parse_answer(chat_->format(), chat.reading, done.text);
      EXPECT_EQ(!read.reasoning.empty(), opened) << done.text;
      if (done.stop != StopReason::end_token) continue;
      ++ended;
      const Json json = Json::parse(read.content);
      EXPECT_GE(json.at("to").get<int>(), 3) << read.content;
    }
  }
  // "to" cannot be written where t is banned.
  EXPECT_EQ(ended, 0);
  EXPECT_GT(taken_back_, 10);
  options_.banned_strings = {"1", "e b", "::"};
  for (const bool opened : {true, false}) {
    r = request(opened ? Json{{"opened", true}} : Json{{"enable_thinking", false}});
    r.thinking_budget = 12;
    const PreparedChat chat = chat_->prepare(r, options_);
    for (const Completion& done : run_all(chat, 8)) {
      if (done.stop != StopReason::end_token) continue;
      ++ended;
      const chat::Answer read = chat::parse_answer(chat_->format(), chat.reading, done.text);
      EXPECT_GE(Json::parse(read.content).at("to").get<int>(), 3) << read.content;
    }
  }
  EXPECT_GT(ended, 3);
}

TEST_F(ChatModelTest, CallsAreWhatTheToolsSay) {
  ChatRequest r = with_tools(request({{"opened", true}}), "required");
  r.thinking_budget = 8;
  const PreparedChat chat = chat_->prepare(r, options_);
  EXPECT_NE(text_of(chat.prompt).find("tools: 1"), std::string::npos);
  int calls = 0;
  for (const Completion& done : run_all(chat, 6)) {
    const chat::Answer read = chat::parse_answer(chat_->format(), chat.reading, done.text);
    // A call that max_tokens cut off is content.
    EXPECT_EQ(done.stop == StopReason::end_token ? read.content : "", "") << done.text;
    for (const chat::Answer::Call& call : read.calls) {
      EXPECT_EQ(call.name, "be");
      EXPECT_LE(Json::parse(call.arguments).at("to").get<int>(), 30);
      ++calls;
    }
    if (done.stop == StopReason::end_token) {
      EXPECT_FALSE(read.calls.empty()) << done.text;
    }
  }
  EXPECT_GT(calls, 2);

  // A call that may come: from its mark on it is held to the grammar.
  PreparedChat lazy =
      chat_->prepare(with_tools(request({{"enable_thinking", false}}), "auto"), options_);
  ASSERT_NE(lazy.options.constraint, nullptr);
  lazy.options.sampling.logit_bias = {{tokenizer().find("<tool_call>"), "", 4}};
  calls = 0;
  int content = 0;
  for (const Completion& done : run_all(lazy, 6)) {
    const chat::Answer read = chat::parse_answer(chat_->format(), lazy.reading, done.text);
    for (const chat::Answer::Call& call : read.calls)
      EXPECT_LE(Json::parse(call.arguments).at("to").get<int>(), 30);
    calls += static_cast<int>(read.calls.size());
    content += !read.content.empty();
  }
  EXPECT_GT(calls, 2);
  EXPECT_GT(content, 2);

  const PreparedChat none = chat_->prepare(with_tools(request(), "none"), options_);
  EXPECT_EQ(none.options.constraint, nullptr);
  EXPECT_EQ(text_of(none.prompt).find("tools: 1"), std::string::npos);
}

TEST_F(ChatModelTest, EffortGoesToTheTemplate) {
  const auto prompt = [&](const ChatModel& chat, Effort effort, int64_t budget = -1,
                          const Json& extra = Json::object()) {
    ChatRequest r = request(extra);
    r.effort = effort;
    r.thinking_budget = budget;
    return chat.prepare(r, options_);
  };
  const auto switches = with(
      "{{ enable_thinking }}|{{ thinking }}|{{ reasoning_effort }}|{{ "
      "thinking_budget }}{# <think> #}");
  EXPECT_EQ(text_of(prompt(*switches, Effort::as_trained).prompt), "|||");
  EXPECT_EQ(text_of(prompt(*switches, Effort::none).prompt), "False|False||0");
  EXPECT_EQ(text_of(prompt(*switches, Effort::some, 9).prompt), "True|True||9");
  EXPECT_EQ(text_of(prompt(*switches, Effort::high).prompt), "True|True|high|");
  EXPECT_EQ(text_of(prompt(*switches, Effort::low, 7, {{"thinking", false}}).prompt),
            "True|False|low|7");
  EXPECT_FALSE(prompt(*switches, Effort::low).options.thinking.has_value());
  // Without levels there are budgets.
  EXPECT_EQ(prompt(*chat_, Effort::low).options.thinking.value().tokens, 1024);
  EXPECT_EQ(prompt(*chat_, Effort::medium).options.thinking.value().tokens, 4096);
  EXPECT_FALSE(prompt(*chat_, Effort::high).options.thinking.has_value());
  EXPECT_EQ(prompt(*chat_, Effort::low, 5).options.thinking.value().tokens, 5);
  // What opens thinking all the same is ended at once.
  EXPECT_EQ(prompt(*chat_, Effort::none).options.thinking.value().tokens, 0);

  const auto mute = with("{{ messages[0].content }}");
  EXPECT_FALSE(prompt(*mute, Effort::none).options.thinking.has_value());
  EXPECT_AVOCADO_ERROR(prompt(*mute, Effort::some), ErrorKind::usage, "knows no thinking");
  EXPECT_AVOCADO_ERROR(prompt(*chat_, Effort::some, -2), ErrorKind::usage, "budget is -2");
  EXPECT_AVOCADO_ERROR(chat_->prepare(with_tools(request(), "not"), options_), ErrorKind::usage,
                       "\"not\"");
  ChatRequest r = request();
  r.tool_choice = "required";
  EXPECT_AVOCADO_ERROR(chat_->prepare(r, options_), ErrorKind::usage, "no tools");
}

TEST_F(ChatModelTest, TemplatesSeeTheArgumentsOfCallsAsObjects) {
  ChatRequest r = request();
  r.conversation["messages"] = Json::parse(R"([
      {"role": "assistant", "content": "", "tool_calls": [
        {"function": {"name": "be", "arguments": "{\"to\": 12}"}},
        {"function": {"name": "be", "arguments": {"to": 13}}},
        {"function": {"name": "be", "arguments": "not JSON"}}, 1]},
      {"role": "assistant", "content": "", "tool_calls": null}])");
  const auto calls = with(
      "{% for call in messages[0].tool_calls[:3] %}{{ call.function.arguments.to }}|{% endfor %}"
      "{{ messages[0].tool_calls[2].function.arguments }}");
  const PreparedChat chat = calls->prepare(r, options_);
  EXPECT_EQ(text_of(chat.prompt), "12|13||not JSON");
  // Later calls have ids of their own.
  EXPECT_EQ(calls->prepare(r, options_).reading.id_seed, chat.reading.id_seed);
  EXPECT_NE(chat_->prepare(request(), options_).reading.id_seed, chat.reading.id_seed);
}

TEST_F(ChatModelTest, OldTurnsAreDroppedWhenAskedFor) {
  ChatRequest r = request();
  Json& messages = r.conversation["messages"];
  for (int i = 0; i < 20; ++i) {
    messages.push_back({{"role", "assistant"}, {"content", "not to be"}});
    messages.push_back({{"role", "user"}, {"content", "or to be"}});
  }
  r.room = {150, 20, Overflow::drop_oldest};
  const PreparedChat chat = chat_->prepare(r, options_);
  EXPECT_GT(chat.dropped.turns, 5);
  EXPECT_LE(chat.prompt.size(), 130u);
  EXPECT_EQ(static_cast<int64_t>(chat.messages.size()), 41 - chat.dropped.messages);
  EXPECT_EQ(chat.messages[0]["role"], "user");
  r.room.overflow = Overflow::refuse;
  EXPECT_EQ(chat_->prepare(r, options_).messages.size(), 41u);
}

// A constraint that gives up after some pushes.
class Bounded final : public Constraint {
 public:
  explicit Bounded(size_t most) : most_(most) {}
  size_t memory() const override { return 0; }
  std::unique_ptr<grammar::Walker> start() const override { return std::make_unique<Place>(most_); }

 private:
  struct Place final : grammar::Walker {
    explicit Place(size_t bound) : most(bound) {}
    std::unique_ptr<Walker> clone() const override { return std::make_unique<Place>(*this); }
    std::unique_ptr<Walker> fork() const override { return clone(); }
    bool push(std::string_view) override { return ++count, true; }
    void pop(size_t n) override { count -= n; }
    size_t pushes() const override { return count; }
    bool complete() const override { return true; }
    void mask(const grammar::TokenTrie& trie, std::span<uint32_t> bits) override {
      if (count >= most) fail_resource("too many states");
      for (int32_t id = 0; id < trie.vocab_size(); ++id) grammar::allow(bits, id);
    }
    std::bitset<256> next_bytes() override { return {}; }
    size_t most, count = 0;
  };
  size_t most_;
};

TEST_F(ChatModelTest, AnAutomatonThatOutgrowsItsBoundsKeepsTheAnswer) {
  options_.sampling.ignore_eos = true;
  const PreparedChat chat = chat_->prepare(request(), options_);
  PreparedChat bounded = chat;
  bounded.options.trie = std::make_shared<grammar::TokenTrie>(tokenizer());
  bounded.options.constraint = std::make_shared<Bounded>(1000);
  const Completion whole = run(bounded, 3);
  EXPECT_EQ(whole.stop, StopReason::max_tokens);
  for (const size_t most : {0, 1, 20}) {
    bounded.options.constraint = std::make_shared<Bounded>(most);
    const Completion done = run_all(bounded, 4)[3];
    EXPECT_EQ(done.stop, StopReason::grammar_limit);
    EXPECT_STREQ(stop_reason_name(done.stop), "grammar");
    EXPECT_EQ(done.ids.size(), most);
    EXPECT_TRUE(std::equal(done.ids.begin(), done.ids.end(), whole.ids.begin()));
    EXPECT_TRUE(whole.text.starts_with(done.text.substr(0, done.text.size() / 2)));
  }
}

}  // namespace
}  // namespace avocado
