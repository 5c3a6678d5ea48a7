// Methods of strings, as Python's str has them.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/builtins.h"
#include "chat/jinja/case.h"
#include "chat/jinja/format.h"
#include "chat/jinja/print.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

constexpr size_t kNone = std::string_view::npos;

const Text& self(Call& call) { return call.self.text(); }

Value text_value(Call& call, const Text& text) { return make_text(call.memory, text); }

// An argument that may be left out or none.
const Text* optional_text(Call& call, size_t i) {
  return call.has(i) && !call[i].is_none() ? &call.text(i) : nullptr;
}

template <bool kLeft, bool kRight>
Value strip_ends(Call& call) {
  return text_value(call, strip(call.memory, self(call), optional_text(call, 0), kLeft, kRight));
}

template <Text (*kMap)(Memory&, const Text&)>
Value map_case(Call& call) {
  return text_value(call, kMap(call.memory, self(call)));
}

// At white space, runs of which count as one; from the right when `from_right`.
void split_words(Call& call, const Text& text, int64_t count, bool from_right, Items& parts) {
  Memory& memory = call.memory;
  Text rest = strip(memory, text, nullptr, !from_right, from_right);
  while (rest.size > 0) {
    memory.step();
    if (count-- == 0) {
      parts.push(text_value(call, rest));
      return;
    }
    size_t begin = 0, end = rest.size;
    if (from_right) {
      for (size_t at = end; at > 0;) {
        do {
          --at;
        } while ((static_cast<unsigned char>(rest.data[at]) & 0xc0) == 0x80);
        if (is_space(code_point_at(rest.data + at))) break;
        begin = at;
      }
    } else {
      end = 0;
      while (end < rest.size && !is_space(code_point_at(rest.data + end)))
        end += char_bytes(rest.data[end]);
    }
    memory.scan(end - begin);
    parts.push(text_value(call, slice(memory, rest, begin, end)));
    rest = from_right ? slice(memory, rest, 0, begin) : slice(memory, rest, end, rest.size);
    rest = strip(memory, rest, nullptr, !from_right, from_right);
  }
}

void split_at(Call& call, const Text& text, const Text& separator, int64_t count, bool from_right,
              Items& parts) {
  if (separator.size == 0) call.fail("the separator is empty");
  Memory& memory = call.memory;
  size_t begin = 0, end = text.size;
  if (from_right) memory.scan(text.size * (1 + separator.size / 16));
  for (; count != 0; --count) {
    const std::string_view rest = text.view().substr(begin, end - begin);
    const size_t found =
        from_right ? rest.rfind(separator.view()) : find(memory, rest, separator.view());
    if (found == kNone) break;
    const size_t at = begin + found, behind = at + separator.size;
    parts.push(from_right ? text_value(call, slice(memory, text, behind, end))
                          : text_value(call, slice(memory, text, begin, at)));
    (from_right ? end : begin) = from_right ? at : behind;
  }
  parts.push(text_value(call, slice(memory, text, begin, end)));
}

template <bool kFromRight>
Value split(Call& call) {
  Items parts(call.memory);
  const int64_t count = call.integer(1, -1);
  if (const Text* separator = optional_text(call, 0)) {
    split_at(call, self(call), *separator, count, kFromRight, parts);
  } else {
    split_words(call, self(call), count, kFromRight, parts);
  }
  if (kFromRight) std::reverse(parts.all().begin(), parts.all().end());
  return parts.finish();
}

Value split_into_lines(Call& call) {
  return split_lines(call.memory, self(call), call.truth(0, false));
}

template <bool kFromRight>
Value partition(Call& call) {
  const Text &text = self(call), &separator = call.text(0);
  if (separator.size == 0) call.fail("the separator is empty");
  const size_t at = kFromRight ? find_last(call.memory, text.view(), separator.view())
                               : find(call.memory, text.view(), separator.view());
  const auto part = [&](size_t begin, size_t end) {
    return text_value(call, slice(call.memory, text, begin, end));
  };
  const Value empty = text_value(call, {});
  const size_t size = text.size;
  std::vector<Value> parts;
  if (at == kNone) {
    parts = {part(0, size), empty, empty};
    if (kFromRight) std::swap(parts[0], parts[2]);
  } else {
    const size_t behind = at + separator.size;
    parts = {part(0, at), part(at, behind), part(behind, size)};
  }
  return make_list(call.memory, parts, List::Kind::tuple);
}

