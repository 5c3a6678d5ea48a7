// Sums of two numbers, worked out from the ones upwards as on paper.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/task.h"
#include "corpus/tasks/digits.h"

namespace avocado::corpus {
namespace {

constexpr Words kForms[] = {
    {"What is {a} + {b}?", "{a} + {b} はいくつですか。"},
    {"Add {a} and {b}.", "{a}と{b}を足してください。"},
    {"How much is {a} plus {b}?", "{a}たす{b}はいくつですか。"},
    {"Work out {a} + {b}.", "{a} + {b} を計算してください。"},
};

}  // namespace

Draft draw_add(Dice& dice, Language language) {
  const int digits = dice.between(2, level::kAddDigits);
  const int a = dice.between(power_of_ten(digits - 1), power_of_ten(digits) - 1);
  const int b = dice.between(power_of_ten(digits - 1), power_of_ten(digits) - 1);
  std::string answer;
  int carry = 0;
  for (int place = 0; place < digits; ++place) {
    const int x = digit(a, place), y = digit(b, place), sum = x + y + carry;
    answer += step(language, place, fmt::format("{}+{}{}={}", x, y, carry ? "+1" : "", sum));
    carry = sum / 10;
  }
  const std::string expected = std::to_string(a + b);
  return {
      key_of("add", {std::min(a, b), std::max(a, b)}),
      fill(dice.pick(kForms).in(language), {{"a", std::to_string(a)}, {"b", std::to_string(b)}}),
      answer + conclusion(language, expected), expected};
}

}  // namespace avocado::corpus
