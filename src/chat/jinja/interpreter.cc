#include "chat/jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/print.h"

namespace avocado::jinja {

void Interpreter::run(const Body& body, TextBuilder& out) {
  Scope* top = memory_.make<Scope>(nullptr);
  out_ = &out;
  execute(body, *top);
}

Interpreter::Flow Interpreter::execute(const Body& body, Scope& scope) {
  for (const Statement* statement : body) {
    const Flow flow = execute(*statement, scope);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, Scope& scope) {
  const Nested nested(memory_);
  memory_.step();
  line_ = statement.line;
  switch (statement.kind) {
    case StatementKind::data:
      out_->append(statement.text);
      break;
    case StatementKind::print:
      for (const Expression* expression : statement.expressions) {
        const Value value = evaluate(*expression, scope);
        write_str(memory_, *out_, value);
      }
      break;
    case StatementKind::conditional:
      return execute_if(statement, scope);
    case StatementKind::loop:
      run_loop(*statement.loop, evaluate(*statement.loop->over, scope), scope, 0);
      break;
    case StatementKind::set:
      assign(statement.targets[0], evaluate(*statement.expressions[0], scope), scope);
      break;
    case StatementKind::set_block:
      execute_set_block(statement, scope);
      break;
    case StatementKind::macro: {
      const Macro& macro = *statement.macro;
      scope.variables.set(memory_, macro.name,
                          memory_.make<Callable>(macro.name, nullptr, Value(), &macro, &scope));
      break;
    }
    case StatementKind::call:
      execute_call(statement, scope);
      break;
    case StatementKind::filter: {
      const Value text = make_text(memory_, capture(statement.body, scope));
      write_str(memory_, *out_, evaluate_filters(*statement.expressions[0], text, scope));
      break;
    }
    case StatementKind::with:
      execute_with(statement, scope);
      break;
    case StatementKind::generation:
      out_->append(capture(statement.body, scope), kSaid);
      break;
    case StatementKind::break_loop:
      return Flow::break_loop;
    case StatementKind::continue_loop:
      return Flow::continue_loop;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute_if(const Statement& first, Scope& scope) {
  for (const Statement* branch = &first;;) {
    if (truth(evaluate(*branch->expressions[0], scope))) return execute(branch->body, scope);
    const Body& otherwise = branch->otherwise;
    // An elif is an `if` alone in the other branch; a chain of them is no nesting.
    if (otherwise.size() != 1 || otherwise[0]->kind != StatementKind::conditional)
      return execute(otherwise, scope);
    branch = otherwise[0];
    memory_.step();
    line_ = branch->line;
  }
}

Text Interpreter::capture(const Body& body, Scope& around) {
  Scope* scope = memory_.make<Scope>(&around);
  TextBuilder text(memory_);
  TextBuilder* outer = std::exchange(out_, &text);
  execute(body, *scope);
  out_ = outer;
  return text.finish();
}

void Interpreter::execute_set_block(const Statement& statement, Scope& scope) {
  Value value = make_text(memory_, capture(statement.body, scope));
  if (const Expression* filters = statement.expressions[0])
    value = evaluate_filters(*filters, value, scope);
  assign(statement.targets[0], value, scope);
}

void Interpreter::execute_with(const Statement& statement, Scope& scope) {
  Scope* inner = memory_.make<Scope>(&scope);
  for (size_t i = 0; i < statement.targets.size(); ++i)
    assign(statement.targets[i], evaluate(*statement.expressions[i], scope), *inner);
  execute(statement.body, *inner);
}

void Interpreter::execute_call(const Statement& statement, Scope& scope) {
  const Expression& call_expression = *statement.expressions[0];
  const Value callee = evaluate(*call_expression.items[0], scope);
  Arguments arguments = evaluate_arguments(call_expression, scope);
  const Macro& caller = *statement.macro;
  arguments.named.push_back(
      {"caller", memory_.make<Callable>(caller.name, nullptr, Value(), &caller, &scope)});
  write_str(memory_, *out_, call(callee, arguments));
}

bool Interpreter::passes(const For& loop, Scope& scope, const Value& element) {
  if (!loop.condition) return true;
  Scope* inner = memory_.make<Scope>(&scope);
  assign(loop.target, element, *inner);
  return truth(evaluate(*loop.condition, *inner));
}

void Interpreter::run_loop(const For& statement, const Value& over, Scope& scope, int64_t depth) {
  Loop* loop = memory_.make<Loop>(this, &statement, &scope, depth, iterate(memory_, over));
  loop->filtered = !statement.condition;
  bool ended = false;  // some body came to its end: as in Jinja, else follows loops where none did
  while (loop->next()) {
    memory_.step();
    Scope* inner = memory_.make<Scope>(&scope);
    inner->variables.set(memory_, "loop", loop);
    assign(statement.target, loop->current, *inner);
    const Flow flow = execute(statement.body, *inner);
    if (flow == Flow::break_loop) break;
    ended |= flow == Flow::next;
  }
  if (!ended) execute(statement.otherwise, *memory_.make<Scope>(&scope));
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  if (!target.attribute.empty()) {
    Value names;
    const Value* found = nullptr;
    for (const Scope* s = &scope; s && !found; s = s->parent)
      found = s->variables.find(memory_, target.name);
    if (found) names = *found;
    if (!names.is(Type::names))
      throw Failure(fmt::format("'{}' is no namespace; only attributes of namespaces can be set",
                                target.name));
    names.names().variables.set(memory_, target.attribute, value);
    return;
  }
  if (!target.is_tuple) {
    scope.variables.set(memory_, target.name, value);
    return;
  }
  if (value.is_undefined()) fail_undefined(value);
  const auto items = iterate(memory_, value);
  if (items.size() != target.parts.size())
    throw Failure(
        fmt::format("{} values are expected to unpack, not {}", target.parts.size(), items.size()));
  for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i], scope);
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  const Nested nested(memory_);
  memory_.step();
  if (callee.is_undefined()) fail_undefined(callee);
  if (callee.is(Type::loop)) return call_loop(callee.loop(), arguments);
  if (!callee.is(Type::callable))
    throw Failure(fmt::format("a value of type {} cannot be called", type_name(callee)));
  const Callable& callable = callee.callable();
  if (callable.macro) return call_macro(callable, arguments);
  Call made(*this, *callable.builtin, callable.self, arguments);
  return callable.builtin->run(made);
}

Value Interpreter::call_loop(const Loop& loop, const Arguments& arguments) {
  if (!loop.statement->recursive || arguments.positional.size() != 1)
    throw Failure("loop() takes one argument, in a loop that is marked 'recursive'");
  TextBuilder text(memory_);
  TextBuilder* outer = std::exchange(out_, &text);
  run_loop(*loop.statement, arguments.positional[0], *loop.scope, loop.depth + 1);
  out_ = outer;
  return finish(memory_, text);
}

Value Interpreter::call_macro(const Callable& callable, const Arguments& arguments) {
  const Macro& macro = *callable.macro;
  const auto& parameters = macro.parameters;
  Scope* scope = memory_.make<Scope>(callable.scope);
  const auto fail = [&](std::string_view what, std::string_view name) {
    throw Failure(fmt::format("the macro '{}' {} '{}'", macro.name, what, name));
  };
  std::vector<bool> given(parameters.size());
  const size_t in_order = std::min(arguments.positional.size(), parameters.size());
  for (size_t i = 0; i < in_order; ++i) {
    scope->variables.set(memory_, parameters[i].name, arguments.positional[i]);
    given[i] = true;
  }
  Value caller = make_undefined(memory_, "caller");
  std::vector<Entry> others;
  for (const Named& named : arguments.named) {
    memory_.step(parameters.size() / 8);
    const auto at = std::find_if(parameters.begin(), parameters.end(),
                                 [&](const Parameter& p) { return p.name == named.name; });
    if (at != parameters.end()) {
      const auto i = static_cast<size_t>(at - parameters.begin());
      if (given[i]) fail("is given twice its argument", named.name);
      scope->variables.set(memory_, named.name, named.value);
      given[i] = true;
    } else if (named.name == "caller" && macro.uses_caller) {
      caller = named.value;
    } else if (macro.uses_kwargs) {
      others.push_back({make_text(memory_, named.name), named.value});
    } else {
      fail("has no argument", named.name);
    }
  }
  if (arguments.positional.size() > parameters.size() && !macro.uses_varargs)
    throw Failure(fmt::format("the macro '{}' takes {} arguments, not {}", macro.name,
                              parameters.size(), arguments.positional.size()));
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (given[i]) continue;
    scope->variables.set(memory_, parameters[i].name,
                         parameters[i].otherwise ? evaluate(*parameters[i].otherwise, *scope)
                                                 : make_undefined(memory_, parameters[i].name));
  }
  if (macro.uses_caller && !scope->variables.find(memory_, "caller"))
    scope->variables.set(memory_, "caller", caller);
  if (macro.uses_kwargs) scope->variables.set(memory_, "kwargs", make_dict(memory_, others));
  if (macro.uses_varargs)
    scope->variables.set(
        memory_, "varargs",
        make_list(memory_, std::span<const Value>(arguments.positional).subspan(in_order),
                  List::Kind::tuple));
  return make_text(memory_, capture(macro.body, *scope));
}

}  // namespace avocado::jinja
