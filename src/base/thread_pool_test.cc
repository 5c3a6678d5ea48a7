#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/affinity.h"
#include "base/error.h"

namespace avocado {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(ThreadPool, EveryTaskRunsOnce) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> hits(17);
      pool.run(17, [&](int64_t i) { ++hits[i]; });
      for (auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    }
  }
}

// Runs so short that threads come to them late, and find the next one, of another length.
TEST(ThreadPool, WhoComesLateDoesTasksOfTheRunThatIs) {
  ThreadPool pool(4);
  for (int64_t round = 0; round < 20000; ++round) {
    const int64_t count = 2 + round % 9;
    std::vector<std::atomic<int64_t>> done(static_cast<size_t>(count));
    pool.run(count, [&](int64_t i) { done[static_cast<size_t>(i)] += round + 1; });
    for (const auto& value : done) ASSERT_EQ(value.load(), round + 1);
  }
}

TEST(ThreadPool, ExceptionsReachTheCaller) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.run(10,
                        [](int64_t i) {
                          if (i == 5) fail_input("task {}", i);
                        }),
               Error);
  int64_t sum = 0;
  pool.run_chunks(10, 20, [&](int64_t begin, int64_t end) { sum = end - begin; });
  EXPECT_EQ(sum, 10);
}

// A slow core holds up one chunk, the others go to the fast one: here a chunk of the second thread
// lasts until the caller has done all the rest.
TEST(ThreadPool, ChunksGoToWhoIsFree) {
  constexpr int kChunks = 40;
  ThreadPool pool(2);
  const auto fast = std::this_thread::get_id();
  std::atomic<int> by_fast = 0, by_slow = 0;
  const auto wait_for = [end = steady_clock::now() + seconds(10)](auto&& done) {
    while (!done() && steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(1));
  };
  pool.run_chunks(kChunks, 1, [&](int64_t, int64_t) {
    if (std::this_thread::get_id() == fast) {
      wait_for([&] { return by_slow > 0; });
      ++by_fast;
    } else {
      ++by_slow;
      wait_for([&] { return by_fast == kChunks - 1; });
    }
  });
  EXPECT_EQ(by_slow, 1);
  EXPECT_EQ(by_fast, kChunks - 1);
}

TEST(ThreadPool, IdleThreadsSleep) {
  const auto cpu_time = [] {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  ThreadPool pool(2);
  pool.run(8, [](int64_t) {});
  const double before = cpu_time();
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_LT(cpu_time() - before, 0.02);  // a thread that spins would take 0.2 s
}

TEST(ThreadPool, ThreadsRunWhereTheyArePlacedAndTheMakerIsReleased) {
  const std::vector<int> before = thread_cpus();
  const int cpu = before.back();
  {
    ThreadPool pool(3, {.cpus = {{cpu}}});
    std::vector<std::vector<int>> seen(64);
    pool.run(64, [&](int64_t i) {
      seen[static_cast<size_t>(i)] = thread_cpus();
      std::this_thread::sleep_for(milliseconds(1));
    });
    for (const std::vector<int>& cpus : seen) EXPECT_EQ(cpus, std::vector<int>({cpu}));
  }
  EXPECT_EQ(thread_cpus(), before);
}

TEST(ThreadPool, APlaceThatTheSystemRefusesChangesNothing) {
  const std::vector<int> before = thread_cpus();
  ThreadPool pool(2, {.cpus = {{8191}}});
  std::atomic<int> done = 0;
  pool.run(10, [&](int64_t) { done += thread_cpus() == before ? 1 : 0; });
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace avocado
