// Filters of single values: numbers, conversions, defaults; and where filters are found.

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "chat/jinja/access.h"
#include "chat/jinja/builtins.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace avocado::jinja {
namespace {

Value default_value(Call& call) {
  const bool replaced =
      call.self.is_undefined() || (call.truth(1, false) && !jinja::truth(call.self));
  if (!replaced) return call.self;
  return call.has(0) ? call[0] : make_text(call.memory, "");
}

Value absolute(Call& call) {
  if (call.self.is_undefined()) fail_undefined(call.self);
  if (call.self.is(Type::real)) return std::fabs(call.self.real());
  if (!call.self.is_integral()) call.fail("takes a number");
  return call.self.integer() < 0 ? negate(call.self) : Value(call.self.integer());
}

// The text of a number, without white space around and single underscores between digits.
std::optional<std::string> number_text(Memory& memory, const Text& text) {
  const std::string_view view = strip(memory, text, nullptr, true, true).view();
  memory.scan(view.size());
  std::string plain;
  for (size_t i = 0; i < view.size(); ++i) {
    if (view[i] == '_') {
      const bool between = i > 0 && i + 1 < view.size() &&
                           std::isxdigit(static_cast<unsigned char>(view[i - 1])) &&
                           std::isxdigit(static_cast<unsigned char>(view[i + 1]));
      if (!between) return std::nullopt;
    } else {
      plain += view[i];
    }
  }
  return plain;
}

std::optional<int64_t> read_integer(Memory& memory, const Text& text, int64_t base) {
  const auto plain = number_text(memory, text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.size() > 2 && digits[0] == '0') {
    const char c = static_cast<char>(digits[1] | 0x20);
    const int64_t named = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
    if (named != 0 && (base == named || base == 0)) {
      base = named;
      digits.remove_prefix(2);
    }
  }
  if (base == 0) base = 10;
  uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, magnitude, static_cast<int>(base));
  if (digits.empty() || read.ptr != end || read.ec == std::errc::invalid_argument)
    return std::nullopt;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (read.ec == std::errc::result_out_of_range || magnitude > kMost + negative)
    throw Failure("int: the number leaves 64 bits");
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

std::optional<double> read_real(Memory& memory, const Text& text) {
  const auto plain = number_text(memory, text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  if (digits.find_first_of("xX(") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ptr != end || read.ec == std::errc::invalid_argument) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range)
    value = std::strtod(std::string(digits).c_str(), nullptr);
  return negative ? -value : value;
}

Value truncate_real(Call& call, double value, const Value& otherwise) {
  if (std::isnan(value)) return otherwise;
  if (!(std::fabs(value) < 9223372036854775808.0)) call.fail("the number leaves 64 bits");
  return static_cast<int64_t>(value);
}

Value to_integer(Call& call) {
  const Value otherwise = call.get(0, int64_t{0});
  if (call.self.is_undefined()) fail_undefined(call.self);
  if (call.self.is_integral()) return call.self.integer();
  if (call.self.is(Type::real)) return truncate_real(call, call.self.real(), otherwise);
  if (!call.self.is_text()) return otherwise;
  const int64_t base = call.integer(1, 10);
  if (base != 0 && (base < 2 || base > 36)) return otherwise;
  if (const auto value = read_integer(call.memory, call.self.text(), base)) return *value;
  if (const auto value = read_real(call.memory, call.self.text()))
    return truncate_real(call, *value, otherwise);
  return otherwise;
}

Value to_real(Call& call) {
  if (call.self.is_undefined()) fail_undefined(call.self);
  if (call.self.is_number()) return call.self.real();
  if (call.self.is_text())
    if (const auto value = read_real(call.memory, call.self.text())) return *value;
  return call.get(0, 0.0);
}

// Half to even on the exact decimal value, as Python rounds.
double round_common(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 300) return value;
  if (precision >= 0) {
    const std::string text = fmt::format("{:.{}f}", value, static_cast<int>(precision));
    double rounded = 0;
    std::from_chars(text.data(), text.data() + text.size(), rounded);
    return rounded;
  }
  if (precision < -300) return std::copysign(0.0, value);
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / scale) * scale;
}

Value round_number(Call& call) {
  const int64_t precision = call.integer(0);
  const std::string_view method = call.has(1) ? call.text(1).view() : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    call.fail("the method is common, ceil or floor");
  if (call.self.is_undefined()) fail_undefined(call.self);
  if (!call.self.is_number()) call.fail("takes a number");
  if (method == "common") {
    if (!call.self.is_integral()) return round_common(call.self.real(), precision);
    if (precision >= 0) return call.self.integer();
    const double rounded = round_common(call.self.real(), precision);
    return static_cast<int64_t>(rounded);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = call.self.real() * scale;
  if (!std::isfinite(scaled)) call.fail("the number is not finite");
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

// Attributes only, never keys.
Value attribute_of(Call& call) {
  if (call.self.is(Type::dict))
    return make_undefined(call.memory, call.text(0).view(), type_name(call.self));
  return attribute(call.memory, call.self, call.text(0).view());
}

constexpr Builtin kFilters[] = {
    {"abs", "", absolute},
    {"attr", "name", attribute_of},
    {"d", "default_value? boolean?", default_value},
    {"default", "default_value? boolean?", default_value},
    {"float", "default?", to_real},
    {"int", "default? base?", to_integer},
    {"round", "precision? method?", round_number},
};

}  // namespace

Builtins value_filters() { return kFilters; }

const Builtin* find_filter(std::string_view name) {
  for (const Builtins table : {text_filters(), list_filters(), value_filters()})
    if (const Builtin* found = find_builtin(table, name)) return found;
  return nullptr;
}

}  // namespace avocado::jinja
