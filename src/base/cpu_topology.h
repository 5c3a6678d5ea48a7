#pragma once
// The CPUs that this process may use: which of them share a core, which are slow by design, and
// whose memory is near. From the files of Linux under /sys; what these do not say is taken to be
// alike, so that containers and other systems have plain cores and one memory node.

#include <optional>
#include <string>
#include <vector>

namespace avocado {

struct Cpu {
  int id = 0;
  int core = 0;            // the least id among all CPUs of its core: hyper-threads share one
  int node = 0;            // memory node (NUMA)
  bool efficient = false;  // of a slow core beside faster ones: Intel's E-cores, Arm's LITTLE
};

struct CpuTopology {
  std::vector<Cpu> cpus;          // at least one, ascending by id
  std::vector<int> memory_nodes;  // ascending: nodes of these CPUs that have memory
  std::optional<double> quota;    // cores that the container may use at most, in time

  int cores() const;              // physical
  int performance_cores() const;  // at least 1; all, unless some are efficient
  bool hybrid() const { return performance_cores() < cores(); }
};

// `root` stands before every path; `allowed` are ids, ascending, not empty.
CpuTopology read_cpu_topology(const std::string& root, const std::vector<int>& allowed);

// Of this process as it was at the first call, which comes before any thread is bound.
const CpuTopology& cpu_topology();

// "4 cores", "8 performance cores, 16 CPUs; 8 efficiency cores".
std::string describe_cores(const CpuTopology& topology);

}  // namespace avocado
