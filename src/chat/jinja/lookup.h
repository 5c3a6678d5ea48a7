#pragma once
// What filters that look at an attribute of each element share.

#include "chat/jinja/value.h"

namespace avocado::jinja {

// The value at a path such as "function.name" or "0.role", or at an integer. Where a part is
// missing, `otherwise` if given, else undefined.
Value look_up(Memory& memory, const Value& value, const Value& path,
              const Value* otherwise = nullptr);

// What to sort, group or compare by: the value, or its attribute when `path` is not none; text in
// lower case unless `case_sensitive`.
Value sort_key(Memory& memory, const Value& value, const Value& path, bool case_sensitive);

}  // namespace avocado::jinja
