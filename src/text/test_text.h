#pragma once
// Texts that tokenizer tests encode.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/philox.h"
#include "test_data.h"
#include "text/unicode.h"

namespace avocado::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// The cases of llama.cpp's vocabulary tests, separated by a line of their own.
inline std::vector<std::string> read_vocab_cases(const std::filesystem::path& path) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string text = read_file(path);
  std::vector<std::string> cases;
  size_t done = 0;
  for (size_t at; (at = text.find(kSeparator, done)) != std::string::npos;
       done = at + kSeparator.size())
    cases.push_back(text.substr(done, at - done));
  return cases;  // the file ends with a separator
}

// Random text of `size` characters: runs from many scripts, white space of every kind, digits,
// contractions, marks, unassigned code points, and characters drawn from all of Unicode.
inline std::string random_text(uint64_t seed, size_t size) {
  static const std::vector<std::vector<uint32_t>> kinds = {
      {'a', 'e', 't', 'h', 'n', 's', 'r', 'd', 'l', 'i', 'o'},
      {'A', 'T', 'S', 'L', 'M', 'E', 'R'},
      {' ', ' ', ' ', '\n', '\r', '\t', 0x0b, 0x0c, 0x85, 0xa0, 0x1680, 0x2003, 0x2028, 0x202f,
       0x3000, 0x180e, 0x200b},
      {'0', '1', '9', 0x661, 0x0967, 0x00b2, 0x00bd, 0x2167, 0xff11},
      {'\'', 's', 'S', 't', 'l', 'L', 'r', 'e', 'v', 'd', 'm', 0x17f, 0x2019},
      {'.', ',', '!', '-', '(', '"', '_', '/', '\\', '<', '=', '+', '$', '^', '`', '|', '~', '#'},
      {0x3042, 0x3044, 0x30a2, 0x65e5, 0x672c, 0x8a9e, 0x3001, 0x3002, 0xac00, 0xff01, 0x2581},
      {0x0301, 0x0308, 0x200d, 0xfe0f, 0x093f, 0x0e31, 0x20dd},
      {0x0416, 0x043b, 0x03a9, 0x00df, 0x0130, 0x01c5, 0x02b0, 0x05d0, 0x0627, 0x1e9e, 0x212a},
      {0x1f999, 0x1f680, 0x1f3fd, 0x1f1ef, 0x2705, 0x20ac, 0x00a9, 0xe000, 0x0378, 0x10ffff, 0},
  };
  const Random random(seed, Purpose::test, 1);
  std::string text;
  for (size_t i = 0, position = 0; i < size;) {
    const auto& kind = kinds[random.below(position, kinds.size())];
    const bool anything = random.below(position + 1, 12) == 0;
    const size_t run = 1 + random.below(position + 2, 5);
    position += 3;
    for (size_t k = 0; k < run; ++k, ++i, ++position) {
      uint32_t c = kind[random.below(position, kind.size())];
      if (anything) c = static_cast<uint32_t>(random.below(position, 0x110000));
      if (c < 0xd800 || c > 0xdfff) unicode::append_utf8(c, text);
    }
  }
  return text;
}

inline std::vector<std::string> corpora() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(data("corpora")))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const auto& path : paths) texts.push_back(read_file(path));
  return texts;
}

}  // namespace avocado::test
