#include "chat/answer_parser.h"

#include <algorithm>

#include "chat/readers.h"
#include "chat/space.h"

namespace avocado::chat {
namespace {

using Kind = AnswerEvent::Kind;

// White space is held back before a possible mark, but not without end.
constexpr size_t kMaxSpace = 256;

constexpr std::string_view kHarmonyMarks[] = {"<|start|>", "<|channel|>", "to="};

}  // namespace

void AnswerParser::Marks::add(const Mark& mark) {
  if (mark.text.empty()) return;
  list.push_back(mark);
  first[static_cast<unsigned char>(mark.text.front())] = true;
}

AnswerParser::AnswerParser(const AnswerFormat& format, AnswerOptions options)
    : format_(format), options_(std::move(options)), scope_(options_, format.ids, events_) {
  const bool harmony = std::holds_alternative<HarmonyCalls>(format.calls);
  // Where marks also frame the content they are read even when there are no calls.
  const auto* named = std::get_if<NamedCalls>(&format.calls);
  reads_calls_ = options_.calls == AnswerOptions::Calls::any ||
                 (options_.calls == AnswerOptions::Calls::known && !options_.tools.empty()) ||
                 harmony || (named && named->at_start);
  may_be_bare_ = reads_calls_;
  if (reads_calls_) add_call_marks();
  const bool separate = options_.reasoning == AnswerOptions::Reasoning::separate;
  if (separate || harmony) {
    for (const std::string_view mark : format.thinking.close)
      reasoning_marks_.add({mark, Act::close_thinking});
  }
  if (separate && !harmony) {
    for (const std::string_view mark : format.thinking.open) {
      content_marks_.add({mark, Act::open_thinking, 0, true});
      reasoning_marks_.add({mark, Act::open_thinking, 0, true});
    }
  }
  for (const std::string_view mark : format.dropped) {
    content_marks_.add({mark, Act::drop});
    if (harmony) reasoning_marks_.add({mark, Act::close_thinking});
  }
  if (separate && options_.starts_in_thinking) enter(Mode::reasoning);
}

// Which mark begins a call: the index is understood by reader_of().
void AnswerParser::add_call_marks() {
  Marks calls;
  if (const auto* json = std::get_if<JsonCalls>(&format_.calls)) {
    for (size_t i = 0; i < std::size(json->wrappers); ++i)
      calls.add({json->wrappers[i].open, Act::call, i});
  } else if (const auto* named = std::get_if<NamedCalls>(&format_.calls)) {
    calls.add({named->section, Act::call, 0});
    calls.add({named->begin, Act::call, 1});
  } else if (const auto* tagged = std::get_if<TaggedCalls>(&format_.calls)) {
    calls.add({tagged->section, Act::call, 0});
    calls.add({tagged->begin, Act::call, 1});
  } else if (const auto* python = std::get_if<PythonCalls>(&format_.calls)) {
    calls.add({python->open, Act::call});
  } else if (std::holds_alternative<HarmonyCalls>(format_.calls)) {
    for (size_t i = 0; i < std::size(kHarmonyMarks); ++i)
      calls.add({kHarmonyMarks[i], Act::call, i, kHarmonyMarks[i] == "to="});
  }
  for (const Mark& mark : calls.list) {
    content_marks_.add(mark);
    if (format_.thinking.ended_by_calls) reasoning_marks_.add(mark);
  }
}

std::unique_ptr<CallReader> AnswerParser::reader_of(const Mark& mark) const {
  if (const auto* json = std::get_if<JsonCalls>(&format_.calls))
    return read_json_calls(*json, &json->wrappers[mark.which]);
  if (const auto* named = std::get_if<NamedCalls>(&format_.calls))
    return read_named_calls(*named, mark.which == 0 ? NamedAt::section : NamedAt::begin);
  if (const auto* tagged = std::get_if<TaggedCalls>(&format_.calls))
    return read_tagged_calls(*tagged, mark.which == 0);
  if (const auto* python = std::get_if<PythonCalls>(&format_.calls))
    return read_python_calls(python->close);
  return read_harmony_message(mark.text);
}

std::vector<AnswerEvent> AnswerParser::push(std::string_view piece) {
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_ += piece;
  run();
  return events_.take();
}

std::vector<AnswerEvent> AnswerParser::finish() {
  ended_ = true;
  run();
  say_space();
  return events_.take();
}

void AnswerParser::run() {
  while (mode_ == Mode::call ? step_call() : step_text()) {
  }
}

// Goes through text up to a mark. False: it takes more text to go on.
bool AnswerParser::step_text() {
  const Marks& marks = mode_ == Mode::reasoning ? reasoning_marks_ : content_marks_;
  const std::string_view rest = text();
  size_t said = 0;  // rest[said, i) is to be said
  size_t i = 0;
  const auto flush = [&] {
    say(rest.substr(said, i - said));
    said = i;
  };
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (is_space(c)) {
      flush();
      said = i + 1;
      if (after_mark_) {
        events_.add(Kind::markup, rest.substr(i, 1));
      } else {
        space_ += c;
        if (space_.size() == kMaxSpace) say_space();
      }
      continue;
    }
    if (may_be_bare_ && mode_ == Mode::content && try_bare(c)) {
      at_ += i;
      return true;
    }
    if (!marks.first[static_cast<unsigned char>(c)]) {
      if (said == i) say_space();
      continue;
    }
    bool waits = false;
    for (const Mark& mark : marks.list) {
      if (mark.at_start &&
          !(mode_ == Mode::reasoning ? !thought_ && said == i : at_start_ && said == i))
        continue;
      const std::string_view here = rest.substr(i, mark.text.size());
      if (here == mark.text) {
        flush();
        at_ += i + mark.text.size();
        act(mark);
        return true;
      }
      waits = waits || (mark.text.starts_with(here) && !ended_);
    }
    if (waits) break;
    if (said == i) say_space();
  }
  flush();
  at_ += i;
  return false;
}

