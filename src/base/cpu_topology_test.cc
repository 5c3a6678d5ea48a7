// Machines as their files of /sys show them: what a program sees of them, how many threads it takes
// and on which CPUs these run.

#include "base/cpu_topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/id_list.h"
#include "base/thread_placement.h"
#include "temp_folder.h"

namespace avocado {
namespace {

using Ids = std::vector<int>;
using Sets = std::vector<Ids>;

class CpuTopologyTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  void write_cpu(int cpu, const std::string& file, const std::string& text) {
    write("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + file, text);
  }
  // All CPUs of the list are one core.
  void write_core(const std::string& cpus) {
    for (const int cpu : parse_id_list(cpus)) write_cpu(cpu, "topology/core_cpus_list", cpus);
  }
  void write_nodes(const std::vector<std::string>& cpus) {
    const std::string last = std::to_string(cpus.size() - 1), folder = "/sys/devices/system/node/";
    const std::string all = last == "0" ? "0" : "0-" + last;
    write(folder + "online", all);
    write(folder + "has_memory", all);
    for (size_t i = 0; i < cpus.size(); ++i)
      write(folder + "node" + std::to_string(i) + "/cpulist", cpus[i]);
  }
  // 6 performance cores of two hyper-threads, then 4 efficiency cores.
  void write_intel_hybrid() {
    for (const char* core : {"0-1", "2-3", "4-5", "6-7", "8-9", "10-11", "12", "13", "14", "15"})
      write_core(core);
    write("/sys/devices/cpu_core/cpus", "0-11");
    write("/sys/devices/cpu_atom/cpus", "12-15");
    write_nodes({"0-15"});
  }
  // Two sockets of 4 cores; a second CPU of each core has a high number.
  void write_two_nodes() {
    for (int i = 0; i < 8; ++i) write_core(std::to_string(i) + "," + std::to_string(i + 8));
    write_nodes({"0-3,8-11", "4-7,12-15"});
  }
  CpuTopology read(const std::string& allowed) const {
    return read_cpu_topology(root(), parse_id_list(allowed));
  }
  std::string root() const { return folder_.file("root"); }

