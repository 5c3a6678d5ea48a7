// A small table of facts: colours, capitals, sounds and legs of animals, opposites. What is held
// out is the combination of fact, wording and opening: the facts themselves must be learned.

#include "corpus/tasks/openings.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

struct Fact {
  Words subject, value;
};

struct Subject {
  std::array<Words, 3> asks;
  Words answer;
  std::span<const Fact> facts;
};

constexpr Fact kColourFacts[] = {
    {{"the sky", "空"}, {"blue", "青"}},
    {{"snow", "雪"}, {"white", "白"}},
    {{"grass", "草"}, {"green", "緑"}},
    {{"the sun", "太陽"}, {"yellow", "黄色"}},
    {{"blood", "血"}, {"red", "赤"}},
    {{"coal", "石炭"}, {"black", "黒"}},
    {{"a lemon", "レモン"}, {"yellow", "黄色"}},
    {{"a tomato", "トマト"}, {"red", "赤"}},
    {{"milk", "牛乳"}, {"white", "白"}},
    {{"an avocado", "アボカド"}, {"green", "緑"}},
    {{"the sea", "海"}, {"blue", "青"}},
    {{"the night", "夜"}, {"black", "黒"}},
};
constexpr Fact kCapitals[] = {
    {{"Japan", "日本"}, {"Tokyo", "東京"}},
    {{"France", "フランス"}, {"Paris", "パリ"}},
    {{"England", "イギリス"}, {"London", "ロンドン"}},
    {{"Italy", "イタリア"}, {"Rome", "ローマ"}},
    {{"Egypt", "エジプト"}, {"Cairo", "カイロ"}},
    {{"Korea", "韓国"}, {"Seoul", "ソウル"}},
    {{"Spain", "スペイン"}, {"Madrid", "マドリード"}},
    {{"Germany", "ドイツ"}, {"Berlin", "ベルリン"}},
    {{"China", "中国"}, {"Beijing", "北京"}},
    {{"Greece", "ギリシャ"}, {"Athens", "アテネ"}},
    {{"Russia", "ロシア"}, {"Moscow", "モスクワ"}},
    {{"Canada", "カナダ"}, {"Ottawa", "オタワ"}},
    {{"Thailand", "タイ"}, {"Bangkok", "バンコク"}},
    {{"Portugal", "ポルトガル"}, {"Lisbon", "リスボン"}},
    {{"Austria", "オーストリア"}, {"Vienna", "ウィーン"}},
    {{"Norway", "ノルウェー"}, {"Oslo", "オスロ"}},
    {{"the United States", "アメリカ"}, {"Washington", "ワシントン"}},
};
constexpr Fact kSounds[] = {
    {{"a cat", "ねこ"}, {"meow", "にゃあ"}},       {{"a dog", "いぬ"}, {"woof", "わん"}},
    {{"a cow", "うし"}, {"moo", "もう"}},          {{"a pig", "ぶた"}, {"oink", "ぶう"}},
    {{"a sheep", "ひつじ"}, {"baa", "めえ"}},      {{"a frog", "かえる"}, {"ribbit", "けろ"}},
    {{"a mouse", "ねずみ"}, {"squeak", "ちゅう"}}, {{"a duck", "あひる"}, {"quack", "があ"}},
};
constexpr Fact kLegs[] = {
    {{"a cat", "ねこ"}, {"4", "4"}},   {{"a bird", "とり"}, {"2", "2"}},
    {{"an ant", "あり"}, {"6", "6"}},  {{"a spider", "くも"}, {"8", "8"}},
    {{"a snake", "へび"}, {"0", "0"}}, {{"a horse", "うま"}, {"4", "4"}},
    {{"a bee", "はち"}, {"6", "6"}},   {{"a person", "人"}, {"2", "2"}},
};
constexpr Fact kOpposites[] = {
    {{"hot", "暑い"}, {"cold", "寒い"}},     {{"big", "大きい"}, {"small", "小さい"}},
    {{"new", "新しい"}, {"old", "古い"}},    {{"fast", "速い"}, {"slow", "おそい"}},
    {{"day", "昼"}, {"night", "夜"}},        {{"up", "上"}, {"down", "下"}},
    {{"left", "左"}, {"right", "右"}},       {{"long", "長い"}, {"short", "短い"}},
    {{"light", "明るい"}, {"dark", "暗い"}}, {{"high", "高い"}, {"low", "低い"}},
    {{"strong", "強い"}, {"weak", "弱い"}},  {{"near", "近い"}, {"far", "遠い"}},
};
constexpr Fact kNumbers[] = {
    {{"days has a week", "一週間は何日"}, {"7", "7"}},
    {{"months has a year", "一年は何か月"}, {"12", "12"}},
    {{"hours has a day", "一日は何時間"}, {"24", "24"}},
    {{"fingers has a hand", "片手の指は何本"}, {"5", "5"}},
    {{"wheels has a bicycle", "自転車の車輪はいくつ"}, {"2", "2"}},
    {{"sides has a triangle", "三角形の辺はいくつ"}, {"3", "3"}},
    {{"seasons has a year", "一年に季節はいくつ"}, {"4", "4"}},
    {{"letters has the English alphabet", "英語の文字はいくつ"}, {"26", "26"}},
};
constexpr Fact kKinds[] = {
    {{"a rose", "ばら"}, {"flower", "花"}},
    {{"an apple", "りんご"}, {"fruit", "果物"}},
    {{"a carrot", "にんじん"}, {"vegetable", "野菜"}},
    {{"a salmon", "さけ"}, {"fish", "魚"}},
    {{"an eagle", "わし"}, {"bird", "鳥"}},
    {{"an ant", "あり"}, {"insect", "虫"}},
    {{"a piano", "ピアノ"}, {"instrument", "楽器"}},
    {{"a hammer", "かなづち"}, {"tool", "道具"}},
    {{"tea", "お茶"}, {"drink", "飲み物"}},
    {{"an avocado", "アボカド"}, {"fruit", "果物"}},
};
constexpr Fact kBabies[] = {
    {{"cat", "ねこ"}, {"kitten", "子ねこ"}},
    {{"dog", "いぬ"}, {"puppy", "子いぬ"}},
    {{"cow", "うし"}, {"calf", "子うし"}},
    {{"horse", "うま"}, {"foal", "子うま"}},
    {{"sheep", "ひつじ"}, {"lamb", "子ひつじ"}},
    {{"bear", "くま"}, {"cub", "子ぐま"}},
    {{"hen", "にわとり"}, {"chick", "ひよこ"}},
    {{"frog", "かえる"}, {"tadpole", "おたまじゃくし"}},
};
constexpr Fact kHomes[] = {
    {{"fish", "魚"}, {"in the water", "水の中"}},
    {{"birds", "鳥"}, {"in nests", "巣の中"}},
    {{"camels", "らくだ"}, {"in the desert", "砂漠"}},
    {{"penguins", "ペンギン"}, {"on the ice", "氷の上"}},
    {{"monkeys", "さる"}, {"in the trees", "木の上"}},
    {{"cows", "うし"}, {"on farms", "牧場"}},
    {{"people", "人"}, {"in houses", "家"}},
    {{"bees", "はち"}, {"in hives", "はちの巣"}},
};

