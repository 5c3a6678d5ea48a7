// Lists of letters, digits or words to be turned around.

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kForms[] = {
    {"Reverse: {list}", "逆の順に並べてください: {list}"},
    {"Turn this list around: {list}", "次の並びを逆にしてください: {list}"},
    {"Say this backwards: {list}", "後ろから順に言ってください: {list}"},
};

}  // namespace

Draft draw_reverse(Dice& dice, Language language) {
  enum { letters, digits, animals };
  const int kind = dice.below(3);
  constexpr int sizes[] = {26, 10, size_of(kAnimals)};
  std::vector<int> numbers =
      dice.distinct(dice.between(level::kReverseMin, level::kReverseMax), sizes[kind]);
  const auto text = [&] {
    std::vector<std::string> parts;
    for (int n : numbers) {
      if (kind == animals)
        parts.emplace_back(word(kAnimals, n, language));
      else
        parts.emplace_back(1, static_cast<char>((kind == letters ? 'a' : '0') + n));
    }
    return join(parts, " ");
  };
  const std::string question = fill(dice.pick(kForms).in(language), {{"list", text()}});
  std::reverse(numbers.begin(), numbers.end());
  const std::string expected = text();
  // The key is the set: neither the list nor another order of it is seen in training.
  std::sort(numbers.begin(), numbers.end());
  constexpr Words result{"Reversed: {list}", "逆順: {list}"};
  constexpr std::string_view kinds[] = {"reverse letters", "reverse digits", "reverse animals"};
  return {key_of(kinds[kind], numbers), question, fill(result.in(language), {{"list", expected}}),
          expected};
}

}  // namespace avocado::corpus
