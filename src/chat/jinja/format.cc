#include "chat/jinja/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chat/jinja/access.h"
#include "chat/jinja/print.h"

namespace avocado::jinja {
namespace {

constexpr int64_t kMaxPrecision = 100;

struct Spec {
  std::string_view fill = " ";
  char align = 0;  // '<', '>', '^', '='; 0: as the type has it
  char sign = '-';
  bool alternate = false, zero = false, comma = false;
  int64_t width = 0, precision = -1;
  char type = 0;
};

int64_t read_number(std::string_view text, size_t& at) {
  int64_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > INT32_MAX) throw Failure("format: a width or precision is too large");
  }
  return number;
}

void write_padded(Memory& memory, TextBuilder& out, const Text& body, const Spec& spec,
                  char otherwise) {
  const int64_t missing = std::max<int64_t>(spec.width - length(memory, body), 0);
  const char align = spec.align ? spec.align : otherwise;
  const int64_t before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  const Text fill{.data = spec.fill.data(), .size = spec.fill.size()};
  out.append_times(fill, before);
  out.append(body);
  out.append_times(fill, missing - before);
}

void write_number(Memory& memory, TextBuilder& out, bool negative, std::string_view prefix,
                  std::string digits, Spec spec) {
  std::string sign;
  if (negative || spec.sign != '-') sign += negative ? '-' : spec.sign;
  if (spec.comma) {
    const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
    for (size_t i = whole; i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  }
  if (spec.zero && (spec.align == 0 || spec.align == '=')) {
    spec.align = '=';
    spec.fill = "0";
  }
  sign += prefix;
  if (spec.align == '=') {
    out.append(sign);
    spec.width -= static_cast<int64_t>(sign.size());
    sign.clear();
    spec.align = '>';
  }
  const std::string body = sign + digits;
  write_padded(memory, out, {.data = body.data(), .size = body.size()}, spec, '>');
}

// Of a value that is not negative, as %e, %f or %g writes it.
std::string real_digits(double value, const Spec& spec, char type) {
  if (spec.precision > kMaxPrecision) throw Failure("format: a precision is too large");
  const bool upper = type < 'a';
  if (std::isnan(value)) return upper ? "NAN" : "nan";
  if (std::isinf(value)) return upper ? "INF" : "inf";
  int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  if (type == 'g' || type == 'G') precision = std::max(precision, 1);
  const std::string form = fmt::format("{{:{}.{}{}}}", spec.alternate ? "#" : "", precision, type);
  return fmt::format(fmt::runtime(form), value);
}

void write_real(Memory& memory, TextBuilder& out, double value, const Spec& spec, char type) {
  write_number(memory, out, std::signbit(value) && !std::isnan(value), "",
               real_digits(std::fabs(value), spec, type), spec);
}

std::string base_prefix(int base, char type) {
  return base == 10 ? std::string() : std::string({'0', type});
}

void write_integer(Memory& memory, TextBuilder& out, int64_t value, const Spec& spec, char type) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits = digits_of(magnitude, base, type == 'X');
  const std::string prefix = spec.alternate ? base_prefix(base, type) : std::string();
  write_number(memory, out, value < 0, prefix, std::move(digits), spec);
}

int64_t whole(const Value& value, char type) {
  if (value.is_integral()) return value.integer();
  if (value.is(Type::real) && type == 'd' && std::fabs(value.real()) < 9e18)
    return static_cast<int64_t>(value.real());
  throw Failure(fmt::format("format: %{} takes a number, not {}", type, type_name(value)));
}

