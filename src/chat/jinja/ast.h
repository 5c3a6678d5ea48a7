#pragma once
// A template as a tree. Nodes live as long as their Template.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/operators.h"
#include "chat/jinja/value.h"

namespace avocado::jinja {

enum class Compare : uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};

enum class ExpressionKind : uint8_t {
  constant,     // value
  variable,     // name
  list,         // items
  tuple,        // items
  dict,         // items: key, value, key, value, ...
  attribute,    // items[0].name
  subscript,    // items[0][items[1]]
  slice,        // items: container, begin, end, step (null: not given)
  call,         // items[0](arguments)
  filter,       // items[0] | name(arguments); items[0] is null in a filter block
  test,         // items[0] is name(arguments)
  negate,       // -items[0]
  plus,         // +items[0]
  logical_not,  // not items[0]
  logical_and,  // items[0] and items[1]
  logical_or,   // items[0] or items[1]
  conditional,  // items[1] if items[0] else items[2] (null: undefined)
  concat,       // items[0] ~ items[1] ~ ...
  arithmetic,   // items[0] op items[1]
  compare       // items[0] compares[0] items[1] compares[1] items[2] ...
};

struct Expression;

struct Argument {
  enum class Kind : uint8_t { positional, named, spread_list, spread_dict };
  Kind kind;
  std::string_view name;
  const Expression* value;
};

struct Expression {
  ExpressionKind kind;
  Operator op = Operator::add;
  uint32_t line = 0;
  std::string_view name;
  Value value;
  std::vector<const Expression*> items;
  std::vector<Argument> arguments;
  std::vector<Compare> compares;
};

enum class StatementKind : uint8_t {
  data,         // text
  print,        // expressions
  conditional,  // if expressions[0]: body, else: otherwise (elif is one `if` in it)
  loop,
  set,        // target = expressions[0]
  set_block,  // target = body, through the filters of expressions[0] (null: none)
  macro,
  call,        // expressions[0] is a call; `macro` is its caller()
  filter,      // body through the filters of expressions[0]
  with,        // targets[i] = expressions[i] for the body
  generation,  // the assistant says the body
  break_loop,
  continue_loop
};

struct Statement;
using Body = std::vector<const Statement*>;

// What is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  std::string_view name, attribute;
  std::vector<Target> parts;
  bool is_tuple = false;
};

struct Parameter {
  std::string_view name;
  const Expression* otherwise;  // null: undefined
};

struct Macro {
  std::string_view name;
  std::vector<Parameter> parameters;
  Body body;
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct For {
  Target target;
  const Expression* over;
  const Expression* condition;  // null: none
  bool recursive = false;
  Body body, otherwise;
};

struct Statement {
  StatementKind kind;
  uint32_t line = 0;
  Text text;
  std::vector<const Expression*> expressions;
  std::vector<Target> targets;
  Body body, otherwise;
  const For* loop = nullptr;
  const Macro* macro = nullptr;
};

}  // namespace avocado::jinja
