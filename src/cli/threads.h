#pragma once
// How many threads a verb takes and where they run: --threads and --cpu-pin.

#include <CLI/CLI.hpp>

#include "base/thread_pool.h"

namespace avocado::cli {

struct ThreadArguments {
  int count = 0;  // 0: default_threads()
  CpuPin pin = CpuPin::automatic;
};

void add_thread_arguments(CLI::App& verb, ThreadArguments& arguments);
void add_cpu_pin(CLI::App& verb, CpuPin& pin);

ThreadPool make_pool(const ThreadArguments& arguments, int by_default = default_threads());

}  // namespace avocado::cli
