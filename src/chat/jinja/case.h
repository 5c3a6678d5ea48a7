#pragma once
// Upper, lower and title case as Python's strings have them: full mappings, final sigma included.

#include "chat/jinja/text.h"

namespace avocado::jinja {

bool is_upper(uint32_t code_point);
bool is_lower(uint32_t code_point);
bool is_cased(uint32_t code_point);

Text upper(Memory& memory, const Text& text);
Text lower(Memory& memory, const Text& text);
Text swap_case(Memory& memory, const Text& text);
Text capitalize(Memory& memory, const Text& text);
Text title(Memory& memory, const Text& text);

}  // namespace avocado::jinja
