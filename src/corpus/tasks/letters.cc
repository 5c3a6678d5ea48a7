// Words spelled letter by letter, and their letters counted.

#include <algorithm>

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr auto kSpelled = std::to_array<Words>({
    {"cat", "ねこ"},      {"dog", "いぬ"},      {"bear", "くま"},       {"frog", "かえる"},
    {"snake", "へび"},    {"apple", "りんご"},  {"peach", "もも"},      {"grape", "ぶどう"},
    {"house", "いえ"},    {"door", "とびら"},   {"window", "まど"},     {"table", "つくえ"},
    {"river", "かわ"},    {"mountain", "やま"}, {"sea", "うみ"},        {"sky", "そら"},
    {"moon", "つき"},     {"star", "ほし"},     {"flower", "はな"},     {"tree", "き"},
    {"cherry", "さくら"}, {"letter", "てがみ"}, {"pencil", "えんぴつ"}, {"paper", "かみ"},
    {"summer", "なつ"},   {"winter", "ふゆ"},   {"rabbit", "うさぎ"},   {"butterfly", "ちょう"},
    {"banana", "みかん"}, {"tomato", "なす"},   {"coffee", "おちゃ"},   {"bee", "はち"},
    {"book", "ほん"},     {"green", "みどり"},  {"yellow", "きいろ"},   {"street", "みち"},
});

constexpr Words kSpell[] = {{"Spell {word}.", "「{word}」を一文字ずつ言ってください。"},
                            {"How is {word} spelled?", "「{word}」はどう書きますか。"}};
constexpr Words kHowMany[] = {
    {"How many letters has {word}?", "「{word}」は何文字ですか。"},
    {"Count the letters of {word}.", "「{word}」の文字を数えてください。"}};
constexpr Words kHowOften[] = {
    {"How many times is the letter {letter} in {word}?",
     "「{word}」に「{letter}」はいくつありますか。"},
    {"How often does {letter} occur in {word}?", "「{word}」の中の「{letter}」はいくつですか。"}};
constexpr Words kFirst[] = {
    {"What is the first letter of {word}?", "「{word}」の最初の文字は何ですか。"},
    {"With which letter does {word} begin?", "「{word}」は何で始まりますか。"}};
constexpr Words kLast[] = {
    {"What is the last letter of {word}?", "「{word}」の最後の文字は何ですか。"},
    {"With which letter does {word} end?", "「{word}」は何で終わりますか。"}};

constexpr Words kAnswers[] = {
    {"{spelled}", "{spelled}"},
    {"{spelled}: {n} letters.", "{spelled}。{n}文字です。"},
    {"{spelled}: {letter} occurs {n} times.", "{spelled}。「{letter}」は{n}つです。"},
    {"{spelled}: it begins with {letter}.", "{spelled}。最初は「{letter}」です。"},
    {"{spelled}: it ends with {letter}.", "{spelled}。最後は「{letter}」です。"},
};

// Latin letters or kana, one string each.
std::vector<std::string> letters_of(std::string_view text) {
  std::vector<std::string> letters;
  while (!text.empty()) {
    const size_t bytes = (text[0] & 0x80) == 0 ? 1 : 3;
    letters.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return letters;
}

}  // namespace

Draft draw_letters(Dice& dice, Language language) {
  enum { spell, how_many, how_often, first, last, kKinds };
  const int kind = dice.below(kKinds), number = dice.below(size_of(kSpelled));
  const std::string_view text = word(kSpelled, number, language);
  const std::vector<std::string> letters = letters_of(text);
  // The place in the English word; in the other language the same share of the word.
  const int places = static_cast<int>(kSpelled[static_cast<size_t>(number)].english.size());
  const int place = dice.below(places);
  const std::string letter =
      kind == first ? letters.front()
      : kind == last
          ? letters.back()
          : letters[static_cast<size_t>(place) * letters.size() / static_cast<size_t>(places)];
  const auto times = std::count(letters.begin(), letters.end(), letter);
  const std::string n =
      std::to_string(kind == how_often ? static_cast<size_t>(times) : letters.size());
  const Words& ask = kind == spell       ? dice.pick(kSpell)
                     : kind == how_many  ? dice.pick(kHowMany)
                     : kind == how_often ? dice.pick(kHowOften)
                     : kind == first     ? dice.pick(kFirst)
                                         : dice.pick(kLast);
  const std::string spelled = join(letters, "-");
  return {key_of("letters", {kind, number}),
          fill(ask.in(language), {{"word", text}, {"letter", letter}}),
          fill(kAnswers[kind].in(language), {{"spelled", spelled}, {"letter", letter}, {"n", n}}),
          kind == spell  ? spelled
          : kind < first ? n
                         : letter};
}

}  // namespace avocado::corpus
