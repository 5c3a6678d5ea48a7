#pragma once
// What the machine offers and what slows it down, from the files of Linux: /proc and /sys. What a
// file does not say stays empty, so that all of it works in containers and on other systems.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace avocado {

struct Machine {
  std::string cpu_model;  // "unknown" when the kernel does not say
  int64_t cpus_online = 0;
  std::optional<double> load;       // average over a minute: programs that wanted a core
  std::optional<double> cpu_quota;  // read_cpu_quota
  std::optional<uint64_t> memory_total, memory_available, memory_limit;  // bytes
  std::string transparent_huge_pages;    // always, madvise, never; empty: the kernel has none
  std::string governor, clock_driver;    // "powersave", "acpi-cpufreq"; empty in most containers
  std::optional<double> clock_nominal;   // Hz
  std::optional<double> clock_measured;  // Hz of one busy core, by measure_clock()
  uint64_t thermal_throttles = 0;        // times that heat slowed the clock down since the start
};

// `root` stands before every path; tests put files of their own there. Does not measure the clock.
Machine read_machine(const std::string& root = "");

// Cores that this process may use at most, in time: the tightest limit of its control groups.
std::optional<double> read_cpu_quota(const std::string& root = "");

// Hz of a core that computes for some milliseconds: the fastest of several moments, so that other
// programs do not count. Empty where it is not known how long an instruction takes.
std::optional<double> measure_clock();

// One line for each thing in the way of speed, with what to do about it.
std::vector<std::string> advice(const Machine& machine, int64_t cpus_usable);

}  // namespace avocado
