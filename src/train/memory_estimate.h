#pragma once
// The memory a training run takes at its peak, computed before it allocates any.

#include <cstdint>
#include <string>

#include "models/config.h"
#include "train/dataset.h"
#include "train/options.h"

namespace avocado {

struct MemoryEstimate {  // bytes
  uint64_t weights = 0;
  uint64_t gradient = 0;
  uint64_t partials = 0;     // sums of micro-batches that wait for others (gradient_tree.h)
  uint64_t optimizer = 0;    // what the optimizer keeps and needs while it works
  uint64_t activations = 0;  // values kept for the backward pass, gradients of values, keys and
                             // values of a layer, a block of logits
  uint64_t products = 0;     // the largest matrix as products read it
  uint64_t exchange = 0;     // with other processes
  uint64_t data = 0;         // token shards; mapped files, which the system may drop and read again
  uint64_t program = 0;      // code, tokenizer, scratch memory of threads

  uint64_t total() const {
    return weights + gradient + partials + optimizer + activations + products + exchange + data +
           program;
  }
};

struct MemoryRequest {
  const ModelConfig& config;
  TrainOptions options;
  bool recompute = false;
  const Dataset& train;
  const Dataset* eval = nullptr;
  int threads = 1;
  int processes = 1, rank = 0;  // of the process that asks
};

// Of one process, for the largest batch that can come, with rows in any order.
MemoryEstimate estimate_memory(const MemoryRequest& request);

// "3.1 GiB: weights 0.4 GiB, ..."; parts that are nothing are left out.
std::string describe_memory(const MemoryEstimate& estimate);

// "8GiB", "500MiB" or a plain number of bytes. Throws Error(input) that begins with `where`.
uint64_t parse_memory(const std::string& text, const std::string& where);

// Throws Error(resource) with the numbers and what would need less, when the run needs more than
// `allowed` (0: no such limit) or than `available`, what the machine has left (0: unknown).
void require_memory(const MemoryRequest& request, uint64_t allowed, uint64_t available);

// What this machine has left, and the container allows; 0 when it does not say.
uint64_t available_memory();

}  // namespace avocado
