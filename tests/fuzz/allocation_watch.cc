#include "allocation_watch.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace avocado::test {
namespace {

std::atomic<int64_t> held{0}, start{0}, peak{0};

void raise_peak(int64_t now) {
  int64_t before = peak.load();
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
}

void* allocate(size_t size, size_t alignment) {
  // What no machine has is refused here, because sanitizers end the program instead of throwing.
  constexpr size_t kMost = size_t{1} << 34;
  raise_peak(size < kMost ? held.load() + static_cast<int64_t>(size) : INT64_MAX);
  if (size >= kMost) throw std::bad_alloc();
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size ? size : 1)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  held += static_cast<int64_t>(::malloc_usable_size(memory));
  return memory;
}

void* try_allocate(size_t size) noexcept {
  try {
    return allocate(size, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void release(void* memory) {
  if (!memory) return;
  held -= static_cast<int64_t>(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void watch_allocations() {
  start = held.load();
  peak = held.load();
}

uint64_t watched_peak() { return static_cast<uint64_t>(peak - start); }

}  // namespace avocado::test

using avocado::test::allocate;
using avocado::test::release;
using avocado::test::try_allocate;

// Every form that is called somewhere (std::stable_sort uses the nothrow ones) must be here:
// sanitizers bring their own, and do not let one free what the other gave.

void* operator new(size_t size) { return allocate(size, 1); }
void* operator new[](size_t size) { return allocate(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { release(memory); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return try_allocate(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return try_allocate(size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { release(memory); }
