#include "base/thread_spread.h"

#include <sched.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/affinity.h"

namespace avocado {

ThreadSpread::ThreadSpread(int members)
    : members_(members), cpus_(new std::atomic<int>[static_cast<size_t>(members)]) {
  for (int i = 0; i < members; ++i) leave(i);
}

int ThreadSpread::cpu(int member) const {
  return cpus_[static_cast<size_t>(member)].load(std::memory_order_relaxed);
}

void ThreadSpread::leave(int member) {
  cpus_[static_cast<size_t>(member)].store(-1, std::memory_order_relaxed);
}

void ThreadSpread::stay(int member) {
  const int here = sched_getcpu();
  // Others read this line at every run: it is written when something has changed.
  if (cpu(member) != here)
    cpus_[static_cast<size_t>(member)].store(here, std::memory_order_relaxed);
}

void ThreadSpread::arrive(int member) {
  const auto taken = [&](int id) {
    for (int i = 0; i < members_; ++i)
      if (i != member && cpu(i) == id) return true;
    return false;
  };
  if (taken(sched_getcpu())) {
    const std::vector<int> allowed = thread_cpus();
    std::vector<int> free;
    std::remove_copy_if(allowed.begin(), allowed.end(), std::back_inserter(free), taken);
    if (!free.empty() && bind_thread(free)) bind_thread(allowed);
  }
  stay(member);
}

}  // namespace avocado
