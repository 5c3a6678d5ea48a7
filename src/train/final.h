#pragma once
// The files that a finished run leaves: final.gguf, or for an adapter adapter.gguf and the folder
// adapter/ as PEFT has it; with averages the same once more, final-ema.gguf or adapter-ema.

#include <string>
#include <vector>

#include "train/run.h"
#include "train/trainer.h"

namespace avocado {

// Writes these weights of the trainer to `path`, run.final_path() or run.final_average_path(),
// atomically. Returns their digest.
std::string write_final(const Run& run, const Trainer& trainer, const std::string& path,
                        const std::vector<const float*>& weights);

// The weights that such a file holds, in the order of the trainer's. Throws Error(input) when it is
// damaged.
std::vector<std::vector<float>> read_final(const Run& run, const std::string& path,
                                           ThreadPool& pool);

}  // namespace avocado
