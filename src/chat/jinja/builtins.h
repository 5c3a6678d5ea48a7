#pragma once
// The tables of what templates can use. Each is at the end of the file that holds its functions.

#include "chat/jinja/callable.h"

namespace avocado::jinja {

Builtins text_filters();   // filters_text.cc
Builtins list_filters();   // filters_list.cc
Builtins value_filters();  // filters_value.cc
Builtins tests();          // tests.cc
Builtins text_methods();   // methods_text.cc
Builtins dict_methods();   // methods_dict.cc
Builtins list_methods();   // methods_dict.cc
Builtins loop_methods();   // loop.cc
Builtins functions();      // functions.cc

// Null when there is none of that name.
const Builtin* find_filter(std::string_view name);

// What the filters and methods of strings share (methods_text.cc).
Value split_lines(Memory& memory, const Text& text, bool keep_ends);
Value replace(Memory& memory, const Text& text, const Text& old, const Text& with, int64_t count);
Value join(Memory& memory, const Text& between, std::span<const Value> items);
Value center(Memory& memory, const Text& text, int64_t width, const Text& fill);

}  // namespace avocado::jinja
