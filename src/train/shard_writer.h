#pragma once
// A token shard written as a stream: the rows of Dataset::pack, whatever their number, in little
// memory. The tables come before the words in the file, so all three are gathered nameless files
// beside it first.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "train/dataset.h"

namespace avocado {

class ShardWriter {
 public:
  // Throws Error(resource) when the folder cannot be written to, Error(input) for a row without
  // tokens.
  ShardWriter(const std::string& path, int64_t row_tokens, int64_t vocab);
  ~ShardWriter();

  // One document: token ids, with Dataset::kLearn when predicting them counts. Throws Error(input)
  // when an id is outside [0, vocab).
  void add(std::span<const uint32_t> words);
  // Two documents whose sequences lie side by side in one row; together at most row_tokens inputs.
  void add_pair(std::span<const uint32_t> chosen, std::span<const uint32_t> rejected);
  int64_t row_tokens() const;
  int64_t rows() const;  // so far
  // Writes the file, atomically. There must be a row.
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace avocado
