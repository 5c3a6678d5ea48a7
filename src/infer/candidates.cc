#include "infer/candidates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/math/math.h"

namespace avocado {
namespace {

constexpr size_t kChunk = 4096;
constexpr size_t kLanes = 16;
constexpr size_t kBlock = 32;

// Any of a block: the plain loop becomes vector code.
bool any_above(std::span<const float> block, float bar) {
  int above = 0;
  for (const float logit : block) above |= static_cast<int>(logit > bar);
  return above != 0;
}

std::span<const float> block_of(std::span<const float> logits, size_t at) {
  return logits.subspan(at, std::min(kBlock, logits.size() - at));
}

// The highest of a row, -infinity for none. Most blocks are passed over whole.
float highest(std::span<const float> logits) {
  float bar = -INFINITY;
  for (size_t i = 0; i < logits.size(); i += kBlock) {
    const auto block = block_of(logits, i);
    if (any_above(block, bar)) bar = *std::max_element(block.begin(), block.end());
  }
  return bar;
}

double sum_lanes(std::span<const double> terms) {
  std::array<double, kLanes> lanes{};
  size_t i = 0;
  for (; i + kLanes <= terms.size(); i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += terms[i + j];
  for (size_t j = 0; i < terms.size(); ++i, ++j) lanes[j] += terms[i];
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  return lanes[0];
}

// The logits that may still count: above a bar, or within bounds.
struct Above {
  float bar = -INFINITY;
  bool any(std::span<const float> block) const { return any_above(block, bar); }
  bool passes(float logit) const { return logit > bar; }
};
struct Within {
  float low = -std::numeric_limits<float>::max(), high = INFINITY;
  bool any(std::span<const float> block) const {
    int within = 0;
    for (const float logit : block)
      within |= static_cast<int>(logit >= low) & static_cast<int>(logit <= high);
    return within != 0;
  }
  bool passes(float logit) const { return logit >= low && logit <= high; }
};

// The first `count` of a row in an order, which the lower id ends. Few pass what the last of those
// found so far leaves: limit_of(it).
template <class Limit, class Before, class LimitOf>
std::vector<Candidate> select(std::span<const float> logits, size_t count, Limit limit,
                              Before&& before, LimitOf&& limit_of) {
  std::vector<Candidate> found;
  if (count == 0) return found;
  const auto shorten = [&] {
    if (found.size() <= count) return;
    const auto nth = found.begin() + static_cast<ptrdiff_t>(count) - 1;
    std::nth_element(found.begin(), nth, found.end(), before);
    found.resize(count);
  };
  const size_t room = std::min(2 * count, logits.size()) + kBlock;
  found.reserve(room);
  for (size_t i = 0; i < logits.size(); i += kBlock) {
    const auto block = block_of(logits, i);
    if (!limit.any(block)) continue;
    for (size_t j = 0; j < block.size(); ++j)
      if (limit.passes(block[j])) found.push_back({static_cast<int32_t>(i + j), block[j]});
    if (found.size() + kBlock <= room) continue;
    shorten();
    limit = limit_of(found.back());
  }
  shorten();
  std::sort(found.begin(), found.end(), before);
  return found;
}

void weights_as_double(std::span<const float> logits, float best, std::span<double> terms) {
  std::array<float, kChunk> p{};
  weights(logits, best, std::span(p).first(logits.size()));
  for (size_t i = 0; i < logits.size(); ++i) terms[i] = p[i];
}

}  // namespace

bool better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

void weights(std::span<const float> logits, float best, std::span<float> p) {
  for (size_t i = 0; i < logits.size(); ++i) p[i] = logits[i] - best;
  kernels::exp(p.data(), p.data(), static_cast<int64_t>(logits.size()));
}

int64_t Candidates::size() const {
  if (ranked_) return static_cast<int64_t>(by_rank_.size());
  return std::count_if(by_id_.begin(), by_id_.end(), [](float x) { return x != kNever; });
}

float Candidates::best() const {
  if (ranked_) return by_rank_.empty() ? kNever : by_rank_.front().logit;
  return highest(by_id_);
}

float Candidates::logit(int32_t id) const {
  if (!ranked_) return by_id_[id];
  const auto found = std::find_if(by_rank_.begin(), by_rank_.end(),
                                  [id](const Candidate& c) { return c.id == id; });
  return found == by_rank_.end() ? kNever : found->logit;
}

std::vector<Candidate> Candidates::list() const {
  if (ranked_) return by_rank_;
  std::vector<Candidate> items;
  for (size_t id = 0; id < by_id_.size(); ++id)
    if (by_id_[id] != kNever) items.push_back({static_cast<int32_t>(id), by_id_[id]});
  return items;
}

std::vector<Candidate> Candidates::best_of(int64_t count) const {
  if (!ranked_) {
    // A later one that equals the last has a higher id.
    return select(by_id_, static_cast<size_t>(std::max<int64_t>(count, 0)), Above{}, better,
                  [](const Candidate& last) { return Above{last.logit}; });
  }
  const auto kept = std::clamp<int64_t>(count, 0, static_cast<int64_t>(by_rank_.size()));
  return {by_rank_.begin(), by_rank_.begin() + kept};
}

std::vector<Candidate> Candidates::nearest(double centre, int64_t count) const {
  const auto distance = [centre](const Candidate& c) {
    return std::abs(static_cast<double>(c.logit) - centre);
  };
  const auto nearer = [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a), db = distance(b);
    return da < db || (da == db && better(a, b));
  };
  if (!ranked_) {
    return select(by_id_, static_cast<size_t>(count), Within{}, nearer, [&](const Candidate& last) {
      // Rounded outwards; -infinity is no candidate.
      const double reach = distance(last);
      const float low = std::nextafter(static_cast<float>(centre - reach), kNever);
      return Within{std::max(low, Within{}.low),
                    std::nextafter(static_cast<float>(centre + reach), -kNever)};
    });
  }
  std::vector<Candidate> items = by_rank_;
  const auto kept = std::min<int64_t>(count, static_cast<int64_t>(items.size()));
  std::partial_sort(items.begin(), items.begin() + kept, items.end(), nearer);
  items.resize(static_cast<size_t>(kept));
  return items;
}

std::vector<Candidate> Candidates::best_while(
    const std::function<bool(const Candidate&)>& take) const {
  size_t taken = 0;
  for (int64_t count = 64;; count *= 8) {
    std::vector<Candidate> items = ranked_ ? by_rank_ : best_of(count);
    while (taken < items.size() && take(items[taken])) ++taken;
    if (taken < items.size() || ranked_ || static_cast<int64_t>(items.size()) < count) {
      items.resize(taken);
      return items;
    }
  }
}

double Candidates::sum(const Terms& terms) const {
  std::array<double, kChunk> buffer;
  double all = 0;
  if (!ranked_) {
    for (size_t i = 0; i < by_id_.size(); i += kChunk) {
      const auto chunk = by_id_.subspan(i, std::min(kChunk, by_id_.size() - i));
      const auto out = std::span(buffer).first(chunk.size());
      terms(chunk, out);
      all += sum_lanes(out);
    }
    return all;
  }
  std::array<float, kChunk> logits;
  for (size_t i = 0; i < by_rank_.size(); i += kChunk) {
    const size_t count = std::min(kChunk, by_rank_.size() - i);
    for (size_t j = 0; j < count; ++j) logits[j] = by_rank_[i + j].logit;
    terms(std::span(logits).first(count), std::span(buffer).first(count));
    for (size_t j = 0; j < count; ++j) all += buffer[j];
  }
  return all;
}

double Candidates::total() const {
  const float top = best();
  return sum([top](std::span<const float> logits, std::span<double> terms) {
    weights_as_double(logits, top, terms);
  });
}

double Candidates::total_times_distance() const {
  const float top = best();
  return sum([top](std::span<const float> logits, std::span<double> terms) {
    weights_as_double(logits, top, terms);
    for (size_t i = 0; i < terms.size(); ++i)  // 0 times -infinity is no number
      terms[i] = terms[i] > 0 ? terms[i] * static_cast<double>(logits[i] - top) : 0;
  });
}

Candidate Candidates::draw(double share) const {
  const float top = best();
  const double target = total() * share;
  double sum = 0;
  if (ranked_) {
    for (const Candidate& c : by_rank_) {
      sum += kernels::exp(c.logit - top);
      if (sum > target) return c;
    }
    return by_rank_.back();  // not reached: target < total
  }
  std::array<double, kChunk> buffer;
  Candidate last{-1, kNever};
  for (size_t i = 0; i < by_id_.size(); i += kChunk) {
    const auto chunk = by_id_.subspan(i, std::min(kChunk, by_id_.size() - i));
    const auto terms = std::span(buffer).first(chunk.size());
    weights_as_double(chunk, top, terms);
    const double after = sum + sum_lanes(terms);
    if (after > target) {
      for (size_t j = 0; j < terms.size(); ++j) {
        if (terms[j] == 0) continue;
        sum += terms[j];
        last = {static_cast<int32_t>(i + j), chunk[j]};
        if (sum > target) break;
      }
      return last;  // two orders of adding may differ in the last bit: then the chunk's last
    }
    sum = after;
  }
  return last;  // not reached: target < total
}

std::span<float> Candidates::writable() {
  if (copy_.empty()) {
    copy_.assign(by_id_.begin(), by_id_.end());
    by_id_ = copy_;
  }
  return copy_;
}

void Candidates::change(std::span<const int32_t> ids,
                        const std::function<float(size_t, float)>& change) {
  if (ids.empty()) return;
  if (!ranked_) {
    const std::span<float> logits = writable();
    for (size_t i = 0; i < ids.size(); ++i)
      if (logits[ids[i]] != kNever) logits[ids[i]] = change(i, logits[ids[i]]);
    return;
  }
  for (Candidate& c : by_rank_) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), c.id);
    if (at != ids.end() && *at == c.id) c.logit = change(at - ids.begin(), c.logit);
  }
  std::erase_if(by_rank_, [](const Candidate& c) { return c.logit == kNever; });
  sort_again();
}

