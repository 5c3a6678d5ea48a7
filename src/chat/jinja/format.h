#pragma once
// Python's two ways to format: '%d of %s' % (1, 'x') and '{} of {name}'.format(1, name='x').

#include "chat/jinja/callable.h"
#include "chat/jinja/value.h"

namespace avocado::jinja {

Value format_percent(Memory& memory, const Text& format, const Value& arguments);
Value format_braces(Memory& memory, const Text& format, const Arguments& arguments);

// An integer in base 2, 8, 10 or 16, without a sign.
std::string digits_of(uint64_t magnitude, int base, bool upper = false);

}  // namespace avocado::jinja
