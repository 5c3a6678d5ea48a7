#include "base/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace avocado {
namespace {

// Letters inserted, left out, replaced, or swapped with their neighbour (the optimal string
// alignment of Damerau and Levenshtein); the words are short.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  word = word.substr(0, 100);
  return *std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    return distance(word, a) < distance(word, b);
  });
}

std::string likely_meant(std::string_view word, const std::vector<std::string>& names) {
  if (names.empty() || word.size() > 100) return {};
  std::string name = nearest(word, names);
  return 3 * distance(word, name) <= std::max(word.size(), name.size()) ? name : "";
}

}  // namespace avocado
