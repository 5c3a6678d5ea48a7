// The next number or letter of a series.

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kAsks[] = {
    {"What comes next: {list}?", "次に来るのは何ですか: {list}"},
    {"Continue: {list}", "続きを書いてください: {list}"},
    {"Which one follows: {list}?", "この次は何ですか: {list}"},
};
constexpr Words kAnswer{"Next comes {next}.", "次は{next}です。"};

}  // namespace

Draft draw_series(Dice& dice, Language language) {
  const bool letters = dice.below(4) == 0;
  const int step = dice.between(1, letters ? 2 : level::kSeriesStepMax);
  const bool down = !letters && dice.below(3) == 0;
  const int first =
      letters ? dice.below(26 - 4 * step) : dice.between(0, 60) + (down ? 4 * step : 0);
  std::vector<std::string> parts;
  for (int i = 0; i < 5; ++i) {
    const int n = first + (down ? -i : i) * step;
    parts.push_back(letters ? std::string(1, static_cast<char>('a' + n)) : std::to_string(n));
  }
  const std::string next = parts.back();
  parts.pop_back();
  return {key_of(letters ? "letters"
                 : down  ? "down"
                         : "up",
                 {first, step}),
          fill(dice.pick(kAsks).in(language), {{"list", join(parts, " ")}}),
          fill(kAnswer.in(language), {{"next", next}}), next};
}

}  // namespace avocado::corpus