// Bytes of the part that arguments `i` and `i + 1` (begin and end) leave; false when it is outside.
bool bounds(Call& call, size_t i, size_t& begin, size_t& end) {
  const Text& text = self(call);
  const int64_t size = length(call.memory, text);
  const auto bound = [&](size_t at, int64_t otherwise) {
    if (!call.has(at) || call[at].is_none()) return otherwise;
    const int64_t value = call.integer(at);
    return value < 0 ? std::max<int64_t>(value + size, 0) : value;
  };
  const int64_t from = bound(i, 0), to = std::min(bound(i + 1, size), size);
  if (from > to) return false;
  begin = byte_of(call.memory, text, from);
  end = byte_of(call.memory, text, to);
  return true;
}

template <bool kStart>
Value has_affix(Call& call) {
  size_t begin = 0, end = 0;
  if (!bounds(call, 1, begin, end)) return false;
  const std::string_view part = self(call).view().substr(begin, end - begin);
  const auto matches = [&](const Value& affix) {
    if (affix.is_undefined()) fail_undefined(affix);
    if (!affix.is_text()) call.fail(fmt::format("takes a string, not {}", type_name(affix)));
    call.memory.scan(affix.text().size);
    const std::string_view view = affix.text().view();
    return kStart ? part.starts_with(view) : part.ends_with(view);
  };
  if (call[0].is(Type::list) && call[0].list().kind == List::Kind::tuple) {
    const auto items = call[0].list().items;
    return std::any_of(items.begin(), items.end(), matches);
  }
  return matches(call[0]);
}

template <bool kFromRight, bool kRequired>
Value find_text(Call& call) {
  const Text &text = self(call), &part = call.text(0);
  size_t begin = 0, end = 0, at = kNone;
  if (bounds(call, 1, begin, end)) {
    const std::string_view within = text.view().substr(begin, end - begin);
    at = kFromRight ? find_last(call.memory, within, part.view())
                    : find(call.memory, within, part.view());
  }
  if (at == kNone) {
    if (kRequired) call.fail("the part is not there");
    return int64_t{-1};
  }
  return length(call.memory, slice(call.memory, text, 0, begin + at));
}

Value count(Call& call) {
  const Text &text = self(call), &part = call.text(0);
  size_t begin = 0, end = 0;
  if (!bounds(call, 1, begin, end)) return int64_t{0};
  if (part.size == 0) return length(call.memory, slice(call.memory, text, begin, end)) + 1;
  int64_t found = 0;
  const std::string_view within = text.view().substr(0, end);
  for (size_t at = begin; (at = find(call.memory, within, part.view(), at)) != kNone;
       at += part.size)
    ++found;
  return found;
}

Value replace_text(Call& call) {
  return replace(call.memory, self(call), call.text(0), call.text(1), call.integer(2, -1));
}

template <bool kPrefix>
Value remove_affix(Call& call) {
  const Text &text = self(call), &affix = call.text(0);
  const bool there =
      kPrefix ? text.view().starts_with(affix.view()) : text.view().ends_with(affix.view());
  if (!there) return call.self;
  return text_value(call, kPrefix ? slice(call.memory, text, affix.size, text.size)
                                  : slice(call.memory, text, 0, text.size - affix.size));
}

Value join_items(Call& call) {
  const auto items = iterate(call.memory, call[0]);
  for (const Value& item : items)
    if (!item.is_text())
      call.fail(fmt::format("takes strings, not {}; | join takes any value", type_name(item)));
  return join(call.memory, self(call), items);
}

Text fill_of(Call& call) {
  if (!call.has(1)) return {.data = " ", .size = 1};
  if (length(call.memory, call.text(1)) != 1) call.fail("fills with one character");
  return call.text(1);
}

