// Tests: what stands behind `is`.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/builtins.h"
#include "chat/jinja/case.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace avocado::jinja {
namespace {

template <Type kType>
Value is_type(Call& call) {
  return call.self.is(kType);
}

Value is_defined(Call& call) { return !call.self.is_undefined(); }
Value is_number(Call& call) { return call.self.is_number(); }
Value is_true(Call& call) { return call.self.is(Type::boolean) && call.self.integer() == 1; }
Value is_false(Call& call) { return call.self.is(Type::boolean) && call.self.integer() == 0; }

Value is_iterable(Call& call) {
  const Type type = call.self.type();
  return type == Type::text || type == Type::list || type == Type::dict ||
         type == Type::undefined || type == Type::loop;
}

Value is_sequence(Call& call) {
  if (call.self.is(Type::list)) return call.self.list().kind <= List::Kind::range;
  return call.self.is_text() || call.self.is(Type::dict) || call.self.is_undefined();
}

Value is_callable(Call& call) {
  return call.self.is(Type::callable) || call.self.is_undefined() || call.self.is(Type::loop);
}

Value is_same(Call& call) { return call.self.same(call[0]); }
Value is_escaped(Call&) { return false; }
Value is_in(Call& call) { return contains(call.memory, call[0], call.self); }
Value is_equal(Call& call) { return equal(call.memory, call.self, call[0]); }
Value is_not_equal(Call& call) { return !equal(call.memory, call.self, call[0]); }
Value is_less(Call& call) { return less(call.memory, call.self, call[0]); }
Value is_greater(Call& call) { return less(call.memory, call[0], call.self); }
Value is_at_most(Call& call) {
  return less(call.memory, call.self, call[0]) || equal(call.memory, call.self, call[0]);
}
Value is_at_least(Call& call) {
  return less(call.memory, call[0], call.self) || equal(call.memory, call.self, call[0]);
}

Value remainder_is(Call& call, const Value& divisor, int64_t remainder) {
  return equal(call.memory, apply(call.memory, Operator::modulo, call.self, divisor), remainder);
}
Value is_even(Call& call) { return remainder_is(call, int64_t{2}, 0); }
Value is_odd(Call& call) { return remainder_is(call, int64_t{2}, 1); }
Value is_divisible(Call& call) { return remainder_is(call, call[0], 0); }

template <bool (*kIs)(uint32_t), bool (*kIsOther)(uint32_t)>
Value is_case(Call& call) {
  const Text text = to_text(call.memory, call.self);
  call.memory.scan(text.size * 4);
  bool found = false;
  for (size_t at = 0; at < text.size; at += char_bytes(text.data[at])) {
    const uint32_t c = code_point_at(text.data + at);
    if (kIsOther(c)) return false;
    found |= kIs(c);
  }
  return found;
}

Value is_filter(Call& call) {
  check_key(call.self);
  return find_filter(to_text(call.memory, call.self).view()) != nullptr;
}
Value is_test(Call& call) {
  check_key(call.self);
  return find_builtin(tests(), to_text(call.memory, call.self).view()) != nullptr;
}

constexpr Builtin kTests[] = {
    {"!=", "other", is_not_equal},
    {"<", "other", is_less},
    {"<=", "other", is_at_most},
    {"==", "other", is_equal},
    {">", "other", is_greater},
    {">=", "other", is_at_least},
    {"boolean", "", is_type<Type::boolean>},
    {"callable", "", is_callable},
    {"defined", "", is_defined},
    {"divisibleby", "num", is_divisible},
    {"eq", "other", is_equal},
    {"equalto", "other", is_equal},
    {"escaped", "", is_escaped},
    {"even", "", is_even},
    {"false", "", is_false},
    {"filter", "", is_filter},
    {"float", "", is_type<Type::real>},
    {"ge", "other", is_at_least},
    {"greaterthan", "other", is_greater},
    {"gt", "other", is_greater},
    {"in", "seq", is_in},
    {"integer", "", is_type<Type::integer>},
    {"iterable", "", is_iterable},
    {"le", "other", is_at_most},
    {"lessthan", "other", is_less},
    {"lower", "", is_case<is_lower, is_upper>},
    {"lt", "other", is_less},
    {"mapping", "", is_type<Type::dict>},
    {"ne", "other", is_not_equal},
    {"none", "", is_type<Type::none>},
    {"number", "", is_number},
    {"odd", "", is_odd},
    {"sameas", "other", is_same},
    {"sequence", "", is_sequence},
    {"string", "", is_type<Type::text>},
    {"test", "", is_test},
    {"true", "", is_true},
    {"undefined", "", is_type<Type::undefined>},
    {"upper", "", is_case<is_upper, is_lower>},
};

}  // namespace

Builtins tests() { return kTests; }

}  // namespace avocado::jinja
