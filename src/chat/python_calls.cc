// [f(key=1), g(key="x")], as Python would write it. Arguments by position are not read: nobody
// says which parameter they are.

#include <nlohmann/json.hpp>

#include "chat/readers.h"

namespace avocado::chat {
namespace {

class PythonCallsReader : public CallReader {
 public:
  PythonCallsReader(bool list, std::string_view close)
      : place_(list ? Place::list : Place::name), list_(list), close_(close) {}

 private:
  enum class Place {
    list,
    name,
    bracket,
    parameter,
    key,
    equals,
    value,
    after_value,
    after_call,
    close
  };

  Reading step(CallScope& scope) override {
    if (place_ == Place::value) return value(scope);
    if (!scope.skip_space()) return Reading::more;
    const char c = scope.rest().front();
    switch (place_) {
      case Place::list:
        return c == '[' ? took(scope, Place::name) : Reading::failed;
      case Place::name:
        return name(scope);
      case Place::bracket:
        return c == '(' ? begin(scope) : Reading::failed;
      case Place::parameter:
        if (c == ')') return end_call(scope);
        place_ = Place::key;
        return Reading::next;
      case Place::key:
        return key(scope);
      case Place::equals:
        if (c != '=') return Reading::failed;
        literal_ = {};
        return took(scope, Place::value);
      case Place::after_value:
        if (c == ')') return end_call(scope);
        return c == ',' ? took(scope, Place::parameter) : Reading::failed;
      case Place::after_call:
        if (c == ',' && list_) return took(scope, Place::name);
        if (c == ']' && list_) return took(scope, Place::close);
        return list_ ? Reading::failed : Reading::done;
      default:
        return scope.match(close_) == Match::more ? Reading::more : Reading::done;
    }
  }

  Reading took(CallScope& scope, Place then) {
    scope.take(1);
    place_ = then;
    return Reading::next;
  }

  Reading name(CallScope& scope) {
    const Match match = scope.name("([{=,)]} \n", name_);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    if (!list_ && name_.ends_with(".call")) name_.resize(name_.size() - 5);
    place_ = Place::bracket;
    return Reading::next;
  }

  Reading begin(CallScope& scope) {
    if (!scope.begin(name_)) return Reading::failed;
    scope.arguments("{");
    first_ = true;
    return took(scope, Place::parameter);
  }

  Reading key(CallScope& scope) {
    std::string key;
    const Match match = scope.name("=([{,)]}", key);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    scope.arguments((first_ ? "" : ", ") + nlohmann::json(key).dump() + ": ");
    first_ = false;
    place_ = Place::equals;
    return Reading::next;
  }

  Reading value(CallScope& scope) {
    // White space before the value is none of it.
    if (literal_.opening() == '\0' && !scope.skip_space()) return Reading::more;
    std::string json;
    scope.take(literal_.read(scope.rest(), json));
    scope.arguments(json);
    if (literal_.state() == LiteralReader::State::failed) return Reading::failed;
    if (literal_.state() == LiteralReader::State::open) return Reading::more;
    place_ = Place::after_value;
    return Reading::next;
  }

  Reading end_call(CallScope& scope) {
    scope.arguments("}");
    scope.take(1);
    scope.end();
    place_ = Place::after_call;
    return Reading::next;
  }

  Place place_;
  const bool list_;
  const std::string_view close_;
  std::string name_;
  LiteralReader literal_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<CallReader> read_python_calls(std::string_view close) {
  return std::make_unique<PythonCallsReader>(true, close);
}

std::unique_ptr<CallReader> read_python_call() {
  return std::make_unique<PythonCallsReader>(false, "");
}

}  // namespace avocado::chat
