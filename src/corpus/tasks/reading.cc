// A little story about a thing that is carried around, and a question about it.

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kFound[] = {
    {"{who} found a {thing} at {place}.", "{who}さんは{place}で{thing}を見つけました。"},
    {"One day {who} saw a {thing} at {place}.",
     "ある日、{who}さんは{place}で{thing}を見つけました。"},
};
constexpr Words kCarried[] = {
    {"{who} carried it to {place}.", "{who}さんはそれを{place}へ運びました。"},
    {"Then {who} took it to {place}.", "それから{who}さんが{place}へ持って行きました。"},
    {"{who} brought it to {place} after that.", "そのあと{who}さんはそれを{place}へ運びました。"},
};

struct Question {
  Words ask, answer;
};
constexpr Question kWhere{{"Where is the {thing} now?", "{thing}は今どこにありますか。"},
                          {"The {thing} is at {place} now.", "{thing}は今{place}にあります。"}};
constexpr Question kOrigin{
    {"Where was the {thing} at first?", "{thing}は初めどこにありましたか。"},
    {"The {thing} was at {place} at first.", "{thing}は初め{place}にありました。"}};
constexpr Question kFinder{{"Who found the {thing}?", "{thing}を見つけたのはだれですか。"},
                           {"{who} found the {thing}.", "{thing}を見つけたのは{who}さんです。"}};
constexpr Question kCarrier{
    {"Who brought the {thing} to {place}?", "{thing}を{place}へ運んだのはだれですか。"},
    {"{who} brought the {thing} to {place}.", "{thing}を{place}へ運んだのは{who}さんです。"}};

}  // namespace

Draft draw_reading(Dice& dice, Language language) {
  const int moves = dice.between(1, 3);
  const std::vector<int> people = dice.distinct(moves + 1, size_of(kNames));
  const std::vector<int> places = dice.distinct(moves + 1, size_of(kPlaces));
  const int thing = dice.below(size_of(kThings));
  const auto tell = [&](const Words& words, int event) {
    const auto i = static_cast<size_t>(event);
    return fill(words.in(language), {{"who", word(kNames, people[i], language)},
                                     {"place", word(kPlaces, places[i], language)},
                                     {"thing", word(kThings, thing, language)}});
  };
  std::vector<std::string> sentences = {tell(dice.pick(kFound), 0)};
  for (int event = 1; event <= moves; ++event)
    sentences.push_back(tell(dice.pick(kCarried), event));
  enum { where, origin, finder, carrier, kKinds };
  const int kind = dice.below(kKinds);
  const int event = kind == where ? moves : kind == carrier ? dice.between(1, moves) : 0;
  const Question& question = kind == where    ? kWhere
                             : kind == origin ? kOrigin
                             : kind == finder ? kFinder
                                              : kCarrier;
  sentences.push_back(tell(question.ask, event));
  std::vector<int> key = {thing};
  key.insert(key.end(), people.begin(), people.end());
  key.insert(key.end(), places.begin(), places.end());
  const auto i = static_cast<size_t>(event);
  return {key_of("reading", key), join(sentences, language == Language::english ? " " : ""),
          tell(question.answer, event),
          std::string(kind == finder || kind == carrier ? word(kNames, people[i], language)
                                                        : word(kPlaces, places[i], language))};
}

}  // namespace avocado::corpus
