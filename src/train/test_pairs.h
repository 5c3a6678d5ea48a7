#pragma once
// Data of pairs for tests, made from tokens.

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "train/shard_writer.h"

namespace avocado::test {

struct DocumentPair {
  Document chosen, rejected;
};

inline std::vector<uint32_t> words_of(const Document& document) {
  std::vector<uint32_t> words;
  for (size_t i = 0; i < document.ids.size(); ++i) {
    const bool learn = document.learn.empty() || document.learn[i] != 0;
    words.push_back(static_cast<uint32_t>(document.ids[i]) | (learn ? Dataset::kLearn : 0));
  }
  return words;
}

// By way of a shard that is gone afterwards.
inline Dataset dataset_of(const std::vector<DocumentPair>& pairs, int64_t row_tokens,
                          int64_t vocab) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("pairs-" + std::to_string(::getpid()) + ".rows");
  ShardWriter writer(path, row_tokens, vocab);
  for (const DocumentPair& pair : pairs)
    writer.add_pair(words_of(pair.chosen), words_of(pair.rejected));
  writer.commit();
  Dataset data = Dataset::open(path);
  std::filesystem::remove(path);
  return data;
}

}  // namespace avocado::test