constexpr Subject kSubjects[] = {
    {{{{"What colour is {a}?", "{a}は何色ですか。"},
       {"Which colour has {a}?", "{a}の色は何ですか。"},
       {"Do you know the colour of {a}?", "{a}の色を知っていますか。"}}},
     {"The colour of {a} is {b}.", "{a}の色は{b}です。"},
     kColourFacts},
    {{{{"What is the capital of {a}?", "{a}の首都はどこですか。"},
       {"Which city is the capital of {a}?", "{a}の首都は何という町ですか。"},
       {"Name the capital of {a}.", "{a}の首都を言ってください。"}}},
     {"The capital of {a} is {b}.", "{a}の首都は{b}です。"},
     kCapitals},
    {{{{"What does {a} say?", "{a}は何と鳴きますか。"},
       {"Which sound does {a} make?", "{a}の鳴き声は何ですか。"},
       {"How does {a} sound?", "{a}はどう鳴きますか。"}}},
     {"The sound of {a} is {b}.", "{a}は{b}と鳴きます。"},
     kSounds},
    {{{{"How many legs has {a}?", "{a}の足は何本ですか。"},
       {"How many legs does {a} have?", "{a}には足が何本ありますか。"},
       {"What is the number of legs of {a}?", "{a}の足の数はいくつですか。"}}},
     {"It has {b} legs.", "足は{b}本です。"},
     kLegs},
    {{{{"What is the opposite of {a}?", "「{a}」の反対は何ですか。"},
       {"Give the opposite of {a}.", "「{a}」の反対の言葉を言ってください。"},
       {"Which word is the opposite of {a}?", "「{a}」の反対はどの言葉ですか。"}}},
     {"The opposite of {a} is {b}.", "「{a}」の反対は「{b}」です。"},
     kOpposites},
    {{{{"How many {a}?", "{a}ですか。"},
       {"Do you know how many {a}?", "{a}か知っていますか。"},
       {"Tell me how many {a}.", "{a}か教えてください。"}}},
     {"There are {b}.", "{b}です。"},
     kNumbers},
    {{{{"What is {a}?", "{a}とは何ですか。"},
       {"What kind of thing is {a}?", "{a}は何の仲間ですか。"},
       {"Tell me what {a} is.", "{a}は何か教えてください。"}}},
     {"It is a kind of {b}.", "{a}は{b}の一つです。"},
     kKinds},
    {{{{"What is a young {a} called?", "{a}の子どもは何といいますか。"},
       {"What is the name of a baby {a}?", "{a}の赤ちゃんは何と呼びますか。"},
       {"What do we call a young {a}?", "小さい{a}を何といいますか。"}}},
     {"A young {a} is called a {b}.", "{a}の子どもは{b}といいます。"},
     kBabies},
    {{{{"Where do {a} live?", "{a}はどこに住んでいますか。"},
       {"What is the home of {a}?", "{a}のすみかはどこですか。"},
       {"Tell me where {a} live.", "{a}がどこに住むか教えてください。"}}},
     {"They live {b}.", "{a}のすみかは{b}です。"},
     kHomes},
};

}  // namespace

Draft draw_facts(Dice& dice, Language language) {
  const int subject = dice.below(static_cast<int>(std::size(kSubjects)));
  const Subject& about = kSubjects[subject];
  const int number = dice.below(static_cast<int>(about.facts.size()));
  const int form = dice.below(static_cast<int>(about.asks.size()));
  const Opening opening = draw_opening(dice, language);
  const Fact& fact = about.facts[static_cast<size_t>(number)];
  const std::string_view value = fact.value.in(language);
  const auto text = [&](const Words& words) {
    return fill(words.in(language), {{"a", fact.subject.in(language)}, {"b", value}});
  };
  return {key_of("facts", {subject, number, form, opening.number}),
          casually(dice, language,
                   std::string(opening.text) + text(about.asks[static_cast<size_t>(form)])),
          text(about.answer), std::string(value)};
}

}  // namespace avocado::corpus
