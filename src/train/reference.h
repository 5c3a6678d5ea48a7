#pragma once
// reference.safetensors of a run with DPO: the log-probability of every answer of its data by the
// weights before the first step. A function of the run's definition; stored because those weights
// are gone once training begins, recomputed and compared by `avocado verify`.
//
// Tensors "train" and, with evaluation data, "eval": F64 [pairs, 2], chosen and rejected.

#include <string>

#include "train/dataset.h"
#include "train/trainer.h"

namespace avocado {

// What the data of a run is called in the file; `eval` may be null.
struct ReferenceData {
  const Dataset* train = nullptr;
  const Dataset* eval = nullptr;
};

// Computes them with the weights of a trainer before its first step.
void write_reference(const std::string& path, const ReferenceData& data, Trainer& trainer);
// Gives them to the trainer. Throws Error(input) when the file is not one of this data.
void read_reference(const std::string& path, const ReferenceData& data, Trainer& trainer);
// What differs first between the file and what this trainer, before its first step, computes; empty
// when nothing does. Throws as above.
std::string compare_reference(const std::string& path, const ReferenceData& data, Trainer& trainer);

}  // namespace avocado
