#pragma once
// A file of training text in pieces of bounded size, which may be worked on side by side. Where it
// is cut depends on the text alone.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "files/input_stream.h"

namespace avocado {

struct TextBlock {
  std::string text;
  int64_t first_line = 1;
  bool too_long = false;  // a line above kLongestLine stood here and was passed over; no text
};

class TextBlocks {
 public:
  // With `lines`, blocks of about a quarter MiB that end where a line does. Otherwise the text
  // whole, or, above kLongestText bytes, cut behind the last newline that comes before.
  TextBlocks(InputStream& input, bool lines) : input_(input), lines_(lines) {}

  // False at the end of the file. Throws as InputStream::read does.
  bool next(TextBlock& block);

  static constexpr size_t kLongestText = size_t{16} << 20;

 private:
  bool fill(std::string& text, size_t size);
  void skip_line();

  InputStream& input_;
  bool lines_;
  bool ended_ = false;  // the file
  int64_t line_ = 1;    // of the first byte of rest_
  std::string rest_;    // what was read behind the last block
};

// The line without white space around it, and without the byte order mark of a file's first line.
std::string_view trimmed_line(std::string_view line);

// visit(number, line) for each line of a block that is not blank.
template <class Visit>
void for_each_line(const TextBlock& block, Visit&& visit) {
  std::string_view rest = block.text;
  for (int64_t number = block.first_line; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = trimmed_line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.empty()) visit(number, line);
  }
}

// The next blocks, as many as are to be worked on at a time; none at the end of the file.
std::vector<TextBlock> next_blocks(TextBlocks& blocks);

// Calls work(block) for the blocks of a file, many of them side by side, and take(result, position)
// with what it returned, in the order of the file; `position` is that of InputStream.
template <class Work, class Take>
void map_blocks(const std::string& path, bool lines, ThreadPool& pool, Work&& work, Take&& take) {
  InputStream input(path);
  TextBlocks blocks(input, lines);
  for (std::vector<TextBlock> batch; !(batch = next_blocks(blocks)).empty();) {
    std::vector<decltype(work(batch[0]))> results(batch.size());
    pool.run(static_cast<int64_t>(batch.size()), [&](int64_t i) {
      const auto b = static_cast<size_t>(i);
      results[b] = work(batch[b]);
    });
    for (auto& result : results) take(std::move(result), input.position());
  }
}

}  // namespace avocado
