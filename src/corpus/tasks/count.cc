// How many letters or animals there are, counted one by one.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kLetterForms[] = {
    {"How many letters: {list}", "文字はいくつありますか: {list}"},
    {"Count the letters: {list}", "文字の数を数えてください: {list}"},
};
constexpr Words kAnimalForms[] = {
    {"How many animals: {list}", "動物は何匹いますか: {list}"},
    {"Count the animals: {list}", "動物の数を数えてください: {list}"},
};

}  // namespace

Draft draw_count(Dice& dice, Language language) {
  const bool letters = dice.below(2) == 0;
  const int length = dice.between(level::kCountMin, level::kCountMax);
  std::vector<int> list;
  for (int i = 0; i < length; ++i) list.push_back(dice.below(letters ? 26 : size_of(kAnimals)));

  // The steps say the list again with its numbers: "k 1 a 2 k 3".
  std::vector<std::string> parts, steps;
  for (int thing : list) {
    parts.push_back(letters ? std::string(1, static_cast<char>('a' + thing))
                            : std::string(word(kAnimals, thing, language)));
    steps.push_back(fmt::format("{} {}", parts.back(), parts.size()));
  }
  std::sort(list.begin(), list.end());  // another order is the same item to the split
  const std::string number = std::to_string(length);
  return {key_of(letters ? "count letters" : "count animals", list),
          fill((letters ? dice.pick(kLetterForms) : dice.pick(kAnimalForms)).in(language),
               {{"list", join(parts, " ")}}),
          join(steps, " ") + (language == Language::english ? ". " : "。") +
              conclusion(language, number),
          number};
}

}  // namespace avocado::corpus
