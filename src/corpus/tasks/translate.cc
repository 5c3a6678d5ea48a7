// Words and everyday phrases in the other language.

#include "corpus/tasks/openings.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr auto kPhrases = std::to_array<Words>({
    {"water", "水"},
    {"fire", "火"},
    {"mountain", "山"},
    {"sky", "空"},
    {"sea", "海"},
    {"flower", "花"},
    {"tree", "木"},
    {"rain", "雨"},
    {"snow", "雪"},
    {"sun", "太陽"},
    {"moon", "月"},
    {"star", "星"},
    {"book", "本"},
    {"friend", "友だち"},
    {"mother", "母"},
    {"father", "父"},
    {"child", "子ども"},
    {"house", "家"},
    {"today", "今日"},
    {"tomorrow", "明日"},
    {"yesterday", "昨日"},
    {"morning", "朝"},
    {"night", "夜"},
    {"name", "名前"},
    {"story", "お話"},
    {"avocado", "アボカド"},
    {"hello", "こんにちは"},
    {"goodbye", "さようなら"},
    {"thank you", "ありがとう"},
    {"good morning", "おはよう"},
    {"good night", "おやすみ"},
    {"I am sorry", "ごめんなさい"},
    {"yes", "はい"},
    {"no", "いいえ"},
    {"one", "一"},
    {"two", "二"},
    {"three", "三"},
    {"big", "大きい"},
    {"small", "小さい"},
    {"beautiful", "美しい"},
});

constexpr Words kToJapanese[] = {
    {"What is {a} in Japanese?", "「{a}」は日本語で何ですか。"},
    {"How do you say {a} in Japanese?", "「{a}」は日本語でどう言いますか。"},
    {"Translate to Japanese: {a}", "日本語にしてください: {a}"},
};
constexpr Words kToEnglish[] = {
    {"What does {b} mean?", "「{b}」は英語で何ですか。"},
    {"What is {b} in English?", "「{b}」は英語でどう言いますか。"},
    {"Translate to English: {b}", "英語にしてください: {b}"},
};
constexpr Words kJapanese{"In Japanese it is {b}.", "日本語では「{b}」です。"};
constexpr Words kEnglish{"In English it is {a}.", "英語では「{a}」です。"};

}  // namespace

Draft draw_translate(Dice& dice, Language language) {
  const int number = dice.below(size_of(kPhrases) + size_of(kAnimals) + size_of(kThings));
  const Words phrase =
      number < size_of(kPhrases) ? kPhrases[static_cast<size_t>(number)]
      : number < size_of(kPhrases) + size_of(kAnimals)
          ? kAnimals[static_cast<size_t>(number - size_of(kPhrases))]
          : kThings[static_cast<size_t>(number - size_of(kPhrases) - size_of(kAnimals))];
  const bool to_english = dice.below(2) == 0;
  const int form = dice.below(3);
  const Opening opening = draw_opening(dice, language);
  const auto text = [&](const Words& words) {
    return fill(words.in(language), {{"a", phrase.english}, {"b", phrase.japanese}});
  };
  return {key_of("translate", {number, to_english, form, opening.number}),
          casually(dice, language,
                   std::string(opening.text) + text((to_english ? kToEnglish : kToJapanese)[form])),
          text(to_english ? kEnglish : kJapanese),
          std::string(to_english ? phrase.english : phrase.japanese)};
}

}  // namespace avocado::corpus
