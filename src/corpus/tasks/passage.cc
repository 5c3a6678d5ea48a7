// A fact asked of a short passage: who lives where, likes what, has what.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

enum Relation { lives, likes, has, kRelations };

constexpr Words kFacts[] = {
    {"{who} lives in {what}.", "{who}さんは{what}に住んでいます。"},
    {"{who} likes {what}.", "{who}さんは{what}が好きです。"},
    {"{who} has a {what}.", "{who}さんは{what}を持っています。"},
};
constexpr Words kAskWhat[] = {
    {"Where does {who} live?", "{who}さんはどこに住んでいますか。"},
    {"What does {who} like?", "{who}さんは何が好きですか。"},
    {"What does {who} have?", "{who}さんは何を持っていますか。"},
};
constexpr Words kAskWho[] = {
    {"Who lives in {what}?", "{what}に住んでいるのはだれですか。"},
    {"Who likes {what}?", "{what}が好きなのはだれですか。"},
    {"Who has a {what}?", "{what}を持っているのはだれですか。"},
};

int values(int relation) {
  if (relation == lives) return size_of(kCities);
  if (relation == likes) return size_of(kFoods);
  return size_of(kColours) * size_of(kThings);
}

std::string value(int relation, int number, Language language) {
  if (relation == lives) return std::string(word(kCities, number, language));
  if (relation == likes) return std::string(word(kFoods, number, language));
  const int things = size_of(kThings);
  return fmt::format("{}{}{}", word(kColours, number / things, language),
                     language == Language::english ? " " : "",
                     word(kThings, number % things, language));
}

struct Fact {
  int who, relation, what;
};

}  // namespace

Draft draw_passage(Dice& dice, Language language) {
  const int count = dice.between(level::kFactsMin, level::kFactsMax);
  const std::vector<int> people = dice.distinct(count, size_of(kNames));
  // Every relation occurs once: who lives, who likes, who has.
  const int asked_relation = dice.below(kRelations);
  std::vector<Fact> facts;
  for (int i = 0; i < count; ++i) {
    const int relation = (asked_relation + i) % kRelations;
    facts.push_back({people[static_cast<size_t>(i)], relation, dice.below(values(relation))});
  }
  const Fact asked = facts[0];

  const auto state = [&](const Fact& fact) {
    return fill(kFacts[fact.relation].in(language),
                {{"who", word(kNames, fact.who, language)},
                 {"what", value(fact.relation, fact.what, language)}});
  };
  std::string text;
  for (int i : dice.distinct(count, count)) {
    text += state(facts[static_cast<size_t>(i)]);
    if (language == Language::english) text += ' ';
  }
  const std::string who(word(kNames, asked.who, language));
  const std::string thing = value(asked.relation, asked.what, language);
  const bool ask_who = dice.below(2) == 0;
  text += fill((ask_who ? kAskWho : kAskWhat)[asked.relation].in(language),
               {{"who", who}, {"what", thing}});
  const std::string answer = state(asked);

  std::sort(facts.begin(), facts.end(), [](const Fact& a, const Fact& b) { return a.who < b.who; });
  std::vector<int> key;
  for (const Fact& fact : facts) key.insert(key.end(), {fact.who, fact.relation, fact.what});
  return {key_of("passage", key), text, answer, ask_who ? who : thing};
}

}  // namespace avocado::corpus
