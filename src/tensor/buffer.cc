#include "tensor/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/memory_nodes.h"

namespace avocado {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

uint64_t physical_memory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void* allocate_buffer(size_t bytes) {
  if (bytes == 0) return nullptr;
  const size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kCacheLine;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = rounded < bytes ? nullptr : std::aligned_alloc(alignment, rounded);
  if (!memory) fail_resource("not enough memory for a buffer of {} bytes", bytes);
  // Advice only: fewer page faults and TLB misses where the kernel grants it,
  // and the bandwidth of all memory nodes.
  if (alignment == kHugePage) {
    madvise(memory, rounded, MADV_HUGEPAGE);
    interleave_pages(memory, rounded);
  }
  return memory;
}

void free_buffer(void* memory) { std::free(memory); }

}  // namespace avocado
