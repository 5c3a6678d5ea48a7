#include "chat/answer_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <ctime>
#include <map>

#include "base/philox.h"
#include "chat/answer_cases.h"

namespace avocado::chat {
namespace {

using Kind = AnswerEvent::Kind;
using Events = std::vector<AnswerEvent>;
using Json = nlohmann::ordered_json;

const std::vector<test::AnswerCase>& cases() {
  static const auto kCases = test::answer_cases(AVOCADO_TESTS);
  return kCases;
}

// The events of all pieces, adjacent deltas merged.
class Collector {
 public:
  Collector(const AnswerFormat& format, const AnswerOptions& options) : parser_(format, options) {}
  void push(std::string_view piece) { add(parser_.push(piece)); }
  Events finish() {
    add(parser_.finish());
    return events_;
  }

 private:
  void add(const Events& events) {
    for (const AnswerEvent& event : events) {
      const bool delta = event.kind == Kind::content || event.kind == Kind::reasoning ||
                         event.kind == Kind::arguments || event.kind == Kind::markup;
      if (delta && !events_.empty() && events_.back().kind == event.kind &&
          events_.back().call == event.call) {
        events_.back().text += event.text;
      } else {
        events_.push_back(event);
      }
    }
  }

  AnswerParser parser_;
  Events events_;
};

Events events_of(const test::AnswerCase& c, std::string_view text, std::vector<size_t> cuts = {}) {
  Collector collector(*c.format, c.options);
  size_t begin = 0;
  cuts.push_back(text.size());
  for (const size_t end : cuts) {
    collector.push(text.substr(begin, end - begin));
    begin = end;
  }
  return collector.finish();
}

Events events_byte_by_byte(const test::AnswerCase& c, std::string_view text) {
  Collector collector(*c.format, c.options);
  for (size_t i = 0; i < text.size(); ++i) collector.push(text.substr(i, 1));
  return collector.finish();
}

std::string shown(const Events& events) {
  static const char* const kNames[] = {"content", "reasoning", "begin", "arguments",
                                       "end",     "dropped",   "markup"};
  std::string out;
  for (const AnswerEvent& e : events) {
    out += fmt::format("  {} {} {} {} {}\n", kNames[static_cast<int>(e.kind)], e.call, e.id, e.name,
                       Json(e.text).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return out;
}

Answer folded(const Events& events) {
  Answer answer;
  for (const AnswerEvent& event : events) answer.add(event);
  return answer;
}

// What holds for every answer: no byte is lost, markup is marks and white space, calls begin and
// end in order, and the arguments of a call that ended are a JSON object.
std::string fault(const test::AnswerCase& c, std::string_view text, const Events& events) {
  std::string joined;
  int open = -1, next = 0;
  std::string arguments;
  for (const AnswerEvent& event : events) {
    if (event.kind != Kind::arguments) joined += event.text;
    switch (event.kind) {
      case Kind::call_begin:
        if (open != -1 || event.call != next) return "a call begins out of order";
        if (event.id.empty() || event.name.empty()) return "a call without an id or a name";
        open = event.call;
        arguments.clear();
        break;
      case Kind::arguments:
        if (event.call != open) return "arguments of no call";
        arguments += event.text;
        break;
      case Kind::call_end: {
        if (event.call != open) return "an end of no call";
        // The parser does not judge the size of a number.
        const Json json = Json::parse(arguments, nullptr, false);
        if (!json.is_object() && arguments.find_first_of("eE") == std::string::npos &&
            arguments.size() < 300)
          return "arguments are no JSON object: " + arguments;
        open = -1;
        ++next;
        break;
      }
      case Kind::call_dropped:
        if (event.call != open) return "a drop of no call";
        if (c.options.whole_calls) return "a drop of a whole call";
        open = -1;
        break;
      default:
        break;
    }
  }
  if (open != -1) return "a call never ends";
  if (joined != text) return "bytes are lost: " + joined;
  return "";
}

TEST(AnswerParser, SaysWhatTheCasesSay) {
  std::map<std::string, int> count;
  for (const test::AnswerCase& c : cases()) {
    ++count[c.format->name];
    const Events events = events_of(c, c.text);
    const Answer answer = folded(events);
    SCOPED_TRACE(c.name + "\n" + c.text + "\n" + shown(events));
    EXPECT_EQ(answer.content, c.content);
    EXPECT_EQ(answer.reasoning, c.reasoning);
    ASSERT_EQ(answer.calls.size(), c.calls.size());
    for (size_t i = 0; i < c.calls.size(); ++i) {
      EXPECT_EQ(answer.calls[i].name, c.calls[i].at("name"));
      EXPECT_EQ(Json::parse(answer.calls[i].arguments), c.calls[i].at("arguments"));
      EXPECT_EQ(answer.calls[i].id, c.calls[i].value("id", answer.calls[i].id));
    }
    EXPECT_EQ(fault(c, c.text, events), "");

    test::AnswerCase whole = c;
    whole.options.whole_calls = true;
    const Events whole_events = events_of(whole, c.text);
    EXPECT_EQ(folded(whole_events), answer);
    EXPECT_EQ(fault(whole, c.text, whole_events), "");
  }
  EXPECT_EQ(count.size(), answer_formats().size()) << "a format has no cases";
  for (const auto& [format, number] : count) EXPECT_GE(number, 8) << format;
}

TEST(AnswerParser, CutsDoNotMatter) {
  for (const test::AnswerCase& c : cases()) {
    const Events whole = events_of(c, c.text);
    const Events bytes = events_byte_by_byte(c, c.text);
    ASSERT_TRUE(bytes == whole) << c.name << "\n"
                                << c.text << "\n"
                                << shown(bytes) << "instead of\n"
                                << shown(whole);
    for (size_t cut = 1; cut < c.text.size(); ++cut) {
      const Events events = events_of(c, c.text, {cut});
      ASSERT_TRUE(events == whole) << c.name << " cut at " << cut << "\n"
                                   << c.text << "\n"
                                   << shown(events) << "instead of\n"
                                   << shown(whole);
    }
  }
}

TEST(AnswerParser, MarkupIsMarksAndWhiteSpace) {
  // Case by case, everything that is said nowhere must be a mark of the format or punctuation.
  for (const test::AnswerCase& c : cases()) {
    for (const AnswerEvent& event : events_of(c, c.text)) {
      if (event.kind != Kind::markup) continue;
      EXPECT_EQ(event.text.find("Paris"), std::string::npos) << c.name << ": " << event.text;
      const size_t letters = static_cast<size_t>(
          std::count_if(event.text.begin(), event.text.end(),
                        [](unsigned char l) { return std::isalpha(l) || l >= 0x80; }));
      const bool mark = event.text.find_first_of("<>[]:`") != std::string::npos || letters == 0 ||
                        c.format->name == std::string("functionary-v3.2");
      EXPECT_TRUE(mark) << c.name << ": " << event.text;
    }
  }
}

// Text for mutations: all that the cases are made of.
std::string mutated(Random& random, uint64_t number, const test::AnswerCase& c) {
  uint64_t position = number * 64;
  const auto below = [&](uint64_t n) { return random.below(position++, n); };
  static const std::vector<std::string> kPieces = [] {
    std::vector<std::string> pieces = {"\xff", "\xe2\x82", "\"", "\\",  "\\u", "{",
                                       "}",    "[",        "]",  "\n",  " ",   "'",
                                       ",",    ":",        "<",  "1e5", "null"};
    for (const AnswerFormat* format : answer_formats()) {
      for (const std::string_view mark : format->thinking.open) pieces.emplace_back(mark);
      for (const std::string_view mark : format->thinking.close) pieces.emplace_back(mark);
      for (const std::string_view mark : format->dropped) pieces.emplace_back(mark);
    }
    return pieces;
  }();
  std::string text = c.text;
  for (uint64_t times = 1 + below(4); times > 0; --times) {
    const size_t at = below(text.size() + 1);
    const size_t length = std::min<size_t>(below(12), text.size() - at);
    switch (below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, text.substr(below(text.size() + 1), below(40)));
        break;
      case 2: {
        const std::string& other = cases()[below(cases().size())].text;
        text.insert(at, other.substr(below(other.size() + 1), below(60)));
        break;
      }
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      default:
        text.insert(at, kPieces[below(kPieces.size())]);
    }
  }
  return text;
}

// AVOCADO_ANSWER_MUTATIONS sets how many: 5,000, or 100,000 with AVOCADO_SLOW_TESTS.
TEST(AnswerParser, MutatedAnswersLoseNothing) {
  const char* wanted = std::getenv("AVOCADO_ANSWER_MUTATIONS");
  const uint64_t count = wanted                              ? std::strtoull(wanted, nullptr, 10)
                         : std::getenv("AVOCADO_SLOW_TESTS") ? 100'000
                                                             : 5'000;
  Random random(1, Purpose::test);
  size_t calls = 0, dropped = 0;
  for (uint64_t number = 0; number < count; ++number) {
    test::AnswerCase c = cases()[number % cases().size()];
    c.options.whole_calls = number % 3 == 0;
    const std::string text = mutated(random, number, c);
    const Events events = events_of(c, text);
    ASSERT_EQ(fault(c, text, events), "") << c.name << "\n" << text << "\n" << shown(events);
    const uint64_t cut = text.empty() ? 0 : random.below(number * 64 + 63, text.size());
    const Events pieces = events_of(c, text, {cut});
    ASSERT_TRUE(pieces == events) << c.name << " cut at " << cut << "\n"
                                  << text << "\n"
                                  << shown(pieces) << "instead of\n"
                                  << shown(events);
    const Events bytes = events_byte_by_byte(c, text);
    ASSERT_TRUE(bytes == events) << c.name << "\n"
                                 << text << "\n"
                                 << shown(bytes) << "instead of\n"
                                 << shown(events);
    for (const AnswerEvent& event : events) {
      calls += event.kind == Kind::call_end;
      dropped += event.kind == Kind::call_dropped;
    }
  }
  fmt::print("{} mutated answers, {} calls in them, {} dropped\n", count, calls, dropped);
}

TEST(AnswerParser, TooLongCallsAreText) {
  test::AnswerCase c;
  c.format = &answer_format("hermes");
  c.options.calls = AnswerOptions::Calls::any;
  c.options.max_call_bytes = 200;
  const std::string call = R"(<tool_call>{"name": "f", "arguments": {"a": ")" +
                           std::string(100, 'x') + "\"}}</tool_call>";
  const std::string longer = R"(<tool_call>{"name": "f", "arguments": {"a": ")" +
                             std::string(200, 'x') + "\"}}</tool_call>";
  const std::string text = call + call + longer + call;
  const Events events = events_of(c, text);
  EXPECT_EQ(folded(events).calls.size(), 3u);
  EXPECT_EQ(folded(events).content, longer);
  EXPECT_EQ(fault(c, text, events), "");
  EXPECT_EQ(events_byte_by_byte(c, text), events);
}

TEST(AnswerParser, HoldsBackNoMoreThanAMark) {
  AnswerOptions options;
  options.calls = AnswerOptions::Calls::any;
  AnswerParser parser(answer_format("hermes"), options);
  EXPECT_EQ(folded(parser.push("Hello")).content, "Hello");
  EXPECT_EQ(folded(parser.push(" <tool")).content, "");
  EXPECT_EQ(folded(parser.push("box>")).content, " <toolbox>");
  EXPECT_TRUE(parser.push("\n<tool_call>{\"name\": \"f\", \"arg").empty());
  EXPECT_EQ(parser.push("uments\": {\"a\"").back().text, "{\"a\"");
  EXPECT_EQ(parser.push(": \"b").back().text, ": \"b");
}

TEST(AnswerParser, IdsFollowFromTheSeed) {
  AnswerOptions options;
  options.calls = AnswerOptions::Calls::any;
  const std::string text = "[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]f[ARGS]{}";
  const auto calls = [&](uint64_t seed) {
    options.id_seed = seed;
    return parse_answer(answer_format("mistral-v11"), options, text).calls;
  };
  const auto first = calls(1);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first, calls(1));
  EXPECT_NE(first[0].id, first[1].id);
  EXPECT_NE(first[0].id, calls(2)[0].id);
  EXPECT_EQ(first[0].id.size(), 9u);
  EXPECT_TRUE(std::all_of(first[0].id.begin(), first[0].id.end(),
                          [](unsigned char c) { return std::isalnum(c); }));
}

