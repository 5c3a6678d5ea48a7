#pragma once
// Memory of the key-value cache. A block holds kernels::kTile positions of one sequence for every
// layer: layer l's page (kernels/attention) begins at l * page_bytes. Blocks are zero when
// taken, so what a sequence computes never depends on who used the memory before.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/buffer.h"

namespace avocado {

class PagePool {
 public:
  // `limit` is the most bytes the pool may ever hold.
  PagePool(int64_t layers, int64_t page_bytes, uint64_t limit);

  // Throws Error(resource) when `blocks` more blocks than are in use now would exceed the limit;
  // nothing is allocated.
  void check_room(int64_t blocks) const;
  std::byte* take();
  void give_back(std::byte* block);

  int64_t page_bytes() const { return page_bytes_; }
  uint64_t block_bytes() const { return static_cast<uint64_t>(layers_ * page_bytes_); }
  int64_t blocks_in_use() const { return static_cast<int64_t>(blocks_.size() - free_.size()); }

 private:
  int64_t layers_, page_bytes_;
  uint64_t limit_;
  std::vector<Buffer<std::byte>> blocks_;
  std::vector<std::byte*> free_;
};

}  // namespace avocado
