#include "train/processes.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace avocado {
namespace {

class SingleProcess : public Processes {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int on_this_machine() const override { return 1; }
  void exchange(std::span<const Outgoing>, std::span<const Incoming>) override {}
  void abort(int status) override { std::_Exit(status); }
};

struct Launcher {
  const char* variable;  // by which it says how many processes it started
  const char* name;
};
constexpr std::array kLaunchers = {Launcher{"OMPI_COMM_WORLD_SIZE", "mpirun"},
                                   Launcher{"SLURM_STEP_NUM_TASKS", "srun"},
                                   Launcher{"PMI_SIZE", "the launcher"}};

struct Launch {
  const char* launcher = "";
  int processes = 1;
};

// The first that is there counts: mpirun may have been started by srun.
Launch find_launch() {
  for (const auto& [variable, name] : kLaunchers) {
    const char* value = std::getenv(variable);
    if (!value) continue;
    Launch launch{name, 1};
    std::from_chars(value, value + std::strlen(value), launch.processes);
    return launch;
  }
  return {};
}

// srun --mpi=none tells its processes nothing of each other, and Open MPI would end them without
// saying what to do.
bool srun_without_mpi() {
  return !std::getenv("OMPI_COMM_WORLD_SIZE") && std::getenv("SLURM_STEP_NUM_TASKS") &&
         !std::getenv("PMIX_RANK") && !std::getenv("PMI_RANK");
}

// MPI is loaded only where it is needed: a program that is linked with it starts slower, and not at
// all on a machine without it. The linker's search path of this program has the module's folder.
constexpr const char* kModule = "avocado_mpi.so";
constexpr const char* kOpen = "avocado_open_mpi";

}  // namespace

Processes& single_process() {
  static SingleProcess single;
  return single;
}

std::unique_ptr<Processes> open_processes() {
  const Launch launch = find_launch();
  if (launch.processes <= 1) return std::make_unique<SingleProcess>();
  if (srun_without_mpi())
    fail_usage("srun started {} processes that cannot join each other; add --mpi=pmix to srun",
               launch.processes);
  // Global, because Open MPI loads modules of its own that look for its symbols.
  void* module = dlopen(kModule, RTLD_NOW | RTLD_GLOBAL);
  if (!module)
    fail_resource(
        "{} started {} processes, but this build of avocado cannot join them to one training run: "
        "{}. Install libopenmpi-dev and build avocado anew, or start one process",
        launch.launcher, launch.processes, dlerror());
  auto* open = reinterpret_cast<Processes* (*)()>(dlsym(module, kOpen));
  if (!open) fail_resource("{}: has no function {}; install avocado anew", kModule, kOpen);
  std::unique_ptr<Processes> processes(open());
  if (processes->size() != launch.processes)
    fail_usage(
        "{} started {} processes, but Open MPI sees {} of them; start them by Open MPI's mpirun or "
        "by srun --mpi=pmix",
        launch.launcher, launch.processes, processes->size());
  return processes;
}

void all_gather_bytes(Processes& processes, std::byte* all, std::span<const int64_t> cuts) {
  const int self = processes.rank();
  const auto part = [&](int rank) {
    const auto begin = static_cast<size_t>(cuts[static_cast<size_t>(rank)]);
    return std::span(all + begin, static_cast<size_t>(cuts[static_cast<size_t>(rank) + 1]) - begin);
  };
  std::vector<Processes::Outgoing> out;
  std::vector<Processes::Incoming> in;
  for (int rank = 0; rank < processes.size(); ++rank) {
    if (rank == self) continue;
    if (!part(self).empty()) out.push_back({rank, part(self)});
    if (!part(rank).empty()) in.push_back({rank, part(rank)});
  }
  processes.exchange(out, in);
}

void broadcast(Processes& processes, std::span<std::byte> bytes) {
  std::vector<int64_t> cuts(static_cast<size_t>(processes.size()) + 1,
                            static_cast<int64_t>(bytes.size()));
  cuts[0] = 0;
  all_gather_bytes(processes, bytes.data(), cuts);
}

void wait_for_leader(Processes& processes) {
  std::byte nothing{};
  broadcast(processes, std::span(&nothing, 1));
}

bool any(Processes& processes, bool value) {
  std::vector<uint8_t> values(static_cast<size_t>(processes.size()), value);
  std::vector<int64_t> cuts;
  for (int rank = 0; rank <= processes.size(); ++rank) cuts.push_back(rank);
  all_gather(processes, values.data(), cuts);
  return std::any_of(values.begin(), values.end(), [](uint8_t v) { return v != 0; });
}

}  // namespace avocado
