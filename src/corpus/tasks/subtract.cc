// Differences of two numbers, worked out from the ones upwards with borrowing.

#include <fmt/format.h>

#include "corpus/levels.h"
#include "corpus/task.h"
#include "corpus/tasks/digits.h"

namespace avocado::corpus {
namespace {

constexpr Words kForms[] = {
    {"What is {a} - {b}?", "{a} - {b} はいくつですか。"},
    {"Subtract {b} from {a}.", "{a}から{b}を引いてください。"},
    {"How much is {a} minus {b}?", "{a}ひく{b}はいくつですか。"},
    {"Work out {a} - {b}.", "{a} - {b} を計算してください。"},
};

}  // namespace

Draft draw_subtract(Dice& dice, Language language) {
  const int digits = dice.between(2, level::kSubtractDigits);
  int a = dice.between(power_of_ten(digits - 1), power_of_ten(digits) - 1);
  int b = dice.between(power_of_ten(digits - 1), power_of_ten(digits) - 1);
  if (a < b) std::swap(a, b);
  std::string answer;
  int borrow = 0;
  for (int place = 0; place < digits; ++place) {
    const int x = digit(a, place), y = digit(b, place);
    const int lend = x < y + borrow ? 10 : 0;
    answer +=
        step(language, place,
             fmt::format("{}-{}{}={}", x + lend, y, borrow ? "-1" : "", x + lend - y - borrow));
    borrow = lend ? 1 : 0;
  }
  const std::string expected = std::to_string(a - b);
  return {
      key_of("subtract", {a, b}),
      fill(dice.pick(kForms).in(language), {{"a", std::to_string(a)}, {"b", std::to_string(b)}}),
      answer + conclusion(language, expected), expected};
}

}  // namespace avocado::corpus
