#include "infer/page_pool.h"

#include <cstring>

#include "base/error.h"

namespace avocado {

PagePool::PagePool(int64_t layers, int64_t page_elements, uint64_t limit)
    : layers_(layers), page_elements_(page_elements), limit_(limit) {}

void PagePool::check_room(int64_t blocks) const {
  const uint64_t allowed = limit_ / block_bytes();
  const uint64_t needed = static_cast<uint64_t>(blocks_in_use() + blocks);
  if (needed <= allowed) return;
  fail_resource(
      "the key-value cache would need {} MiB, but at most {} MiB may be used; take a shorter "
      "prompt, "
      "fewer sequences or a smaller context",
      needed * block_bytes() >> 20, limit_ >> 20);
}

float* PagePool::take() {
  float* block;
  if (free_.empty()) {
    check_room(1);
    free_.reserve(blocks_.size() + 1);  // so that give_back never allocates
    blocks_.emplace_back(block_bytes() / sizeof(float));
    block = blocks_.back().data();
  } else {
    block = free_.back();
    free_.pop_back();
  }
  std::memset(block, 0, block_bytes());
  return block;
}

void PagePool::give_back(float* block) { free_.push_back(block); }

}  // namespace avocado
