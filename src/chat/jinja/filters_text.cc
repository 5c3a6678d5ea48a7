// Filters that give text. As in Jinja, what they are applied to is first made a string.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/builtins.h"
#include "chat/jinja/case.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/lookup.h"
#include "chat/jinja/print.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

Text self(Call& call) { return to_text(call.memory, call.self); }

template <Text (*kMap)(Memory&, const Text&)>
Value map_case(Call& call) {
  return make_text(call.memory, kMap(call.memory, self(call)));
}

// Unlike str.title(), only white space, - and opening brackets begin a word.
Value title_words(Call& call) {
  const Text text = self(call);
  TextBuilder out(call.memory);
  for (size_t at = 0; at < text.size;) {
    const auto begins = [&](size_t i) {
      return is_space(code_point_at(text.data + i)) ||
             std::string_view("-({[<").find(text.data[i]) != std::string_view::npos;
    };
    const bool separator = begins(at);
    size_t end = at;
    while (end < text.size && begins(end) == separator) end += char_bytes(text.data[end]);
    const Text part = slice(call.memory, text, at, end);
    const size_t first = char_bytes(part.data[0]);
    call.memory.step();
    out.append(upper(call.memory, slice(call.memory, part, 0, first)));
    out.append(lower(call.memory, slice(call.memory, part, first, part.size)));
    at = end;
  }
  return finish(call.memory, out);
}

Value trim(Call& call) {
  const Text* chars = call.has(0) && !call[0].is_none() ? &call.text(0) : nullptr;
  return make_text(call.memory, strip(call.memory, self(call), chars, true, true));
}

Value as_string(Call& call) {
  return call.self.is_text() ? call.self : make_text(call.memory, self(call));
}

Value center_text(Call& call) {
  return center(call.memory, self(call), call.integer(0, 80), {.data = " ", .size = 1});
}

Value replace_text(Call& call) {
  const int64_t count = call.has(2) && call[2].is_none() ? -1 : call.integer(2, -1);
  return replace(call.memory, self(call), to_text(call.memory, call[0]),
                 to_text(call.memory, call[1]), count);
}

Value join_items(Call& call) {
  std::vector<Value> items;
  for (const Value& item : iterate(call.memory, call.self)) {
    call.memory.charge(sizeof(Value));
    items.push_back(call.has(1) && !call[1].is_none() ? look_up(call.memory, item, call[1]) : item);
  }
  return join(call.memory, call.has(0) ? to_text(call.memory, call[0]) : Text{}, items);
}

Value indent(Call& call) {
  if (!call.self.is_text()) call.fail("takes a string; put \"| string\" before it");
  const Text& text = call.self.text();
  const Text space{.data = " ", .size = 1};
  TextBuilder margin(call.memory);
  if (call.has(0) && call[0].is_text()) {
    margin.append(call.text(0));
  } else {
    margin.append_times(space, call.integer(0, 4));
  }
  const Text indention = margin.finish();
  const bool first = call.truth(1, false), blank = call.truth(2, false);
  // A newline behind the text, as in Jinja: an empty text then is one line, too.
  TextBuilder whole(call.memory);
  whole.append(text);
  whole.append("\n");
  const auto lines = split_lines(call.memory, whole.finish(), false).list().items;
  TextBuilder out(call.memory);
  if (first) out.append(indention);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n");
    if (i > 0 && (blank || truth(lines[i]))) out.append(indention);
    out.append(lines[i].text());
  }
  return finish(call.memory, out);
}

Value truncate(Call& call) {
  if (!call.self.is_text()) call.fail("takes a string; put \"| string\" before it");
  const Text& text = call.self.text();
  Memory& memory = call.memory;
  const int64_t size = call.integer(0, 255);
  const Text end = call.has(2) ? call.text(2) : Text{.data = "...", .size = 3};
  const int64_t leeway = call.has(3) && !call[3].is_none() ? call.integer(3) : 5;
  const int64_t kept = size - length(memory, end);
  if (kept < 0 || leeway < 0) call.fail("the length is shorter than what marks the cut");
  if (length(memory, text) - leeway <= size) return make_text(memory, text);
  Text part = slice(memory, text, 0, byte_of(memory, text, kept));
  if (!call.truth(1, false)) {
    const size_t space = part.view().rfind(' ');
    if (space != std::string_view::npos) part = slice(memory, part, 0, space);
  }
  TextBuilder out(memory);
  out.append(part);
  out.append(end);
  return finish(memory, out);
}

Value count_words(Call& call) {
  const Text text = self(call);
  call.memory.scan(text.size * 4);
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size; at += char_bytes(text.data[at])) {
    const uint32_t c = code_point_at(text.data + at);
    const bool word = c == '_' || (unicode::class_of(c) & (unicode::kLetter | unicode::kNumber));
    words += word && !inside;
    inside = word;
  }
  return words;
}

Value format(Call& call) {
  Value arguments = make_list(call.memory, call.given.positional, List::Kind::tuple);
  if (!call.given.named.empty()) {
    if (!call.given.positional.empty()) call.fail("takes values or names, not both");
    std::vector<Entry> entries;
    for (const Named& named : call.given.named)
      entries.push_back({make_text(call.memory, named.name), named.value});
    arguments = make_dict(call.memory, entries);
  }
  return format_percent(call.memory, self(call), arguments);
}

Value escape_text(Call& call) { return make_text(call.memory, escape(call.memory, self(call))); }

Value escape_again(Call& call) {
  Text text = self(call);
  text.markup = false;
  return make_text(call.memory, escape(call.memory, text));
}

Value safe(Call& call) {
  Text text = self(call);
  text.markup = true;
  return make_text(call.memory, text);
}

Value to_json(Call& call) {
  JsonStyle style;
  style.ascii = call.truth(0, false);
  style.sort_keys = call.truth(3, false);
  if (call.has(1) && call[1].is_text()) {
    style.indent = std::string(call.text(1).view());
  } else if (call.has(1) && !call[1].is_none()) {
    const int64_t width = std::max<int64_t>(call.integer(1), 0);
    if (width > 1000) call.fail("indents by more than 1000");
    style.indent = std::string(static_cast<size_t>(width), ' ');
  }
  if (style.indent) style.between.pop_back();  // no space before a new line
  if (call.has(2) && !call[2].is_none()) {
    const auto separators = iterate(call.memory, call[2]);
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text())
      call.fail("the separators are two strings");
    style.between = separators[0].text().view();
    style.colon = separators[1].text().view();
  }
  TextBuilder out(call.memory);
  write_json(call.memory, out, call.self, style);
  return finish(call.memory, out);
}

constexpr Builtin kFilters[] = {
    {"capitalize", "", map_case<capitalize>},
    {"center", "width?", center_text},
    {"e", "", escape_text},
    {"escape", "", escape_text},
    {"forceescape", "", escape_again},
    {"format", "*", format},
    {"indent", "width? first? blank?", indent},
    {"join", "d? attribute?", join_items},
    {"lower", "", map_case<lower>},
    {"replace", "old new count?", replace_text},
    {"safe", "", safe},
    {"string", "", as_string},
    {"title", "", title_words},
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", to_json},
    {"trim", "chars?", trim},
    {"truncate", "length? killwords? end? leeway?", truncate},
    {"upper", "", map_case<upper>},
    {"wordcount", "", count_words},
};

}  // namespace

Builtins text_filters() { return kFilters; }

}  // namespace avocado::jinja
