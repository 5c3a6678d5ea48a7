#include "chat/jinja/memory.h"

#include <fmt/format.h>

namespace avocado::jinja {

void* Memory::take(size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  charge(bytes);
  if (bytes > kBlock / 4) {  // a block of its own; the current one goes on
    blocks_.push_back(std::unique_ptr<std::byte[]>(new std::byte[bytes]));
    return blocks_.back().get();
  }
  if (bytes > left_) {
    blocks_.push_back(std::unique_ptr<std::byte[]>(new std::byte[kBlock]));
    free_ = blocks_.back().get();
    left_ = kBlock;
  }
  void* taken = free_;
  free_ += bytes;
  left_ -= bytes;
  return taken;
}

void Memory::too_many_steps() const {
  throw Failure(
      fmt::format("does not end within {} steps; it loops far more than this conversation explains",
                  limits_.steps));
}

void Memory::too_many_bytes() const {
  throw Failure(
      fmt::format("makes more than {} MB of text and values; it repeats far more than this "
                  "conversation explains",
                  limits_.bytes >> 20));
}

void Memory::too_deep() const {
  throw Failure(fmt::format(
      "nests deeper than {} levels; a macro calls itself without end, or a value contains itself",
      limits_.depth));
}

}  // namespace avocado::jinja
