#include "train/digest.h"

#include <algorithm>

namespace avocado {
namespace {

constexpr size_t kChunk = size_t{1} << 20;

size_t chunks_of(const NamedBytes& tensor) { return (tensor.bytes.size() + kChunk - 1) / kChunk; }

}  // namespace

std::vector<NamedDigest> tensor_digests(std::span<const NamedBytes> tensors, ThreadPool& pool) {
  std::vector<std::span<const std::byte>> chunks;  // of all tensors, one after the other
  for (const NamedBytes& tensor : tensors)
    for (size_t c = 0; c < chunks_of(tensor); ++c) {
      const size_t begin = c * kChunk;
      chunks.push_back(tensor.bytes.subspan(begin, std::min(kChunk, tensor.bytes.size() - begin)));
    }
  std::vector<Digest> digests(chunks.size());
  pool.run(static_cast<int64_t>(chunks.size()), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    digests[at] = Sha256().update(chunks[at]).digest();
  });

  std::vector<NamedDigest> result;
  std::span<const Digest> left = digests;
  for (const NamedBytes& tensor : tensors) {
    const size_t count = chunks_of(tensor);
    Sha256 hash;
    hash.update(static_cast<uint64_t>(tensor.bytes.size())).update_array(left.first(count));
    result.push_back({tensor.name, hash.digest()});
    left = left.subspan(count);
  }
  return result;
}

std::string digest_root(uint64_t step, uint64_t position, const std::string& definition,
                        std::span<const NamedDigest> tensors) {
  Sha256 hash;
  hash.update(step).update(position).update(definition);
  for (const NamedDigest& tensor : tensors)
    hash.update(static_cast<uint64_t>(tensor.name.size()))
        .update(tensor.name)
        .update(std::span<const std::byte>(tensor.digest));
  return hash.hex();
}

}  // namespace avocado
