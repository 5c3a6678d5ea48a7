#pragma once
// Python's operators, subscripts and slices.

#include "chat/jinja/value.h"

namespace avocado::jinja {

enum class Operator : uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };

// Integers have 64 bits; a result beyond is a Failure. Throws Failure for types that do not fit.
Value apply(Memory& memory, Operator op, const Value& a, const Value& b);
Value negate(const Value& value);
Value plus(const Value& value);

// container[index]; nothing when it is not there.
const Value* element(Memory& memory, const Value& container, const Value& index, Value& storage);
// container[begin:end:step], each an integer or none; false for what cannot be cut.
bool cut(Memory& memory, const Value& container, const Value& begin, const Value& end,
         const Value& step, Value& result);

}  // namespace avocado::jinja
