// {"name": "f", "arguments": {...}}: one object, several, or a list of them.

#include <nlohmann/json.hpp>

#include "chat/literal_reader.h"
#include "chat/readers.h"

namespace avocado::chat {
namespace {

constexpr size_t kMaxText = 256;  // of a key, a name or an id, as written

// What models call the members, whatever their template says.
enum class Member { name, arguments, id, container, harmless, other };

Member member_of(std::string_view key) {
  static constexpr std::pair<std::string_view, Member> kMembers[] = {
      {"name", Member::name},           {"tool_name", Member::name},
      {"arguments", Member::arguments}, {"parameters", Member::arguments},
      {"args", Member::arguments},      {"id", Member::id},
      {"tool_call_id", Member::id},     {"function", Member::container},
      {"tool_call", Member::container}, {"tool_calls", Member::container},
      {"type", Member::harmless},       {"index", Member::harmless},
  };
  for (const auto& [name, member] : kMembers) {
    if (name == key) return member;
  }
  return Member::other;
}

class JsonCallsReader : public CallReader {
 public:
  explicit JsonCallsReader(const JsonCalls::Wrapper* wrapper)
      : bare_(wrapper == nullptr),
        close_(wrapper ? wrapper->close : ""),
        fence_(wrapper ? wrapper->fence : "") {}

 private:
  enum class Place { fence, item, key, colon, value, literal, arguments, after, separator };

  Reading step(CallScope& scope) override {
    if (place_ == Place::literal) return literal(scope);
    if (place_ == Place::arguments) return arguments(scope);
    if (!scope.skip_space()) return Reading::more;
    const char c = scope.rest().front();
    switch (place_) {
      case Place::fence:
        if (scope.match(fence_) == Match::more) return Reading::more;
        place_ = Place::item;
        return Reading::next;
      case Place::item:
        if (c == '{' || c == '[') {
          scope.take(1);
          open(c);
        } else if (c == ']' && brackets_.ends_with(']')) {
          return after(scope, c);
        } else {
          return Reading::failed;
        }
        return Reading::next;
      case Place::key:
        if (c == '}') return after(scope, c);
        if (c != '"') return Reading::failed;
        begin_literal(Place::colon);
        return Reading::next;
      case Place::colon:
        if (c != ':') return Reading::failed;
        scope.take(1);
        key_ = decoded();
        place_ = Place::value;
        return Reading::next;
      case Place::value:
        return value(scope, c);
      case Place::separator:
        if (c != '{') return Reading::failed;
        place_ = Place::item;
        return Reading::next;
      default:
        return after(scope, c);
    }
  }

  void open(char bracket) {
    brackets_ += bracket == '{' ? '}' : ']';
    place_ = bracket == '{' ? Place::key : Place::item;
    if (bracket == '{') {
      name_.clear();
      id_.clear();
      arguments_.clear();
      called_ = false;
    }
  }

  // The value of key_, before its first byte `c`.
  Reading value(CallScope& scope, char c) {
    Member member = member_of(key_);
    if (member == Member::container && c == '"') member = Member::name;
    if (called_) member = Member::other;
    switch (member) {
      case Member::container:
        if (c != '{' && c != '[') return Reading::failed;
        place_ = Place::item;
        return Reading::next;
      case Member::arguments:
        if (c == '{' && !name_.empty()) {
          if (!scope.begin(name_, id_)) return Reading::failed;
          place_ = Place::arguments;
          return Reading::next;
        }
        if (c != '{' && c != '"' && c != 'n') return Reading::failed;
        break;
      case Member::name:
        if (c != '"') return Reading::failed;
        break;
      case Member::other:
        // Any object may be an answer in JSON; only one that can be a call is waited for.
        if (bare_ && !called_) return Reading::failed;
        break;
      default:
        break;
    }
    begin_literal(Place::after);
    return Reading::next;
  }

  void begin_literal(Place then) {
    literal_ = {};
    text_.clear();
    literal_bytes_ = 0;
    place_ = Place::literal;
    then_ = then;
  }

  // A key, or a value that is kept.
  Reading literal(CallScope& scope) {
    const bool long_text = then_ == Place::after && (called_ || member_of(key_) != Member::name);
    const size_t room = long_text ? std::string_view::npos : kMaxText - literal_bytes_;
    const size_t taken = literal_.read(scope.rest().substr(0, room), text_);
    scope.take(taken);
    literal_bytes_ += taken;
    if (literal_.state() == LiteralReader::State::failed) return Reading::failed;
    if (literal_.state() == LiteralReader::State::open)
      return taken == room ? Reading::failed : Reading::more;
    place_ = then_;
    if (then_ == Place::colon || called_) return Reading::next;
    switch (member_of(key_)) {
      case Member::name:
      case Member::container:
        name_ = decoded();
        if (name_.empty()) return Reading::failed;
        break;
      case Member::arguments:
        arguments_ = text_.front() == '"' ? literal_to_json(decoded()) : text_;
        if (arguments_ == "null") arguments_ = "{}";
        if (!arguments_.starts_with('{')) return Reading::failed;
        break;
      case Member::id:
        id_ = text_.front() == '"' ? decoded() : text_;
        break;
      default:
        break;
    }
    return name_.empty() || arguments_.empty() ? Reading::next : call(scope);
  }