  test::TempFolder folder_;
};

TEST_F(CpuTopologyTest, WithoutFilesAllCpusAreAlike) {
  const CpuTopology topology = read("0-3");
  EXPECT_EQ(topology.cores(), 4);
  EXPECT_FALSE(topology.hybrid());
  EXPECT_EQ(topology.memory_nodes, Ids());
  EXPECT_EQ(default_threads(topology), 4);
  EXPECT_EQ(cpu_order(topology), Ids({0, 1, 2, 3}));
  EXPECT_EQ(describe_cores(topology), "4 cores");
}

TEST_F(CpuTopologyTest, DamagedFilesSayNothing) {
  for (int cpu = 0; cpu < 4; ++cpu) {
    write_cpu(cpu, "topology/core_cpus_list", "0-,");
    write_cpu(cpu, "cpu_capacity", cpu == 2 ? "much" : "1024");
  }
  write("/sys/devices/cpu_core/cpus", "-");
  write_nodes({"all", ""});
  const CpuTopology topology = read("0-3");
  EXPECT_EQ(topology.performance_cores(), 4);
  EXPECT_EQ(topology.memory_nodes, Ids());
}

TEST_F(CpuTopologyTest, AlikeCoresAreLeftToTheKernel) {
  for (const char* core : {"0", "1", "2", "3"}) write_core(core);
  write_nodes({"0-3"});
  // A laptop's favoured cores are no other kind.
  for (int cpu = 0; cpu < 4; ++cpu)
    write_cpu(cpu, "cpufreq/cpuinfo_max_freq", cpu == 0 ? "5000000" : "4700000");
  const CpuTopology topology = read("0-3");
  EXPECT_EQ(default_threads(topology), 4);
  EXPECT_EQ(topology.memory_nodes, Ids({0}));
  for (const int threads : {1, 2, 4, 9}) {
    EXPECT_EQ(place_threads(topology, threads, CpuPin::automatic).cpus, Sets());
    EXPECT_EQ(place_threads(topology, threads, CpuPin::off).cpus, Sets());
  }
  EXPECT_EQ(place_threads(topology, 2, CpuPin::on).cpus, Sets({{0}, {1}}));
  EXPECT_EQ(place_threads(topology, 5, CpuPin::on).cpus, Sets({{0}, {1}, {2}, {3}, {0}}));
}

TEST_F(CpuTopologyTest, HyperThreadsAreNoCores) {
  for (const char* core : {"0,4", "1,5", "2,6"}) write_core(core);
  // As kernels before 5.3 have it.
  write_cpu(3, "topology/thread_siblings_list", "3,7");
  write_cpu(7, "topology/thread_siblings_list", "3,7");
  const CpuTopology topology = read("0-7");
  EXPECT_EQ(topology.cores(), 4);
  EXPECT_EQ(default_threads(topology), 4);
  EXPECT_EQ(cpu_order(topology), Ids({0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(place_threads(topology, 4, CpuPin::automatic).cpus, Sets());
  EXPECT_EQ(describe_cores(topology), "4 cores, 8 CPUs");
  // With a mask, each core counts that has a CPU left.
  EXPECT_EQ(default_threads(read("4-6")), 3);
  EXPECT_EQ(default_threads(read("0,4")), 1);
  EXPECT_EQ(cpu_order(read("0,3,4,7")), Ids({0, 3, 4, 7}));
}

TEST_F(CpuTopologyTest, IntelHybridsComputeOnPerformanceCores) {
  write_intel_hybrid();
  const CpuTopology topology = read("0-15");
  EXPECT_EQ(topology.cores(), 10);
  EXPECT_EQ(topology.performance_cores(), 6);
  EXPECT_EQ(default_threads(topology), 6);
  EXPECT_EQ(describe_cores(topology), "6 performance cores, 12 CPUs; 4 efficiency cores");
  EXPECT_EQ(cpu_order(topology), Ids({0, 2, 4, 6, 8, 10, 12, 13, 14, 15, 1, 3, 5, 7, 9, 11}));
  const Ids fast = parse_id_list("0-11");
  EXPECT_EQ(place_threads(topology, 6, CpuPin::automatic).cpus, Sets(6, fast));
  EXPECT_EQ(place_threads(topology, 6, CpuPin::automatic).text, "on the performance cores");
  EXPECT_EQ(place_threads(topology, 7, CpuPin::automatic).cpus, Sets());
  EXPECT_EQ(place_threads(topology, 3, CpuPin::on).cpus, Sets({{0}, {2}, {4}}));
  EXPECT_EQ(place_threads(topology, 6, CpuPin::off).cpus, Sets());

  // What taskset left is all that counts: slow cores alone are alike.
  EXPECT_EQ(default_threads(read("10-13")), 1);
  EXPECT_EQ(default_threads(read("12-15")), 4);
  EXPECT_FALSE(read("12-15").hybrid());
}

TEST_F(CpuTopologyTest, ArmTellsCapacities) {
  // Four LITTLE cores, three big ones and a prime one, as in a phone.
  const char* capacities[] = {"325", "325", "325", "325", "828", "828", "828", "1024"};
  for (int cpu = 0; cpu < 8; ++cpu) write_cpu(cpu, "cpu_capacity", capacities[cpu]);
  const CpuTopology topology = read("0-7");
  EXPECT_EQ(default_threads(topology), 4);
  EXPECT_EQ(cpu_order(topology), Ids({4, 5, 6, 7, 0, 1, 2, 3}));
  EXPECT_EQ(place_threads(topology, 2, CpuPin::automatic).cpus, Sets(2, {4, 5, 6, 7}));
  EXPECT_EQ(default_threads(read("0-3")), 4);
}

TEST_F(CpuTopologyTest, CompactCoresAreKnownByTheirClock) {
  for (int cpu = 0; cpu < 6; ++cpu) {
    write_cpu(cpu, "cpu_capacity", "1024");
    write_cpu(cpu, "cpufreq/cpuinfo_max_freq", cpu < 2 ? "5100000" : "3300000");
  }
  EXPECT_EQ(default_threads(read("0-5")), 2);
}

TEST_F(CpuTopologyTest, ThreadsAreDealtToMemoryNodes) {
  write_two_nodes();
  const CpuTopology topology = read("0-15");
  EXPECT_EQ(topology.memory_nodes, Ids({0, 1}));
  EXPECT_EQ(default_threads(topology), 8);
  EXPECT_EQ(cpu_order(topology), Ids({0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}));
  const Ids first = parse_id_list("0-3,8-11"), second = parse_id_list("4-7,12-15");
  EXPECT_EQ(place_threads(topology, 3, CpuPin::automatic).cpus, Sets({first, second, first}));
  EXPECT_EQ(place_threads(topology, 3, CpuPin::automatic).text, "dealt to the memory nodes");
  EXPECT_EQ(place_threads(topology, 3, CpuPin::on).cpus, Sets({{0}, {4}, {1}}));
}

TEST_F(CpuTopologyTest, OneNodeIsLeftWhereAMaskLeavesOne) {
  write_two_nodes();
  const CpuTopology one = read("4-7");
  EXPECT_EQ(one.memory_nodes, Ids({1}));
  EXPECT_EQ(place_threads(one, 4, CpuPin::automatic).cpus, Sets());
  // A node gets no more threads than it has CPUs, as long as others have some.
  EXPECT_EQ(place_threads(read("0-3,7"), 4, CpuPin::automatic).cpus,
            Sets({{0, 1, 2, 3}, {7}, {0, 1, 2, 3}, {0, 1, 2, 3}}));
}

TEST_F(CpuTopologyTest, NodesWithoutMemoryOrCpusGetNoPages) {
  write_nodes({"0-1", "2-3", ""});  // the last is slow memory that belongs to no CPU
  write("/sys/devices/system/node/has_memory", "0,2");
  EXPECT_EQ(read("0-3").memory_nodes, Ids({0}));
}

TEST_F(CpuTopologyTest, TheContainersQuotaLimitsThreads) {
  write("/proc/self/cgroup", "0::/");
  for (const auto& [quota, threads] : {std::pair{"250000 100000", 2},
                                       {"50000 100000", 1},
                                       {"900000 100000", 4},
                                       {"max 100000", 4}}) {
    write("/sys/fs/cgroup/cpu.max", quota);
    EXPECT_EQ(default_threads(read("0-3")), threads) << quota;
  }
}

TEST(CpuTopology, ThisProcessHasCpus) {
  const CpuTopology& topology = cpu_topology();
  ASSERT_FALSE(topology.cpus.empty());
  EXPECT_GE(topology.cores(), topology.performance_cores());
  EXPECT_GE(topology.performance_cores(), 1);
  EXPECT_GE(default_threads(), 1);
}

}  // namespace
}  // namespace avocado
