#include "infer/page_pool.h"

#include <cstring>

#include "base/error.h"

namespace avocado {

PagePool::PagePool(int64_t layers, int64_t page_bytes, uint64_t limit)
    : layers_(layers), page_bytes_(page_bytes), limit_(limit) {}

void PagePool::check_room(int64_t blocks) const {
  const uint64_t allowed = limit_ / block_bytes();
  const uint64_t needed = static_cast<uint64_t>(blocks_in_use() + blocks);
  if (needed <= allowed) return;
  fail_resource(
      "the key-value cache would need {} MiB, but at most {} MiB may be used; take a shorter "
      "prompt, fewer sequences, a smaller context or a smaller type (--cache-type-k, "
      "--cache-type-v)",
      needed * block_bytes() >> 20, limit_ >> 20);
}

std::byte* PagePool::take() {
  std::byte* block;
  if (free_.empty()) {
    check_room(1);
    free_.reserve(blocks_.size() + 1);  // so that give_back never allocates
    blocks_.emplace_back(block_bytes());
    block = blocks_.back().data();
  } else {
    block = free_.back();
    free_.pop_back();
  }
  std::memset(block, 0, block_bytes());
  return block;
}

void PagePool::give_back(std::byte* block) { free_.push_back(block); }

}  // namespace avocado
