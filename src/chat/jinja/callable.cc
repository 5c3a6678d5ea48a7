#include "chat/jinja/callable.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/interpreter.h"

namespace avocado::jinja {
namespace {

// Takes the next name off a list of parameters; `required` is false when it ends in '?'.
std::string_view next_parameter(std::string_view& list, bool& required) {
  const size_t end = std::min(list.find(' '), list.size());
  std::string_view name = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  required = !name.ends_with('?');
  if (!required) name.remove_suffix(1);
  return name;
}

}  // namespace

const Builtin* find_builtin(Builtins table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const Builtin& builtin) { return builtin.name == name; });
  return at == table.end() ? nullptr : &*at;
}

Call::Call(Interpreter& of, const Builtin& builtin, const Value& applied_to, const Arguments& args)
    : interpreter(of), memory(of.memory()), self(applied_to), given(args), builtin_(builtin) {
  if (builtin.parameters == "*") return;
  size_t named = 0;
  for (std::string_view list = builtin.parameters; !list.empty();) {
    bool required = false;
    const std::string_view name = next_parameter(list, required);
    const size_t i = at_.size();
    const auto by_name = std::find_if(given.named.begin(), given.named.end(),
                                      [&](const Named& n) { return n.name == name; });
    at_.push_back(i < given.positional.size() ? &given.positional[i] : nullptr);
    if (by_name != given.named.end()) {
      if (at_.back()) fail(fmt::format("is given '{}' twice", name));
      at_.back() = &by_name->value;
      ++named;
    }
    if (required && !at_.back()) fail(fmt::format("needs the argument '{}'", name));
  }
  if (given.positional.size() > at_.size())
    fail(fmt::format("takes {} arguments, not {}", at_.size(), given.positional.size()));
  if (named < given.named.size()) fail("has no argument of that name, or is given one twice");
}

void Call::fail(const std::string& message) const {
  throw Failure(fmt::format("{}: {}", builtin_.name, message));
}

const Text& Call::text(size_t i) const {
  const Value& value = *at_[i];
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_text()) fail(fmt::format("takes a string, not {}", type_name(value)));
  return value.text();
}

int64_t Call::integer(size_t i, int64_t otherwise) const {
  if (!has(i)) return otherwise;
  const Value& value = *at_[i];
  if (value.is_undefined()) fail_undefined(value);
  if (!value.is_integral()) fail(fmt::format("takes an integer, not {}", type_name(value)));
  return value.integer();
}

bool Call::truth(size_t i, bool otherwise) const {
  return has(i) ? jinja::truth(*at_[i]) : otherwise;
}

}  // namespace avocado::jinja
