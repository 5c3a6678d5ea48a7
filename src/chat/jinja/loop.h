#pragma once
// A for loop at work, and its variable `loop`.

#include "chat/jinja/value.h"

namespace avocado::jinja {

class Interpreter;
struct Scope;
struct For;

// The elements are filtered as they are reached, so that a condition may look at what the body did
// before: `ahead` is the next element to come, once somebody has asked.
struct Loop {
  Interpreter* interpreter;
  const For* statement;
  Scope* scope;  // around the loop
  int64_t depth;
  std::span<const Value> rest;  // to come
  bool filtered = false;        // all of `rest` passes the loop's condition
  int64_t index = -1;           // of the current element
  Value current = {}, previous = {}, ahead = {};
  bool has_ahead = false, has_previous = false;
  Value changed = {};  // the arguments of the last loop.changed()
  bool has_changed = false;

  // Moves on to the next element; false at the end.
  bool next();
  // Whether there is an element after the current one.
  bool peek();
  // Elements in all; filters those that are left.
  int64_t length();
};

// False when there is no such attribute.
bool loop_attribute(Memory& memory, Loop& loop, std::string_view name, Value& result);

}  // namespace avocado::jinja
