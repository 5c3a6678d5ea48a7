// A two-digit number times a digit, worked out from the ones upwards.

#include <fmt/format.h>

#include "corpus/levels.h"
#include "corpus/task.h"
#include "corpus/tasks/digits.h"

namespace avocado::corpus {
namespace {

constexpr Words kForms[] = {
    {"What is {a} × {b}?", "{a} × {b} はいくつですか。"},
    {"Multiply {a} by {b}.", "{a}に{b}を掛けてください。"},
    {"How much is {a} times {b}?", "{a}かける{b}はいくつですか。"},
    {"Work out {a} × {b}.", "{a} × {b} を計算してください。"},
};

}  // namespace

Draft draw_multiply(Dice& dice, Language language) {
  const int a = dice.between(10, level::kMultiplyLeft);
  const int b = dice.between(2, level::kMultiplyRight);
  const int ones = digit(a, 0) * b, tens = digit(a, 1) * b, carry = ones / 10;
  std::string tens_step = fmt::format("{}×{}={}", digit(a, 1), b, tens);
  if (carry)
    tens_step += fmt::format("{}{}+{}={}", language == Language::english ? ", " : "、", tens, carry,
                             tens + carry);
  const std::string expected = std::to_string(a * b);
  return {
      key_of("multiply", {a, b}),
      fill(dice.pick(kForms).in(language), {{"a", std::to_string(a)}, {"b", std::to_string(b)}}),
      step(language, 0, fmt::format("{}×{}={}", digit(a, 0), b, ones)) +
          step(language, 1, tens_step) + conclusion(language, expected),
      expected};
}

}  // namespace avocado::corpus
