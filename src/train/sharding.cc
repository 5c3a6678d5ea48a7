#include "train/sharding.h"

#include <algorithm>

#include "kernels/add/add.h"

namespace avocado {
namespace {

// Numbers of a gradient that are exchanged at a time: enough for the network's full speed, and
// little memory beside the sums that wait.
constexpr int64_t kSlice = int64_t{1} << 20;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
std::span<const std::byte> bytes_of(const T* data, int64_t count) {
  return std::as_bytes(std::span(data, static_cast<size_t>(count)));
}

}  // namespace

std::vector<int64_t> leaf_cuts(int64_t leaves, int processes) {
  int64_t size = 1;  // of the subtrees between which is cut
  while (size < leaves) size *= 2;
  while (size > 1 &&
         divide_up(divide_up(leaves, size), processes) * size > divide_up(leaves, processes))
    size /= 2;
  std::vector<int64_t> cuts;
  for (int64_t rank = 0; rank <= processes; ++rank)
    cuts.push_back(std::min(leaves, divide_up(leaves, size) * rank / processes * size));
  return cuts;
}

std::vector<int64_t> weight_cuts(const WeightLayout& layout, int processes) {
  const auto weights = static_cast<int64_t>(layout.offset.size());
  std::vector<int64_t> cuts(static_cast<size_t>(processes) + 1, weights);
  for (int64_t w = weights - 1; w >= 0; --w) {
    const int64_t end = w + 1 < weights ? layout.offset[w + 1] : layout.total;
    const int64_t owner = (layout.offset[w] + end) * processes / (2 * layout.total);
    for (int64_t rank = 0; rank <= owner; ++rank) cuts[rank] = w;
  }
  return cuts;
}

uint64_t sharding_bytes(const WeightLayout& layout, int64_t leaves, int processes) {
  const std::vector<int64_t> cuts = leaf_cuts(leaves, processes);
  size_t subtrees = 0;
  for (int rank = 0; rank < processes; ++rank)
    subtrees += largest_subtrees(cuts[rank], cuts[rank + 1], leaves).size();
  const auto slice = static_cast<size_t>(std::min(kSlice, layout.total));
  int64_t largest = 0;  // weight, gathered for a checkpoint
  for (size_t w = 0; w < layout.offset.size(); ++w)
    largest =
        std::max(largest, (w + 1 < layout.offset.size() ? layout.offset[w + 1] : layout.total) -
                              layout.offset[w]);
  return sizeof(float) * (subtrees * slice + static_cast<size_t>(largest));
}

Sharding::Sharding(const WeightLayout& layout, int64_t leaves, Processes& processes,
                   ThreadPool& pool)
    : processes_(processes),
      pool_(pool),
      leaf_count_(leaves),
      leaf_cuts_(leaf_cuts(leaves, processes.size())),
      weight_cuts_(weight_cuts(layout, processes.size())) {
  for (int64_t w : weight_cuts_)
    number_cuts_.push_back(w < static_cast<int64_t>(layout.offset.size()) ? layout.offset[w]
                                                                          : layout.total);
  subtree_cuts_.push_back(0);
  for (int rank = 0; rank < processes.size(); ++rank) {
    for (const Subtree& sum : largest_subtrees(leaf_cuts_[rank], leaf_cuts_[rank + 1], leaves))
      subtrees_.push_back(sum);
    subtree_cuts_.push_back(static_cast<int64_t>(subtrees_.size()));
  }
}

int Sharding::owner(int64_t weight) const {
  const auto after = std::upper_bound(weight_cuts_.begin(), weight_cuts_.end(), weight);
  return static_cast<int>(after - weight_cuts_.begin()) - 1;
}

void Sharding::add_gradients(const GradientTree& tree, float* last) {
  if (processes_.size() == 1) return;
  std::vector<float*> sums;
  for (const GradientTree::Partial& partial : tree.before())
    sums.push_back(partial.gradient.data());
  if (leaves().begin < leaves().end) sums.push_back(last);
  int64_t longest = 0;
  for (int rank = 0; rank < processes_.size(); ++rank)
    longest = std::max(longest, number_cuts_[rank + 1] - number_cuts_[rank]);
  for (int64_t at = 0; at < longest; at += kSlice) add_slice(sums, last, at);
}

// Numbers [at, at + kSlice) of each process's part: its sums go to that process, which adds them.
void Sharding::add_slice(std::span<float* const> own_sums, float* last, int64_t at) {
  const auto slice = [&](int rank) {
    const int64_t begin = std::min(number_cuts_[rank] + at, number_cuts_[rank + 1]);
    return Range{begin, std::min(begin + kSlice, number_cuts_[rank + 1])};
  };
  const int self = processes_.rank();
  const Range mine = slice(self);
  const int64_t count = mine.end - mine.begin;
  received_.reserve(subtrees_.size() * static_cast<size_t>(count));
  std::vector<Processes::Outgoing> out;
  std::vector<Processes::Incoming> in;
  std::vector<float*> sums;  // of all subtrees, as far as they are mine
  for (int rank = 0; rank < processes_.size(); ++rank) {
    if (rank == self) {
      for (float* sum : own_sums) sums.push_back(sum + mine.begin);
      continue;
    }
    const Range theirs = slice(rank);
    if (theirs.begin < theirs.end)
      for (const float* sum : own_sums)
        out.push_back({rank, bytes_of(sum + theirs.begin, theirs.end - theirs.begin)});
    for (int64_t i = subtree_cuts_[rank]; i < subtree_cuts_[rank + 1]; ++i) {
      sums.push_back(received_.data() + i * count);
      if (count > 0)
        in.push_back(
            {rank, std::as_writable_bytes(std::span(sums.back(), static_cast<size_t>(count)))});
    }
  }
  processes_.exchange(out, in);
  add_subtrees(subtrees_, leaf_count_, [&](size_t left, size_t right) {
    kernels::add(pool_, static_cast<const float*>(sums[left]),
                 static_cast<const float*>(sums[right]), sums[left], count);
  });
  if (sums[0] != last + mine.begin) std::copy_n(sums[0], count, last + mine.begin);
}

Gather Sharding::gather() {
  if (processes_.size() == 1) return {};
  return [this](int64_t weight, std::span<const std::byte> own, size_t size) {
    const int from = owner(weight);
    if (from == processes_.rank()) {
      const Processes::Outgoing out{0, own};
      if (!processes_.leader()) processes_.exchange({&out, 1}, {});
      return own;
    }
    if (!processes_.leader()) return std::span<const std::byte>();
    gathered_.reserve(size);
    const Processes::Incoming in{from, std::span(gathered_.data(), size)};
    processes_.exchange({}, {&in, 1});
    return std::span<const std::byte>(in.bytes);
  };
}

double Sharding::add_losses(const GradientTree& tree, double last) {
  std::vector<double> sums(subtrees_.size());
  auto next = sums.begin() + subtree_cuts_[static_cast<size_t>(processes_.rank())];
  for (const GradientTree::Partial& partial : tree.before()) *next++ = partial.loss;
  if (leaves().begin < leaves().end) *next = last;
  all_gather(processes_, sums.data(), subtree_cuts_);
  add_subtrees(subtrees_, leaf_count_,
               [&](size_t left, size_t right) { sums[left] = sums[left] + sums[right]; });
  return sums[0];
}

void Sharding::add_counts(std::span<int64_t> counts) {
  const auto width = static_cast<int64_t>(counts.size());
  std::vector<int64_t> all(counts.size() * static_cast<size_t>(processes_.size()));
  std::vector<int64_t> cuts;
  for (int rank = 0; rank <= processes_.size(); ++rank) cuts.push_back(rank * width);
  std::copy(counts.begin(), counts.end(), all.begin() + processes_.rank() * width);
  all_gather(processes_, all.data(), cuts);
  std::fill(counts.begin(), counts.end(), 0);
  for (size_t i = 0; i < all.size(); ++i) counts[i % counts.size()] += all[i];
}

}  // namespace avocado
