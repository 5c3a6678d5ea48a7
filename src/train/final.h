#pragma once
// The files that a finished run leaves: final.gguf, or for an adapter adapter.gguf and the folder
// adapter/ as PEFT has it.

#include <string>

#include "base/thread_pool.h"
#include "train/run.h"
#include "train/trainer.h"

namespace avocado {

// Writes them, atomically, and gives the digest of the weights in them.
std::string write_final(const Run& run, const Trainer& trainer);

// The same digest of the weights that run.final_path() holds. Throws Error(input) when it is
// damaged.
std::string read_final_digest(const Run& run, ThreadPool& pool);

}  // namespace avocado
