// A short story from a grammar: four sentences, each in one of several wordings, about a person, a
// thing and a place that the question names. Every story of the grammar with the right person,
// thing and place is a right answer.

#include <fmt/format.h>

#include <array>

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kAsks[] = {
    {"Tell a story about {who}, a {thing} and {place}.",
     "{who}さんと{thing}と{place}のお話をしてください。"},
    {"Write a story with {who}, a {thing} and {place}.",
     "{who}さんと{thing}と{place}が出てくる話を書いてください。"},
    {"A story, please: {who}, a {thing}, {place}.",
     "お話をお願いします: {who}さん、{thing}、{place}"},
};

constexpr int kSentences = 4, kWordings = 3;
constexpr Words kGrammar[kSentences][kWordings] = {
    {{"One day {who} went to {place}.", "ある日、{who}さんは{place}へ行きました。"},
     {"{who} was at {place} one morning.", "ある朝、{who}さんは{place}にいました。"},
     {"The sun was out, and {who} walked to {place}.",
      "晴れた日に、{who}さんは{place}まで歩きました。"}},
    {{"There {who} found a {thing}.", "{who}さんはそこで{thing}を見つけました。"},
     {"Suddenly {who} saw a {thing}.", "{who}さんはふと{thing}に気づきました。"},
     {"A {thing} was lying on the ground.", "すると、{thing}が落ちていました。"}},
    {{"{who} picked up the {thing} and smiled.",
      "{who}さんは{thing}をひろって、にっこりしました。"},
     {"{who} looked at the {thing} for a long time.", "{who}さんは{thing}を長い間ながめました。"},
     {"{who} showed the {thing} to a friend.", "{who}さんは{thing}を友だちに見せました。"}},
    {{"Then {who} left {place} and went home.",
      "それから{who}さんは{place}を出て、家に帰りました。"},
     {"{who} was very happy.", "{who}さんはとても幸せでした。"},
     {"{who} will never forget {place}.", "{who}さんは{place}を決して忘れません。"}},
};

// Person, thing, place; written "Mika, red ball, the park" as what is expected.
using Cast = std::array<std::string_view, 3>;

std::string tell(Language language, const Words& wording, const Cast& cast) {
  return fill(wording.in(language), {{"who", cast[0]}, {"thing", cast[1]}, {"place", cast[2]}});
}

Cast cast_of(std::string_view expected) {
  const size_t first = expected.find(", "), second = expected.find(", ", first + 2);
  return {expected.substr(0, first), expected.substr(first + 2, second - first - 2),
          expected.substr(second + 2)};
}

// Whether the text is the sentences of the grammar from `sentence` on.
bool follows(Language language, const Cast& cast, std::string_view text, int sentence) {
  if (sentence == kSentences) return text.empty();
  for (const Words& wording : kGrammar[sentence]) {
    std::string begin = tell(language, wording, cast);
    if (language == Language::english && sentence > 0) begin.insert(0, 1, ' ');
    if (text.starts_with(begin) && follows(language, cast, text.substr(begin.size()), sentence + 1))
      return true;
  }
  return false;
}

}  // namespace

Draft draw_story(Dice& dice, Language language) {
  const bool english = language == Language::english;
  const int who = dice.below(size_of(kNames)), colour = dice.below(size_of(kColours)),
            thing = dice.below(size_of(kThings)), place = dice.below(size_of(kPlaces));
  const std::string coloured = fmt::format("{}{}{}", word(kColours, colour, language),
                                           english ? " " : "", word(kThings, thing, language));
  const Cast cast = {word(kNames, who, language), coloured, word(kPlaces, place, language)};
  const std::string question = tell(language, dice.pick(kAsks), cast);
  std::vector<std::string> sentences;
  for (const auto& wordings : kGrammar)
    sentences.push_back(tell(language, dice.pick(wordings), cast));
  return {key_of("story", {who, colour, thing, place}), question,
          join(sentences, english ? " " : ""),
          fmt::format("{}, {}, {}", cast[0], cast[1], cast[2])};
}

bool check_story(const Item& item, std::string_view reply) {
  return follows(item.language, cast_of(item.expected), reply, 0);
}

}  // namespace avocado::corpus
