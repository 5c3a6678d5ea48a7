#pragma once
// What a task file needs: dice to draw with, the draft it returns, and the common checks. A new
// task is one file in tasks/, one declaration here and one line in the table of tasks.cc.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "corpus/corpus.h"

namespace avocado::corpus {

// Draws for one item: consecutive positions of a stream that no other item shares.
class Dice {
 public:
  Dice(uint64_t seed, uint32_t stream, uint64_t index)
      : random_(seed, Purpose::corpus, stream), position_(index << 24) {}

  int below(int n) {
    return static_cast<int>(random_.below(position_++, static_cast<uint64_t>(n)));
  }
  int between(int low, int high) { return low + below(high - low + 1); }
  template <class Range>
  auto pick(const Range& range) {
    return range[static_cast<size_t>(below(static_cast<int>(std::size(range))))];
  }
  // `count` different numbers of [0, n), in random order.
  std::vector<int> distinct(int count, int n);

 private:
  Random random_;
  uint64_t position_;
};

struct Draft {
  std::string key, question, answer, expected;
  std::vector<Turn> before = {};
};

using DrawFunction = Draft (*)(Dice&, Language);
using CheckFunction = bool (*)(const Item&, std::string_view trimmed_reply);

struct Task {
  TaskInfo info;
  DrawFunction draw;
  CheckFunction check;
};

std::span<const Task> task_table();

// The whole reply is the answer.
bool check_whole(const Item& item, std::string_view reply);
// The reply ends with conclusion(expected); what stands before are steps.
bool check_conclusion(const Item& item, std::string_view reply);
// "The answer is 85." / "答えは85です。"
std::string conclusion(Language language, std::string_view expected);

// One wording in two languages; pick(language) chooses.
struct Words {
  std::string_view english, japanese;
  std::string_view in(Language language) const {
    return language == Language::english ? english : japanese;
  }
};

// Replaces each {name} of a wording by its value. Every placeholder must be given.
std::string fill(std::string_view wording,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> values);

// "3 17 4": the text form of keys and of lists.
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string key_of(std::string_view kind, std::vector<int> numbers);

Draft draw_add(Dice&, Language);
Draft draw_subtract(Dice&, Language);
Draft draw_multiply(Dice&, Language);
Draft draw_sort(Dice&, Language);
Draft draw_reverse(Dice&, Language);
Draft draw_count(Dice&, Language);
Draft draw_passage(Dice&, Language);
Draft draw_cloze(Dice&, Language);
Draft draw_json(Dice&, Language);
Draft draw_story(Dice&, Language);
bool check_story(const Item&, std::string_view reply);
Draft draw_verbs(Dice&, Language);
Draft draw_word_sums(Dice&, Language);
Draft draw_compare(Dice&, Language);
Draft draw_series(Dice&, Language);
Draft draw_units(Dice&, Language);
Draft draw_dates(Dice&, Language);
Draft draw_copy(Dice&, Language);
Draft draw_letters(Dice&, Language);
Draft draw_family(Dice&, Language);
Draft draw_reading(Dice&, Language);
Draft draw_facts(Dice&, Language);
Draft draw_format(Dice&, Language);
Draft draw_tools(Dice&, Language);
Draft draw_memory(Dice&, Language);
Draft draw_smalltalk(Dice&, Language);
Draft draw_self(Dice&, Language);
Draft draw_sums(Dice&, Language);
bool check_sum(const Item&, std::string_view reply);
Draft draw_translate(Dice&, Language);
Draft draw_tales(Dice&, Language);
bool check_tale(const Item&, std::string_view reply);

}  // namespace avocado::corpus