Value center_text(Call& call) {
  return center(call.memory, self(call), call.integer(0), fill_of(call));
}

template <bool kLeft>
Value justify(Call& call) {
  const int64_t missing = call.integer(0) - length(call.memory, self(call));
  const Text fill = fill_of(call);
  TextBuilder out(call.memory);
  if (!kLeft) out.append_times(fill, missing);
  out.append(self(call));
  if (kLeft) out.append_times(fill, missing);
  return finish(call.memory, out);
}

Value zero_fill(Call& call) {
  const Text& text = self(call);
  const bool sign = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
  TextBuilder out(call.memory);
  out.append(slice(call.memory, text, 0, sign));
  out.append_times({.data = "0", .size = 1}, call.integer(0) - length(call.memory, text));
  out.append(slice(call.memory, text, sign, text.size));
  return finish(call.memory, out);
}

Value expand_tabs(Call& call) {
  const int64_t width = call.integer(0, 8);
  const Text& text = self(call);
  TextBuilder out(call.memory);
  int64_t column = 0;
  call.memory.step(text.size / 4);
  for (size_t at = 0; at < text.size;) {
    const size_t next = at + char_bytes(text.data[at]);
    if (text.data[at] == '\t') {
      const int64_t spaces = width > 0 ? width - column % width : 0;
      out.append_times({.data = " ", .size = 1}, spaces);
      column += spaces;
    } else {
      out.append(slice(call.memory, text, at, next));
      column = text.data[at] == '\n' || text.data[at] == '\r' ? 0 : column + 1;
    }
    at = next;
  }
  return finish(call.memory, out);
}

Value format(Call& call) { return format_braces(call.memory, self(call), call.given); }

// Whether there are characters and all satisfy the condition.
template <bool (*kIs)(uint32_t)>
Value all_characters(Call& call) {
  const Text& text = self(call);
  call.memory.scan(text.size * 4);
  for (size_t at = 0; at < text.size; at += char_bytes(text.data[at]))
    if (!kIs(code_point_at(text.data + at))) return false;
  return text.size > 0;
}

bool is_alpha(uint32_t c) { return unicode::class_of(c) & unicode::kLetter; }
bool is_decimal(uint32_t c) { return unicode::class_of(c) & unicode::kDecimalDigit; }
bool is_digit(uint32_t c) {
  return is_decimal(c) || c == 0xb2 || c == 0xb3 || c == 0xb9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468);
}
bool is_numeric(uint32_t c) { return unicode::class_of(c) & unicode::kNumber; }
bool is_alphanumeric(uint32_t c) { return is_alpha(c) || is_numeric(c); }
bool is_ascii(uint32_t c) { return c < 0x80; }

// Whether something is cased and nothing is of the other case.
template <bool (*kIs)(uint32_t), bool (*kIsOther)(uint32_t)>
Value is_case(Call& call) {
  const Text& text = self(call);
  call.memory.scan(text.size * 4);
  bool found = false;
  for (size_t at = 0; at < text.size; at += char_bytes(text.data[at])) {
    const uint32_t c = code_point_at(text.data + at);
    if (kIsOther(c) || (unicode::class_of(c) & unicode::kTitle)) return false;
    found |= kIs(c);
  }
  return found;
}

Value is_title(Call& call) {
  const Text& text = self(call);
  call.memory.scan(text.size * 4);
  bool found = false, cased = false;
  for (size_t at = 0; at < text.size; at += char_bytes(text.data[at])) {
    const uint32_t c = code_point_at(text.data + at);
    if (is_cased(c) && is_lower(c) != cased) return false;
    cased = is_cased(c);
    found |= cased;
  }
  return found;
}

