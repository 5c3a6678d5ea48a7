// Calls of functions in the form of Llama 3: the functions there are stand in the system's turn,
// the answer is one call as JSON, or says that none of them serves.

#include <fmt/format.h>

#include <algorithm>

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

constexpr Words kMessages[] = {{"hello", "こんにちは"},
                               {"thank you", "ありがとう"},
                               {"I am late", "おくれます"},
                               {"see you soon", "またね"}};

// One argument is drawn for each {x} of the request.
enum class Argument { none, city, number, name, message, thing, animal };

struct Function {
  std::string_view name;
  std::array<std::string_view, 2> parameters;
  std::array<Argument, 2> arguments;
  std::array<Words, 2> requests;
};

constexpr Function kFunctions[] = {
    {"get_weather",
     {"city", ""},
     {Argument::city, Argument::none},
     {{{"What is the weather in {a}?", "{a}の天気はどうですか。"},
       {"Is it raining in {a}?", "{a}は雨ですか。"}}}},
    {"get_time",
     {"city", ""},
     {Argument::city, Argument::none},
     {{{"What time is it in {a}?", "{a}は今何時ですか。"},
       {"Tell me the time in {a}.", "{a}の時間を教えてください。"}}}},
    {"set_timer",
     {"minutes", ""},
     {Argument::number, Argument::none},
     {{{"Set a timer for {a} minutes.", "{a}分のタイマーをかけてください。"},
       {"Wake me in {a} minutes.", "{a}分後に起こしてください。"}}}},
    {"send_message",
     {"to", "text"},
     {Argument::name, Argument::message},
     {{{"Send {a} the message: {b}", "{a}さんに「{b}」と送ってください。"},
       {"Write to {a}: {b}", "{a}さんに「{b}」と書いてください。"}}}},
    {"buy",
     {"item", "count"},
     {Argument::thing, Argument::number},
     {{{"Buy {b} of this: {a}", "{a}を{b}つ買ってください。"},
       {"Order {b} times: {a}", "{a}を{b}つ注文してください。"}}}},
    {"show_picture",
     {"of", ""},
     {Argument::animal, Argument::none},
     {{{"Show me a {a}.", "{a}を見せてください。"},
       {"I want to see a picture of a {a}.", "{a}の写真が見たいです。"}}}},
};
constexpr int kCount = static_cast<int>(std::size(kFunctions));

constexpr std::string_view kHowTo =
    "To call one, answer with {\"name\": function name, \"parameters\": dictionary of argument "
    "name "
    "and its value}.";
constexpr Words kNoFunction{"I have no function for that.", "そのための関数がありません。"};

std::string_view type_of(Argument argument) {
  return argument == Argument::number ? "integer" : "string";
}

std::string listing(const Function& function) {
  std::string text;
  for (size_t i = 0; i < 2; ++i)
    if (function.arguments[i] != Argument::none)
      text += fmt::format("{}\"{}\": \"{}\"", i ? ", " : "", function.parameters[i],
                          type_of(function.arguments[i]));
  return fmt::format("{{\"name\": \"{}\", \"parameters\": {{{}}}}}", function.name, text);
}

int draw_argument(Dice& dice, Argument argument) {
  switch (argument) {
    case Argument::none:
      return 0;
    case Argument::city:
      return dice.below(size_of(kCities));
    case Argument::number:
      return dice.between(2, 60);
    case Argument::name:
      return dice.below(size_of(kNames));
    case Argument::message:
      return dice.below(static_cast<int>(std::size(kMessages)));
    case Argument::thing:
      return dice.below(size_of(kThings));
    case Argument::animal:
      return dice.below(size_of(kAnimals));
  }
  return 0;
}

std::string value(Argument argument, int number, Language language) {
  switch (argument) {
    case Argument::none:
      return "";
    case Argument::city:
      return std::string(word(kCities, number, language));
    case Argument::number:
      return std::to_string(number);
    case Argument::name:
      return std::string(word(kNames, number, language));
    case Argument::message:
      return std::string(kMessages[number].in(language));
    case Argument::thing:
      return std::string(word(kThings, number, language));
    case Argument::animal:
      return std::string(word(kAnimals, number, language));
  }
  return "";
}

}  // namespace

Draft draw_tools(Dice& dice, Language language) {
  std::vector<int> offered = dice.distinct(dice.between(1, 4), kCount);
  const bool served = dice.below(6) != 0;
  int wanted = dice.pick(offered);
  while (!served && std::find(offered.begin(), offered.end(), wanted) != offered.end())
    wanted = dice.below(kCount);
  std::string system = "Functions:\n";
  for (const int f : offered) system += listing(kFunctions[f]) + "\n";
  system += kHowTo;

  const Function& function = kFunctions[wanted];
  std::array<int, 2> numbers{};
  std::array<std::string, 2> values;
  std::string parameters;
  for (size_t i = 0; i < 2; ++i) {
    const Argument argument = function.arguments[i];
    numbers[i] = draw_argument(dice, argument);
    values[i] = value(argument, numbers[i], language);
    if (argument == Argument::none) continue;
    const std::string quote = argument == Argument::number ? "" : "\"";
    parameters += fmt::format("{}\"{}\": {}{}{}", i ? ", " : "", function.parameters[i], quote,
                              values[i], quote);
  }
  const std::string answer = served ? fmt::format("{{\"name\": \"{}\", \"parameters\": {{{}}}}}",
                                                  function.name, parameters)
                                    : std::string(kNoFunction.in(language));
  const int form = dice.below(2);
  return {key_of("tools", {wanted, numbers[0], numbers[1], form}),
          fill(function.requests[static_cast<size_t>(form)].in(language),
               {{"a", values[0]}, {"b", values[1]}}),
          answer,
          answer,
          {{"system", system}}};
}

}  // namespace avocado::corpus
