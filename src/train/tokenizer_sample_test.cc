#include "train/tokenizer_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "temp_folder.h"
#include "train/documents.h"

namespace avocado {
namespace {

TEST(TokenizerSample, IsAllThatFitsOrAHashedPartOfIt) {
  const test::TempFolder folder;
  std::vector<std::string> texts;
  std::ofstream file(folder.file("a.jsonl"));
  for (int i = 1000; i < 2000; ++i) {
    texts.push_back("text " + std::to_string(i));
    file << "{\"text\": \"" << texts.back() << "\"}\nbad\n";
  }
  file.close();
  Recipe recipe;
  recipe.folder = folder.path();
  recipe.data.train = {{.path = "a.jsonl"}};
  ThreadPool pool(2);
  EXPECT_EQ(tokenizer_sample(recipe, 9000, pool), texts);
  const auto expect_part = [&](int zeros) {
    std::vector<std::string> part;
    std::copy_if(texts.begin(), texts.end(), std::back_inserter(part), [&](const auto& text) {
      return document_hashes({{"text", text}}).sample >> (64 - zeros) == 0;
    });
    return part;
  };
  const std::vector<std::string> half = expect_part(1), quarter = expect_part(2);
  EXPECT_EQ(tokenizer_sample(recipe, 9 * half.size(), pool), half);
  EXPECT_EQ(tokenizer_sample(recipe, 9 * half.size() - 1, pool), quarter);

  recipe.data.eval_share = 0.5;
  std::erase_if(texts, [](const auto& text) {
    return in_share(document_hashes({{"text", text}}).split, 0.5);
  });
  EXPECT_EQ(tokenizer_sample(recipe, 9000, pool), texts);
}

}  // namespace
}  // namespace avocado
