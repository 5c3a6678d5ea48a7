#include "base/affinity.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

namespace avocado {
namespace {

constexpr int kMaxCpus = 8192;  // the most for which Linux can be built; one cpu_set_t has 1024

struct CpuSet {
  std::array<cpu_set_t, kMaxCpus / CPU_SETSIZE> bits{};
  static constexpr size_t kBytes = sizeof bits;
};

}  // namespace

std::vector<int> thread_cpus() {
  std::vector<int> cpus;
  CpuSet set;
  if (sched_getaffinity(0, CpuSet::kBytes, set.bits.data()) == 0)
    for (int cpu = 0; cpu < kMaxCpus; ++cpu)
      if (CPU_ISSET_S(cpu, CpuSet::kBytes, set.bits.data())) cpus.push_back(cpu);
  if (cpus.empty()) {
    cpus.resize(std::max(1u, std::thread::hardware_concurrency()));
    std::iota(cpus.begin(), cpus.end(), 0);
  }
  return cpus;
}

bool bind_thread(std::span<const int> cpus) {
  CpuSet set;
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < kMaxCpus) CPU_SET_S(cpu, CpuSet::kBytes, set.bits.data());
  return sched_setaffinity(0, CpuSet::kBytes, set.bits.data()) == 0;
}

}  // namespace avocado
