// The name of the function outside of its arguments: <mark>f<mark>{...}<mark>.

#include <algorithm>

#include "chat/readers.h"
#include "chat/space.h"

namespace avocado::chat {
namespace {

class NamedCallsReader : public CallReader {
 public:
  NamedCallsReader(const NamedCalls& syntax, NamedAt at)
      : syntax_(syntax),
        place_(at == NamedAt::section ? Place::begin
               : at == NamedAt::start ? Place::start
                                      : Place::before_name) {}

 private:
  enum class Place {
    start,
    begin,
    before_name,
    name,
    id_or_after,
    id,
    after_name,
    arguments,
    after_call,
  };

  Reading step(CallScope& scope) override {
    if (place_ == Place::id) return id(scope);
    if (place_ == Place::name) return name(scope);
    if (place_ == Place::arguments) return arguments(scope);
    if (!scope.skip_space()) return Reading::more;
    switch (place_) {
      case Place::start:
        return optional(scope, syntax_.begin, Place::before_name);
      case Place::begin:
        return require(scope, syntax_.begin, Place::before_name);
      case Place::before_name:
        return optional(scope, syntax_.before_name, Place::name);
      case Place::id_or_after: {
        const Match match = scope.match(syntax_.id_mark);
        if (match == Match::more) return Reading::more;
        place_ = match == Match::yes ? Place::id : Place::after_name;
        return Reading::next;
      }
      case Place::after_name:
        // Some models leave this mark out; then the arguments begin at once.
        if (scope.rest().front() == '{') return begin_call(scope);
        return require(scope, syntax_.after_name, Place::after_name);
      default:
        return after_call(scope);
    }
  }

  Reading optional(CallScope& scope, std::string_view mark, Place then) {
    if (scope.match(mark) == Match::more) return Reading::more;
    place_ = then;
    return Reading::next;
  }

  Reading require(CallScope& scope, std::string_view mark, Place then) {
    const Match match = scope.match(mark);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    place_ = then;
    return Reading::next;
  }

  Reading name(CallScope& scope) {
    id_.clear();
    const Match match = scope.name(syntax_.name_ends, name_);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    if (!syntax_.content_name.empty() && name_ == syntax_.content_name) {
      scope.take(1);
      return Reading::content;
    }
    if (syntax_.numbered) id_ = name_;
    if (name_.starts_with(syntax_.prefix)) name_.erase(0, syntax_.prefix.size());
    if (syntax_.numbered) {
      const size_t colon = name_.rfind(':');
      if (colon != std::string::npos && colon + 1 < name_.size() &&
          std::all_of(name_.begin() + static_cast<std::ptrdiff_t>(colon) + 1, name_.end(),
                      [](char c) { return c >= '0' && c <= '9'; })) {
        name_.resize(colon);
      }
    }
    place_ = Place::id_or_after;
    return Reading::next;
  }

  Reading id(CallScope& scope) {
    const Match match = scope.name(syntax_.name_ends, id_);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    place_ = Place::after_name;
    return Reading::next;
  }

  Reading begin_call(CallScope& scope) {
    if (!scope.begin(name_, id_)) return Reading::failed;
    place_ = Place::arguments;
    return Reading::next;
  }

  Reading arguments(CallScope& scope) {
    const Reading reading = arguments_.read(scope);
    if (reading != Reading::done) return reading;
    arguments_ = {};
    scope.end();
    place_ = Place::after_call;
    return Reading::next;
  }

  // Marks that end a call come in any order, and may be missing.
  Reading after_call(CallScope& scope) {
    for (const std::string_view mark : syntax_.after_arguments) {
      const Match match = scope.match(mark);
      if (match != Match::no) return match == Match::more ? Reading::more : Reading::next;
    }
    Match match = scope.match(syntax_.section_end);
    if (match != Match::no) return match == Match::more ? Reading::more : Reading::done;
    match = scope.match(syntax_.begin);
    if (match == Match::no) return Reading::done;
    if (match == Match::more) return Reading::more;
    place_ = Place::before_name;
    return Reading::next;
  }

  const NamedCalls& syntax_;
  Place place_;
  std::string name_, id_;
  ArgumentsReader arguments_;
};

}  // namespace

std::unique_ptr<CallReader> read_named_calls(const NamedCalls& syntax, NamedAt at) {
  auto reader = std::make_unique<NamedCallsReader>(syntax, at);
  return syntax.json_too ? read_json_or("", std::move(reader)) : std::move(reader);
}

}  // namespace avocado::chat