// Whether a call without a mark begins with `c`, the first byte after white space.
bool AnswerParser::try_bare(char c) {
  may_be_bare_ = false;
  if (const auto* json = std::get_if<JsonCalls>(&format_.calls)) {
    if (!json->bare || (c != '{' && c != '[')) return false;
    start_call(read_json_calls(*json, nullptr), "");
  } else if (const auto* python = std::get_if<PythonCalls>(&format_.calls)) {
    if (!python->bare || c != '[') return false;
    start_call(read_python_calls(python->close), "");
  } else if (const auto* named = std::get_if<NamedCalls>(&format_.calls)) {
    if (!named->at_start || !at_start_) return false;
    start_call(read_named_calls(*named, NamedAt::start), "");
  } else {
    return false;
  }
  return true;
}

void AnswerParser::act(const Mark& mark) {
  if (mark.act == Act::call) {
    start_call(reader_of(mark), std::string(mark.text));
    return;
  }
  if (format_.exact_space) say_space();
  events_.add(Kind::markup, std::exchange(space_, "") + std::string(mark.text));
  if (mark.act == Act::open_thinking) enter(Mode::reasoning);
  if (mark.act == Act::close_thinking) enter(Mode::content);
  after_mark_ = !format_.exact_space;
  may_be_bare_ = reads_calls_ && at_start_;
}

// `source`: the mark.
void AnswerParser::start_call(std::unique_ptr<CallReader> reader, std::string source) {
  if (format_.exact_space && !(at_start_ && mode_ == Mode::content)) say_space();
  scope_.start(std::exchange(space_, "") + source);
  reader_ = std::move(reader);
  mode_around_ = mode_;
  mode_ = Mode::call;
}

bool AnswerParser::step_call() {
  std::string& source = scope_.source();
  const size_t limit = options_.max_call_bytes;
  const std::string_view seen = text().substr(0, limit - std::min(limit, source.size()));
  const bool at_limit = source.size() + seen.size() >= limit;
  scope_.see(seen, ended_ && !at_limit);
  Reading reading = reader_->read(scope_);
  at_ += scope_.taken();
  if (reading == Reading::more) {
    if (!at_limit) return false;
    // When a call ended on the way, there is room for the next one.
    if (source.size() + seen.size() - scope_.taken() < limit) return true;
    reading = Reading::failed;
  }
  may_be_bare_ = reading == Reading::done;
  if (reading == Reading::failed) {
    scope_.drop();
    enter(mode_around_);
    after_mark_ = false;
    say(source);
  } else {
    events_.add(Kind::markup, source);
    const bool thinks =
        reading == Reading::reasoning && options_.reasoning == AnswerOptions::Reasoning::separate;
    enter(thinks ? Mode::reasoning : Mode::content);
    after_mark_ = !format_.exact_space;
  }
  source.clear();
  reader_.reset();
  return true;
}

void AnswerParser::enter(Mode mode) {
  mode_ = mode;
  thought_ = false;
}

void AnswerParser::say(std::string_view text) {
  if (text.empty()) return;
  const bool reasoning = mode_ == Mode::reasoning;
  events_.add(reasoning ? Kind::reasoning : Kind::content, text);
  after_mark_ = false;
  if (reasoning) {
    thought_ = true;
  } else {
    at_start_ = false;
    may_be_bare_ = false;
  }
}

void AnswerParser::say_space() { say(std::exchange(space_, "")); }

void Answer::add(const AnswerEvent& event) {
  switch (event.kind) {
    case Kind::content:
      content += event.text;
      return;
    case Kind::reasoning:
      reasoning += event.text;
      return;
    case Kind::call_begin:
      calls.push_back({event.id, event.name, ""});
      return;
    case Kind::arguments:
      calls.back().arguments += event.text;
      return;
    case Kind::call_dropped:
      calls.pop_back();
      return;
    default:
      return;
  }
}

Answer parse_answer(const AnswerFormat& format, const AnswerOptions& options,
                    std::string_view text) {
  AnswerParser parser(format, options);
  Answer answer;
  for (const AnswerEvent& event : parser.push(text)) answer.add(event);
  for (const AnswerEvent& event : parser.finish()) answer.add(event);
  return answer;
}

}  // namespace avocado::chat
