// The files of Linux are read, and each thing in the way of speed is said once.

#include "base/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temp_folder.h"

namespace avocado {
namespace {

class MachineTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  std::string root() const { return folder_.file("root"); }
  // A machine without faults.
  void write_good() {
    write("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\ncpu MHz\t\t: 2100.0");
    write("/proc/meminfo", "MemTotal:  16777216 kB\nMemAvailable:  8388608 kB");
    write("/proc/loadavg", "0.25 0.10 0.05 1/100 1234");
    write("/proc/self/cgroup", "0::/work/inner");
    write("/sys/devices/system/cpu/online", "0-2,4");
    write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    write("/sys/fs/cgroup/cpu.max", "max 100000");
  }
  // As many lines as words, and each with its word.
  void expect_advice(const std::vector<std::string>& words, int64_t cpus = 4) {
    expect_words(advice(read_machine(root()), cpus), words);
  }
  static void expect_words(const std::vector<std::string>& lines,
                           const std::vector<std::string>& words) {
    ASSERT_EQ(lines.size(), words.size()) << testing::PrintToString(lines);
    for (size_t i = 0; i < lines.size(); ++i)
      EXPECT_NE(lines[i].find(words[i]), std::string::npos) << lines[i];
  }

  test::TempFolder folder_;
};

TEST_F(MachineTest, ReadsWhatTheFilesSay) {
  write_good();
  const Machine m = read_machine(root());
  EXPECT_EQ(m.cpu_model, "Some CPU");
  EXPECT_EQ(m.cpus_online, 4);
  EXPECT_EQ(m.load, 0.25);
  EXPECT_EQ(m.cpu_quota, std::nullopt);
  EXPECT_EQ(m.memory_total, uint64_t{16} << 30);
  EXPECT_EQ(m.memory_available, uint64_t{8} << 30);
  EXPECT_EQ(m.memory_limit, std::nullopt);
  EXPECT_EQ(m.transparent_huge_pages, "madvise");
  EXPECT_EQ(m.clock_nominal, 2.1e9);
  expect_advice({});
}

TEST_F(MachineTest, TheTightestLimitOfAllGroupsCounts) {
  write_good();
  write("/sys/fs/cgroup/work/cpu.max", "150000 100000");
  write("/sys/fs/cgroup/work/inner/cpu.max", "300000 100000");
  write("/sys/fs/cgroup/work/memory.max", "max");
  write("/sys/fs/cgroup/work/inner/memory.max", "1073741824");
  EXPECT_EQ(read_machine(root()).cpu_quota, 1.5);
  EXPECT_EQ(read_machine(root()).memory_limit, uint64_t{1} << 30);
  expect_advice({"--threads 1", "--memory"});
}

TEST_F(MachineTest, TheFirstVersionOfControlGroupsIsReadToo) {
  write_good();
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  expect_advice({});
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000");
  expect_advice({"--threads 2"});
}

TEST_F(MachineTest, EachThingInTheWayIsSaidWithItsRemedy) {
  write_good();
  write("/proc/loadavg", "3.50 1 1 1/1 1");
  expect_advice({"load 3.5 on 4 CPUs"});
  write_good();
  expect_advice({"3 of 4 CPUs"}, 3);
  write("/sys/devices/system/cpu/cpu4/thermal_throttle/core_throttle_count", "7");
  expect_advice({"7 times"});
  write("/sys/devices/system/cpu/cpu4/thermal_throttle/core_throttle_count", "0");
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
  expect_advice({"cpupower"});
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "intel_pstate");
  expect_advice({});
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance");
  write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
  expect_advice({"echo madvise"});
  write_good();
  write("/proc/meminfo", "MemTotal:  16777216 kB\nMemAvailable:  1048576 kB");
  expect_advice({"1.0 GiB of memory are free"});
}

TEST_F(MachineTest, ASlowClockIsSaid) {
  write_good();
  Machine m = read_machine(root());
  m.clock_measured = 2.0e9;
  expect_words(advice(m, 4), {});
  m.clock_measured = 1.2e9;
  expect_words(advice(m, 4), {"1.20 GHz, below its nominal 2.10 GHz"});
}

TEST_F(MachineTest, EmptyAndDamagedFilesSayNothing) {
  const Machine none = read_machine(root());
  EXPECT_EQ(none.load, std::nullopt);
  EXPECT_EQ(none.cpus_online, 0);
  write("/proc/self/cgroup", "0::/");
  for (const char* path :
       {"/proc/loadavg", "/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup/cpu.max",
        "/sys/fs/cgroup/memory.max", "/sys/devices/system/cpu/online",
        "/sys/kernel/mm/transparent_hugepage/enabled"})
    write(path, "]-,: [\nMemTotal:\ncpu MHz");
  const Machine damaged = read_machine(root());
  EXPECT_EQ(damaged.load, std::nullopt);
  EXPECT_EQ(damaged.memory_total, std::nullopt);
  EXPECT_EQ(damaged.cpu_quota, std::nullopt);
  EXPECT_EQ(damaged.cpus_online, 0);
  EXPECT_EQ(damaged.transparent_huge_pages, "");
}

}  // namespace
}  // namespace avocado