void Candidates::change_all(const std::function<void(std::span<float>)>& change) {
  if (!ranked_) {
    const std::span<float> logits = writable();
    for (size_t i = 0; i < logits.size(); i += kChunk)
      change(logits.subspan(i, std::min(kChunk, logits.size() - i)));
    return;
  }
  std::array<float, kChunk> logits;
  for (size_t i = 0; i < by_rank_.size(); i += kChunk) {
    const size_t count = std::min(kChunk, by_rank_.size() - i);
    for (size_t j = 0; j < count; ++j) logits[j] = by_rank_[i + j].logit;
    change(std::span(logits).first(count));
    for (size_t j = 0; j < count; ++j) by_rank_[i + j].logit = logits[j];
  }
}

void Candidates::apply_mask(std::span<const uint32_t> mask) {
  static constexpr auto kBits = [] {
    std::array<uint32_t, kBlock> bits{};
    for (size_t j = 0; j < kBlock; ++j) bits[j] = uint32_t{1} << j;
    return bits;
  }();
  const std::span<float> logits = writable();
  for (size_t i = 0; i < logits.size(); i += kBlock) {
    const uint32_t word = mask[i / kBlock];
    if (word == ~uint32_t{0}) continue;
    float* block = logits.data() + i;
    if (i + kBlock <= logits.size()) {  // a constant count becomes vector code
      for (size_t j = 0; j < kBlock; ++j) block[j] = (word & kBits[j]) != 0 ? block[j] : kNever;
    } else {
      for (size_t j = 0; i + j < logits.size(); ++j)
        if ((word & kBits[j]) == 0) block[j] = kNever;
    }
  }
}

