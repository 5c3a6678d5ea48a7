// Which of two numbers is larger, which of two animals is bigger.

#include <algorithm>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kWhich[] = {
    {"Which is {more}, {a} or {b}?", "{a}と{b}では、どちらが{more}ですか。"},
    {"Which one is {more}: {a} or {b}?", "{a}と{b}、{more}のはどちらですか。"},
    {"{a} or {b}: which is {more}?", "{more}のは{a}ですか、{b}ですか。"},
};
constexpr Words kIs[] = {
    {"Is {a} {more} than {b}?", "{a}は{b}より{more}ですか。"},
    {"Is it true that {a} is {more} than {b}?", "{a}が{b}より{more}というのは本当ですか。"},
};
constexpr Words kAnswer{"{a} is {more} than {b}.", "{a}は{b}より{more}です。"};
constexpr Words kYes{"Yes, ", "はい、"}, kNo{"No, ", "いいえ、"};

// Larger and smaller, of numbers and of animals.
constexpr Words kMore[2][2] = {{{"larger", "大きい"}, {"smaller", "小さい"}},
                               {{"bigger", "大きい"}, {"smaller", "小さい"}}};

// From small to big.
constexpr auto kBySize = std::to_array<Words>({
    {"an ant", "あり"},
    {"a bee", "はち"},
    {"a frog", "かえる"},
    {"a mouse", "ねずみ"},
    {"a cat", "ねこ"},
    {"a goat", "やぎ"},
    {"a pig", "ぶた"},
    {"a horse", "うま"},
    {"an elephant", "ぞう"},
    {"a whale", "くじら"},
});

}  // namespace

Draft draw_compare(Dice& dice, Language language) {
  const bool animals = dice.below(3) == 0;
  const int most = animals ? size_of(kBySize) : dice.below(2) == 0 ? 100 : level::kCompareMax + 1;
  const std::vector<int> two = {dice.below(most), dice.below(most - 1)};
  const int a = two[0], b = two[1] + (two[1] >= two[0] ? 1 : 0);
  const auto text = [&](int n) {
    return animals ? std::string(word(kBySize, n, language)) : std::to_string(n);
  };
  const auto compared = [&](int x, int y) {
    return fill(
        kAnswer.in(language),
        {{"a", text(x)}, {"b", text(y)}, {"more", kMore[animals][x > y ? 0 : 1].in(language)}});
  };
  const int asked = dice.below(2);  // 0: larger, 1: smaller
  const bool yes_or_no = dice.below(3) == 0;
  const std::string question =
      fill((yes_or_no ? dice.pick(kIs) : dice.pick(kWhich)).in(language),
           {{"a", text(a)}, {"b", text(b)}, {"more", kMore[animals][asked].in(language)}});
  const bool a_is_it = (asked == 0) == (a > b);
  // "An ant" begins a sentence.
  const auto sentence = [&](std::string words) {
    if (words[0] == 'a') words[0] = 'A';
    return words;
  };
  const std::string key =
      key_of(animals ? "animals" : "numbers", {std::min(a, b), std::max(a, b), animals ? asked : 0,
                                               animals ? static_cast<int>(yes_or_no) : 0});
  if (yes_or_no) {
    const std::string answer = std::string((a_is_it ? kYes : kNo).in(language)) + compared(a, b);
    return {key, question, answer, a_is_it ? "yes" : "no"};
  }
  const int it = a_is_it ? a : b, other = a_is_it ? b : a;
  return {key, question, sentence(compared(it, other)), text(it)};
}

}  // namespace avocado::corpus
