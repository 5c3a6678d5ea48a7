#include "grammar/decimal.h"

#include <algorithm>
#include <numeric>

namespace avocado::grammar {
namespace {

__extension__ typedef __int128 Wide;

constexpr int kWideDigits = 36;  // any value of as many digits fits a Wide, with its neighbours
constexpr int kMaxExponent = 308, kMinExponent = -324;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int compare_magnitude(const Decimal& a, const Decimal& b) {
  if (a.zero() || b.zero()) return (b.zero() ? 1 : 0) - (a.zero() ? 1 : 0);
  const int64_t size_a = static_cast<int64_t>(a.digits.size()) + a.exponent,
                size_b = static_cast<int64_t>(b.digits.size()) + b.exponent;
  if (size_a != size_b) return size_a < size_b ? -1 : 1;
  return a.digits.compare(b.digits);
}

// value * 10^decimals as an integer; false when it is too large or not whole.
bool scale(const Decimal& value, int decimals, Wide& out) {
  const int64_t zeros = value.exponent + decimals;
  if (value.zero()) return out = 0, true;
  if (zeros < 0 || static_cast<int64_t>(value.digits.size()) + zeros > kWideDigits) return false;
  out = 0;
  for (const char c : value.digits) out = out * 10 + (c - '0');
  for (int64_t i = 0; i < zeros; ++i) out *= 10;
  if (value.negative) out = -out;
  return true;
}

int decimals_of(const Decimal& value) {
  return value.zero() ? 0 : static_cast<int>(std::clamp<int64_t>(-value.exponent, 0, 1000));
}

Decimal negated(Decimal value) {
  if (!value.zero()) value.negative = !value.negative;
  return value;
}

// Whether a value of the rule lies in [from, to).
bool meets(const NumberRule& rule, const Decimal& from, const Decimal& to) {
  Decimal low = from, high = to;
  bool low_open = false, high_open = true;
  if (rule.low && compare(rule.low->value, low) >= 0) {
    low_open = rule.low->open;
    low = rule.low->value;
  }
  if (rule.high && compare(rule.high->value, high) < 0) {
    high_open = rule.high->open;
    high = rule.high->value;
  }
  const int order = compare(low, high);
  if (order > 0 || (order == 0 && (low_open || high_open))) return false;
  if (rule.step == 0) return true;
  const int decimals = std::max({decimals_of(low), decimals_of(high), rule.step_decimals});
  Wide first, last, step;
  Decimal step_value = Decimal::parse(std::to_string(rule.step));
  step_value.exponent -= rule.step_decimals;
  if (!scale(low, decimals, first) || !scale(high, decimals, last) ||
      !scale(step_value, decimals, step)) {
    return true;  // too long to know; the end of the number decides
  }
  Wide multiple = first / step * step;
  while (multiple < first || (multiple == first && low_open)) multiple += step;
  return multiple < last || (multiple == last && !high_open);
}

// Whether the mantissa times ten to some exponent beginning with these digits is allowed.
bool can_become_by_exponent(const NumberRule& rule, const Decimal& mantissa, bool negative,
                            std::string_view digits) {
  if (digits.size() > 3) return false;
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  Decimal number = mantissa;
  const int most = negative ? -kMinExponent : kMaxExponent;
  for (int more = digits.empty() ? 1 : 0, width = digits.empty() ? 10 : 1;
       digits.size() + static_cast<size_t>(more) <= 3; ++more, width *= 10) {
    for (int e = value * width; e < (value + 1) * width && e <= most; ++e) {
      number.exponent = mantissa.exponent + (negative ? -e : e);
      if (rule.accepts(number)) return true;
    }
  }
  return false;
}

// Whether programs write all values of the rule with an exponent: they are at least 10^15, or one
// below 10^-4. Of a rule that a minus sign has been taken from.
bool needs_exponent(const NumberRule& rule) {
  static const Decimal large{false, "1", 15}, small{false, "1", -4};
  if (!rule.low) return false;
  const Decimal& low = rule.low->value;
  if (compare(low, large) >= 0) return true;
  return low != Decimal{} && !low.negative && rule.high && rule.high->value == low &&
         compare(low, small) < 0;
}

// Whether the digits in [from, to) can become a value of such a rule as they are usually written:
// one digit before the point, and an exponent.
bool meets_by_exponent(const NumberRule& rule, Decimal from, Decimal to) {
  const auto magnitude = [](const Decimal& value) {
    return static_cast<int64_t>(value.digits.size()) + value.exponent - 1;
  };
  const int64_t first = std::max<int64_t>(magnitude(rule.low->value), kMinExponent);
  const int64_t last =
      rule.high ? std::min<int64_t>(magnitude(rule.high->value), kMaxExponent) : kMaxExponent;
  from.exponent += first;
  to.exponent += first;
  for (int64_t e = first; e <= last; ++e, ++from.exponent, ++to.exponent)
    if (meets(rule, from, to)) return true;
  return false;
}

}  // namespace

Decimal Decimal::parse(std::string_view text) {
  Decimal out;
  size_t i = 0;
  if (i < text.size() && text[i] == '-') out.negative = true, ++i;
  bool fraction = false;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    out.digits.push_back(text[i]);
    out.exponent -= fraction;
  }
  if (i < text.size() && (text[i] | 0x20) == 'e') {
    ++i;
    const bool negative = i < text.size() && text[i] == '-';
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    int64_t exponent = 0;
    for (; i < text.size() && is_digit(text[i]); ++i)
      exponent = std::min<int64_t>(exponent * 10 + (text[i] - '0'), 1'000'000);
    out.exponent += negative ? -exponent : exponent;
  }
  while (!out.digits.empty() && out.digits.back() == '0') {
    out.digits.pop_back();
    ++out.exponent;
  }
  out.digits.erase(0, out.digits.find_first_not_of('0'));
  if (out.digits.empty()) return {};
  return out;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  const int order = compare_magnitude(a, b);
  return a.negative ? -order : order;
}