constexpr Builtin kMethods[] = {
    {"capitalize", "", map_case<capitalize>},
    {"center", "width fillchar?", center_text},
    {"count", "sub start? end?", count},
    {"endswith", "suffix start? end?", has_affix<false>},
    {"expandtabs", "tabsize?", expand_tabs},
    {"find", "sub start? end?", find_text<false, false>},
    {"format", "*", format},
    {"index", "sub start? end?", find_text<false, true>},
    {"isalnum", "", all_characters<is_alphanumeric>},
    {"isalpha", "", all_characters<is_alpha>},
    {"isascii", "", all_characters<is_ascii>},
    {"isdecimal", "", all_characters<is_decimal>},
    {"isdigit", "", all_characters<is_digit>},
    {"islower", "", is_case<is_lower, is_upper>},
    {"isnumeric", "", all_characters<is_numeric>},
    {"isspace", "", all_characters<is_space>},
    {"istitle", "", is_title},
    {"isupper", "", is_case<is_upper, is_lower>},
    {"join", "iterable", join_items},
    {"ljust", "width fillchar?", justify<true>},
    {"lower", "", map_case<lower>},
    {"lstrip", "chars?", strip_ends<true, false>},
    {"partition", "sep", partition<false>},
    {"removeprefix", "prefix", remove_affix<true>},
    {"removesuffix", "suffix", remove_affix<false>},
    {"replace", "old new count?", replace_text},
    {"rfind", "sub start? end?", find_text<true, false>},
    {"rindex", "sub start? end?", find_text<true, true>},
    {"rjust", "width fillchar?", justify<false>},
    {"rpartition", "sep", partition<true>},
    {"rsplit", "sep? maxsplit?", split<true>},
    {"rstrip", "chars?", strip_ends<false, true>},
    {"split", "sep? maxsplit?", split<false>},
    {"splitlines", "keepends?", split_into_lines},
    {"startswith", "prefix start? end?", has_affix<true>},
    {"strip", "chars?", strip_ends<true, true>},
    {"swapcase", "", map_case<swap_case>},
    {"title", "", map_case<title>},
    {"upper", "", map_case<upper>},
    {"zfill", "width", zero_fill},
};

bool ends_line(uint32_t c) {
  return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

Builtins text_methods() { return kMethods; }

Value split_lines(Memory& memory, const Text& text, bool keep_ends) {
  Items lines(memory);
  memory.scan(text.size * 4);
  for (size_t begin = 0, at = 0; begin < text.size; begin = at) {
    while (at < text.size && !ends_line(code_point_at(text.data + at)))
      at += char_bytes(text.data[at]);
    const size_t end = at;
    if (at < text.size) at += text.view().substr(at, 2) == "\r\n" ? 2 : char_bytes(text.data[at]);
    lines.push(make_text(memory, slice(memory, text, begin, keep_ends ? at : end)));
  }
  return lines.finish();
}

Value replace(Memory& memory, const Text& text, const Text& old, const Text& with, int64_t count) {
  TextBuilder out(memory);
  size_t done = 0;
  for (; count != 0; --count) {
    // Nothing is found before every character and at the end.
    const size_t at = old.size == 0 ? done : find(memory, text.view(), old.view(), done);
    if (at == kNone) break;
    memory.step();
    out.append(slice(memory, text, done, at));
    out.append(with);
    done = at + old.size;
    if (old.size > 0) continue;
    if (done == text.size) break;
    const size_t next = done + char_bytes(text.data[done]);
    out.append(slice(memory, text, done, next));
    done = next;
  }
  out.append(slice(memory, text, done, text.size));
  return finish(memory, out);
}

Value join(Memory& memory, const Text& between, std::span<const Value> items) {
  TextBuilder out(memory);
  for (size_t i = 0; i < items.size(); ++i) {
    memory.step();
    if (i > 0) out.append(between);
    write_str(memory, out, items[i]);
  }
  return finish(memory, out);
}

Value center(Memory& memory, const Text& text, int64_t width, const Text& fill) {
  const int64_t missing = std::max<int64_t>(width - length(memory, text), 0);
  // Which side gets the odd one is Python's rule.
  const int64_t left = missing / 2 + (missing & width & 1);
  TextBuilder out(memory);
  out.append_times(fill, left);
  out.append(text);
  out.append_times(fill, missing - left);
  return finish(memory, out);
}

}  // namespace avocado::jinja
