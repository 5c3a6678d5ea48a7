#pragma once
// The digest of a training state: a tree of SHA-256, so that all threads take part in it and a
// digest that differs can be followed to a tensor.
//
//   chunk   SHA-256 over 1 MiB of a tensor's bytes, the last one shorter
//   tensor  SHA-256 over its size in bytes (8 bytes) and its chunks in order (32 bytes each)
//   state   SHA-256 over step and position (8 bytes each), the definition's text, and for each
//           tensor the length of its name (8 bytes), its name and its digest
//
// Chunks are cut at constant places: threads and instruction set change nothing.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/thread_pool.h"

namespace avocado {

struct NamedBytes {
  std::string name;
  std::span<const std::byte> bytes;
};

struct NamedDigest {
  std::string name;
  Digest digest;
};

std::vector<NamedDigest> tensor_digests(std::span<const NamedBytes> tensors, ThreadPool& pool);

// Of the state, as 64 hex digits. Processes that hold a part of the tensors each can gather these
// digests in place of the tensors.
std::string digest_root(uint64_t step, uint64_t position, const std::string& definition,
                        std::span<const NamedDigest> tensors);

}  // namespace avocado
