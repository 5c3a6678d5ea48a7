// Sums and differences in words, and little problems about things one has.

#include <cctype>
#include <utility>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr auto kNumbers = std::to_array<Words>({
    {"zero", "零"},      {"one", "一"},         {"two", "二"},        {"three", "三"},
    {"four", "四"},      {"five", "五"},        {"six", "六"},        {"seven", "七"},
    {"eight", "八"},     {"nine", "九"},        {"ten", "十"},        {"eleven", "十一"},
    {"twelve", "十二"},  {"thirteen", "十三"},  {"fourteen", "十四"}, {"fifteen", "十五"},
    {"sixteen", "十六"}, {"seventeen", "十七"}, {"eighteen", "十八"}, {"nineteen", "十九"},
    {"twenty", "二十"},
});

constexpr Words kAskWords[] = {
    {"What is {a} {sign} {b}?", "{a}{sign}{b}はいくつですか。"},
    {"How much is {a} {sign} {b}?", "{a}{sign}{b}を計算してください。"},
    {"Calculate {a} {sign} {b}.", "{a}{sign}{b}は？"},
};
constexpr Words kSigns[] = {{"plus", "たす"}, {"minus", "ひく"}, {"times", "かける"}};

// Counted with 個 in Japanese.
constexpr auto kGoods = std::to_array<Words>({
    {"apples", "りんご"},
    {"oranges", "みかん"},
    {"eggs", "たまご"},
    {"stones", "石"},
    {"balls", "ボール"},
    {"candies", "あめ"},
});

constexpr Words kGain[] = {
    {"{who} has {a} {goods} and gets {b} more. How many {goods} does {who} have now?",
     "{who}さんは{goods}を{a}個持っています。{b}個もらいました。今、何個ありますか。"},
    {"There are {a} {goods} in a box. {who} puts {b} more into it. How many are there?",
     "箱に{goods}が{a}個あります。{who}さんが{b}個入れました。全部で何個ですか。"},
};
constexpr Words kLoss[] = {
    {"{who} has {a} {goods} and gives away {b}. How many {goods} are left?",
     "{who}さんは{goods}を{a}個持っています。{b}個あげました。残りは何個ですか。"},
    {"There are {a} {goods} in a box. {who} takes {b} of them. How many are left?",
     "箱に{goods}が{a}個あります。{who}さんが{b}個取りました。何個残りますか。"},
};

Draft draw_in_words(Dice& dice, Language language) {
  const int sign = dice.below(3);
  int a = dice.between(0, sign == 2 ? 4 : level::kWordMax);
  int b = dice.between(0, sign == 2 ? 5 : level::kWordMax);
  if (sign == 1 && a < b) std::swap(a, b);
  const int result = sign == 0 ? a + b : sign == 1 ? a - b : a * b;
  const std::string question =
      fill(dice.pick(kAskWords).in(language), {{"a", word(kNumbers, a, language)},
                                               {"b", word(kNumbers, b, language)},
                                               {"sign", kSigns[sign].in(language)}});
  const std::string expected(word(kNumbers, result, language));
  constexpr Words reply{"{a} {sign} {b} is {c}.", "{a}{sign}{b}は{c}です。"};
  std::string answer = fill(reply.in(language), {{"a", word(kNumbers, a, language)},
                                                 {"b", word(kNumbers, b, language)},
                                                 {"c", expected},
                                                 {"sign", kSigns[sign].in(language)}});
  answer[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(answer[0])));
  return {key_of("words", {sign, a, b}), question, answer, expected};
}

Draft draw_problem(Dice& dice, Language language) {
  const bool gain = dice.below(2) == 0;
  int a = dice.between(2, level::kProblemMax), b = dice.between(1, level::kProblemMax);
  if (!gain && a < b) std::swap(a, b);
  const int result = gain ? a + b : a - b;
  const std::string_view goods = dice.pick(kGoods).in(language);
  const std::string question = fill((gain ? dice.pick(kGain) : dice.pick(kLoss)).in(language),
                                    {{"who", dice.pick(kNames).in(language)},
                                     {"goods", goods},
                                     {"a", std::to_string(a)},
                                     {"b", std::to_string(b)}});
  const std::string expected = std::to_string(result);
  constexpr Words reply{"{a} {sign} {b} = {c}, so {c} {goods}.",
                        "{a} {sign} {b} = {c}。{c}個です。"};
  return {key_of(gain ? "gain" : "loss", {a, b}), question,
          fill(reply.in(language), {{"a", std::to_string(a)},
                                    {"b", std::to_string(b)},
                                    {"c", expected},
                                    {"sign", gain ? "+" : "-"},
                                    {"goods", goods}}),
          expected};
}

}  // namespace

Draft draw_word_sums(Dice& dice, Language language) {
  return dice.below(3) == 0 ? draw_in_words(dice, language) : draw_problem(dice, language);
}

}  // namespace avocado::corpus
