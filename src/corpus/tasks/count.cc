// How often a letter or an animal occurs in a list.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kLetterForms[] = {
    {"How many times does {x} occur: {list}", "{x}はいくつありますか: {list}"},
    {"Count the letter {x}: {list}", "{x}の数を数えてください: {list}"},
};
constexpr Words kAnimalForms[] = {
    {"How many {x}s are here: {list}", "{x}は何匹いますか: {list}"},
    {"Count the {x}s: {list}", "{x}の数を数えてください: {list}"},
};

}  // namespace

Draft draw_count(Dice& dice, Language language) {
  const bool letters = dice.below(2) == 0;
  const int length = dice.between(level::kCountMin, level::kCountMax);
  const int count = dice.between(1, length - 1);
  // One thing to count among two others.
  const std::vector<int> things = dice.distinct(3, letters ? 26 : size_of(kAnimals));
  std::vector<int> list(static_cast<size_t>(length), things[0]);
  for (int i = count; i < length; ++i)
    list[static_cast<size_t>(i)] = things[static_cast<size_t>(dice.between(1, 2))];
  std::vector<int> sorted = list;
  std::sort(sorted.begin(), sorted.end());
  sorted.push_back(things[0]);

  const auto name = [&](int n) {
    return letters ? std::string(1, static_cast<char>('a' + n))
                   : std::string(word(kAnimals, n, language));
  };
  std::vector<std::string> parts;
  for (int i : dice.distinct(length, length)) parts.push_back(name(list[static_cast<size_t>(i)]));

  const std::string number = std::to_string(count);
  const std::string answer = language == Language::english
                                 ? fmt::format("There {} {}.", count == 1 ? "is" : "are", number)
                                 : fmt::format("{}{}です。", number, letters ? "個" : "匹");
  return {key_of(letters ? "count letters" : "count animals", sorted),
          fill((letters ? dice.pick(kLetterForms) : dice.pick(kAnimalForms)).in(language),
               {{"x", name(things[0])}, {"list", join(parts, " ")}}),
          answer, number};
}

}  // namespace avocado::corpus
