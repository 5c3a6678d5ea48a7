#include "base/memory_nodes.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpu_topology.h"

namespace avocado {
namespace {

// Policy of the page at an address.
int policy_at(void* address) {
  int policy = -1;
  return syscall(SYS_get_mempolicy, &policy, nullptr, 0, address, MPOL_F_ADDR) == 0 ? policy : -1;
}

TEST(MemoryNodes, PagesOfABufferAreInterleaved) {
  constexpr size_t kBytes = 1 << 16;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  if (policy_at(memory) != MPOL_DEFAULT) GTEST_SKIP() << "the system does not tell policies";
  ASSERT_FALSE(cpu_topology().memory_nodes.empty());
  EXPECT_TRUE(interleave_pages(memory, kBytes, cpu_topology().memory_nodes));
  EXPECT_EQ(policy_at(memory), MPOL_INTERLEAVE);
  const int missing[] = {1023};
  EXPECT_FALSE(interleave_pages(memory, kBytes, missing));
  munmap(memory, kBytes);
}

TEST(MemoryNodes, NothingIsDoneWithOneNode) {
  if (cpu_topology().memory_nodes.size() > 1) GTEST_SKIP() << "this machine has several nodes";
  EXPECT_FALSE(InterleavedPages().active());
}

}  // namespace
}  // namespace avocado
