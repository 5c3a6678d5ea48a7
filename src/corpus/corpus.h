#pragma once
// Avocado's own corpus: short questions with checkable answers, in English and Japanese, made by
// rules from a seed. Nothing is downloaded and nothing is stored. There are two mixtures of its
// tasks: "demo", what `avocado demo` learns in two minutes, and "nano", a wider one for a small
// resident model one can talk to.
//
// Every item is a pure function of (task, language, split, index, seed), so any part of the corpus
// can be made by anybody in any order, on any number of threads.
//
// Training and held-out items are disjoint by construction. Each item has a key that says what it
// is about: the operands, the list, the people and the facts, but not how they are worded. A hash
// of the key alone, the same for every seed and every language, decides the split; a generator
// draws again until the key falls on the wanted side. So no held-out sum, list or passage is seen
// in training, not even in other words, in another order or in the other language.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avocado::corpus {

enum class Language { english, japanese };
enum class Split { train, held_out };

inline constexpr Language kLanguages[] = {Language::english, Language::japanese};
std::string_view language_name(Language language);  // "en", "ja"

enum class Mixture { demo, nano };
inline constexpr Mixture kMixtures[] = {Mixture::demo, Mixture::nano};
std::string_view mixture_name(Mixture mixture);  // "demo", "nano"

// One message of a conversation.
struct Turn {
  std::string role, content;  // "system", "user" or "assistant"
};

struct Item {
  std::string task;
  Language language;
  std::string key;           // what decides the split; never shown
  std::vector<Turn> before;  // what was said before the question; often nothing
  std::string question;      // the user's turn, UTF-8
  std::string answer;        // the assistant's turn with its steps, UTF-8
  std::string expected;      // the part of the answer that counts, e.g. the final number
};

struct TaskInfo {
  std::string_view name;   // "add", "sort", ...
  std::string_view about;  // one line for people
  int weights[2];          // share in each mixture; 0: not in it
};

// The tasks of a mixture in the order in which reports list them.
std::vector<TaskInfo> tasks(Mixture mixture);

// The item `index` of a task. Throws Error (usage) for an unknown task. Items may repeat where a
// task has few contents; index < 2^40.
Item make_item(std::string_view task, Language language, Split split, uint64_t index,
               uint64_t seed);

// The item `index` of a mixture: the task is drawn by weight, the language by a fair coin.
Item mixed_item(Mixture mixture, Split split, uint64_t index, uint64_t seed);

// Whether the reply answers the item. Where the answer has steps, only its concluding sentence
// counts; elsewhere the whole reply must be the answer; a story must follow the story grammar with
// the people and things asked for. White space around the reply is ignored, nothing else.
bool check(const Item& item, std::string_view reply);

// The score of somebody who knows the task but did not read the question: the probability that the
// expected answer of another item, drawn at random, equals the right one. Exact from the counts;
// 0 for fewer than two items. The items should be of one task and one language.
double chance(std::span<const Item> items);

// The split a key belongs to.
Split split_of(std::string_view key);

}  // namespace avocado::corpus
