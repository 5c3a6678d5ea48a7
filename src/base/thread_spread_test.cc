#include "base/thread_spread.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/affinity.h"

namespace avocado {
namespace {

// One thread plays all members, each time bound to the CPU where that member is to be.
struct AllMembers {
  std::vector<int> cpus = thread_cpus();
  ~AllMembers() { bind_thread(cpus); }
  void go(int cpu) const { bind_thread({{cpu}}); }
  void release() const { bind_thread(cpus); }
};

TEST(ThreadSpread, WhoMeetsAnotherMovesToAFreeCpuAndStaysUnbound) {
  const AllMembers all;
  if (all.cpus.size() < 2) GTEST_SKIP() << "only one CPU";
  ThreadSpread spread(2);
  const std::vector<int> two = {all.cpus[0], all.cpus[1]};
  for (const int cpu : two) {
    all.go(cpu);
    spread.stay(0);
    EXPECT_EQ(spread.cpu(0), cpu);
    bind_thread(two);  // widening the set leaves a thread where it is
    spread.arrive(1);
    EXPECT_EQ(spread.cpu(1), cpu == two[0] ? two[1] : two[0]);
    EXPECT_EQ(thread_cpus(), two);
    spread.leave(1);
    EXPECT_EQ(spread.cpu(1), -1);
  }
}

TEST(ThreadSpread, WhoIsBoundToTheSameCpuStays) {
  const AllMembers all;
  ThreadSpread spread(2);
  all.go(all.cpus[0]);
  spread.stay(0);
  spread.arrive(1);
  EXPECT_EQ(spread.cpu(1), all.cpus[0]);
  EXPECT_EQ(thread_cpus(), std::vector<int>({all.cpus[0]}));
}

TEST(ThreadSpread, WhoHasLeftIsNotMet) {
  const AllMembers all;
  ThreadSpread spread(2);
  all.go(all.cpus[0]);
  spread.arrive(0);
  spread.leave(0);
  spread.arrive(1);
  EXPECT_EQ(spread.cpu(1), all.cpus[0]);
}

}  // namespace
}  // namespace avocado
