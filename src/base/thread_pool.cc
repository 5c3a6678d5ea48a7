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
  std::atomic<uint32_t> epoch{0};       // raised once per run
  std::atomic<uint32_t> unfinished{0};  // workers still in the current run
  std::atomic<int64_t> next{0};
  int64_t count = 0;
  const std::function<void(int64_t)>* task = nullptr;
  bool stop = false;
  std::optional<ThreadSpread> spread;  // where all run at once; only these spin
  std::vector<int> cpus_before;        // of the thread that made the pool, when it was bound
  std::mutex error_mutex;
  std::exception_ptr error;
  std::vector<std::thread> workers;

  void drain() {
    for (;;) {
      const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      try {
        (*task)(i);
      } catch (...) {
        std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
    }
  }

  void work(int member) {
    uint32_t seen = 0;
    for (;;) {
      if (!spread || !spin_while_equal(epoch, seen)) {
        if (spread) spread->leave(member);
        epoch.wait(seen, std::memory_order_acquire);
      }
      seen = epoch.load(std::memory_order_acquire);
      if (stop) return;
      if (spread) spread->arrive(member);
      drain();
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
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
  team_->epoch.fetch_add(1, std::memory_order_release);
  team_->epoch.notify_all();
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
  team.next.store(0, std::memory_order_relaxed);
  team.unfinished.store(static_cast<uint32_t>(team.workers.size()), std::memory_order_relaxed);
  team.epoch.fetch_add(1, std::memory_order_release);
  team.epoch.notify_all();
  team.drain();
  for (uint32_t left; (left = team.unfinished.load(std::memory_order_acquire)) != 0;)
    if (!team.spread || !spin_while_equal(team.unfinished, left))
      team.unfinished.wait(left, std::memory_order_acquire);
  if (team.error) std::rethrow_exception(std::exchange(team.error, nullptr));
}

void ThreadPool::run_chunks(int64_t items, int64_t chunk,
                            const std::function<void(int64_t, int64_t)>& body) {
  const int64_t tasks = (items + chunk - 1) / chunk;
  run(tasks, [&](int64_t i) { body(i * chunk, std::min(items, (i + 1) * chunk)); });
}

}  // namespace avocado
