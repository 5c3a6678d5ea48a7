#include "train/shard_writer.h"

#include <gtest/gtest.h>

#include "base/philox.h"
#include "expect_error.h"
#include "files/atomic_file.h"
#include "temp_folder.h"

namespace avocado {
namespace {

// Documents of random lengths and marks, from nothing to several rows.
std::vector<Document> random_documents(uint64_t seed) {
  const Random random(seed, Purpose::test);
  std::vector<Document> documents(200);
  uint64_t at = 0;
  for (Document& document : documents) {
    const bool is_long = random.below(at++, 10) == 0;
    const uint64_t length = random.below(at++, is_long ? 100 : 20);
    const bool marked = random.below(at++, 2) == 0;
    for (uint64_t i = 0; i < length; ++i) {
      document.ids.push_back(static_cast<int32_t>(random.below(at++, 50)));
      if (marked) document.learn.push_back(random.below(at++, 4) == 0);
    }
  }
  return documents;
}

void add(ShardWriter& writer, const Document& document) {
  std::vector<uint32_t> words;
  for (size_t i = 0; i < document.ids.size(); ++i)
    words.push_back(static_cast<uint32_t>(document.ids[i]) |
                    (document.learn.empty() || document.learn[i] ? Dataset::kLearn : 0));
  writer.add(words);
}

TEST(ShardWriter, WritesTheFileOfThePackedDocuments) {
  const test::TempFolder folder;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const std::vector<Document> documents = random_documents(seed);
    for (const int64_t row_tokens : {1, 7, 16, 33}) {
      Dataset::pack(documents, row_tokens, 50).save(folder.file("packed.rows"));
      ShardWriter writer(folder.file("streamed.rows"), row_tokens, 50);
      for (const Document& document : documents) add(writer, document);
      writer.commit();
      EXPECT_EQ(read_text_file(folder.file("streamed.rows")),
                read_text_file(folder.file("packed.rows")))
          << "seed " << seed << ", rows of " << row_tokens;
      EXPECT_EQ(Dataset::open(folder.file("streamed.rows")).rows(), writer.rows());
    }
  }
  EXPECT_EQ(folder.entries(), 2);
}

TEST(ShardWriter, ChecksTokensAndLeavesNothingBehind) {
  const test::TempFolder folder;
  {
    ShardWriter writer(folder.file("a.rows"), 8, 10);
    add(writer, {{1, 2, 3}, {}});
    EXPECT_AVOCADO_ERROR(add(writer, {{1, 10}, {}}), ErrorKind::input, "token 10 is outside");
    EXPECT_EQ(writer.rows(), 1);
  }
  EXPECT_EQ(folder.entries(), 0);
  EXPECT_AVOCADO_ERROR(ShardWriter(folder.file("a.rows"), 0, 10), ErrorKind::input, "rows of 0");
  EXPECT_AVOCADO_ERROR(ShardWriter(folder.file("none/a.rows"), 8, 10), ErrorKind::resource,
                       "cannot make a file");
}

}  // namespace
}  // namespace avocado
