#pragma once
// Walks the tree of a template: statements write text, expressions give values.

#include <ctime>
#include <optional>
#include <string_view>

#include "chat/jinja/ast.h"
#include "chat/jinja/callable.h"
#include "chat/jinja/loop.h"

namespace avocado::jinja {

// The variables of a block, and those around it.
struct Scope {
  Scope* parent;
  Variables variables = {};
};

class Interpreter {
 public:
  // `context` holds the variables that the template is given, `now` what strftime_now() tells.
  Interpreter(Memory& memory, const Dict& context, const std::optional<std::tm>& now)
      : memory_(memory), context_(context), now_(now) {}

  void run(const Body& body, TextBuilder& out);
  // Of the template, where it is at the moment.
  uint32_t line() const { return line_; }

  // For builtins.
  Memory& memory() { return memory_; }
  const std::optional<std::tm>& now() const { return now_; }
  Value call(const Value& callee, const Arguments& arguments);
  Value filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool test(std::string_view name, const Value& value, const Arguments& arguments);
  // The condition of a for loop, for one element.
  bool passes(const For& loop, Scope& scope, const Value& element);

 private:
  enum class Flow { next, break_loop, continue_loop };

  // interpreter.cc
  Flow execute(const Body& body, Scope& scope);
  Flow execute(const Statement& statement, Scope& scope);
  Flow execute_if(const Statement& statement, Scope& scope);
  void execute_set_block(const Statement& statement, Scope& scope);
  void execute_with(const Statement& statement, Scope& scope);
  void execute_call(const Statement& statement, Scope& scope);
  void run_loop(const For& loop, const Value& over, Scope& scope, int64_t depth);
  void assign(const Target& target, const Value& value, Scope& scope);
  Text capture(const Body& body, Scope& around);
  Value call_macro(const Callable& macro, const Arguments& arguments);
  Value call_loop(const Loop& loop, const Arguments& arguments);

  // evaluate.cc
  Value evaluate(const Expression& expression, Scope& scope);
  Value evaluate_variable(const Expression& expression, const Scope& scope);
  Value evaluate_slice(const Expression& expression, Scope& scope);
  Value evaluate_dict(const Expression& expression, Scope& scope);
  Value evaluate_list(const Expression& expression, Scope& scope, List::Kind kind);
  Value evaluate_concat(const Expression& expression, Scope& scope);
  bool evaluate_comparison(const Expression& expression, Scope& scope);
  Arguments evaluate_arguments(const Expression& expression, Scope& scope);
  // A chain of filters whose innermost input is `input`.
  Value evaluate_filters(const Expression& expression, const Value& input, Scope& scope);

  Memory& memory_;
  const Dict& context_;
  const std::optional<std::tm>& now_;
  TextBuilder* out_ = nullptr;
  uint32_t line_ = 1;
};

}  // namespace avocado::jinja