bool NumberRule::accepts(const Decimal& value) const {
  if (low) {
    const int order = compare(value, low->value);
    if (order < 0 || (order == 0 && low->open)) return false;
  }
  if (high) {
    const int order = compare(value, high->value);
    if (order > 0 || (order == 0 && high->open)) return false;
  }
  if (step == 0 || value.zero()) return true;
  // value = digits * 10^exponent must be k * step * 10^-step_decimals.
  const int64_t zeros = value.exponent + step_decimals;
  if (zeros < 0) return false;  // its last digit is not a zero
  Wide rest = 0;
  for (const char c : value.digits) rest = (rest * 10 + (c - '0')) % step;
  for (int64_t i = 0; i < zeros && rest != 0; ++i) rest = rest * 10 % step;
  return rest == 0;
}

bool NumberRule::add_step(const Decimal& other) {
  if (other.digits.size() > 15 || other.exponent > 3 || other.exponent < -15) return false;
  const int decimals = std::max(step_decimals, decimals_of(other));
  Wide added, own;
  if (!scale(other, decimals, added)) return false;
  if (step == 0) {
    own = added;
  } else {
    own = step;
    for (int i = step_decimals; i < decimals; ++i) own *= 10;
    Wide a = own, b = added;
    while (b != 0) std::swap(a %= b, b);
    own = own / a * added;
  }
  if (own > Wide{1'000'000'000'000'000'000}) return false;
  step = static_cast<uint64_t>(own);
  step_decimals = decimals;
  return true;
}

bool next_place(NumberPlace& place, uint8_t byte) {
  using P = NumberPlace;
  const bool digit = byte >= '0' && byte <= '9';
  switch (place) {
    case P::begin:
      if (byte == '-') return place = P::minus, true;
      [[fallthrough]];
    case P::minus:
      if (digit) return place = byte == '0' ? P::zero : P::integer, true;
      return false;
    case P::integer:
      if (digit) return true;
      [[fallthrough]];
    case P::zero:
      if (byte == '.') return place = P::dot, true;
      if ((byte | 0x20) == 'e') return place = P::e, true;
      return false;
    case P::dot:
      if (digit) return place = P::fraction, true;
      return false;
    case P::fraction:
      if (digit) return true;
      if ((byte | 0x20) == 'e') return place = P::e, true;
      return false;
    case P::e:
      if (byte == '+' || byte == '-') return place = P::e_sign, true;
      [[fallthrough]];
    case P::e_sign:
    case P::e_digits:
      if (digit) return place = P::e_digits, true;
      return false;
  }
  return false;
}

bool number_may_end(NumberPlace place) {
  using P = NumberPlace;
  return place == P::zero || place == P::integer || place == P::fraction || place == P::e_digits;
}

bool can_become(const NumberRule& rule, std::string_view text) {
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    const Decimal mantissa = Decimal::parse(text.substr(0, e));
    std::string_view exponent = text.substr(e + 1);
    const bool has_sign = !exponent.empty() && (exponent[0] == '-' || exponent[0] == '+');
    const bool negative = has_sign && exponent[0] == '-';
    if (has_sign) exponent.remove_prefix(1);
    if (can_become_by_exponent(rule, mantissa, negative, exponent)) return true;
    return exponent.empty() && !has_sign && can_become_by_exponent(rule, mantissa, true, exponent);
  }
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  NumberRule mirrored;
  if (negative) {
    mirrored.step = rule.step;
    mirrored.step_decimals = rule.step_decimals;
    if (rule.low) mirrored.high = {negated(rule.low->value), rule.low->open};
    if (rule.high) mirrored.low = {negated(rule.high->value), rule.high->open};
  }
  const NumberRule& own = negative ? mirrored : rule;
  const Decimal infinity{false, "1", 1000};
  if (text.empty()) {
    if (meets(own, Decimal{}, infinity)) return true;
    return !negative && can_become(rule, "-");
  }
  // The digits, and the same with one more in the last place: between them lie all values that
  // further digits behind the point can give.
  Decimal from, to;
  int64_t last_place = 0;
  const size_t dot = text.find('.');
  if (dot != std::string_view::npos) last_place = -static_cast<int64_t>(text.size() - dot - 1);
  from = Decimal::parse(text);
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  size_t i = digits.size();
  while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
  if (i > 0) {
    ++digits[i - 1];
  } else {
    digits.insert(digits.begin(), '1');
  }
  to = Decimal::parse(digits);
  to.exponent += last_place;
  const size_t whole = std::min(dot, text.size());
  if (whole == 1 && text[0] != '0' && needs_exponent(own) && meets_by_exponent(own, from, to))
    return true;
  if (dot != std::string_view::npos || text == "0") return meets(own, from, to);
  constexpr int kMoreDigits = 40;
  for (int more = 0; more < kMoreDigits; ++more, ++from.exponent, ++to.exponent) {
    if (meets(own, from, to)) return true;
    if (own.high && compare(from, own.high->value) > 0) return false;
  }
  return false;
}

}  // namespace avocado::grammar
