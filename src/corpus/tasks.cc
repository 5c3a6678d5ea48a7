// The table of tasks.

#include "corpus/levels.h"
#include "corpus/task.h"

namespace avocado::corpus {

std::span<const Task> task_table() {
  using namespace level;
  static constexpr Task table[] = {
      {{"add", "sums, digit by digit", kAddWeight}, draw_add, check_conclusion},
      {{"subtract", "differences, digit by digit", kSubtractWeight},
       draw_subtract,
       check_conclusion},
      {{"multiply", "products, digit by digit", kMultiplyWeight}, draw_multiply, check_conclusion},
      {{"sort", "letters and digits put in order", kSortWeight}, draw_sort, check_whole},
      {{"reverse", "lists turned around", kReverseWeight}, draw_reverse, check_whole},
      {{"count", "how many things are in a list, one by one", kCountWeight},
       draw_count,
       check_conclusion},
      {{"passage", "a fact asked of a short passage", kPassageWeight}, draw_passage, check_whole},
      {{"cloze", "the missing word of a short story", kClozeWeight}, draw_cloze, check_whole},
      {{"json", "fields of a sentence as JSON", kJsonWeight}, draw_json, check_whole},
      {{"story", "a story about given people and things", kStoryWeight}, draw_story, check_story},
      {{"verbs", "avocado's own verbs and flags", kVerbsWeight}, draw_verbs, check_whole},
  };
  return table;
}

}  // namespace avocado::corpus
