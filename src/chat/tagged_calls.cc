// <function=f><parameter=key>value</parameter></function>: arguments as plain text between tags,
// turned into JSON by the types that the tool's schema gives them.

#include <nlohmann/json.hpp>

#include "chat/readers.h"
#include "chat/space.h"

namespace avocado::chat {
namespace {

// A value as JSON. A text that is no literal of an allowed type is a string.
std::string json_of_value(std::string_view text, uint32_t types) {
  const uint32_t allowed = types != 0 ? types : ~uint32_t{kString};
  std::string json = literal_to_json(text);
  if (!json.empty() && (type_of_json(json) & allowed)) return json;
  json.assign(1, '"');
  for (const char c : text) append_escaped(json, static_cast<unsigned char>(c));
  json += '"';
  return json;
}

class TaggedCallsReader : public CallReader {
 public:
  TaggedCallsReader(const TaggedCalls& syntax, bool in_section)
      : syntax_(syntax), place_(in_section && !syntax.begin.empty() ? Place::begin : Place::name) {}

 private:
  enum class Place { begin, name, after_name, between, parameter, before_value, value, after_call };

  Reading step(CallScope& scope) override {
    if (place_ == Place::value) return value(scope);
    if (place_ == Place::parameter) return parameter(scope);
    if (!scope.skip_space()) return Reading::more;
    switch (place_) {
      case Place::begin:
        return require(scope, syntax_.begin, Place::name);
      case Place::name: {
        const Match match = scope.name(syntax_.name_ends, name_);
        if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
        place_ = Place::after_name;
        return Reading::next;
      }
      case Place::after_name: {
        const Match match = scope.match(syntax_.after_name);
        if (match == Match::more) return Reading::more;
        if (match == Match::no && !syntax_.after_name.empty()) return Reading::failed;
        if (!scope.begin(name_)) return Reading::failed;
        parameters_ = 0;
        place_ = Place::between;
        return Reading::next;
      }
      case Place::between:
        return between(scope);
      case Place::before_value:
        return before_value(scope);
      default:
        return after_call(scope);
    }
  }

  Reading require(CallScope& scope, std::string_view mark, Place then) {
    const Match match = scope.match(mark);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    place_ = then;
    return Reading::next;
  }

  // Between two parameters.
  Reading between(CallScope& scope) {
    Match match = scope.match(syntax_.parameter);
    if (match == Match::more) return Reading::more;
    if (match == Match::yes) {
      place_ = Place::parameter;
      return Reading::next;
    }
    match = scope.match(syntax_.end.empty() ? syntax_.section_end : syntax_.end);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    scope.arguments(parameters_ == 0 ? "{}" : "}");
    scope.end();
    place_ = Place::after_call;
    return syntax_.end.empty() ? Reading::done : Reading::next;
  }

  Reading parameter(CallScope& scope) {
    const Match match = scope.name(syntax_.parameter_ends, key_);
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    mark_ = 0;
    place_ = Place::before_value;
    return Reading::next;
  }

  Reading before_value(CallScope& scope) {
    bool json = false;
    Match match = scope.match(syntax_.before_value[mark_]);
    if (match == Match::no && mark_ == 0) {
      match = scope.match(syntax_.before_json);
      json = true;
    }
    if (match != Match::yes) return match == Match::more ? Reading::more : Reading::failed;
    if (!json && !syntax_.before_value[++mark_].empty()) return Reading::next;

    // Where the format itself tells strings from JSON, the schema is not asked.
    types_ = json                           ? ~uint32_t{0}
             : !syntax_.before_json.empty() ? uint32_t{kString}
                                            : parameter_types(scope.tool(), key_);
    scope.arguments((parameters_++ == 0 ? "{" : ", ") + nlohmann::json(key_).dump() + ": ");
    if (types_ == kString) scope.arguments("\"");
    text_.clear();
    first_ = true;
    break_held_ = false;
    utf8_ = {};
    place_ = Place::value;
    return Reading::next;
  }

  // Strings are passed on as they come; other values are read when they are whole.
  Reading value(CallScope& scope) {
    const std::string_view text = scope.rest();
    std::string out;
    size_t at = 0;
    Reading reading = Reading::more;
    while (at < text.size() && reading == Reading::more) {
      if (utf8_.whole() && text[at] == syntax_.after_value.front()) {
        const std::string_view here = text.substr(at, syntax_.after_value.size());
        if (here == syntax_.after_value) {
          reading = Reading::next;
          break;
        }
        if (syntax_.after_value.starts_with(here) && !scope.ended()) break;
      }
      if (utf8_.push(static_cast<unsigned char>(text[at]))) {
        put(text[at++], out);
      } else {
        reading = Reading::failed;
      }
    }
    scope.take(at);
    if (types_ == kString) {
      scope.arguments(out);
    } else {
      text_ += out;
    }
    if (reading != Reading::next) return reading;
    scope.take(syntax_.after_value.size());
    scope.arguments(types_ == kString ? "\"" : json_of_value(text_, types_));
    place_ = Place::between;
    return reading;
  }

  // One byte of the value: a line break that may be the last is held until the next byte.
  void put(char c, std::string& out) {
    const bool skip = syntax_.own_lines && first_ && c == '\n';
    first_ = false;
    if (skip) return;
    if (break_held_) put_one('\n', out);
    break_held_ = syntax_.own_lines && c == '\n';
    if (!break_held_) put_one(c, out);
  }

  void put_one(char c, std::string& out) {
    if (types_ == kString) {
      append_escaped(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }

  Reading after_call(CallScope& scope) {
    Match match = scope.match(syntax_.section_end);
    if (match != Match::no) return match == Match::more ? Reading::more : Reading::done;
    match = scope.match(syntax_.begin);
    if (match == Match::no) return Reading::done;
    if (match == Match::more) return Reading::more;
    place_ = Place::name;
    return Reading::next;
  }

  const TaggedCalls& syntax_;
  Place place_;
  std::string name_, key_;
  size_t mark_ = 0;  // of syntax_.before_value
  size_t parameters_ = 0;
  // Of the value at hand.
  uint32_t types_ = 0;
  std::string text_;
  bool first_ = true, break_held_ = false;
  Utf8Check utf8_;
};

}  // namespace

std::unique_ptr<CallReader> read_tagged_calls(const TaggedCalls& syntax, bool in_section) {
  return std::make_unique<TaggedCallsReader>(syntax, in_section);
}

}  // namespace avocado::chat
