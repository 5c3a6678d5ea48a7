// A short story with a blank whose filling the story determines.

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kAsk{"Fill in the blank: ", "空欄をうめてください: "};
constexpr Words kBegin{"{a} found a {thing} at {place}.",
                       "{a}さんは{place}で{thing}を見つけました。"};
constexpr Words kGive{" {a} gave the {thing} to {b}.", "{a}さんは{thing}を{b}さんにあげました。"};
constexpr Words kPassOn{" {b} gave the {thing} to {c}.", "{b}さんは{thing}を{c}さんにあげました。"};

// What the blank stands for.
enum Blank { owner, finder, place, kBlanks };
constexpr Words kEnds[] = {
    {" Now the {thing} belongs to ___.", "今、{thing}を持っているのは＿＿です。"},
    {" The {thing} was found by ___.", "{thing}を見つけたのは＿＿です。"},
    {" The {thing} was found at ___.", "{thing}を見つけた場所は＿＿です。"},
};

}  // namespace

Draft draw_cloze(Dice& dice, Language language) {
  const std::vector<int> people = dice.distinct(3, size_of(kNames));
  const int thing = dice.below(size_of(kThings)), where = dice.below(size_of(kPlaces));
  const int gifts = dice.between(1, 2), blank = dice.below(kBlanks);
  const std::string_view a = word(kNames, people[0], language),
                         b = word(kNames, people[1], language),
                         c = word(kNames, people[2], language),
                         scene = word(kPlaces, where, language);
  std::string wording(kAsk.in(language));
  wording += kBegin.in(language);
  wording += kGive.in(language);
  if (gifts == 2) wording += kPassOn.in(language);
  wording += kEnds[blank].in(language);

  const std::string_view filling = blank == owner    ? (gifts == 2 ? c : b)
                                   : blank == finder ? a
                                                     : scene;
  const bool honorific = language == Language::japanese && blank != place;
  const std::string expected = std::string(filling) + (honorific ? "さん" : "");
  return {key_of("cloze", {people[0], people[1], gifts == 2 ? people[2] : -1, thing, where}),
          fill(wording, {{"a", a},
                         {"b", b},
                         {"c", c},
                         {"thing", word(kThings, thing, language)},
                         {"place", scene}}),
          expected, expected};
}

}  // namespace avocado::corpus
