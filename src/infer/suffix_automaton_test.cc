#include "infer/suffix_automaton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "base/philox.h"

namespace avocado {
namespace {

using Text = std::vector<int32_t>;

bool ends_with(std::span<const int32_t> text, std::span<const int32_t> end) {
  return end.size() <= text.size() &&
         std::equal(end.begin(), end.end(), text.end() - static_cast<int64_t>(end.size()));
}

size_t matched_by_definition(std::span<const int32_t> text) {
  for (size_t length = text.size(); length-- > 1;)
    for (size_t end = length; end < text.size(); ++end)
      if (ends_with(text.first(end), text.last(length))) return length;
  return 0;
}

Text continued_by_definition(std::span<const int32_t> text, size_t most) {
  const size_t matched = matched_by_definition(text);
  Text stretch(text.end() - static_cast<int64_t>(matched), text.end());
  while (matched > 0 && stretch.size() < matched + most) {
    std::map<int32_t, std::pair<int, size_t>> followers;  // how often, and where last
    for (size_t end = stretch.size(); end < text.size(); ++end)
      if (ends_with(text.first(end), stretch))
        followers[text[end]] = {followers[text[end]].first + 1, end};
    const auto best =
        std::max_element(followers.begin(), followers.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == followers.end() || best->first < 0) break;
    stretch.push_back(best->first);
  }
  stretch.erase(stretch.begin(), stretch.begin() + static_cast<int64_t>(matched));
  return stretch;
}

TEST(SuffixAutomaton, FollowsItsDefinitionWhileTheTextGrowsAndShrinks) {
  const Random random(7, Purpose::test);
  uint64_t draw = 0;
  int found = 0;
  for (const uint64_t letters : {2, 3, 9}) {
    SuffixAutomaton automaton;
    Text text;
    for (int step = 0; step < 900; ++step) {
      const uint64_t what = random.below(draw++, 8);
      if (what == 0 || text.size() > 120) {
        size_t back = random.below(draw++, automaton.undoable() + 1);
        for (; back > 0; --back) automaton.pop(), text.pop_back();
      } else if (what == 1 && text.size() > 4) {  // something again
        const size_t from = random.below(draw++, text.size() - 3);
        for (size_t i = 0; i < 3 + from % 9 && from + i < text.size(); ++i) {
          text.push_back(text[from + i]);
          automaton.push(text.back());
        }
      } else {
        const bool separator = random.below(draw++, 40) == 0;
        text.push_back(separator ? -step - 1 : static_cast<int32_t>(random.below(draw++, letters)));
        automaton.push(text.back());
      }
      ASSERT_EQ(automaton.size(), text.size());
      ASSERT_EQ(automaton.matched(), matched_by_definition(text)) << "step " << step;
      const Text expected = continued_by_definition(text, 6);
      ASSERT_EQ(automaton.continuation(6), expected) << letters << " letters, step " << step;
      found += expected.size() == 6;
    }
  }
  EXPECT_GT(found, 1000);
}

TEST(SuffixAutomaton, TheLastTokensCanBeTakenAway) {
  SuffixAutomaton automaton;
  EXPECT_EQ(automaton.undoable(), 0u);
  for (int32_t i = 0; i < 1000; ++i) automaton.push(i % 7);
  EXPECT_GE(automaton.undoable(), SuffixAutomaton::kUndoable);
  for (size_t i = 0; i < SuffixAutomaton::kUndoable; ++i) automaton.pop();
  EXPECT_EQ(automaton.size(), 1000 - SuffixAutomaton::kUndoable);
  EXPECT_EQ(automaton.matched(), automaton.size() - 7);
}

TEST(SuffixAutomaton, SaysWhatFollowedMostOften) {
  SuffixAutomaton automaton;
  for (const int32_t token : {1, 2, 3, 9, 1, 2, 3, 9, 1, 2, 4, 9, 8, 1, 2}) automaton.push(token);
  EXPECT_EQ(automaton.matched(), 2u);
  EXPECT_EQ(automaton.continuation(4), (Text{3, 9, 1, 2}));
  for (const int32_t token : {4, 9, 8, 1, 2}) automaton.push(token);
  EXPECT_EQ(automaton.matched(), 7u);  // 1 2 4 9 8 1 2
  automaton.push(5);
  EXPECT_EQ(automaton.matched(), 0u);
  EXPECT_TRUE(automaton.continuation(4).empty());
}

}  // namespace
}  // namespace avocado
