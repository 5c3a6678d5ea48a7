#include "base/memory_nodes.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <fstream>
#include <string>
#include <system_error>

namespace avocado {
namespace {

constexpr unsigned kMaxNodes = 1024;  // the kernel's own limit

}  // namespace

std::vector<unsigned> parse_node_list(std::string_view list) {
  std::vector<unsigned> nodes;
  const char *at = list.data(), *end = at + list.size();
  while (at != end) {
    unsigned first = 0;
    auto read = std::from_chars(at, end, first);
    unsigned last = first;
    if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-')
      read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || last >= kMaxNodes) return {};
    for (unsigned node = first; node <= last; ++node) nodes.push_back(node);
    at = read.ptr;
    if (at != end && *at++ != ',') return {};
  }
  return nodes;
}

InterleavedPages::InterleavedPages() {
  std::ifstream file("/sys/devices/system/node/has_memory");
  std::string list;
  std::getline(file, list);
  const std::vector<unsigned> nodes = parse_node_list(list);
  if (nodes.size() < 2) return;
  constexpr unsigned kBits = sizeof(unsigned long) * CHAR_BIT;
  std::array<unsigned long, kMaxNodes / kBits> mask{};
  for (const unsigned node : nodes) mask[node / kBits] |= 1UL << node % kBits;
  // The kernel takes one bit less than it is told. A refusal (a container may forbid the call)
  // leaves things as they were.
  active_ = ::syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, mask.data(), kMaxNodes + 1) == 0;
}

InterleavedPages::~InterleavedPages() {
  if (active_) ::syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0);
}

}  // namespace avocado