  // A call whose arguments were read before it could begin.
  Reading call(CallScope& scope) {
    if (!scope.begin(name_, id_)) return Reading::failed;
    scope.arguments(arguments_);
    scope.end();
    called_ = true;
    return Reading::next;
  }

  Reading arguments(CallScope& scope) {
    const Reading reading = arguments_reader_.read(scope);
    if (reading != Reading::done) return reading;
    arguments_reader_ = {};
    scope.end();
    called_ = true;
    place_ = Place::after;
    return Reading::next;
  }

  // After a value: what `c` closes or separates.
  Reading after(CallScope& scope, char c) {
    const Match closed = scope.calls() > 0 ? scope.match(close_) : Match::no;
    if (closed != Match::no) return closed == Match::yes ? Reading::done : Reading::more;
    if (brackets_.empty()) {
      if (c == '{') {
        place_ = Place::item;
      } else if (c == ';' || c == ',') {
        scope.take(1);
        place_ = Place::separator;
      } else {
        return scope.calls() > 0 ? Reading::done : Reading::failed;
      }
      return Reading::next;
    }
    if (c == brackets_.back()) {
      // A call without arguments; where nothing marks a call, that is too little to be one.
      if (c == '}' && !called_) {
        arguments_ = "{}";
        if (bare_ || name_.empty() || call(scope) == Reading::failed) return Reading::failed;
      }
      scope.take(1);
      brackets_.pop_back();
      // The object around: all of its calls have been made.
      name_.clear();
      called_ = true;
      place_ = Place::after;
      return Reading::next;
    }
    if (c != ',' || place_ != Place::after) return Reading::failed;
    scope.take(1);
    place_ = brackets_.back() == '}' ? Place::key : Place::item;
    return Reading::next;
  }

  std::string decoded() const { return nlohmann::json::parse(text_).get<std::string>(); }

  const bool bare_;
  const std::string_view close_;
  const std::string_view fence_;
  Place place_ = Place::fence;
  std::string brackets_;  // the closing ones, innermost last
  std::string key_;
  LiteralReader literal_;
  std::string text_;  // of the literal, as JSON
  size_t literal_bytes_ = 0;
  Place then_ = Place::after;
  ArgumentsReader arguments_reader_;
  // Of the innermost object that can be a call.
  std::string name_, id_, arguments_;
  bool called_ = false;
};

// A mark behind which JSON may stand, or something else.
class ChoosingReader : public CallReader {
 public:
  ChoosingReader(std::unique_ptr<CallReader> json, std::unique_ptr<CallReader> other)
      : json_(std::move(json)), other_(std::move(other)) {}

 private:
  Reading step(CallScope& scope) override {
    if (!chosen_) {
      if (!scope.skip_space()) return Reading::more;
      const char c = scope.rest().front();
      chosen_ = c == '{' || c == '[' ? json_.get() : other_.get();
    }
    return chosen_->read(scope);
  }

  std::unique_ptr<CallReader> json_, other_;
  CallReader* chosen_ = nullptr;
};

}  // namespace

Reading ArgumentsReader::read(CallScope& scope) {
  if (literal_.opening() == '\0') {
    if (!scope.skip_space()) return Reading::more;
    if (scope.rest().front() != '{') return Reading::failed;
  }
  std::string json;
  scope.take(literal_.read(scope.rest(), json));
  scope.arguments(json);
  switch (literal_.state()) {
    case LiteralReader::State::done:
      return Reading::done;
    case LiteralReader::State::failed:
      return Reading::failed;
    default:
      return Reading::more;
  }
}

std::unique_ptr<CallReader> read_json_or(std::string_view close,
                                         std::unique_ptr<CallReader> other) {
  const JsonCalls::Wrapper wrapper{"", close};
  return std::make_unique<ChoosingReader>(std::make_unique<JsonCallsReader>(&wrapper),
                                          std::move(other));
}

std::unique_ptr<CallReader> read_json_calls(const JsonCalls& syntax,
                                            const JsonCalls::Wrapper* wrapper) {
  if (wrapper != nullptr && syntax.python_call)
    return read_json_or(wrapper->close, read_python_call());
  return std::make_unique<JsonCallsReader>(wrapper);
}

}  // namespace avocado::chat
