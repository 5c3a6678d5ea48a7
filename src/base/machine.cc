#include "base/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/id_list.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

template <class Number>
std::optional<Number> number_in(const std::string& path) {
  std::istringstream line(first_line(path));
  Number value{};
  return line >> value ? std::optional(value) : std::nullopt;
}

// The value of "key : value" or "key: value"; empty when there is none.
std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return {};
}

std::optional<uint64_t> meminfo_bytes(const std::string& root, const std::string& key) {
  std::istringstream value(value_of(root + "/proc/meminfo", key + ":"));
  uint64_t kilobytes = 0;
  return value >> kilobytes ? std::optional(kilobytes * 1024) : std::nullopt;
}

template <class T>
void keep_least(std::optional<T>& least, T value) {
  least = least ? std::min(*least, value) : value;
}

constexpr const char* kGroups = "/sys/fs/cgroup";

// Limits hold for a group and all below it: this process's group and those above count.
std::vector<std::string> groups_of_process(const std::string& root) {
  std::vector<std::string> groups = {""};
  std::ifstream own(root + "/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::/")) continue;
    for (size_t slash = 3; slash != std::string::npos; slash = line.find('/', slash + 1))
      groups.push_back(line.substr(3, line.find('/', slash + 1) - 3));
  }
  return groups;
}

std::optional<uint64_t> read_memory_limit(const std::string& root) {
  const std::string base = root + kGroups;
  std::optional<uint64_t> least;
  for (const std::string& group : groups_of_process(root))
    if (const auto bytes = number_in<uint64_t>(base + group + "/memory.max"))
      keep_least(least, *bytes);
  // The first version of control groups; a huge number means no limit.
  const auto bytes = number_in<uint64_t>(base + "/memory/memory.limit_in_bytes");
  if (bytes && *bytes < (uint64_t{1} << 60)) keep_least(least, *bytes);
  return least;
}

std::string in_brackets(const std::string& line) {  // "always [madvise] never"
  const size_t open = line.find('['), close = line.find(']');
  return open == std::string::npos || close < open ? "" : line.substr(open + 1, close - open - 1);
}

std::optional<double> nominal_clock(const std::string& root, const std::string& cpu) {
  if (const auto khz = number_in<double>(cpu + "/cpufreq/base_frequency")) return *khz * 1e3;
  // With a driver of the clock, this is the clock of the moment.
  if (fs::exists(cpu + "/cpufreq")) return std::nullopt;
  std::istringstream text(value_of(root + "/proc/cpuinfo", "cpu MHz"));
  double mhz = 0;
  return text >> mhz ? std::optional(mhz * 1e6) : std::nullopt;
}

}  // namespace

std::optional<double> read_cpu_quota(const std::string& root) {
  const std::string base = root + kGroups;
  std::optional<double> least;
  for (const std::string& group : groups_of_process(root)) {
    std::istringstream cpu(first_line(base + group + "/cpu.max"));  // "150000 100000", "max 100000"
    double quota = 0, period = 0;
    if (cpu >> quota >> period && period > 0) keep_least(least, quota / period);
  }
  // The first version of control groups.
  const auto quota = number_in<double>(base + "/cpu/cpu.cfs_quota_us");
  const auto period = number_in<double>(base + "/cpu/cpu.cfs_period_us");
  if (quota && period && *quota > 0 && *period > 0) keep_least(least, *quota / *period);
  return least;
}

