#pragma once
// What a template can call: filters, tests, methods and functions of the tables, and macros.

#include <initializer_list>
#include <string_view>

#include "chat/jinja/value.h"

namespace avocado::jinja {

class Interpreter;
class Call;
struct Macro;
struct Scope;

// One line of a table. A new filter, test, method or function is one function and one such line.
struct Builtin {
  std::string_view name;
  std::string_view parameters;  // "width first? blank?": ? may be left out; "*": any, as given
  Value (*run)(Call&);          // null: exists in Python, and templates may not use it
};
using Builtins = std::span<const Builtin>;

const Builtin* find_builtin(Builtins table, std::string_view name);

struct Named {
  std::string_view name;
  Value value;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<Named> named;
};

// A builtin at work: what it is applied to and its arguments, by the index of their parameter.
class Call {
 public:
  // Throws Failure for arguments that are too many, missing or unknown.
  Call(Interpreter& interpreter, const Builtin& builtin, const Value& self, const Arguments& given);

  Interpreter& interpreter;
  Memory& memory;
  const Value self;
  const Arguments& given;

  bool has(size_t i) const { return i < at_.size() && at_[i] != nullptr; }
  const Value& operator[](size_t i) const { return *at_[i]; }
  Value get(size_t i, const Value& otherwise) const { return has(i) ? *at_[i] : otherwise; }
  // Of that type, or Failure.
  const Text& text(size_t i) const;
  int64_t integer(size_t i, int64_t otherwise = 0) const;
  bool truth(size_t i, bool otherwise) const;

  [[noreturn]] void fail(const std::string& message) const;

 private:
  const Builtin& builtin_;
  std::vector<const Value*> at_;
};

struct Callable {
  std::string_view name;
  const Builtin* builtin = nullptr;  // with `self` when it is a method
  Value self = {};
  const Macro* macro = nullptr;  // else: a macro, and the variables around its definition
  Scope* scope = nullptr;
};

}  // namespace avocado::jinja
