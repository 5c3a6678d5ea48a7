#pragma once
// value.name and value[index], as Jinja's sandbox reads them.

#include "chat/jinja/value.h"

namespace avocado::jinja {

// A method or attribute of the type first, then a key; undefined when there is neither.
Value attribute(Memory& memory, const Value& value, std::string_view name);
// A key or position first, then an attribute of that name.
Value subscript(Memory& memory, const Value& value, const Value& index);

}  // namespace avocado::jinja
