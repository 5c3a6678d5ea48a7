#pragma once
// Values as text: str() and repr() as Python prints, and JSON as json.dumps writes.

#include <optional>
#include <string>

#include "chat/jinja/value.h"

namespace avocado::jinja {

std::string print_float(double value);  // shortest decimal that reads back, as Python's repr

void write_str(Memory& memory, TextBuilder& out, const Value& value);
void write_repr(Memory& memory, TextBuilder& out, const Value& value);
Text to_text(Memory& memory, const Value& value);  // str(); a text is itself

struct JsonStyle {
  bool ascii = false;  // what is beyond it as escapes with \u
  bool sort_keys = false;
  std::optional<std::string> indent;  // one level; nothing: all on one line
  std::string between = ", ", colon = ": ";
};

// Throws Failure for what JSON cannot hold.
void write_json(Memory& memory, TextBuilder& out, const Value& value, const JsonStyle& style);

}  // namespace avocado::jinja
