#include <fmt/format.h>

#include "chat/jinja/access.h"
#include "chat/jinja/builtins.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace avocado::jinja {
namespace {

bool compare_values(Memory& memory, Compare compare, const Value& a, const Value& b) {
  switch (compare) {
    case Compare::equal:
      return equal(memory, a, b);
    case Compare::not_equal:
      return !equal(memory, a, b);
    case Compare::less:
      return less(memory, a, b);
    case Compare::greater:
      return less(memory, b, a);
    case Compare::less_equal:
      return less(memory, a, b) || equal(memory, a, b);  // not !(b < a): NaN
    case Compare::greater_equal:
      return less(memory, b, a) || equal(memory, a, b);
    case Compare::in:
      return contains(memory, b, a);
    case Compare::not_in:
      return !contains(memory, b, a);
  }
  return false;
}

}  // namespace

Value Interpreter::evaluate(const Expression& e, Scope& scope) {
  const Nested nested(memory_);
  memory_.step();
  line_ = e.line;
  const auto item = [&](size_t i) { return evaluate(*e.items[i], scope); };
  switch (e.kind) {
    case ExpressionKind::constant:
      return e.value;
    case ExpressionKind::variable:
      return evaluate_variable(e, scope);
    case ExpressionKind::list:
      return evaluate_list(e, scope, List::Kind::list);
    case ExpressionKind::tuple:
      return evaluate_list(e, scope, List::Kind::tuple);
    case ExpressionKind::dict:
      return evaluate_dict(e, scope);
    case ExpressionKind::attribute:
      return attribute(memory_, item(0), e.name);
    case ExpressionKind::subscript: {
      const Value container = item(0);
      return subscript(memory_, container, item(1));
    }
    case ExpressionKind::slice:
      return evaluate_slice(e, scope);
    case ExpressionKind::call: {
      const Value callee = item(0);
      const Arguments arguments = evaluate_arguments(e, scope);
      line_ = e.line;
      return call(callee, arguments);
    }
    case ExpressionKind::filter:
      return evaluate_filters(e, Value(), scope);
    case ExpressionKind::test: {
      const Value value = item(0);
      const Arguments arguments = evaluate_arguments(e, scope);
      return test(e.name, value, arguments);
    }
    case ExpressionKind::negate:
      return negate(item(0));
    case ExpressionKind::plus:
      return plus(item(0));
    case ExpressionKind::logical_not:
      return !truth(item(0));
    case ExpressionKind::logical_and: {
      const Value left = item(0);
      return truth(left) ? item(1) : left;
    }
    case ExpressionKind::logical_or: {
      const Value left = item(0);
      return truth(left) ? left : item(1);
    }
    case ExpressionKind::conditional:
      if (truth(item(0))) return item(1);
      return e.items[2] ? item(2) : make_undefined(memory_, "the inline if without else");
    case ExpressionKind::concat:
      return evaluate_concat(e, scope);
    case ExpressionKind::arithmetic: {
      const Value left = item(0), right = item(1);
      return apply(memory_, e.op, left, right);
    }
    case ExpressionKind::compare:
      return evaluate_comparison(e, scope);
  }
  return {};
}

Value Interpreter::evaluate_variable(const Expression& e, const Scope& scope) {
  for (const Scope* s = &scope; s; s = s->parent)
    if (const Value* found = s->variables.find(memory_, e.name)) return *found;
  if (const Value* found = find(memory_, context_, e.name)) return *found;
  if (const Builtin* function = find_builtin(functions(), e.name))
    return memory_.make<Callable>(function->name, function);
  return make_undefined(memory_, e.name);
}

Value Interpreter::evaluate_list(const Expression& e, Scope& scope, List::Kind kind) {
  Items items(memory_);
  for (const Expression* item : e.items) items.push(evaluate(*item, scope));
  return items.finish(kind);
}

Value Interpreter::evaluate_dict(const Expression& e, Scope& scope) {
  std::vector<Entry> entries;
  for (size_t i = 0; i < e.items.size(); i += 2) {
    const Value key = evaluate(*e.items[i], scope);
    entries.push_back({key, evaluate(*e.items[i + 1], scope)});
  }
  return make_dict(memory_, entries);
}

Value Interpreter::evaluate_slice(const Expression& e, Scope& scope) {
  const Value container = evaluate(*e.items[0], scope);
  Value bounds[3] = {nullptr, nullptr, nullptr};
  for (size_t i = 0; i < 3; ++i)
    if (e.items[i + 1]) bounds[i] = evaluate(*e.items[i + 1], scope);
  if (container.is_undefined()) fail_undefined(container);
  Value result;
  if (cut(memory_, container, bounds[0], bounds[1], bounds[2], result)) return result;
  throw Failure(fmt::format("a value of type {} cannot be cut by [:]", type_name(container)));
}

Value Interpreter::evaluate_concat(const Expression& e, Scope& scope) {
  std::vector<Value> values;
  for (const Expression* item : e.items) values.push_back(evaluate(*item, scope));
  TextBuilder text(memory_);
  for (const Value& value : values) write_str(memory_, text, value);
  return finish(memory_, text);
}

bool Interpreter::evaluate_comparison(const Expression& e, Scope& scope) {
  Value left = evaluate(*e.items[0], scope);
  for (size_t i = 0; i < e.compares.size(); ++i) {
    const Value right = evaluate(*e.items[i + 1], scope);
    if (!compare_values(memory_, e.compares[i], left, right)) return false;
    left = right;
  }
  return true;
}

Arguments Interpreter::evaluate_arguments(const Expression& e, Scope& scope) {
  Arguments arguments;
  for (const Argument& argument : e.arguments) {
    const Value value = evaluate(*argument.value, scope);
    switch (argument.kind) {
      case Argument::Kind::positional:
        arguments.positional.push_back(value);
        break;
      case Argument::Kind::named:
        arguments.named.push_back({argument.name, value});
        break;
      case Argument::Kind::spread_list: {
        const auto items = iterate(memory_, value);
        memory_.charge(items.size() * sizeof(Value));
        arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
        break;
      }
      case Argument::Kind::spread_dict:
        if (!value.is(Type::dict)) throw Failure("** takes a dict");
        memory_.charge(value.dict().entries.size() * sizeof(Named));
        for (const Entry& entry : value.dict().entries) {
          if (!entry.key.is_text()) throw Failure("** takes a dict whose keys are strings");
          arguments.named.push_back({entry.key.text().view(), entry.value});
        }
        break;
    }
  }
  return arguments;
}

Value Interpreter::evaluate_filters(const Expression& e, const Value& input, Scope& scope) {
  const Nested nested(memory_);
  const Expression* inner = e.items[0];
  const Value value = !inner ? input
                      : inner->kind == ExpressionKind::filter
                          ? evaluate_filters(*inner, input, scope)
                          : evaluate(*inner, scope);
  const Arguments arguments = evaluate_arguments(e, scope);
  line_ = e.line;
  return filter(e.name, value, arguments);
}

Value Interpreter::filter(std::string_view name, const Value& input, const Arguments& arguments) {
  memory_.step();
  const Builtin* found = find_filter(name);
  if (!found) throw Failure(fmt::format("the filter '{}' is not known", name));
  Call made(*this, *found, input, arguments);
  return found->run(made);
}

bool Interpreter::test(std::string_view name, const Value& value, const Arguments& arguments) {
  memory_.step();
  const Builtin* found = find_builtin(tests(), name);
  if (!found) throw Failure(fmt::format("the test '{}' is not known", name));
  Call made(*this, *found, value, arguments);
  return truth(found->run(made));
}

}  // namespace avocado::jinja