// Time grows with the length alone, however the answer goes wrong: sixteen times the text takes
// about sixteen times the time of this process, where a quadratic reader would take 256 times.
TEST(AnswerParser, TimeGrowsWithTheLength) {
  const std::string value(40, 'v');
  struct Shape {
    const char* format;
    std::string begin, repeat;
  };
  const std::vector<Shape> shapes = {
      {"hermes", "", "Some words and <b>tags</b>, "},
      {"hermes", "", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"<tool_call>"},
      {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {", "\"k\": [1, \"two\"],"},
      {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": ", "["},
      {"hermes", "", "                                "},
      {"hermes", "<think>", "<think></thin"},
      {"qwen3-coder", "<function=f>", "<parameter=k>" + value + "</parameter>"},
      {"qwen3-coder", "<function=f><parameter=k>", "</parameter</parameter<"},
      {"deepseek-r1", "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"},
      {"llama4", "[f(", "a='x\\n', "},
      {"harmony", "", "<|channel|>analysis<|message|>a<|end|><|start|>assistant"},
      {"functionary-v3.2", "", ">>>"},
      {"generic", "", "{\"tool_calls\": ["},
  };
  for (const Shape& shape : shapes) {
    AnswerOptions options;
    options.calls = AnswerOptions::Calls::any;
    const auto seconds = [&](size_t bytes) {
      std::string text = shape.begin;
      while (text.size() < bytes) text += shape.repeat;
      double best = 1e9;
      for (int turn = 0; turn < 3; ++turn) {
        const std::clock_t start = std::clock();
        AnswerParser parser(answer_format(shape.format), options);
        for (size_t at = 0; at < text.size(); at += 5) parser.push(text.substr(at, 5));
        parser.finish();
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
      }
      return best;
    };
    const double small = seconds(20'000), large = seconds(320'000);
    EXPECT_LT(large, 64 * small) << shape.format << " " << shape.begin << shape.repeat;
    fmt::print("{:18} {:6.1f} MB/s in pieces of 5 bytes  {}\n", shape.format, 0.32 / large,
               (shape.begin + shape.repeat).substr(0, 50));
  }
}

}  // namespace
}  // namespace avocado::chat
