#include "cli/together.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/thread_placement.h"
#include "cli/failure.h"

namespace avocado::cli {

void run_together(const std::function<void(Processes&)>& work) {
  const std::unique_ptr<Processes> processes = open_processes();
  if (processes->size() == 1) return work(*processes);
  try {
    work(*processes);
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known && known->kind() == ErrorKind::interrupted) throw;  // all have stopped
    // What is wrong for all is said once: by the time the others would, the leader has ended them.
    if (!processes->leader()) std::this_thread::sleep_for(std::chrono::seconds(3));
    processes->abort(report_failure(
        error, fmt::format("process {} of {}", processes->rank(), processes->size())));
  }
}

int threads_per_process(const Processes& processes) {
  // What this process may use is its own share where the starter bound it, else the whole machine.
  const CpuTopology& topology = cpu_topology();
  const auto cpus = static_cast<double>(topology.cpus.size());
  const double cores = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)) * topology.cores() / cpus;
  return std::min(default_threads(),
                  std::max(1, static_cast<int>(cores / processes.on_this_machine())));
}

}  // namespace avocado::cli
