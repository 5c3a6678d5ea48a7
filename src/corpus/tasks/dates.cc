// Days of the week and months: what comes before and after, and how long a month is.

#include "corpus/tasks/openings.h"
#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr auto kDays = std::to_array<Words>({
    {"Monday", "月曜日"},
    {"Tuesday", "火曜日"},
    {"Wednesday", "水曜日"},
    {"Thursday", "木曜日"},
    {"Friday", "金曜日"},
    {"Saturday", "土曜日"},
    {"Sunday", "日曜日"},
});
constexpr auto kMonths = std::to_array<Words>({
    {"January", "1月"},
    {"February", "2月"},
    {"March", "3月"},
    {"April", "4月"},
    {"May", "5月"},
    {"June", "6月"},
    {"July", "7月"},
    {"August", "8月"},
    {"September", "9月"},
    {"October", "10月"},
    {"November", "11月"},
    {"December", "12月"},
});
constexpr int kMonthDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

struct Form {
  Words ask, answer;
};
constexpr Form kAfter[] = {
    {{"What comes after {a}?", "{a}の次は何ですか。"},
     {"After {a} comes {b}.", "{a}の次は{b}です。"}},
    {{"Which one follows {a}?", "{a}のあとに来るのは何ですか。"},
     {"After {a} comes {b}.", "{a}の次は{b}です。"}},
};
constexpr Form kBefore[] = {
    {{"What comes before {a}?", "{a}の前は何ですか。"},
     {"Before {a} comes {b}.", "{a}の前は{b}です。"}},
    {{"Which one is just before {a}?", "{a}の一つ前は何ですか。"},
     {"Before {a} comes {b}.", "{a}の前は{b}です。"}},
};
constexpr Form kLater[] = {
    {{"Today is {a}. What day is it in {n} days?", "今日は{a}です。{n}日後は何曜日ですか。"},
     {"In {n} days it is {b}.", "{n}日後は{b}です。"}},
    {{"If today is {a}, what day is {n} days from now?",
      "今日が{a}なら、{n}日後は何曜日になりますか。"},
     {"In {n} days it is {b}.", "{n}日後は{b}です。"}},
};
constexpr Form kEarlier[] = {
    {{"Today is {a}. What day was it {n} days ago?", "今日は{a}です。{n}日前は何曜日でしたか。"},
     {"{n} days ago it was {b}.", "{n}日前は{b}でした。"}},
    {{"If today is {a}, what day was {n} days ago?", "今日が{a}なら、{n}日前は何曜日でしたか。"},
     {"{n} days ago it was {b}.", "{n}日前は{b}でした。"}},
};
constexpr Form kLength[] = {
    {{"How many days has {a}?", "{a}は何日ありますか。"},
     {"{a} has {n} days.", "{a}は{n}日あります。"}},
    {{"How long is {a}?", "{a}は何日までですか。"}, {"{a} has {n} days.", "{a}は{n}日あります。"}},
};

}  // namespace

Draft draw_dates(Dice& dice, Language language) {
  enum { next_day, last_day, next_month, last_month, later, earlier, length, kKinds };
  const int kind = dice.below(kKinds), form = dice.below(2);
  const bool months = kind == next_month || kind == last_month || kind == length;
  const int size = months ? size_of(kMonths) : size_of(kDays);
  const int a = dice.below(size);
  const int days = kind == length                     ? kMonthDays[a]
                   : kind == later || kind == earlier ? dice.between(2, 6)
                                                      : 1;
  const bool back = kind == last_day || kind == last_month || kind == earlier;
  const int b = (a + (back ? size - days % size : days)) % size;
  const auto name = [&](int n) {
    return months ? word(kMonths, n, language) : word(kDays, n, language);
  };
  const Form& wording = kind == later     ? kLater[form]
                        : kind == earlier ? kEarlier[form]
                        : kind == length  ? kLength[form]
                        : back            ? kBefore[form]
                                          : kAfter[form];
  const Opening opening = draw_opening(dice, language);
  const std::string n = std::to_string(days);
  const auto text = [&](const Words& words) {
    return fill(words.in(language), {{"a", name(a)}, {"b", name(b)}, {"n", n}});
  };
  return {key_of("dates", {kind, a, days, form, opening.number}),
          std::string(opening.text) + text(wording.ask), text(wording.answer),
          kind == length ? n : std::string(name(b))};
}

}  // namespace avocado::corpus
