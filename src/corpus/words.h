#pragma once
// The small world the texts talk about, small on purpose: a vocabulary of a thousand-odd tokens
// must have room for each of its words. Each thing has one number and two wordings, so that a key
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
    {"Paris", "パリ"},
    {"London", "ロンドン"},
    {"Rome", "ローマ"},
    {"Cairo", "カイロ"},
    {"Seoul", "ソウル"},
    {"Madrid", "マドリード"},
});

inline constexpr auto kFoods = std::to_array<Words>({
    {"apples", "りんご"},
    {"bread", "パン"},
    {"cake", "ケーキ"},
    {"curry", "カレー"},
    {"grapes", "ぶどう"},
    {"noodles", "うどん"},
    {"peaches", "もも"},
    {"soup", "スープ"},
});

inline constexpr auto kColours = std::to_array<Words>({
    {"red", "赤い"},
    {"blue", "青い"},
    {"white", "白い"},
    {"black", "黒い"},
    {"yellow", "黄色い"},
});

// Countable with "a" in English and with "つ" in Japanese.
inline constexpr auto kThings = std::to_array<Words>({
    {"bag", "かばん"},
    {"ball", "ボール"},
    {"bell", "ベル"},
    {"chair", "いす"},
    {"cup", "カップ"},
    {"drum", "たいこ"},
    {"key", "かぎ"},
    {"lamp", "ランプ"},
});

// Each goes with "at" and "went to" in English.
inline constexpr auto kPlaces = std::to_array<Words>({
    {"the park", "公園"},
    {"the river", "川"},
    {"the station", "駅"},
    {"the zoo", "動物園"},
    {"the school", "学校"},
    {"the lake", "湖"},
    {"the castle", "城"},
    {"the shop", "店"},
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
