#pragma once
// Training data: documents of tokens packed into rows, in memory or in a mapped token shard
// (docs/formats/run.md).
//
// A sequence of a row is a piece of one document: n inputs and n + 1 tokens, because the last token
// is only ever a target. Every sequence starts at position 0 and sees nothing of its neighbours.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/executor.h"
#include "train/shard_format.h"

namespace avocado {

struct Document {
  std::vector<int32_t> ids;
  std::vector<uint8_t> learn;  // per token, 1: predicting it counts in the loss; empty: all count
};

class Dataset {
 public:
  // Packs documents, in their order, greedily into rows of at most `row_tokens` inputs. Longer
  // documents are cut into pieces; pieces that have nothing to learn are left out. Throws
  // Error(input) when a token is outside [0, vocab), or when nothing is left.
  static Dataset pack(std::span<const Document> documents, int64_t row_tokens, int64_t vocab);
  // Maps a shard. Its digest, every count and offset, and every token are checked.
  static Dataset open(const std::string& path);
  // Writes a shard, atomically. What was opened from this path is there already.
  void save(const std::string& path) const;

  int64_t rows() const { return static_cast<int64_t>(row_begin_.size()) - 1; }
  int64_t row_tokens() const { return row_tokens_; }
  int64_t vocab() const { return vocab_; }
  int64_t inputs() const { return inputs_; }           // tokens that are fed, in all rows
  int64_t learned_tokens() const { return learned_; }  // tokens in the loss, in all rows
  // SHA-256 of the shard but for the digest in it.
  const std::string& digest() const { return digest_; }

  // Sequences of row r: [first, last).
  int64_t first_sequence(int64_t row) const { return static_cast<int64_t>(row_begin_[row]); }
  int64_t last_sequence(int64_t row) const { return static_cast<int64_t>(row_begin_[row + 1]); }
  // Tokens of one sequence; the top bit of a word says "learn this one", the rest is the id.
  std::span<const uint32_t> sequence(int64_t index) const {
    return words_.subspan(sequence_begin_[index],
                          sequence_begin_[index + 1] - sequence_begin_[index]);
  }

  static constexpr uint32_t kLearn = 0x80000000u;

 private:
  struct Storage;
  void check(const std::string& source);
  ShardHeader header() const;  // without the digest

  std::shared_ptr<const Storage> storage_;
  std::span<const uint64_t> row_begin_;       // rows + 1 indices of sequences
  std::span<const uint64_t> sequence_begin_;  // sequences + 1 indices of words
  std::span<const uint32_t> words_;
  int64_t row_tokens_ = 0;
  int64_t vocab_ = 0;
  int64_t inputs_ = 0;
  int64_t learned_ = 0;
  Digest sha256_ = {};
  std::string digest_;  // the same in hex
};

// Which row of `rows` is the `position`-th that a run with this seed sees: every epoch is a
// permutation of its own.
int64_t row_at(uint64_t position, int64_t rows, uint64_t seed);

// Some rows, one after the other, as the executor wants them.
struct RowBatch {
  std::vector<int32_t> ids;
  std::vector<graph::Sequence<float>> sequences;
  std::vector<int32_t> wanted;   // rows of `ids` whose next token is learned
  std::vector<int32_t> targets;  // that next token, one per wanted row
  std::vector<int64_t> source;   // per sequence: its index in the data

  void append(const Dataset& data, int64_t row);
  graph::Batch<float> view() const { return {ids, sequences, wanted}; }
};

}  // namespace avocado
