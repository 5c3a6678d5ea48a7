#pragma once
// Decimal numbers of any length, exactly, and the rules a schema makes for numbers. A number that
// is still being written is judged by the values its text can still become.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace avocado::grammar {

// digits * 10^exponent. Neither end of `digits` is a zero; none at all: the value 0.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;

  // The value of a JSON number.
  static Decimal parse(std::string_view text);
  bool zero() const { return digits.empty(); }
  bool operator==(const Decimal&) const = default;
};

// Below 0, 0 or above 0.
int compare(const Decimal& a, const Decimal& b);

struct NumberRule {
  struct Bound {
    Decimal value;
    bool open;  // the value itself is not allowed
  };
  std::optional<Bound> low, high;
  // Only multiples of step * 10^-step_decimals; 0: any value.
  uint64_t step = 0;
  int step_decimals = 0;

  bool accepts(const Decimal& value) const;
  // Makes the rule also ask for multiples of that positive number, which has at most 15 digits.
  // Returns false when the common multiple has more than 18 digits.
  bool add_step(const Decimal& step);
};

// Where a number's text stands in the grammar of JSON.
enum class NumberPlace : uint8_t {
  begin,
  minus,
  zero,
  integer,
  dot,
  fraction,
  e,
  e_sign,
  e_digits
};

// Moves by one byte; false when no number goes on so.
bool next_place(NumberPlace& place, uint8_t byte);
// Whether a number may end there.
bool number_may_end(NumberPlace place);

// Whether the text, a beginning of a JSON number, can become a value of the rule. Digits that an
// exponent still to come would move into the bounds do not count, so that a text of digits beyond
// them is refused at once; but where all allowed values are at least 10^15, or one below 10^-4,
// they may be written as one digit, a fraction and an exponent. Exponents reach from -324 to 308.
bool can_become(const NumberRule& rule, std::string_view text);

}  // namespace avocado::grammar
