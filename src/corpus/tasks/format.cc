// Words put into a given form: lists with dashes, numbers or commas, arrays and objects of JSON.

#include <fmt/format.h>

#include "corpus/levels.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr int kForms = 5;
constexpr Words kAsks[kForms][2] = {
    {{"Write as a list with dashes: {list}", "「-」の付いた一覧にしてください: {list}"},
     {"Make a list, a dash before each: {list}", "一つずつ「-」を付けて書いてください: {list}"}},
    {{"Number these: {list}", "番号を付けてください: {list}"},
     {"Write as a numbered list: {list}", "番号付きの一覧にしてください: {list}"}},
    {{"Join with commas: {list}", "「,」でつないでください: {list}"},
     {"Put commas between: {list}", "間に「,」を入れてください: {list}"}},
    {{"As a JSON array: {list}", "JSONの配列にしてください: {list}"},
     {"Write as an array of JSON strings: {list}", "JSONの文字列の配列で書いてください: {list}"}},
    {{"As a JSON object with the fields a, b, ...: {list}",
      "a, b, ... を項目とするJSONにしてください: {list}"},
     {"JSON with the keys a, b, ... for: {list}", "キーをa, b, ... としてJSONで: {list}"}},
};

std::string formatted(int form, const std::vector<std::string>& items) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (form == 0) text += fmt::format("{}- {}", i ? "\n" : "", items[i]);
    if (form == 1) text += fmt::format("{}{}. {}", i ? "\n" : "", i + 1, items[i]);
    if (form == 2) text += fmt::format("{}{}", i ? ", " : "", items[i]);
    if (form == 3) text += fmt::format("{}\"{}\"", i ? ", " : "", items[i]);
    if (form == 4)
      text += fmt::format("{}\"{}\": \"{}\"", i ? ", " : "", static_cast<char>('a' + i), items[i]);
  }
  return form == 3 ? "[" + text + "]" : form == 4 ? "{" + text + "}" : text;
}

}  // namespace

Draft draw_format(Dice& dice, Language language) {
  const int form = dice.below(kForms), pool = dice.below(3);
  const int sizes[] = {size_of(kThings), size_of(kAnimals), size_of(kFoods)};
  std::vector<int> chosen =
      dice.distinct(dice.between(level::kItemsMin, level::kItemsMax), sizes[pool]);
  std::vector<std::string> items;
  for (int n : chosen)
    items.emplace_back(pool == 0   ? word(kThings, n, language)
                       : pool == 1 ? word(kAnimals, n, language)
                                   : word(kFoods, n, language));
  const std::string answer = formatted(form, items);
  chosen.insert(chosen.begin(), {form, pool});
  return {key_of("format", chosen),
          fill(dice.pick(kAsks[form]).in(language), {{"list", join(items, " ")}}), answer, answer};
}

}  // namespace avocado::corpus
