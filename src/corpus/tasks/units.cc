// Amounts in other units: hours in minutes, metres in centimetres, and back.

#include "corpus/levels.h"
#include "corpus/tasks/openings.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

struct Unit {
  Words large, small;
  int factor;
};

constexpr auto kUnits = std::to_array<Unit>({
    {{"hours", "時間"}, {"minutes", "分"}, 60},
    {{"minutes", "分"}, {"seconds", "秒"}, 60},
    {{"days", "日"}, {"hours", "時間"}, 24},
    {{"weeks", "週間"}, {"days", "日"}, 7},
    {{"years", "年"}, {"months", "か月"}, 12},
    {{"metres", "メートル"}, {"centimetres", "センチ"}, 100},
    {{"kilometres", "キロ"}, {"metres", "メートル"}, 1000},
    {{"kilograms", "キログラム"}, {"grams", "グラム"}, 1000},
});

constexpr Words kAsks[] = {
    {"How many {to} are {n} {from}?", "{n}{from}は何{to}ですか。"},
    {"What are {n} {from} in {to}?", "{n}{from}を{to}で言うといくつですか。"},
    {"Convert {n} {from} to {to}.", "{n}{from}を{to}に直してください。"},
};
constexpr Words kAnswer{"{a} {sign} {b} = {c}. {n} {from} are {c} {to}.",
                        "{a} {sign} {b} = {c}。{n}{from}は{c}{to}です。"};

}  // namespace

Draft draw_units(Dice& dice, Language language) {
  const int number = dice.below(size_of(kUnits)), large = dice.between(2, level::kUnitsMax);
  const bool back = dice.below(3) == 0;
  const int form = dice.below(static_cast<int>(std::size(kAsks)));
  const Opening opening = draw_opening(dice, language);
  const Unit& unit = kUnits[static_cast<size_t>(number)];
  const int small = large * unit.factor, given = back ? small : large, asked = back ? large : small;
  const std::string_view from = (back ? unit.small : unit.large).in(language);
  const std::string_view to = (back ? unit.large : unit.small).in(language);
  const std::string n = std::to_string(given), c = std::to_string(asked);
  return {key_of("units", {number, large, back, form, opening.number}),
          std::string(opening.text) +
              fill(kAsks[form].in(language), {{"n", n}, {"from", from}, {"to", to}}),
          fill(kAnswer.in(language), {{"a", n},
                                      {"b", std::to_string(unit.factor)},
                                      {"c", c},
                                      {"n", n},
                                      {"sign", back ? "/" : "x"},
                                      {"from", from},
                                      {"to", to}}),
          c};
}

}  // namespace avocado::corpus
