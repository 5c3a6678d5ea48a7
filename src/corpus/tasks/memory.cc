// Conversations of several turns: what somebody said of themselves earlier is asked for later.

#include <algorithm>

#include "corpus/words.h"

namespace avocado::corpus {
namespace {

enum About { name, city, food, pet, kAbout };

struct Topic {
  std::array<Words, 2> says;
  Words reply, ask, answer;
};

constexpr Topic kTopics[kAbout] = {
    {{{{"My name is {x}.", "私の名前は{x}です。"}, {"I am {x}.", "{x}といいます。"}}},
     {"Nice to meet you, {x}!", "はじめまして、{x}さん。"},
     {"What is my name?", "私の名前は何ですか。"},
     {"Your name is {x}.", "あなたの名前は{x}さんです。"}},
    {{{{"I live in {x}.", "{x}に住んでいます。"}, {"My home is {x}.", "私の家は{x}にあります。"}}},
     {"I will remember that you live in {x}.", "{x}に住んでいるのですね。"},
     {"Where do I live?", "私はどこに住んでいますか。"},
     {"You live in {x}.", "あなたは{x}に住んでいます。"}},
    {{{{"I like {x}.", "{x}が好きです。"}, {"I love to eat {x}.", "{x}を食べるのが大好きです。"}}},
     {"I will remember that you like {x}.", "{x}が好きなのですね。"},
     {"What do I like?", "私は何が好きですか。"},
     {"You like {x}.", "あなたは{x}が好きです。"}},
    {{{{"I have a {x}.", "{x}を飼っています。"}, {"My pet is a {x}.", "うちには{x}がいます。"}}},
     {"A {x} is a good friend.", "{x}はよい友だちですね。"},
     {"Which animal do I have?", "私は何を飼っていますか。"},
     {"You have a {x}.", "あなたは{x}を飼っています。"}},
};
constexpr Words kNotTold{"You did not tell me.", "まだ聞いていません。"};

int choices(int about) {
  constexpr int sizes[] = {size_of(kNames), size_of(kCities), size_of(kFoods), size_of(kAnimals)};
  return sizes[about];
}

std::string_view value(int about, int number, Language language) {
  return about == name   ? word(kNames, number, language)
         : about == city ? word(kCities, number, language)
         : about == food ? word(kFoods, number, language)
                         : word(kAnimals, number, language);
}

}  // namespace

Draft draw_memory(Dice& dice, Language language) {
  const std::vector<int> told = dice.distinct(dice.between(1, 3), kAbout);
  Draft draft;
  std::vector<std::pair<int, int>> contents;
  for (const int about : told) {
    const int number = dice.below(choices(about));
    const std::string_view x = value(about, number, language);
    const Topic& topic = kTopics[about];
    draft.before.push_back({"user", fill(dice.pick(topic.says).in(language), {{"x", x}})});
    draft.before.push_back({"assistant", fill(topic.reply.in(language), {{"x", x}})});
    contents.emplace_back(about, number);
  }
  // Now and then something is asked that was never said.
  const int asked = dice.below(8) == 0 ? dice.below(kAbout) : dice.pick(told);
  const Topic& topic = kTopics[asked];
  draft.question = topic.ask.in(language);
  draft.answer = kNotTold.in(language);
  draft.expected = kNotTold.in(language);
  std::sort(contents.begin(), contents.end());
  std::vector<int> key;
  for (const auto& [about, number] : contents) {
    key.insert(key.end(), {about, number});
    if (about != asked) continue;
    draft.expected = value(about, number, language);
    draft.answer = fill(topic.answer.in(language), {{"x", draft.expected}});
  }
  draft.key = key_of("memory", key);
  return draft;
}

}  // namespace avocado::corpus
