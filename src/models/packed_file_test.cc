#include "models/packed_file.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "expect_error.h"
#include "temp_folder.h"

namespace avocado {
namespace {

class PackedFileTest : public testing::Test {
 protected:
  // Three entries; the first has two chunks and a bit, none is a whole number of pages.
  void SetUp() override {
    const Random random(2, Purpose::test);
    for (const size_t bytes : {2 * kPackedChunk + 100, uint64_t{64}, kPackedChunk - 64}) {
      std::vector<std::byte>& values = values_.emplace_back(bytes);
      for (size_t i = 0; i < bytes; ++i) values[i] = static_cast<std::byte>(random.u32(i));
    }
    PackedFileWriter writer(path_, kIdentity, "some/model.gguf");
    for (uint32_t i = 0; i < values_.size(); ++i)
      writer.add(pool_, {.weight = 7 * i, .type = DType::q4_0, .rows = 3 + i, .cols = 32},
                 values_[i]);
    writer.commit();
  }
  std::string contents() const { return read_text_file(path_); }
  static PackedFile parse(const std::string& text) {
    return PackedFile::parse(std::as_bytes(std::span(text)), "file");
  }

  static constexpr Digest kIdentity = {std::byte{1}, std::byte{2}};
  test::TempFolder folder_;
  const std::string path_ = folder_.file("a.packed");
  ThreadPool pool_{2};
  std::vector<std::vector<std::byte>> values_;
};

TEST_F(PackedFileTest, WhatIsWrittenIsRead) {
  const PackedFile file = PackedFile::open(path_);
  EXPECT_EQ(file.identity(), kIdentity);
  EXPECT_EQ(file.model(), "some/model.gguf");
  ASSERT_EQ(file.entries().size(), values_.size());
  for (size_t i = 0; i < values_.size(); ++i) {
    const PackedEntry& entry = file.entries()[i];
    EXPECT_EQ(entry.weight, 7 * i);
    EXPECT_EQ(entry.rows, static_cast<int64_t>(3 + i));
    EXPECT_EQ(entry.offset % kPackedAlignment, 0u);
    const auto data = file.data(entry);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), values_[i].begin(), values_[i].end()));
  }
  file.check_contents(pool_);
  file.check_contents(pool_, 2);
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(PackedFileTest, NothingIsLeftWithoutCommit) {
  {
    PackedFileWriter writer(folder_.file("b.packed"), kIdentity, "");
    writer.add(pool_, {}, values_[0]);
  }
  EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(PackedFileTest, EveryFlippedBitIsSeen) {
  std::string text = contents();
  const PackedFile whole = PackedFile::open(path_);
  const uint64_t table = whole.entries().back().offset + whole.entries().back().bytes;
  // Bits of the data, some of which are padding that nobody reads; then all bytes of the table and
  // the trailer.
  for (const PackedEntry& entry : whole.entries()) {
    for (const uint64_t at : {entry.offset, entry.offset + entry.bytes - 1}) {
      text[at] ^= 4;
      EXPECT_AVOCADO_ERROR(parse(text).check_contents(pool_), ErrorKind::input, "damaged");
      text[at] ^= 4;
    }
  }
  for (uint64_t at = (table + kPackedAlignment - 1) / kPackedAlignment * kPackedAlignment;
       at < text.size(); ++at) {
    text[at] ^= 4;
    EXPECT_AVOCADO_ERROR(parse(text), ErrorKind::input, "made again");
    text[at] ^= 4;
  }
  parse(text).check_contents(pool_);
}

TEST_F(PackedFileTest, AnotherSizeIsSeen) {
  const std::string text = contents();
  for (const size_t bytes : {size_t{0}, size_t{63}, text.size() / 2, text.size() - 1})
    EXPECT_AVOCADO_ERROR(parse(text.substr(0, bytes)), ErrorKind::input, "made again");
  EXPECT_AVOCADO_ERROR(parse(text + '\0'), ErrorKind::input, "made again");
  EXPECT_AVOCADO_ERROR(parse('\0' + text), ErrorKind::input, "size");
}

TEST_F(PackedFileTest, TheSampleHoldsTheFirstAndTheLastChunk) {
  const PackedFile whole = PackedFile::open(path_);
  std::string text = contents();
  for (const PackedEntry* entry : {&whole.entries().front(), &whole.entries().back()}) {
    text[entry->offset] ^= 1;
    EXPECT_AVOCADO_ERROR(parse(text).check_contents(pool_, 2), ErrorKind::input, "damaged");
    text[entry->offset] ^= 1;
  }
  text[whole.entries().front().offset + kPackedChunk] ^= 1;  // the second of five chunks
  parse(text).check_contents(pool_, 2);
}

}  // namespace
}  // namespace avocado
