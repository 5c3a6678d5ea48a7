#include "chat/jinja/loop.h"

#include "chat/jinja/builtins.h"
#include "chat/jinja/interpreter.h"

namespace avocado::jinja {
namespace {

Value cycle(Call& call) {
  const auto& values = call.given.positional;
  if (values.empty()) call.fail("needs something to cycle through");
  const auto at = static_cast<size_t>(call.self.loop().index) % values.size();
  return values[at];
}

Value changed(Call& call) {
  Loop& loop = call.self.loop();
  const Value now = make_list(call.memory, call.given.positional, List::Kind::tuple);
  if (loop.has_changed && equal(call.memory, loop.changed, now)) return false;
  loop.changed = now;
  loop.has_changed = true;
  return true;
}

constexpr Builtin kMethods[] = {{"cycle", "*", cycle}, {"changed", "*", changed}};

}  // namespace

Builtins loop_methods() { return kMethods; }

bool Loop::peek() {
  while (!has_ahead && !rest.empty()) {
    const Value candidate = rest.front();
    rest = rest.subspan(1);
    if (!filtered && !interpreter->passes(*statement, *scope, candidate)) continue;
    ahead = candidate;
    has_ahead = true;
  }
  return has_ahead;
}

bool Loop::next() {
  if (!peek()) return false;
  if (index >= 0) {
    previous = current;
    has_previous = true;
  }
  current = ahead;
  has_ahead = false;
  ++index;
  return true;
}

int64_t Loop::length() {
  if (!filtered) {
    Items passing(interpreter->memory());
    for (; peek(); has_ahead = false) passing.push(ahead);
    rest = interpreter->memory().copy(std::span<const Value>(passing.all()));
    filtered = true;
  }
  return index + 1 + has_ahead + static_cast<int64_t>(rest.size());
}

bool loop_attribute(Memory& memory, Loop& loop, std::string_view name, Value& result) {
  const auto undefined = [&](std::string_view what) {
    return make_undefined(memory, what, "LoopContext");
  };
  if (name == "index") {
    result = loop.index + 1;
  } else if (name == "index0") {
    result = loop.index;
  } else if (name == "first") {
    result = loop.index == 0;
  } else if (name == "last") {
    result = !loop.peek();
  } else if (name == "length") {
    result = loop.length();
  } else if (name == "revindex") {
    result = loop.length() - loop.index;
  } else if (name == "revindex0") {
    result = loop.length() - loop.index - 1;
  } else if (name == "depth") {
    result = loop.depth + 1;
  } else if (name == "depth0") {
    result = loop.depth;
  } else if (name == "previtem") {
    result = loop.has_previous ? loop.previous : undefined("previtem");
  } else if (name == "nextitem") {
    result = loop.peek() ? loop.ahead : undefined("nextitem");
  } else {
    return false;
  }
  return true;
}

}  // namespace avocado::jinja
