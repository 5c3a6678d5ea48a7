#pragma once
// A fixed team of threads. Threads never change a result: a task writes only outputs that no other
// task writes, and the number of tasks never depends on the number of threads.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/thread_placement.h"

namespace avocado {

class ThreadPool {
 public:
  // A team of `threads` (>= 1), the calling thread included: it is bound as the placement says
  // until the pool is destroyed, by the same thread. What the system refuses to bind runs where it
  // is.
  explicit ThreadPool(int threads, const ThreadPlacement& placement = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls task(i) once for each i in [0, count), on any thread in any order, and returns when all
  // are done. A thread takes the next task when it has done its last, so that a fast core does more
  // of them than a slow one, or one that is shared with another program. The first exception is
  // rethrown. Not reentrant: a task must not call run.
  void run(int64_t count, const std::function<void(int64_t)>& task);

  // Splits [0, items) into chunks of `chunk` items (the last may be shorter) and calls
  // body(begin, end) for each.
  void run_chunks(int64_t items, int64_t chunk, const std::function<void(int64_t, int64_t)>& body);

 private:
  struct Team;
  int threads_;
  std::unique_ptr<Team> team_;
};

}  // namespace avocado