// One conversion of a % format.
void write_percent(Memory& memory, TextBuilder& out, Spec spec, const Value& value) {
  if (value.is_undefined() && spec.type != 's' && spec.type != 'r') fail_undefined(value);
  switch (spec.type) {
    case 's':
    case 'r':
    case 'a': {
      TextBuilder text(memory);
      if (spec.type == 's') {
        write_str(memory, text, value);
      } else {
        write_repr(memory, text, value);
      }
      Text body = text.finish();
      if (spec.precision >= 0 && spec.precision < length(memory, body))
        body = slice(memory, body, 0, byte_of(memory, body, spec.precision));
      spec.fill = " ";
      return write_padded(memory, out, body, spec, '>');
    }
    case 'd':
    case 'i':
    case 'u':
      spec.type = 'd';
      [[fallthrough]];
    case 'x':
    case 'X':
    case 'o': {
      const int64_t number = whole(value, spec.type);
      const uint64_t magnitude =
          number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
      const int base = spec.type == 'd' ? 10 : spec.type == 'o' ? 8 : 16;
      std::string digits = digits_of(magnitude, base, spec.type == 'X');
      if (spec.precision > kMaxPrecision) throw Failure("format: a precision is too large");
      if (static_cast<int64_t>(digits.size()) < spec.precision)
        digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
      const std::string prefix = spec.alternate ? base_prefix(base, spec.type) : std::string();
      return write_number(memory, out, number < 0, prefix, digits, spec);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      if (!value.is_number())
        throw Failure(
            fmt::format("format: %{} takes a number, not {}", spec.type, type_name(value)));
      return write_real(memory, out, value.real(), spec, spec.type);
    case 'c': {
      TextBuilder text(memory);
      if (value.is_text() && length(memory, value.text()) == 1) {
        text.append(value.text());
      } else if (value.is_integral() && value.integer() >= 0 && value.integer() < 0x110000 &&
                 (value.integer() & ~0x7ff) != 0xd800) {
        text.append(static_cast<uint32_t>(value.integer()), 0);
      } else {
        throw Failure("format: %c takes one character");
      }
      return write_padded(memory, out, text.finish(), spec, '>');
    }
    default:
      throw Failure(fmt::format("format: %{} is not known", spec.type));
  }
}

Spec read_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [&](size_t i) {
    return i < text.size() && std::string_view("<>=^").find(text[i]) != std::string_view::npos;
  };
  const size_t first = text.empty() ? 0 : char_bytes(text[0]);
  if (first > 0 && is_align(first)) {
    spec.fill = text.substr(0, first);
    spec.align = text[first];
    at = first + 1;
  } else if (is_align(0)) {
    spec.align = text[at++];
  }
  const auto take = [&](char c) { return at < text.size() && text[at] == c && ++at; };
  if (at < text.size() && std::string_view("+- ").find(text[at]) != std::string_view::npos)
    spec.sign = text[at++];
  spec.alternate = take('#');
  spec.zero = take('0');
  spec.width = read_number(text, at);
  spec.comma = take(',');
  if (take('.')) spec.precision = read_number(text, at);
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) throw Failure(fmt::format("format: ':{}' is not known", text));
  return spec;
}

// One field of a {} format, after its conversion.
void write_field(Memory& memory, TextBuilder& out, const Value& value, Spec spec) {
  static constexpr std::string_view kInteger = "dxXobn", kReal = "eEfFgG%";
  const char type = spec.type;
  if (value.is_undefined() && (type || spec.width)) fail_undefined(value);
  const bool real = kReal.find(type) != std::string_view::npos && type;
  if (type == 0 && !value.is_number() && !value.is_text()) {
    if (spec.width > 0 || spec.align)
      throw Failure(fmt::format("format: a {} takes no format", type_name(value)));
    return write_str(memory, out, value);
  }
  if (value.is_text() && (type == 0 || type == 's')) {
    Text body = value.text();
    if (spec.precision >= 0 && spec.precision < length(memory, body))
      body = slice(memory, body, 0, byte_of(memory, body, spec.precision));
    if (spec.zero && !spec.align) spec.fill = "0";
    return write_padded(memory, out, body, spec, '<');
  }
  if (value.is(Type::boolean) && type == 0 && spec.width == 0) return write_str(memory, out, value);
  if (value.is_integral() && (type == 0 || kInteger.find(type) != std::string_view::npos))
    return write_integer(memory, out, value.integer(), spec, type == 0 ? 'd' : type);
  if (value.is_number() && type == '%') {
    Spec number = spec;
    number.precision = spec.precision < 0 ? 6 : spec.precision;
    const double percent = value.real() * 100;
    return write_number(memory, out, std::signbit(percent), "",
                        real_digits(std::fabs(percent), number, 'f').append(1, '%'), number);
  }
  if (value.is_number() && real) return write_real(memory, out, value.real(), spec, type);
  if (value.is(Type::real) && type == 0) {
    if (spec.precision >= 0) return write_real(memory, out, value.real(), spec, 'g');
    return write_number(memory, out, std::signbit(value.real()), "",
                        print_float(std::fabs(value.real())), spec);
  }
  throw Failure(fmt::format("format: '{}' does not fit a {}", type, type_name(value)));
}

// The value that "name.attribute[3]" means.
Value resolve_field(Memory& memory, std::string_view field, const Arguments& arguments,
                    size_t& next_automatic) {
  size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string_view name = field.substr(0, end);
  Value value;
  const bool number = name.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) {
    size_t at = 0;
    const auto index = name.empty() ? next_automatic++ : static_cast<size_t>(read_number(name, at));
    if (index >= arguments.positional.size()) throw Failure("format: too few arguments");
    value = arguments.positional[index];
  } else {
    const auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const Named& n) { return n.name == name; });
    if (found == arguments.named.end())
      throw Failure(fmt::format("format: no argument is named '{}'", name));
    value = found->value;
  }
  while (end < field.size()) {
    const bool dot = field[end] == '.';
    const size_t begin = end + 1;
    end = std::min(field.find_first_of(dot ? ".[" : "]", begin), field.size());
    const std::string_view part = field.substr(begin, end - begin);
    if (!dot) end = std::min(end + 1, field.size());
    if (!dot && !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos) {
      size_t at = 0;
      value = subscript(memory, value, read_number(part, at));
    } else if (dot) {
      value = attribute(memory, value, part);
    } else {
      value = subscript(memory, value, make_text(memory, part));
    }
    if (value.is_undefined()) fail_undefined(value);
  }
  return value;
}

}  // namespace

