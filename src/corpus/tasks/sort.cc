// Letters or digits to be put in order.

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/task.h"

namespace avocado::corpus {
namespace {

constexpr Words kLetterForms[] = {
    {"Sort these letters: {list}", "アルファベット順に並べてください: {list}"},
    {"Put in alphabetical order: {list}", "次の文字をABC順にしてください: {list}"},
    {"Order from a to z: {list}", "aからzの順に並べてください: {list}"},
};
constexpr Words kDigitForms[] = {
    {"Sort these digits: {list}", "小さい順に並べてください: {list}"},
    {"Put in ascending order: {list}", "次の数字を小さい順にしてください: {list}"},
    {"Order from small to large: {list}", "数の小さいものから並べてください: {list}"},
};

}  // namespace

Draft draw_sort(Dice& dice, Language language) {
  const bool letters = dice.below(2) == 0;
  const int count = dice.between(level::kSortMin, level::kSortMax);
  std::vector<int> numbers = dice.distinct(count, letters ? 26 : 10);
  const auto text = [&] {
    std::vector<std::string> parts;
    for (int n : numbers) parts.emplace_back(1, static_cast<char>((letters ? 'a' : '0') + n));
    return join(parts, " ");
  };
  const std::string question =
      fill((letters ? dice.pick(kLetterForms) : dice.pick(kDigitForms)).in(language),
           {{"list", text()}});
  std::sort(numbers.begin(), numbers.end());
  const std::string expected = text();
  constexpr Words result{"Sorted: {list}", "並べた結果: {list}"};
  return {key_of(letters ? "sort letters" : "sort digits", numbers), question,
          fill(result.in(language), {{"list", expected}}), expected};
}

}  // namespace avocado::corpus
