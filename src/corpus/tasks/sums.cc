// Sums as people type them: "7+8", "12 x 4 =". Those of one digit are answered at once, the others
// worked out as in the tasks add, subtract and multiply, whose keys they share.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/task.h"

namespace avocado::corpus {
namespace {

enum Operation { add, subtract, multiply, divide, kOperations };

constexpr std::array<std::array<std::string_view, 2>, kOperations> kSigns = {
    {{"+", "+"}, {"-", "-"}, {"x", "*"}, {"/", "/"}}};

constexpr Words kForms[] = {
    {"{a}{s}{b}", "{a}{s}{b}"},
    {"{a} {s} {b}", "{a} {s} {b}"},
    {"{a} {s} {b} =", "{a} {s} {b} ="},
    {"{a}{s}{b}=?", "{a}{s}{b}=?"},
    {"what's {a} {s} {b}?", "{a} {s} {b} は？"},
    {"Solve {a} {s} {b}", "{a} {s} {b} の答えは何ですか。"},
};

std::string typed(Dice& dice, Language language, Operation operation, int a, int b) {
  const Words form = dice.pick(kForms);
  return fill(
      form.in(language),
      {{"a", std::to_string(a)}, {"b", std::to_string(b)}, {"s", dice.pick(kSigns[operation])}});
}

// The two numbers behind the name in a key.
std::pair<int, int> numbers_of(const std::string& key) {
  const size_t first = key.find(' '), second = key.find(' ', first + 1);
  return {std::stoi(key.substr(first + 1)), std::stoi(key.substr(second + 1))};
}

Draft draw_short(Dice& dice, Language language) {
  const auto operation = static_cast<Operation>(dice.below(kOperations));
  const int y = dice.between(operation == divide ? 1 : 0, 9);
  const int x = dice.between(0, operation == add || operation == subtract ? 20 : 9);
  int a = x, b = y, result = 0;
  switch (operation) {
    case add:
      result = x + y;
      if (dice.below(2) == 0) std::swap(a, b);
      break;
    case subtract:
      a = std::max(x, y), b = std::min(x, y);
      result = a - b;
      break;
    case multiply:
      result = x * y;
      break;
    default:
      a = x * y;
      result = x;
  }
  const std::string expected = std::to_string(result);
  constexpr Words reply{"{a} {s} {b} = {c}", "{a} {s} {b} = {c}です。"};
  return {key_of("short", {operation, std::min(a, b), std::max(a, b)}),
          typed(dice, language, operation, a, b),
          fill(reply.in(language), {{"a", std::to_string(a)},
                                    {"b", std::to_string(b)},
                                    {"s", kSigns[operation][0]},
                                    {"c", expected}}),
          expected};
}

}  // namespace

Draft draw_sums(Dice& dice, Language language) {
  constexpr DrawFunction longer[] = {draw_add, draw_subtract, draw_multiply};
  const int kind = dice.below(6);
  if (kind >= 3) return draw_short(dice, language);
  Draft draft = longer[kind](dice, language);
  const auto [a, b] = numbers_of(draft.key);
  draft.question = typed(dice, language, static_cast<Operation>(kind), a, b);
  return draft;
}

bool check_sum(const Item& item, std::string_view reply) {
  return item.key.starts_with("short") ? check_whole(item, reply) : check_conclusion(item, reply);
}

}  // namespace avocado::corpus