Machine read_machine(const std::string& root) {
  Machine m;
  m.cpu_model = value_of(root + "/proc/cpuinfo", "model name");
  utsname names{};
  if (m.cpu_model.empty())
    m.cpu_model = uname(&names) == 0 ? std::string(names.machine) + " CPU" : "unknown";
  const std::string cpus = root + "/sys/devices/system/cpu";
  m.cpus_online = static_cast<int64_t>(parse_id_list(first_line(cpus + "/online")).size());
  m.load = number_in<double>(root + "/proc/loadavg");
  m.memory_total = meminfo_bytes(root, "MemTotal");
  m.memory_available = meminfo_bytes(root, "MemAvailable");
  m.cpu_quota = read_cpu_quota(root);
  m.memory_limit = read_memory_limit(root);
  m.transparent_huge_pages =
      in_brackets(first_line(root + "/sys/kernel/mm/transparent_hugepage/enabled"));
  m.governor = first_line(cpus + "/cpu0/cpufreq/scaling_governor");
  m.clock_driver = first_line(cpus + "/cpu0/cpufreq/scaling_driver");
  m.clock_nominal = nominal_clock(root, cpus + "/cpu0");
  std::error_code none;
  for (const fs::directory_entry& cpu : fs::directory_iterator(cpus, none)) {
    const fs::path file = cpu.path() / "thermal_throttle/core_throttle_count";
    m.thermal_throttles =
        std::max(m.thermal_throttles, number_in<uint64_t>(file.string()).value_or(0));
  }
  return m;
}

std::optional<double> measure_clock() {
#if defined(__x86_64__)
  // Each product waits for the one before: 3 cycles on every such processor of the last ten years.
  constexpr int kProducts = 300000, kMoments = 40;
  double best = 0;
  for (int moment = 0; moment < kMoments; ++moment) {
    uint64_t x = 3;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kProducts / 10; ++i)
      asm volatile(
          "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
          "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
          : "+r"(x)
          :
          : "cc");
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, 3.0 * kProducts / time.count());
  }
  return best;
#else
  return std::nullopt;
#endif
}

std::vector<std::string> advice(const Machine& m, int64_t cpus_usable) {
  std::vector<std::string> found;
  const auto add = [&]<class... T>(fmt::format_string<T...> text, T&&... values) {
    found.push_back(fmt::format(text, std::forward<T>(values)...));
  };
  if (m.load && *m.load > 0.5 * static_cast<double>(m.cpus_online))
    add("the machine is busy (load {:.1f} on {} CPUs): times measured now mean little; end other "
        "programs, or give --threads the number of free cores",
        *m.load, m.cpus_online);
  if (cpus_usable < m.cpus_online)
    add("this process may use {} of {} CPUs: look at taskset, or at the settings of the container",
        cpus_usable, m.cpus_online);
  if (m.cpu_quota && *m.cpu_quota < static_cast<double>(cpus_usable))
    add("the container may use {:.1f} CPUs in time, though {} are there, and with more than "
        "--threads {} is stopped again and again: raise its CPU quota (docker: --cpus)",
        *m.cpu_quota, cpus_usable, std::max(1, static_cast<int>(std::floor(*m.cpu_quota))));
  if (m.clock_nominal && m.clock_measured && *m.clock_measured < 0.85 * *m.clock_nominal)
    add("a busy core runs at {:.2f} GHz, below its nominal {:.2f} GHz: look at cooling, at power "
        "limits, and at other programs on the same cores",
        *m.clock_measured * 1e-9, *m.clock_nominal * 1e-9);
  if (m.thermal_throttles > 0)
    add("heat slowed the clock down {} times since the machine started: look at its cooling",
        m.thermal_throttles);
  // These two drivers run at full speed under load with that governor too.
  if (m.governor == "powersave" && m.clock_driver != "intel_pstate" &&
      m.clock_driver != "amd-pstate-epp")
    add("the clock's governor is powersave; as root: cpupower frequency-set -g performance");
  if (m.transparent_huge_pages.empty() || m.transparent_huge_pages == "never")
    add("no transparent huge pages: large models run slower; as root: echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled");
  constexpr uint64_t kLittle = uint64_t{2} << 30;  // a model of a billion weights in 4 bits, twice
  if (m.memory_limit && *m.memory_limit < kLittle)
    add("the container may use {:.1f} GiB of memory: models above a third of that do not fit; "
        "raise "
        "its limit (docker: --memory)",
        static_cast<double>(*m.memory_limit) / (1 << 30));
  if (m.memory_available && *m.memory_available < kLittle)
    add("{:.1f} GiB of memory are free: models above a third of that do not fit; end other "
        "programs",
        static_cast<double>(*m.memory_available) / (1 << 30));
  return found;
}

}  // namespace avocado
