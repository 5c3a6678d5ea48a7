#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/thread_spread.h"

namespace avocado {
namespace {

// Waiting threads look at the flag for this long before they sleep: the gaps between kernels of one
// model step are shorter, idle time is longer. Without it decoding is 3 % slower; four times as
// much gains nothing, and on a busy machine costs 10 to 20 %.
constexpr std::chrono::microseconds kSpin{50};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // a pause of some ten cycles, where yield is none
#endif
}

// False when it still is after all that time.
bool spin_while_equal(const std::atomic<uint32_t>& value, uint32_t old) {
  constexpr int kLooksPerTime = 32;  // a look at the clock costs as much as some at the flag
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kLooksPerTime; ++i) {
      if (value.load(std::memory_order_acquire) != old) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Where threads have to share CPUs, one that spins keeps another from its work.
bool all_run_at_once(int threads) {
  const CpuTopology& topology = cpu_topology();
  const auto cpus = static_cast<double>(topology.cpus.size());
  return threads <= std::min(cpus, topology.quota.value_or(cpus));
}

}  // namespace

struct ThreadPool::Team {
  std::atomic<uint32_t> begun{0};     // runs
  std::atomic<uint32_t> finished{0};  // runs
  std::atomic<int64_t> remaining{0};  // tasks that nobody has taken
  std::atomic<int64_t> undone{0};     // tasks
  // Whoever has taken a task may read these until it is done: so long its run lasts.
  int64_t count = 0;
  const std::function<void(int64_t)>* task = nullptr;
  std::atomic<bool> stop{false};
  std::optional<ThreadSpread> spread;  // where all run at once; only these spin
  std::vector<int> cpus_before;        // of the thread that made the pool, when it was bound
  std::mutex error_mutex;
  std::exception_ptr error;
  std::vector<std::thread> workers;

  // A run is finished when its tasks are, no matter who has done them: one who wakes up late is not
  // waited for, and helps with whatever run there is by then.
  void drain() {
    int64_t done = 0;
    for (int64_t left = remaining.load(std::memory_order_relaxed); left > 0;) {
      if (!remaining.compare_exchange_weak(left, left - 1, std::memory_order_acquire,
                                           std::memory_order_relaxed))
        continue;
      try {
        (*task)(count - left);
      } catch (...) {
        std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
      ++done;
      left = remaining.load(std::memory_order_relaxed);
    }
    if (done == 0 || undone.fetch_sub(done, std::memory_order_acq_rel) > done) return;
    finished.fetch_add(1, std::memory_order_release);
    finished.notify_one();
  }

  void work(int member) {
    uint32_t seen = 0;
    for (;;) {
      if (!spread || !spin_while_equal(begun, seen)) {
        if (spread) spread->leave(member);
        begun.wait(seen, std::memory_order_acquire);
      }
      seen = begun.load(std::memory_order_acquire);
      if (stop) return;
      if (spread) spread->arrive(member);
      drain();
    }
  }
};

ThreadPool::ThreadPool(int threads, const ThreadPlacement& placement)
    : threads_(std::max(1, threads)), team_(std::make_unique<Team>()) {
  Team* team = team_.get();
  if (all_run_at_once(threads_)) team->spread.emplace(threads_);
  const auto cpus_of = [&](int i) {
    return placement.cpus.empty() ? std::vector<int>()
                                  : placement.cpus[static_cast<size_t>(i) % placement.cpus.size()];
  };
  for (int i = 1; i < threads_; ++i)
    team->workers.emplace_back([team, i, cpus = cpus_of(i)] {
      if (!cpus.empty()) bind_thread(cpus);
      team->work(i);
    });
  if (placement.cpus.empty()) return;
  team->cpus_before = thread_cpus();
  bind_thread(cpus_of(0));
}

ThreadPool::~ThreadPool() {
  team_->stop = true;
  team_->begun.fetch_add(1, std::memory_order_release);
  team_->begun.notify_all();
  for (std::thread& worker : team_->workers) worker.join();
  if (!team_->cpus_before.empty()) bind_thread(team_->cpus_before);
}

void ThreadPool::run(int64_t count, const std::function<void(int64_t)>& task) {
  if (count <= 0) return;
  Team& team = *team_;
  if (team.workers.empty() || count == 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  if (team.spread) team.spread->stay(0);
  team.count = count;
  team.task = &task;
  team.undone.store(count, std::memory_order_relaxed);
  const uint32_t before = team.finished.load(std::memory_order_relaxed);
  team.remaining.store(count, std::memory_order_release);
  team.begun.fetch_add(1, std::memory_order_release);
  team.begun.notify_all();
  team.drain();
  while (team.finished.load(std::memory_order_acquire) == before)
    if (!team.spread || !spin_while_equal(team.finished, before))
      team.finished.wait(before, std::memory_order_acquire);
  if (team.error) std::rethrow_exception(std::exchange(team.error, nullptr));
}

void ThreadPool::run_chunks(int64_t items, int64_t chunk,
                            const std::function<void(int64_t, int64_t)>& body) {
  const int64_t tasks = (items + chunk - 1) / chunk;
  run(tasks, [&](int64_t i) { body(i * chunk, std::min(items, (i + 1) * chunk)); });
}

}  // namespace avocado
