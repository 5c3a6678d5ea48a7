// Every vocabulary of llama.cpp's own test set for which the data holds inputs and expected ids.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "text/test_text.h"
#include "text/tokenizer.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

std::vector<std::vector<int32_t>> read_ids(const fs::path& path) {
  std::istringstream lines(test::read_file(path));
  std::vector<std::vector<int32_t>> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    all.emplace_back();
    for (int32_t id; words >> id;) all.back().push_back(id);
  }
  return all;
}

TEST(GgmlVocab, EveryCaseGivesTheExpectedIds) {
  REQUIRE_TEST_DATA("tokenizers/ggml-vocab");
  std::printf("%-36s %-10s %6s %6s\n", "vocabulary", "type", "cases", "equal");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(test::data("tokenizers/ggml-vocab")))
    if (entry.path().extension() == ".gguf" && fs::exists(entry.path().string() + ".inp"))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 12u);
  for (const fs::path& file : files) {
    const auto inputs = test::read_vocab_cases(file.string() + ".inp");
    const auto expected = read_ids(file.string() + ".out");
    ASSERT_EQ(inputs.size(), expected.size()) << file;
    const auto tokenizer = Tokenizer::from_gguf(GgufFile::open(file));
    size_t equal = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto ids = tokenizer->encode(inputs[i]);
      equal += ids == expected[i];
      EXPECT_EQ(ids, expected[i]) << file.filename() << " case " << i << ": " << inputs[i];
    }
    std::printf("%-36s %-10s %6zu %6zu\n", file.filename().c_str(),
                std::string(tokenizer->type_name()).c_str(), inputs.size(), equal);
  }
}

}  // namespace
}  // namespace avocado
