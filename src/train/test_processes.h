#pragma once
// Processes for tests: threads of one process that hand each other bytes through memory.

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "train/processes.h"

namespace avocado::test {

class Mailboxes {
 public:
  void put(int from, int to, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    boxes_[{from, to}].emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }
  std::vector<std::byte> take(int from, int to) {
    std::unique_lock lock(mutex_);
    auto& box = boxes_[{from, to}];
    changed_.wait(lock, [&] { return !box.empty() || closed_; });
    if (closed_) throw std::runtime_error("another process has failed");
    std::vector<std::byte> bytes = std::move(box.front());
    box.pop_front();
    return bytes;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> boxes_;
  bool closed_ = false;
};

class ThreadProcess : public Processes {
 public:
  ThreadProcess(Mailboxes& boxes, int rank, int size) : boxes_(boxes), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int on_this_machine() const override { return size_; }
  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in) override {
    for (const Outgoing& message : out) boxes_.put(rank_, message.to, message.bytes);
    for (const Incoming& message : in) {
      const std::vector<std::byte> bytes = boxes_.take(message.from, rank_);
      if (bytes.size() != message.bytes.size())
        throw std::runtime_error("a message of another size is expected");
      std::copy(bytes.begin(), bytes.end(), message.bytes.begin());
    }
  }
  void abort(int) override { throw std::logic_error("abort"); }

 private:
  Mailboxes& boxes_;
  int rank_, size_;
};

// Runs `work` in `size` processes.
inline void run_processes(int size, const std::function<void(Processes&)>& work) {
  Mailboxes boxes;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadProcess process(boxes, rank, size);
      try {
        work(process);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "process " << rank << " of " << size << ": " << error.what();
        boxes.close();
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace avocado::test
