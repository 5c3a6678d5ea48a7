#include "corpus/task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "base/error.h"

namespace avocado::corpus {

std::vector<int> Dice::distinct(int count, int n) {
  std::vector<int> numbers(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  for (int i = 0; i < count; ++i)
    std::swap(numbers[static_cast<size_t>(i)], numbers[static_cast<size_t>(between(i, n - 1))]);
  numbers.resize(static_cast<size_t>(count));
  return numbers;
}

bool check_whole(const Item& item, std::string_view reply) { return reply == item.answer; }

bool check_conclusion(const Item& item, std::string_view reply) {
  return reply.ends_with(conclusion(item.language, item.expected));
}

std::string conclusion(Language language, std::string_view expected) {
  return language == Language::english ? fmt::format("The answer is {}.", expected)
                                       : fmt::format("答えは{}です。", expected);
}

std::string fill(std::string_view wording,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string text;
  while (true) {
    const size_t open = wording.find('{');
    text += wording.substr(0, open);
    if (open == std::string_view::npos) return text;
    const size_t close = wording.find('}', open);
    const std::string_view name = wording.substr(open + 1, close - open - 1);
    const auto* value = values.begin();
    while (value != values.end() && value->first != name) ++value;
    if (value == values.end()) fail_usage("corpus wording has no value for {{{}}}", name);
    text += value->second;
    wording.remove_prefix(close + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string key_of(std::string_view kind, std::vector<int> numbers) {
  return fmt::format("{} {}", kind, fmt::join(numbers, " "));
}

}  // namespace avocado::corpus
