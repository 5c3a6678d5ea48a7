// Stories for whoever asks for one, about an animal that may be named, or about a little avocado.
// A right answer follows the grammar below, with the hero asked for; whom and what it meets is
// free.

#include <functional>
#include <map>

#include "corpus/tasks/openings.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kAskAny[] = {
    {"Tell me a story.", "お話をしてください。"},
    {"I want to hear a story.", "お話が聞きたいです。"},
    {"A story, please.", "何かお話をお願いします。"},
    {"Do you know a story?", "お話を知っていますか。"},
};
constexpr Words kAskAbout[] = {
    {"Tell me a story about a {hero}.", "{hero}のお話をしてください。"},
    {"I want to hear about a {hero}.", "{hero}のお話が聞きたいです。"},
    {"Write a story about a {hero}.", "{hero}の話を書いてください。"},
    {"A story about a {hero}, please.", "{hero}のお話をお願いします。"},
};

constexpr auto kSorts = std::to_array<Words>(
    {{"little", "小さな"}, {"brave", "勇ましい"}, {"kind", "やさしい"}, {"happy", "元気な"}});

constexpr int kSentences = 5, kWordings = 3;
constexpr Words kGrammar[kSentences][kWordings] = {
    {{"Once upon a time there was a {sort} {hero} called {name}.",
      "むかし、{name}という{sort}{hero}がいました。"},
     {"Long ago a {sort} {hero} called {name} lived near {place}.",
      "むかし、{place}の近くに、{name}という{sort}{hero}が住んでいました。"},
     {"There was a {sort} {hero}, and its name was {name}.",
      "あるところに{sort}{hero}がいて、名前は{name}でした。"}},
    {{"Every morning {name} went to {place}.", "{name}は毎朝{place}へ行きました。"},
     {"{name} had no friends and was often alone.", "{name}には友だちがなく、よく一人でした。"},
     {"{name} loved to look at the stars.", "{name}は星をながめるのが大好きでした。"}},
    {{"One day {name} met a {friend} with a {thing}.",
      "ある日、{name}は{thing}を持った{friend}に会いました。"},
     {"Then a {friend} came and asked for help.", "すると{friend}が来て、助けてと言いました。"},
     {"One evening a {friend} had lost its {thing}.", "ある晩、{friend}が{thing}をなくしました。"}},
    {{"They looked for a way together, and they found it.", "二人で道をさがして、見つけました。"},
     {"{name} was afraid at first, but then helped the {friend}.",
      "{name}は初めはこわがりましたが、{friend}を助けました。"},
     {"They talked and laughed until the moon came out.",
      "月が出るまで、二人で話して笑いました。"}},
    {{"From that day on they were friends.", "その日から、二人は友だちになりました。"},
     {"Then they went home and slept well.", "それから家に帰って、ぐっすり眠りました。"},
     {"And {name} was never alone again.", "それからもう、{name}は一人ではありませんでした。"}},
};

constexpr Words kAvocado{"avocado", "アボカド"};

using Cast = std::map<std::string, std::string, std::less<>>;

// The words that may stand for a part of the cast.
std::vector<std::string> words_for(const std::string& part, Language language) {
  std::vector<std::string> words;
  const auto take = [&](const auto& pool) {
    for (const Words& one : pool) words.emplace_back(one.in(language));
  };
  if (part == "sort") take(kSorts);
  if (part == "name") take(kNames);
  if (part == "place") take(kPlaces);
  if (part == "thing") take(kThings);
  if (part == "friend") take(kAnimals);
  return words;
}

// The first part that a wording names and the cast has not; empty when there is none.
std::string missing_part(std::string_view wording, const Cast& cast) {
  for (size_t at = wording.find('{'); at != wording.npos; at = wording.find('{', at + 1)) {
    std::string part(wording.substr(at + 1, wording.find('}', at) - at - 1));
    if (!cast.contains(part)) return part;
  }
  return {};
}

std::string tell(std::string_view wording, const Cast& cast) {
  std::string text;
  while (!wording.empty()) {
    const size_t open = std::min(wording.find('{'), wording.size());
    text += wording.substr(0, open);
    wording.remove_prefix(open);
    if (wording.empty()) break;
    const size_t close = wording.find('}');
    text += cast.find(wording.substr(1, close - 1))->second;
    wording.remove_prefix(close + 1);
  }
  return text;
}

// Whether the text is the sentences of the grammar from `sentence` on, with some cast.
bool follows(Language language, const Cast& cast, std::string_view text, int sentence) {
  if (sentence == kSentences) return text.empty();
  if (language == Language::english && sentence > 0) {
    if (!text.starts_with(' ')) return false;
    text.remove_prefix(1);
  }
  const std::function<bool(std::string_view, const Cast&)> begins = [&](std::string_view wording,
                                                                        const Cast& known) {
    const std::string part = missing_part(wording, known);
    if (part.empty()) {
      const std::string told = tell(wording, known);
      return text.starts_with(told) &&
             follows(language, known, text.substr(told.size()), sentence + 1);
    }
    for (std::string& value : words_for(part, language)) {
      if (text.find(value) == text.npos) continue;
      Cast more = known;
      more[part] = std::move(value);
      if (begins(wording, more)) return true;
    }
    return false;
  };
  for (const Words& wording : kGrammar[sentence])
    if (begins(wording.in(language), cast)) return true;
  return false;
}

}  // namespace

Draft draw_tales(Dice& dice, Language language) {
  const int hero = dice.below(size_of(kAnimals) + 2), form = dice.below(4);
  const bool any = hero >= size_of(kAnimals);
  const Opening opening = draw_opening(dice, language);
  Cast cast;
  cast["hero"] = any ? kAvocado.in(language) : word(kAnimals, hero, language);
  std::vector<std::string> sentences;
  for (const auto& wordings : kGrammar) {
    const Words wording = dice.pick(wordings);
    for (std::string part; !(part = missing_part(wording.in(language), cast)).empty();)
      cast[part] = dice.pick(words_for(part, language));
    sentences.push_back(tell(wording.in(language), cast));
  }
  const std::string ask = tell((any ? kAskAny : kAskAbout)[form].in(language), cast);
  return {key_of("tales", {any ? -1 : hero, form, opening.number}),
          casually(dice, language, std::string(opening.text) + ask),
          join(sentences, language == Language::english ? " " : ""), cast["hero"]};
}

bool check_tale(const Item& item, std::string_view reply) {
  return follows(item.language, {{"hero", item.expected}}, reply, 0);
}

}  // namespace avocado::corpus
