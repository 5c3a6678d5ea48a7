// The table of tasks: a line each, with its shares in the two mixtures.

#include "corpus/levels.h"
#include "corpus/task.h"

namespace avocado::corpus {

std::span<const Task> task_table() {
  using namespace level;
  static constexpr Task table[] = {
      {{"add", "sums, digit by digit", {kAddWeight, 5}}, draw_add, check_conclusion},
      {{"subtract", "differences, digit by digit", {kSubtractWeight, 5}},
       draw_subtract,
       check_conclusion},
      {{"multiply", "products, digit by digit", {kMultiplyWeight, 5}},
       draw_multiply,
       check_conclusion},
      {{"sort", "letters and digits put in order", {kSortWeight, 3}}, draw_sort, check_whole},
      {{"reverse", "lists turned around", {kReverseWeight, 3}}, draw_reverse, check_whole},
      {{"count", "how many things are in a list, one by one", {kCountWeight, 3}},
       draw_count,
       check_conclusion},
      {{"passage", "a fact asked of a short passage", {kPassageWeight, 5}},
       draw_passage,
       check_whole},
      {{"cloze", "the missing word of a short story", {kClozeWeight, 2}}, draw_cloze, check_whole},
      {{"json", "fields of a sentence as JSON", {kJsonWeight, 4}}, draw_json, check_whole},
      {{"story", "a story about given people and things", {kStoryWeight, 3}},
       draw_story,
       check_story},
      {{"verbs", "avocado's own verbs and flags", {kVerbsWeight, 3}}, draw_verbs, check_whole},
      {{"word-sums", "sums in words, and little problems", {0, 6}}, draw_word_sums, check_whole},
      {{"compare", "which of two numbers or animals is larger", {0, 4}}, draw_compare, check_whole},
      {{"series", "the next number or letter", {0, 3}}, draw_series, check_whole},
      {{"units", "hours in minutes, metres in centimetres", {0, 5}}, draw_units, check_whole},
      {{"dates", "days of the week and months", {0, 5}}, draw_dates, check_whole},
      {{"copy", "words said again", {0, 3}}, draw_copy, check_whole},
      {{"letters", "words spelled and their letters counted", {0, 4}}, draw_letters, check_whole},
      {{"family", "parents and grandparents", {0, 3}}, draw_family, check_whole},
      {{"reading", "a question about a little story", {0, 5}}, draw_reading, check_whole},
      {{"facts", "colours, capitals, animals, opposites", {0, 10}}, draw_facts, check_whole},
      {{"format", "lists and objects in a given form", {0, 5}}, draw_format, check_whole},
      {{"tools", "calls of functions, as Llama 3 writes them", {0, 6}}, draw_tools, check_whole},
      {{"memory", "what was said earlier in a conversation", {0, 6}}, draw_memory, check_whole},
      {{"smalltalk", "greetings, thanks and the like", {0, 12}}, draw_smalltalk, check_whole},
      {{"self", "what the model is and what it can not do", {0, 11}}, draw_self, check_whole},
      {{"sums", "sums as people type them", {0, 9}}, draw_sums, check_sum},
      {{"translate", "words in the other language", {0, 7}}, draw_translate, check_whole},
      {{"tales", "a story for whoever asks for one", {0, 6}}, draw_tales, check_tale},
  };
  return table;
}

}  // namespace avocado::corpus
