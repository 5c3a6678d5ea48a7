#include "base/memory_nodes.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/cpu_topology.h"

namespace avocado {
namespace {

constexpr int kMaxNodes = 1024;  // the kernel's own limit
constexpr int kBits = sizeof(unsigned long) * CHAR_BIT;
using NodeMask = std::array<unsigned long, kMaxNodes / kBits>;

NodeMask mask_of(std::span<const int> nodes) {
  NodeMask mask{};
  for (const int node : nodes)
    if (node < kMaxNodes) mask[static_cast<size_t>(node / kBits)] |= 1UL << node % kBits;
  return mask;
}

// The kernel takes one bit less than it is told.
constexpr int kMaskBits = kMaxNodes + 1;

}  // namespace

bool interleave_pages(void* memory, size_t bytes, std::span<const int> nodes) {
  const NodeMask mask = mask_of(nodes);
  return ::syscall(SYS_mbind, memory, bytes, MPOL_INTERLEAVE, mask.data(), kMaskBits, 0) == 0;
}

void interleave_pages(void* memory, size_t bytes) {
  const std::vector<int>& nodes = cpu_topology().memory_nodes;
  if (nodes.size() > 1) interleave_pages(memory, bytes, nodes);
}

InterleavedPages::InterleavedPages() {
  const std::vector<int>& nodes = cpu_topology().memory_nodes;
  if (nodes.size() < 2) return;
  const NodeMask mask = mask_of(nodes);
  active_ = ::syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, mask.data(), kMaskBits) == 0;
}

InterleavedPages::~InterleavedPages() {
  if (active_) ::syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0);
}

}  // namespace avocado
