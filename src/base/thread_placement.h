#pragma once
// How many threads a process takes, and on which CPUs they run.

#include <string>
#include <vector>

#include "base/cpu_topology.h"

namespace avocado {

enum class CpuPin {
  automatic,  // sets of CPUs, where the kernel would not choose well
  on,         // a CPU for each thread: for a program that has the machine to itself
  off,        // the kernel's choice
};

struct ThreadPlacement {
  std::vector<std::vector<int>> cpus;  // on which thread i may run; empty: all may run anywhere
  std::string text = "where the kernel puts them";
};

// One per performance core, and not more than the container may use in time. Hyper-threads share
// the units that products need, so a second thread on a core only slows the first.
int default_threads(const CpuTopology& topology);
int default_threads();  // of this process

// The ids in the order in which threads take them: cores before hyper-threads, fast cores before
// slow ones, and among these one of each memory node in turn.
std::vector<int> cpu_order(const CpuTopology& topology);

// `automatic` keeps threads on the performance cores as long as these suffice, and deals them to
// the memory nodes. It binds to sets, not to single CPUs: within one the kernel still avoids those
// that are busy, so that two programs do not meet on the same core while others are idle.
ThreadPlacement place_threads(const CpuTopology& topology, int threads, CpuPin pin);

}  // namespace avocado
