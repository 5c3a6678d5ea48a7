// Parents and grandparents: two relations told, one asked.

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kParents[] = {{"mother", "母"}, {"father", "父"}};
constexpr Words kGrandparents[] = {{"grandmother", "祖母"}, {"grandfather", "祖父"}};
constexpr Words kFact{"{a} is the {parent} of {b}.", "{a}さんは{b}さんの{parent}です。"};

// Of kNames, those of women and those of men.
constexpr int kNamesOf[2][10] = {{0, 2, 3, 6, 8, 10, 12, 15, 16, 18},
                                 {1, 4, 5, 7, 9, 11, 13, 14, 17, 19}};
int draw_name(Dice& dice, int sex) { return dice.pick(kNamesOf[sex]); }

struct Question {
  Words ask, answer;
};
// Of {a}, the {elder} of {b}, who is the {parent} of {c}.
constexpr Question kQuestions[] = {
    {{"Who is the {grandparent} of {c}?", "{c}さんの{grandparent}はだれですか。"},
     {"{a} is the {grandparent} of {c}.", "{c}さんの{grandparent}は{a}さんです。"}},
    {{"Who is the {parent} of {c}?", "{c}さんの{parent}はだれですか。"},
     {"{b} is the {parent} of {c}.", "{c}さんの{parent}は{b}さんです。"}},
    {{"Who is the child of {a}?", "{a}さんの子どもはだれですか。"},
     {"{b} is the child of {a}.", "{a}さんの子どもは{b}さんです。"}},
    {{"Who is the grandchild of {a}?", "{a}さんの孫はだれですか。"},
     {"{c} is the grandchild of {a}.", "{a}さんの孫は{c}さんです。"}},
};

}  // namespace

Draft draw_family(Dice& dice, Language language) {
  const int elder = dice.below(2), parent = dice.below(2);
  std::vector<int> people = {draw_name(dice, elder), draw_name(dice, parent),
                             dice.below(size_of(kNames))};
  while (people[1] == people[0]) people[1] = draw_name(dice, parent);
  while (people[2] == people[0] || people[2] == people[1]) people[2] = dice.below(size_of(kNames));
  const int asked = dice.below(static_cast<int>(std::size(kQuestions)));
  const auto name = [&](int i) { return word(kNames, people[static_cast<size_t>(i)], language); };
  const auto fact = [&](int above, int below, int sex) {
    return fill(kFact.in(language),
                {{"a", name(above)}, {"b", name(below)}, {"parent", kParents[sex].in(language)}});
  };
  std::vector<std::string> sentences = {fact(0, 1, elder), fact(1, 2, parent)};
  if (dice.below(2) == 0) std::swap(sentences[0], sentences[1]);
  const auto text = [&](const Words& words) {
    return fill(words.in(language), {{"a", name(0)},
                                     {"b", name(1)},
                                     {"c", name(2)},
                                     {"parent", kParents[parent].in(language)},
                                     {"grandparent", kGrandparents[elder].in(language)}});
  };
  sentences.push_back(text(kQuestions[asked].ask));
  constexpr int kWho[] = {0, 1, 1, 2};
  return {key_of("family", {people[0], people[1], people[2], elder, parent}),
          join(sentences, language == Language::english ? " " : ""), text(kQuestions[asked].answer),
          std::string(name(kWho[asked]))};
}

}  // namespace avocado::corpus
