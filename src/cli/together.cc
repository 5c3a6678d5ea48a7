#include "cli/together.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"
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
  const auto cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return std::min(default_threads(), std::max(1, cores / processes.on_this_machine()));
}

}  // namespace avocado::cli