void Candidates::keep_from(float lowest, int64_t at_least) {
  std::vector<Candidate> items;
  if (ranked_) {
    size_t kept = 0;
    while (kept < by_rank_.size() && by_rank_[kept].logit >= lowest) ++kept;
    items.assign(by_rank_.begin(), by_rank_.begin() + static_cast<ptrdiff_t>(kept));
  } else {
    const float bar = std::max(lowest, -std::numeric_limits<float>::max());
    for (size_t id = 0; id < by_id_.size(); ++id)
      if (by_id_[id] >= bar) items.push_back({static_cast<int32_t>(id), by_id_[id]});
    std::sort(items.begin(), items.end(), better);
  }
  if (static_cast<int64_t>(items.size()) < at_least) items = best_of(at_least);
  replace(std::move(items));
}

void Candidates::replace(std::vector<Candidate> ranked) {
  by_rank_ = std::move(ranked);
  ranked_ = true;
}

void Candidates::sort_again() { std::sort(by_rank_.begin(), by_rank_.end(), better); }

void Candidates::drop_best(int64_t count) {
  if (ranked_) {
    by_rank_.erase(by_rank_.begin(), by_rank_.begin() + count);
    return;
  }
  const std::vector<Candidate> gone = best_of(count);
  const std::span<float> logits = writable();
  for (const Candidate& c : gone) logits[c.id] = kNever;
}

}  // namespace avocado
