#include "train/dataset.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

std::string temporary(const std::string& name) {
  return (std::filesystem::path(testing::TempDir()) / name).string();
}

std::vector<std::vector<int32_t>> sequences_of(const Dataset& data, int64_t row) {
  std::vector<std::vector<int32_t>> result;
  for (int64_t s = data.first_sequence(row); s < data.last_sequence(row); ++s) {
    auto& ids = result.emplace_back();
    for (uint32_t word : data.sequence(s))
      ids.push_back(static_cast<int32_t>(word & ~Dataset::kLearn));
  }
  return result;
}

TEST(Dataset, PacksGreedilyInOrder) {
  const std::vector<Document> documents = {{{1, 2, 3}, {}}, {{4, 5, 6}, {}}, {{7, 8, 9, 10}, {}}};
  const Dataset data = Dataset::pack(documents, 5, 11);
  ASSERT_EQ(data.rows(), 2);
  EXPECT_EQ(sequences_of(data, 0), (std::vector<std::vector<int32_t>>{{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(sequences_of(data, 1), (std::vector<std::vector<int32_t>>{{7, 8, 9, 10}}));
  EXPECT_EQ(data.inputs(), 7);
  EXPECT_EQ(data.learned_tokens(), 7);
}

TEST(Dataset, CutsLongDocumentsWithoutLosingATarget) {
  const Dataset data = Dataset::pack(std::vector<Document>{{{1, 2, 3, 4, 5, 6, 7}, {}}}, 3, 8);
  ASSERT_EQ(data.rows(), 2);
  EXPECT_EQ(sequences_of(data, 0), (std::vector<std::vector<int32_t>>{{1, 2, 3, 4}}));
  EXPECT_EQ(sequences_of(data, 1), (std::vector<std::vector<int32_t>>{{4, 5, 6, 7}}));
  EXPECT_EQ(data.learned_tokens(), 6);
}

TEST(Dataset, LeavesOutWhatTeachesNothing) {
  const std::vector<Document> documents = {
      {{1, 2, 3}, {0, 0, 0}}, {{4}, {}}, {{5, 6}, {1, 0}}, {{7, 8, 9}, {0, 0, 1}}};
  const Dataset data = Dataset::pack(documents, 8, 10);
  ASSERT_EQ(data.rows(), 1);
  EXPECT_EQ(sequences_of(data, 0), (std::vector<std::vector<int32_t>>{{7, 8, 9}}));
  EXPECT_EQ(data.learned_tokens(), 1);
  EXPECT_THROW(Dataset::pack(std::vector<Document>{{{1, 2, 3}, {1, 0, 0}}}, 8, 10), Error);
}

TEST(Dataset, RefusesTokensOutsideTheVocabulary) {
  EXPECT_THROW(Dataset::pack(std::vector<Document>{{{1, 10}, {}}}, 8, 10), Error);
  EXPECT_THROW(Dataset::pack(std::vector<Document>{{{1, -1}, {}}}, 8, 10), Error);
}

TEST(RowBatch, WantsThePositionsBeforeLearnedTokens) {
  const std::vector<Document> documents = {{{1, 2, 3}, {0, 0, 1}}, {{4, 5, 6}, {1, 1, 0}}};
  const Dataset data = Dataset::pack(documents, 8, 10);
  RowBatch batch;
  batch.append(data, 0);
  EXPECT_EQ(batch.ids, (std::vector<int32_t>{1, 2, 4, 5}));
  EXPECT_EQ(batch.wanted, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(batch.targets, (std::vector<int32_t>{3, 5}));
  ASSERT_EQ(batch.sequences.size(), 2u);
  EXPECT_EQ(batch.sequences[1].count, 2);
  EXPECT_EQ(batch.sequences[1].start, 0);
}

TEST(RowAt, EveryEpochIsAnotherPermutation) {
  constexpr int64_t kRows = 37;
  std::vector<int64_t> former;
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> order;
    for (uint64_t i = 0; i < kRows; ++i) order.push_back(row_at(epoch * kRows + i, kRows, 5));
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), static_cast<size_t>(kRows));
    EXPECT_NE(order, former);
    former = order;
  }
}

TEST(Shard, RoundTrip) {
  const std::string path = temporary("round_trip.rows");
  const std::vector<Document> documents = {{{1, 2, 3}, {0, 0, 1}}, {{4, 5, 6, 7, 8}, {}}};
  const Dataset made = Dataset::pack(documents, 4, 10);
  made.save(path);
  const Dataset read = Dataset::open(path);
  EXPECT_EQ(read.digest(), made.digest());
  EXPECT_EQ(read.row_tokens(), 4);
  EXPECT_EQ(read.vocab(), 10);
  ASSERT_EQ(read.rows(), made.rows());
  for (int64_t r = 0; r < read.rows(); ++r) EXPECT_EQ(sequences_of(read, r), sequences_of(made, r));
}

TEST(Shard, EveryDamagedByteIsFound) {
  const std::string path = temporary("damaged.rows");
  Dataset::pack(std::vector<Document>{{{1, 2, 3}, {}}, {{4, 5, 6, 7}, {}}}, 4, 10).save(path);
  const std::string whole = read_text_file(path);
  for (size_t i = 0; i < whole.size(); ++i)
    for (const char flip : {'\x01', '\xff'}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      std::ofstream(path, std::ios::binary) << damaged;
      EXPECT_THROW(Dataset::open(path), Error) << "byte " << i;
    }
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    EXPECT_THROW(Dataset::open(path), Error) << "cut to " << size;
  }
}

}  // namespace
}  // namespace avocado
