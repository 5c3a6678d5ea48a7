// Fields of a sentence pulled out as JSON.

#include <fmt/format.h>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kAsks[] = {
    {"As JSON: ", "JSONにしてください: "},
    {"Give the fields as JSON: ", "項目をJSONで書いてください: "},
};

constexpr Words kPeople[] = {
    {"{name} is {n} years old and lives in {what}.", "{name}さんは{n}歳で、{what}に住んでいます。"},
    {"{name} lives in {what} and is {n} years old.", "{name}さんは{what}に住む{n}歳です。"},
    {"{name} from {what} is {n}.", "{what}の{name}さんは{n}歳です。"},
    {"In {what} lives {name}, aged {n}.", "{what}に住む{name}さんは今年{n}歳です。"},
};
constexpr Words kOrders[] = {
    {"{name} bought {n} {what}s.", "{name}さんは{what}を{n}つ買いました。"},
    {"{n} {what}s for {name}, please.", "{name}さんに{what}を{n}つお願いします。"},
};

}  // namespace

Draft draw_json(Dice& dice, Language language) {
  const bool english = language == Language::english;
  const bool person = dice.below(2) == 0;
  const int who = dice.below(size_of(kNames));
  const int what = dice.below(person ? size_of(kCities) : size_of(kThings));
  const int n = person ? dice.between(level::kAgeMin, level::kAgeMax) : dice.between(2, 9);
  const std::string_view name = word(kNames, who, language);
  const std::string_view thing =
      person ? word(kCities, what, language) : word(kThings, what, language);

  std::string question(dice.pick(kAsks).in(language));
  question += fill((person ? dice.pick(kPeople) : dice.pick(kOrders)).in(language),
                   {{"name", name}, {"n", std::to_string(n)}, {"what", thing}});
  std::string answer;
  if (person) {
    answer = fmt::format(R"({{"{}": "{}", "{}": {}, "{}": "{}"}})", english ? "name" : "名前", name,
                         english ? "age" : "年齢", n, english ? "city" : "町", thing);
  } else {
    answer = fmt::format(R"({{"{}": "{}", "{}": "{}", "{}": {}}})", english ? "name" : "名前", name,
                         english ? "item" : "品物", thing, english ? "count" : "数", n);
  }
  return {key_of(person ? "json person" : "json order", {who, n, what}), question, answer, answer};
}

}  // namespace avocado::corpus
