#pragma once
// The optimizers by name: a file each here, and a line each in the table in optimizers.cc.
//
// An optimizer is what it keeps of a weight (its moments) and a step that moves the weight. How
// moments are stored, f32 or 8 bits, is nothing it sees: each_chunk hands them out as floats.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/block8/code.h"
#include "tensor/buffer.h"
#include "train/options.h"

namespace avocado {

// One moment of one weight: floats, or codes with a scale per block (kernels/block8).
struct Moment {
  float* values = nullptr;
  uint8_t* codes = nullptr;
  float* scales = nullptr;
  kernels::Code8 code{};
};

// Some elements of a weight, the first of them number `begin`.
struct WeightChunk {
  int64_t begin, count;
  float* params;
  const float* gradient;
  float* const* moments;  // in the order of OptimizerKind::moments
};

// One step of one weight.
struct WeightUpdate {
  ThreadPool& pool;
  const TrainOptions& options;
  Buffer<float>& scratch;
  int64_t step;  // 1 is the first
  float lr, weight_decay;
  float grad_scale;  // the gradient is multiplied by it on the way in
  int64_t rows, cols;
  float* params;
  const float* gradient;
  std::vector<Moment> moments;

  int64_t count() const { return rows * cols; }
  // Calls body for chunks of a constant size, on any thread. Moments in 8 bits are decoded before
  // it and encoded after it.
  void each_chunk(const std::function<void(const WeightChunk&)>& body) const;
};

struct MomentKind {
  const char* name;
  kernels::Code8 code;  // in 8 bits
};

struct OptimizerKind {
  const char* name;
  std::vector<MomentKind> moments;
  std::vector<const char*> keys;  // of [train] that it reads, beside lr and weight_decay
  void (*usual)(TrainOptions&);   // sets those to what its authors use
  // True: only for matrices between the embedding and the head; adamw takes the other weights.
  bool hidden_matrices_only;
  void (*step)(const WeightUpdate&);
  // Floats it takes while it moves a matrix; null: none.
  size_t (*scratch)(int64_t rows, int64_t cols) = nullptr;

  bool reads(const std::string& key) const;
};

// Throws Error(input) that begins with `where` and lists the names when there is none of this name.
const OptimizerKind& optimizer_kind(const std::string& name, const std::string& where);

void adamw_step(const WeightUpdate& update);
void lion_step(const WeightUpdate& update);
void muon_step(const WeightUpdate& update);
size_t muon_scratch(int64_t rows, int64_t cols);
void sgd_step(const WeightUpdate& update);

}  // namespace avocado
