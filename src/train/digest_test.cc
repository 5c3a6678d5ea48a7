#include "train/digest.h"

#include <gtest/gtest.h>

#include "base/philox.h"

namespace avocado {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::vector<std::byte> random_bytes(size_t count, uint32_t stream) {
  const Random random(3, Purpose::test, stream);
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(random.block(i / 4)[i % 4]);
  return bytes;
}

std::string number(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hash(const std::string& bytes) {
  const Digest digest = Sha256().update(bytes).digest();
  return text_of(digest);
}

// The definition, said a second time and without threads.
std::string plain_digest(uint64_t step, uint64_t position, const std::string& definition,
                         std::span<const NamedBytes> tensors) {
  std::string state = number(step) + number(position) + definition;
  for (const NamedBytes& tensor : tensors) {
    const std::string bytes = text_of(tensor.bytes);
    std::string node = number(bytes.size());
    for (size_t at = 0; at < bytes.size(); at += kMiB) node += hash(bytes.substr(at, kMiB));
    state += number(tensor.name.size()) + tensor.name + hash(node);
  }
  return Sha256().update(state).hex();
}

class DigestTest : public testing::Test {
 protected:
  // Nothing, less than a chunk, a whole one, one byte more, several.
  std::vector<std::vector<std::byte>> bytes_ = {{},
                                                random_bytes(5, 1),
                                                random_bytes(kMiB, 2),
                                                random_bytes(kMiB + 1, 3),
                                                random_bytes(3 * kMiB - 7, 4)};

  std::vector<NamedBytes> tensors() const {
    std::vector<NamedBytes> list;
    for (size_t i = 0; i < bytes_.size(); ++i) list.push_back({std::string(i, 'n'), bytes_[i]});
    return list;
  }
};

TEST_F(DigestTest, IsItsDefinitionForAnyThreads) {
  const std::string expected = plain_digest(7, 56, "definition", tensors());
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(digest_root(7, 56, "definition", tensor_digests(tensors(), pool)), expected)
        << threads;
  }
}

TEST_F(DigestTest, OneBitChangesTheDigestOfItsTensorAloneAndThatOfTheState) {
  ThreadPool pool(1);
  const std::vector<NamedDigest> usual = tensor_digests(tensors(), pool);
  for (size_t t = 1; t < bytes_.size(); ++t)
    for (const size_t at : {size_t{0}, bytes_[t].size() / 2, bytes_[t].size() - 1}) {
      bytes_[t][at] ^= std::byte{4};
      const std::vector<NamedDigest> changed = tensor_digests(tensors(), pool);
      EXPECT_NE(digest_root(7, 56, "definition", changed), digest_root(7, 56, "definition", usual));
      for (size_t other = 0; other < bytes_.size(); ++other)
        EXPECT_EQ(changed[other].digest == usual[other].digest, other != t);
      bytes_[t][at] ^= std::byte{4};
    }
}

TEST_F(DigestTest, CountersDefinitionNamesAndOrderAreCovered) {
  ThreadPool pool(1);
  const std::vector<NamedDigest> tensors = tensor_digests(this->tensors(), pool);
  const std::string usual = digest_root(7, 56, "definition", tensors);
  EXPECT_NE(digest_root(8, 56, "definition", tensors), usual);
  EXPECT_NE(digest_root(7, 57, "definition", tensors), usual);
  EXPECT_NE(digest_root(7, 56, "another", tensors), usual);
  std::vector<NamedDigest> changed = tensors;
  changed[2].name.push_back('m');
  EXPECT_NE(digest_root(7, 56, "definition", changed), usual);
  changed = tensors;
  std::swap(changed[1].digest, changed[2].digest);
  EXPECT_NE(digest_root(7, 56, "definition", changed), usual);
}

}  // namespace
}  // namespace avocado
