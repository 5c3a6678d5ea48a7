#include "corpus/corpus.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "corpus/levels.h"
#include "corpus/task.h"

namespace avocado::corpus {
namespace {

// 32 well-mixed bits of a text: FNV-1a over its bytes, stirred by Philox.
uint32_t hash(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return philox4x32({static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32), 0, 0}, {0, 0})[0];
}

const Task& find_task(std::string_view name) {
  const auto table = task_table();
  const auto task =
      std::find_if(table.begin(), table.end(), [&](const Task& t) { return t.info.name == name; });
  if (task == table.end()) {
    std::string known;
    for (const Task& t : table) known += fmt::format(" {}", t.info.name);
    fail_usage("unknown corpus task '{}'; the tasks are:{}", name, known);
  }
  return *task;
}

// A stream for each use, by name, so that a new task leaves the others' items as they are.
uint32_t stream_of(std::string_view task, Language language, Split split) {
  return hash(fmt::format("{}/{}/{}", task, language_name(language),
                          split == Split::train ? "train" : "held-out"));
}

int weight_in(Mixture mixture, const Task& task) {
  return task.info.weights[static_cast<size_t>(mixture)];
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace

std::string_view language_name(Language language) {
  return language == Language::english ? "en" : "ja";
}

std::string_view mixture_name(Mixture mixture) {
  return mixture == Mixture::demo ? "demo" : "nano";
}

std::vector<TaskInfo> tasks(Mixture mixture) {
  std::vector<TaskInfo> list;
  for (const Task& task : task_table())
    if (weight_in(mixture, task) > 0) list.push_back(task.info);
  return list;
}

Split split_of(std::string_view key) {
  return hash(key) % level::kHeldOutOneIn == 0 ? Split::held_out : Split::train;
}

Item make_item(std::string_view name, Language language, Split split, uint64_t index,
               uint64_t seed) {
  const Task& task = find_task(name);
  Dice dice(seed, stream_of(name, language, split), index);
  while (true) {
    Draft draft = task.draw(dice, language);
    if (split_of(draft.key) != split) continue;
    return {std::string(name),         language,
            std::move(draft.key),      std::move(draft.before),
            std::move(draft.question), std::move(draft.answer),
            std::move(draft.expected)};
  }
}

Item mixed_item(Mixture mixture, Split split, uint64_t index, uint64_t seed) {
  const auto table = task_table();
  int total = 0;
  for (const Task& task : table) total += weight_in(mixture, task);
  static const uint32_t stream = hash("mixture");
  Dice dice(seed, stream, index);
  int ticket = dice.below(total);
  const Language language = dice.pick(kLanguages);
  const Task* task = table.data();
  while (ticket >= weight_in(mixture, *task)) ticket -= weight_in(mixture, *task++);
  return make_item(task->info.name, language, split, index, seed);
}

bool check(const Item& item, std::string_view reply) {
  return find_task(item.task).check(item, trim(reply));
}

double chance(std::span<const Item> items) {
  std::map<std::string_view, double> counts;
  for (const Item& item : items) ++counts[item.expected];
  const double n = static_cast<double>(items.size());
  if (n < 2) return 0;
  double equal_pairs = 0;
  for (const auto& [expected, count] : counts) equal_pairs += count * (count - 1);
  return equal_pairs / (n * (n - 1));
}

}  // namespace avocado::corpus
