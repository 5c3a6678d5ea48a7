#pragma once
// Keeps the threads of a team on different CPUs. Kernels wake a thread where it slept, or beside
// the one that wakes it; two that have met on a CPU often stay there, at half the speed, while
// another is free, because each sleeps again before the kernel sets out to balance them. Here they
// see it and part. Nobody is bound: where a thread goes from there is up to the kernel again.

#include <atomic>
#include <memory>

namespace avocado {

class ThreadSpread {
 public:
  explicit ThreadSpread(int members);

  // Member i, on its own thread, is about to work: where another is already, it moves to a CPU that
  // it may use and no other member is on, if there is one. What the system refuses stays as it is.
  void arrive(int member);

  // Member i notes where it is, without moving: for the one who wakes the others.
  void stay(int member);

  // Member i goes to sleep: it takes no CPU.
  void leave(int member);

  // The CPU on which member i was seen last; -1 when it has left.
  int cpu(int member) const;

 private:
  int members_;
  std::unique_ptr<std::atomic<int>[]> cpus_;
};

}  // namespace avocado
