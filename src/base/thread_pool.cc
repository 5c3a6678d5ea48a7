#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace avocado {
namespace {

// Waiting threads look at the flag this often before they sleep; the gaps between kernels of one
// model step are shorter than this, idle time is longer.
constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

void wait_while_equal(std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::Team {
  std::atomic<uint32_t> epoch{0};       // raised once per run
  std::atomic<uint32_t> unfinished{0};  // workers still in the current run
  std::atomic<int64_t> next{0};
  int64_t count = 0;
  const std::function<void(int64_t)>* task = nullptr;
  bool stop = false;
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

  void work() {
    uint32_t seen = 0;
    for (;;) {
      wait_while_equal(epoch, seen);
      seen = epoch.load(std::memory_order_acquire);
      if (stop) return;
      drain();
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads)
    : threads_(std::max(1, threads)), team_(std::make_unique<Team>()) {
  for (int i = 1; i < threads_; ++i)
    team_->workers.emplace_back([team = team_.get()] { team->work(); });
}

ThreadPool::~ThreadPool() {
  team_->stop = true;
  team_->epoch.fetch_add(1, std::memory_order_release);
  team_->epoch.notify_all();
  for (std::thread& worker : team_->workers) worker.join();
}

void ThreadPool::run(int64_t count, const std::function<void(int64_t)>& task) {
  if (count <= 0) return;
  Team& team = *team_;
  if (team.workers.empty() || count == 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  team.count = count;
  team.task = &task;
  team.next.store(0, std::memory_order_relaxed);
  team.unfinished.store(static_cast<uint32_t>(team.workers.size()), std::memory_order_relaxed);
  team.epoch.fetch_add(1, std::memory_order_release);
  team.epoch.notify_all();
  team.drain();
  for (uint32_t left; (left = team.unfinished.load(std::memory_order_acquire)) != 0;)
    wait_while_equal(team.unfinished, left);
  if (team.error) std::rethrow_exception(std::exchange(team.error, nullptr));
}

void ThreadPool::run_chunks(int64_t items, int64_t chunk,
                            const std::function<void(int64_t, int64_t)>& body) {
  const int64_t tasks = (items + chunk - 1) / chunk;
  run(tasks, [&](int64_t i) { body(i * chunk, std::min(items, (i + 1) * chunk)); });
}

int default_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace avocado
