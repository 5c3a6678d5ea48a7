#include "base/cpu_topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/affinity.h"
#include "base/id_list.h"
#include "base/machine.h"

namespace avocado {
namespace {

// Below this part of the fastest, a core is an efficient one. Capacities tell how much work a core
// does: big cores of a phone have two thirds of its prime core's and more, LITTLE ones a third.
// Clocks of like cores differ by some percent (the favoured ones of a laptop), those of AMD's
// compact cores by a third.
constexpr double kEfficientCapacity = 0.5, kEfficientClock = 0.75;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<int> ids_in(const std::string& path) { return parse_id_list(first_line(path)); }

// Those whose file has a number below `part` of the greatest.
std::set<int> below(const std::string& cpus_folder, const std::vector<int>& cpus, const char* name,
                    double part) {
  std::vector<std::pair<int, double>> values;
  double most = 0, value = 0;
  for (const int cpu : cpus) {
    if (!(std::ifstream(fmt::format("{}/cpu{}/{}", cpus_folder, cpu, name)) >> value)) return {};
    values.emplace_back(cpu, value);
    most = std::max(most, value);
  }
  std::set<int> found;
  for (const auto& [cpu, own] : values)
    if (own < part * most) found.insert(cpu);
  return found;
}

std::set<int> efficient_cpus(const std::string& root, const std::vector<int>& allowed) {
  // Intel's hybrids name their performance cores. Others tell the capacity of each, or its clock.
  const std::vector<int> fast = ids_in(root + "/sys/devices/cpu_core/cpus");
  std::set<int> found;
  for (const int cpu : allowed)
    if (!fast.empty() && std::find(fast.begin(), fast.end(), cpu) == fast.end()) found.insert(cpu);
  if (found.size() == allowed.size()) return {};  // none is slow beside another
  const std::string cpus = root + "/sys/devices/system/cpu";
  if (found.empty()) found = below(cpus, allowed, "cpu_capacity", kEfficientCapacity);
  if (found.empty()) found = below(cpus, allowed, "cpufreq/cpuinfo_max_freq", kEfficientClock);
  return found;
}

int count_cores(const CpuTopology& topology, bool efficient_too) {
  std::set<int> cores;
  for (const Cpu& cpu : topology.cpus)
    if (efficient_too || !cpu.efficient) cores.insert(cpu.core);
  return static_cast<int>(cores.size());
}

}  // namespace

int CpuTopology::cores() const { return count_cores(*this, true); }
int CpuTopology::performance_cores() const { return count_cores(*this, false); }

CpuTopology read_cpu_topology(const std::string& root, const std::vector<int>& allowed) {
  CpuTopology topology;
  const std::set<int> efficient = efficient_cpus(root, allowed);
  for (const int id : allowed) {
    const std::string folder = fmt::format("{}/sys/devices/system/cpu/cpu{}/topology", root, id);
    std::vector<int> core = ids_in(folder + "/core_cpus_list");
    if (core.empty()) core = ids_in(folder + "/thread_siblings_list");  // before Linux 5.3
    topology.cpus.push_back(
        {.id = id, .core = core.empty() ? id : core.front(), .efficient = efficient.contains(id)});
  }

  const std::string nodes = root + "/sys/devices/system/node";
  const std::vector<int> with_memory = ids_in(nodes + "/has_memory");
  std::set<int> near;
  for (const int node : ids_in(nodes + "/online")) {
    const std::vector<int> own = ids_in(fmt::format("{}/node{}/cpulist", nodes, node));
    for (Cpu& cpu : topology.cpus) {
      if (!std::binary_search(own.begin(), own.end(), cpu.id)) continue;
      cpu.node = node;
      if (std::binary_search(with_memory.begin(), with_memory.end(), node)) near.insert(node);
    }
  }
  topology.memory_nodes.assign(near.begin(), near.end());
  topology.quota = read_cpu_quota(root);
  return topology;
}

const CpuTopology& cpu_topology() {
  static const CpuTopology topology = read_cpu_topology("", thread_cpus());
  return topology;
}

std::string describe_cores(const CpuTopology& topology) {
  const auto text = [&](bool efficient, const char* kind) {
    std::set<int> cores;
    size_t cpus = 0;
    for (const Cpu& cpu : topology.cpus) {
      if (cpu.efficient != efficient) continue;
      cores.insert(cpu.core);
      ++cpus;
    }
    std::string found =
        fmt::format("{} {}core{}", cores.size(), kind, cores.size() == 1 ? "" : "s");
    if (cpus > cores.size()) found += fmt::format(", {} CPUs", cpus);
    return found;
  };
  if (!topology.hybrid()) return text(false, "");
  return text(false, "performance ") + "; " + text(true, "efficiency ");
}

}  // namespace avocado
