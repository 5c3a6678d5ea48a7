#pragma once
// Machines whose memory belongs to several nodes (NUMA), each nearer to some of the cores.

#include <string_view>
#include <vector>

namespace avocado {

// "0-2,4", as /sys/devices/system/node/has_memory has it, is {0, 1, 2, 4}; nothing when it cannot
// be read.
std::vector<unsigned> parse_node_list(std::string_view list);

// While it lives, pages that the calling thread brings into memory, those of files included, are
// dealt out to the nodes in turn. Weights are read by all threads, so what counts is the bandwidth
// of all nodes together; otherwise a file would lie on the node of the thread that read it first.
// Does nothing on a machine with one node.
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
