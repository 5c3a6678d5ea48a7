#pragma once
// Decimal digits and the steps of sums written with them.

#include <fmt/format.h>

#include "corpus/task.h"

namespace avocado::corpus {

constexpr int power_of_ten(int exponent) {
  return exponent == 0 ? 1 : 10 * power_of_ten(exponent - 1);
}
// The digit of n at a place counted from the ones.
constexpr int digit(int n, int place) { return n / power_of_ten(place) % 10; }

// One step of a calculation on paper: "Ones: 7+8=15. " / "一の位は7+8=15。"
inline std::string step(Language language, int place, std::string_view equation) {
  constexpr Words places[] = {{"Ones", "一"}, {"Tens", "十"}, {"Hundreds", "百"}};
  const std::string_view name = places[place].in(language);
  return language == Language::english ? fmt::format("{}: {}. ", name, equation)
                                       : fmt::format("{}の位は{}。", name, equation);
}

}  // namespace avocado::corpus