std::string digits_of(uint64_t magnitude, int base, bool upper) {
  std::string digits;
  do {
    digits +=
        (upper ? "0123456789ABCDEF" : "0123456789abcdef")[magnitude % static_cast<uint64_t>(base)];
    magnitude /= static_cast<uint64_t>(base);
  } while (magnitude > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Value format_percent(Memory& memory, const Text& format, const Value& arguments) {
  const bool tuple = arguments.is(Type::list) && arguments.list().kind == List::Kind::tuple;
  const std::span<const Value> values = tuple ? arguments.list().items : std::span(&arguments, 1);
  const std::string_view text = format.view();
  TextBuilder out(memory);
  size_t used = 0;
  const auto next = [&]() -> const Value& {
    if (used >= values.size()) throw Failure("format: not enough arguments for the format string");
    return values[used++];
  };
  for (size_t at = 0; at < text.size();) {
    memory.step();
    const size_t percent = std::min(text.find('%', at), text.size());
    out.append(slice(memory, format, at, percent));
    if (percent == text.size()) break;
    at = percent + 1;
    Spec spec;
    const Value* value = nullptr;
    if (at < text.size() && text[at] == '(') {
      const size_t close = text.find(')', at);
      if (close == std::string_view::npos) throw Failure("format: %( has no )");
      if (!arguments.is(Type::dict)) throw Failure("format: %(name) takes a dict");
      value = find(memory, arguments.dict(), text.substr(at + 1, close - at - 1));
      if (!value) throw Failure("format: the dict lacks a key of the format string");
      at = close + 1;
    }
    for (; at < text.size() && std::string_view("-+ #0").find(text[at]) != std::string_view::npos;
         ++at) {
      if (text[at] == '-') spec.align = '<';
      if (text[at] == '+') spec.sign = '+';
      if (text[at] == ' ' && spec.sign != '+') spec.sign = ' ';
      if (text[at] == '#') spec.alternate = true;
      if (text[at] == '0') spec.zero = true;
    }
    spec.width = read_number(text, at);
    if (at < text.size() && text[at] == '.') {
      ++at;
      spec.precision = read_number(text, at);
    }
    while (at < text.size() && std::string_view("hlL").find(text[at]) != std::string_view::npos)
      ++at;
    if (at == text.size()) throw Failure("format: the format string ends within a %");
    spec.type = text[at++];
    if (spec.type == '%') {
      out.append("%");
      continue;
    }
    write_percent(memory, out, spec, value ? *value : next());
  }
  // As Python has it: what has a [] and is no tuple and no string may stay unused.
  const bool may_stay =
      arguments.is(Type::dict) || arguments.is_undefined() || (arguments.is(Type::list) && !tuple);
  if (used < values.size() && !may_stay) throw Failure("format: not all arguments were converted");
  return finish(memory, out);
}

Value format_braces(Memory& memory, const Text& format, const Arguments& arguments) {
  const std::string_view text = format.view();
  TextBuilder out(memory);
  size_t automatic = 0;
  for (size_t at = 0; at < text.size();) {
    memory.step();
    const size_t brace = std::min(text.find_first_of("{}", at), text.size());
    out.append(slice(memory, format, at, brace));
    if (brace == text.size()) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      out.append(slice(memory, format, brace, brace + 1));
      at = brace + 2;
      continue;
    }
    const size_t close = text.find('}', brace);
    if (text[brace] == '}' || close == std::string_view::npos)
      throw Failure("format: a single brace in the format string; write it twice");
    std::string_view field = text.substr(brace + 1, close - brace - 1);
    if (field.find('{') != std::string_view::npos)
      throw Failure("format: a field within a field is not supported");
    const size_t colon = std::min(field.find(':'), field.size());
    const Spec spec = colon < field.size() ? read_spec(field.substr(colon + 1)) : Spec{};
    field = field.substr(0, colon);
    char conversion = 0;
    if (field.size() >= 2 && field[field.size() - 2] == '!') {
      conversion = field.back();
      field.remove_suffix(2);
    }
    Value value = resolve_field(memory, field, arguments, automatic);
    if (conversion) {
      TextBuilder converted(memory);
      if (conversion == 's') {
        write_str(memory, converted, value);
      } else if (conversion == 'r') {
        write_repr(memory, converted, value);
      } else {
        throw Failure(fmt::format("format: '!{}' is not known", conversion));
      }
      value = finish(memory, converted);
    }
    write_field(memory, out, value, spec);
    at = close + 1;
  }
  return finish(memory, out);
}

}  // namespace avocado::jinja
