#pragma once
// Work that the processes of a launcher (mpirun, srun) do together.

#include <functional>

#include "train/processes.h"

namespace avocado::cli {

// Runs `work` in every process. An error in one of them is printed with its number and ends all.
void run_together(const std::function<void(Processes&)>& work);

// One thread per core that this process may use, or its share of the machine's when several
// processes are there.
int threads_per_process(const Processes& processes);

}  // namespace avocado::cli
