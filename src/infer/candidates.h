#pragma once
// The tokens among which a choice is made, with their logits. A logit of -infinity is no candidate.
//
// At first they stand by id. A stage that selects by rank puts them by descending logit, ties by
// ascending id, and so they stay. Sums follow the order in which candidates stand; both orders are
// part of the definition of an answer:
//   by id:   chunks of 4096 ids; in each, 16 lanes in double, id i in lane i mod 16, lane j + lane
//            j + half for half = 8, 4, 2, 1; chunks ascending
//   by rank: one sum in double, the best first
// Only what is looked at is sorted: the best few of 128k cost a scan.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace avocado {

struct Candidate {
  int32_t id;
  float logit;
};

// The order of rank.
bool better(const Candidate& a, const Candidate& b);

class Candidates {
 public:
  // `logits` holds neither NaN nor +infinity, and outlives this; it is copied at the first change.
  explicit Candidates(std::span<const float> logits) : by_id_(logits) {}
  Candidates(const Candidates&) = delete;
  Candidates& operator=(const Candidates&) = delete;

  bool empty() const { return best() == kNever; }
  int64_t size() const;
  float best() const;                   // the highest logit; -infinity when empty
  float logit(int32_t id) const;        // -infinity when it is no candidate
  std::vector<Candidate> list() const;  // in their order
  // The first `count` by rank, or all.
  std::vector<Candidate> best_of(int64_t count) const;
  // The first `count` by their distance to `centre`, taken in double, ties by rank; or all.
  std::vector<Candidate> nearest(double centre, int64_t count) const;
  // Those by rank from the best on, up to the first that is not taken.
  std::vector<Candidate> best_while(const std::function<bool(const Candidate&)>& take) const;

  // terms[i] for logits[i], 0 for -infinity; at most 4096 at a time.
  using Terms = std::function<void(std::span<const float> logits, std::span<double> terms)>;
  double sum(const Terms& terms) const;
  // The sum of exp(logit - best), and of that times (logit - best).
  double total() const;
  double total_times_distance() const;
  // The first at which the running sum of exp(logit - best) exceeds share * total(), share < 1.
  // By id, the chunk is sought first, and in it the candidate, its terms added one by one.
  Candidate draw(double share) const;

  // logit = change(i, logit) where ids[i] is a candidate; ids ascend, each once. Back to rank order
  // if it was that.
  void change(std::span<const int32_t> ids, const std::function<float(size_t, float)>& change);
  // The same for all, at most 4096 at a time; their order stays. If the best is not the first by
  // rank then, they must be sorted again.
  void change_all(const std::function<void(std::span<float>)>& change);
  void sort_again();
  // Bit i mod 32 of word i / 32 says whether id i stays. While they stand by id.
  void apply_mask(std::span<const uint32_t> mask);

  // The rest orders by rank.
  void keep_best(int64_t count) { replace(best_of(count)); }
  // Those with a logit of `lowest` or more, and at least so many.
  void keep_from(float lowest, int64_t at_least);
  void replace(std::vector<Candidate> ranked);
  // The best go; the order stays what it was.
  void drop_best(int64_t count);

 private:
  static constexpr float kNever = -__builtin_inff();
  std::span<float> writable();

  std::span<const float> by_id_;  // until ranked_
  std::vector<float> copy_;       // by_id_ once it has been changed
  std::vector<Candidate> by_rank_;
  bool ranked_ = false;
};

// p[i] = exp(logits[i] - best).
void weights(std::span<const float> logits, float best, std::span<float> p);

}  // namespace avocado
