#pragma once
// Machines whose memory belongs to several nodes (NUMA), each nearer to some of the cores. Weights
// and caches are read by all threads, so what counts is the bandwidth of all nodes together: their
// pages are dealt out to the nodes in turn. Otherwise they would lie on the node of the thread that
// touched them first. All of it does nothing when the CPUs of this process are near to one node
// only, where the kernel's own choice is the near one.

#include <cstddef>
#include <span>
#include <vector>

namespace avocado {

// Deals out the pages in [memory, memory + bytes) that are not there yet. `memory` begins a page.
// False when the kernel refuses (a container may forbid the call): things are as they were.
bool interleave_pages(void* memory, size_t bytes, std::span<const int> nodes);
void interleave_pages(void* memory, size_t bytes);  // over the nodes of this process

// While it lives, pages that the calling thread brings into memory are dealt out, those of files
// included, which belong to no buffer.
class InterleavedPages {
 public:
  InterleavedPages();
  ~InterleavedPages();
  InterleavedPages(const InterleavedPages&) = delete;
  InterleavedPages& operator=(const InterleavedPages&) = delete;

  bool active() const { return active_; }

 private:
  bool active_ = false;
};

}  // namespace avocado
