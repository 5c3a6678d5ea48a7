#include "base/thread_placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace avocado {

int default_threads(const CpuTopology& topology) {
  const int cores = topology.performance_cores();
  return topology.quota ? std::clamp(static_cast<int>(*topology.quota), 1, cores) : cores;
}

int default_threads() { return default_threads(cpu_topology()); }

std::vector<int> cpu_order(const CpuTopology& topology) {
  std::vector<std::tuple<int, int, int, int>> order;  // kind, turn in the node, node, id
  std::set<int> cores;
  std::map<std::pair<int, int>, int> turns;  // by kind and node
  for (const Cpu& cpu : topology.cpus) {
    const bool hyper_thread = !cores.insert(cpu.core).second;
    const int kind = 2 * hyper_thread + cpu.efficient;
    order.emplace_back(kind, turns[{kind, cpu.node}]++, cpu.node, cpu.id);
  }
  std::sort(order.begin(), order.end());
  std::vector<int> ids;
  for (const auto& [kind, turn, node, id] : order) ids.push_back(id);
  return ids;
}

ThreadPlacement place_threads(const CpuTopology& topology, int threads, CpuPin pin) {
  ThreadPlacement placement;
  if (pin == CpuPin::off || topology.cpus.size() < 2) return placement;
  const std::vector<int> order = cpu_order(topology);
  const auto cpu_of_thread = [&](int i) { return order[static_cast<size_t>(i) % order.size()]; };
  if (pin == CpuPin::on) {
    for (int i = 0; i < threads; ++i) placement.cpus.push_back({cpu_of_thread(i)});
    placement.text = "each on a CPU of its own";
    return placement;
  }

  const bool fast_only = topology.hybrid() && threads <= topology.performance_cores();
  std::map<int, std::vector<int>> of_node;
  std::map<int, int> node_of;
  for (const Cpu& cpu : topology.cpus) {
    node_of[cpu.id] = cpu.node;
    if (!fast_only || !cpu.efficient) of_node[cpu.node].push_back(cpu.id);
  }
  if (!fast_only && of_node.size() < 2) return placement;
  for (int i = 0; i < threads; ++i) placement.cpus.push_back(of_node[node_of[cpu_of_thread(i)]]);
  placement.text = fast_only ? "on the performance cores" : "";
  if (of_node.size() > 1)
    placement.text += std::string(fast_only ? ", " : "") + "dealt to the memory nodes";
  return placement;
}

}  // namespace avocado
