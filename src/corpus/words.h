#pragma once
// The small world the texts talk about. Each thing has one number and two wordings, so that a key
// made of numbers means the same content in both languages.

#include <array>

#include "corpus/task.h"

namespace avocado::corpus {

inline constexpr auto kNames = std::to_array<Words>({
    {"Mika", "みか"},    {"Ken", "けん"},    {"Yuki", "ゆき"},     {"Hana", "はな"},
    {"Riku", "りく"},    {"Sora", "そら"},   {"Aya", "あや"},      {"Jun", "じゅん"},
    {"Mei", "めい"},     {"Kai", "かい"},    {"Anna", "アンナ"},   {"Tom", "トム"},
    {"Emma", "エマ"},    {"Leo", "レオ"},    {"Ben", "ベン"},      {"Nina", "ニーナ"},
    {"Maria", "マリア"}, {"Paul", "ポール"}, {"Lucy", "ルーシー"}, {"Max", "マックス"},
});

inline constexpr auto kCities = std::to_array<Words>({
    {"Tokyo", "東京"},
    {"Osaka", "大阪"},
    {"Kyoto", "京都"},
    {"Nara", "奈良"},
    {"Kobe", "神戸"},
    {"Sendai", "仙台"},
    {"Nagoya", "名古屋"},
    {"Sapporo", "札幌"},
    {"Paris", "パリ"},
    {"London", "ロンドン"},
    {"Rome", "ローマ"},
    {"Berlin", "ベルリン"},
});

inline constexpr auto kFoods = std::to_array<Words>({
    {"apples", "りんご"},
    {"bread", "パン"},
    {"cake", "ケーキ"},
    {"curry", "カレー"},
    {"eggs", "卵"},
    {"fish", "魚"},
    {"grapes", "ぶどう"},
    {"noodles", "うどん"},
    {"peaches", "もも"},
    {"rice", "ごはん"},
    {"soup", "スープ"},
    {"tea", "お茶"},
});

inline constexpr auto kColours = std::to_array<Words>({
    {"red", "赤い"},
    {"blue", "青い"},
    {"white", "白い"},
    {"black", "黒い"},
    {"yellow", "黄色い"},
    {"green", "緑の"},
});

// Countable with "a" in English and with "つ" in Japanese.
inline constexpr auto kThings = std::to_array<Words>({
    {"bag", "かばん"},
    {"ball", "ボール"},
    {"lamp", "ランプ"},
    {"cup", "カップ"},
    {"hat", "帽子"},
    {"key", "かぎ"},
    {"clock", "時計"},
    {"drum", "たいこ"},
    {"stone", "石"},
    {"chair", "いす"},
});

inline constexpr auto kPlaces = std::to_array<Words>({
    {"the park", "公園"},
    {"the castle", "城"},
    {"the river", "川"},
    {"the lake", "湖"},
    {"the bridge", "橋"},
    {"the market", "市場"},
    {"the station", "駅"},
    {"the zoo", "動物園"},
    {"the school", "学校"},
    {"the beach", "浜辺"},
});

// Counted with 匹 in Japanese; the English plural only adds an s.
inline constexpr auto kAnimals = std::to_array<Words>({
    {"cat", "ねこ"},
    {"dog", "いぬ"},
    {"pig", "ぶた"},
    {"bear", "くま"},
    {"goat", "やぎ"},
    {"frog", "かえる"},
    {"snake", "へび"},
    {"turtle", "かめ"},
});

template <class Pool>
std::string_view word(const Pool& pool, int number, Language language) {
  return pool[static_cast<size_t>(number)].in(language);
}
template <class Pool>
constexpr int size_of(const Pool& pool) {
  return static_cast<int>(pool.size());
}

}  // namespace avocado::corpus
