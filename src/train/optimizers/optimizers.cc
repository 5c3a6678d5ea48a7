#include "train/optimizers/optimizers.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/block8/block8.h"
#include "kernels/implementations.h"

namespace avocado {
namespace {

using kernels::Code8;

const std::vector<OptimizerKind>& kinds() {
  static const std::vector<OptimizerKind> table = {
      {.name = "adamw",
       .moments = {{"m", Code8::signed_square}, {"v", Code8::fourth_power}},
       .keys = {"beta1", "beta2", "eps"},
       .usual = [](TrainOptions&) {},
       .hidden_matrices_only = false,
       .step = adamw_step},
      {.name = "muon",
       .moments = {{"m", Code8::signed_square}},
       .keys = {"momentum", "nesterov", "beta1", "beta2", "eps"},
       .usual =
           [](TrainOptions& o) {
             o.momentum = 0.95;
             o.nesterov = true;
           },
       .hidden_matrices_only = true,
       .step = muon_step,
       .scratch = muon_scratch},
      {.name = "lion",
       .moments = {{"m", Code8::signed_square}},
       .keys = {"beta1", "beta2"},
       .usual = [](TrainOptions& o) { o.beta2 = 0.99; },
       .hidden_matrices_only = false,
       .step = lion_step},
      {.name = "sgd",
       .moments = {{"m", Code8::signed_square}},
       .keys = {"momentum", "nesterov"},
       .usual = [](TrainOptions&) {},
       .hidden_matrices_only = false,
       .step = sgd_step},
  };
  return table;
}

constexpr int64_t kChunk = kernels::kElementsPerTask;
constexpr size_t kMostMoments = 2;
static_assert(kChunk % kernels::kBlock8 == 0);

// Moments of one chunk as floats, for as long as the chunk is worked on.
class ChunkMoments {
 public:
  ChunkMoments(const std::vector<Moment>& moments, int64_t begin, int64_t count)
      : moments_(moments), begin_(begin), count_(count) {
    for (size_t i = 0; i < moments.size(); ++i) {
      const Moment& moment = moments[i];
      pointers[i] = moment.values ? moment.values + begin : decoded_[i];
      if (!moment.values)
        kernels::decode8(moment.code, moment.codes + begin, scales(moment), decoded_[i], count);
    }
  }
  void store() const {
    for (size_t i = 0; i < moments_.size(); ++i)
      if (!moments_[i].values)
        kernels::encode8(moments_[i].code, decoded_[i], moments_[i].codes + begin_,
                         scales(moments_[i]), count_);
  }

  float* pointers[kMostMoments];

 private:
  float* scales(const Moment& moment) const { return moment.scales + begin_ / kernels::kBlock8; }

  const std::vector<Moment>& moments_;
  int64_t begin_, count_;
  alignas(64) float decoded_[kMostMoments][kChunk];
};

}  // namespace

void WeightUpdate::each_chunk(const std::function<void(const WeightChunk&)>& body) const {
  pool.run_chunks(count(), kChunk, [&](int64_t begin, int64_t end) {
    const ChunkMoments chunk(moments, begin, end - begin);
    body({begin, end - begin, params + begin, gradient + begin, chunk.pointers});
    chunk.store();
  });
}

bool OptimizerKind::reads(const std::string& key) const {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

const OptimizerKind& optimizer_kind(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const OptimizerKind& kind : kinds()) {
    if (kind.name == name) return kind;
    names.push_back(fmt::format("\"{}\"", kind.name));
  }
  fail_input("{}: optimizer = \"{}\"; known are {}", where, name, fmt::join(names, ", "));
}

}  // namespace avocado
