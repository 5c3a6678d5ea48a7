// Words said again: a list once, a word several times.

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kOnce[] = {
    {"Repeat: {list}", "くり返してください: {list}"},
    {"Say this again: {list}", "もう一度言ってください: {list}"},
    {"Copy these words: {list}", "次の言葉を写してください: {list}"},
};
constexpr Words kTimes[] = {
    {"Say \"{word}\" {n} times.", "「{word}」を{n}回言ってください。"},
    {"Write {word} {n} times.", "{word}と{n}回書いてください。"},
};

}  // namespace

Draft draw_copy(Dice& dice, Language language) {
  const auto any_word = [&](int n) {
    if (n < size_of(kThings)) return word(kThings, n, language);
    if (n < size_of(kThings) + size_of(kAnimals))
      return word(kAnimals, n - size_of(kThings), language);
    return word(kNames, n - size_of(kThings) - size_of(kAnimals), language);
  };
  constexpr int all = size_of(kThings) + size_of(kAnimals) + size_of(kNames);
  if (dice.below(4) == 0) {
    const int which = dice.below(all), n = dice.between(2, level::kCopyMax);
    const std::vector<std::string> parts(static_cast<size_t>(n), std::string(any_word(which)));
    const std::string answer = join(parts, " ");
    return {
        key_of("times", {which, n}),
        fill(dice.pick(kTimes).in(language), {{"word", any_word(which)}, {"n", std::to_string(n)}}),
        answer, answer};
  }
  const std::vector<int> chosen =
      dice.distinct(dice.between(level::kCopyMin, level::kCopyMax), all);
  std::vector<std::string> parts;
  for (int n : chosen) parts.emplace_back(any_word(n));
  const std::string answer = join(parts, " ");
  return {key_of("copy", chosen), fill(dice.pick(kOnce).in(language), {{"list", answer}}), answer,
          answer};
}

}  // namespace avocado::corpus
