#include "train/text_blocks.h"

#include <algorithm>

#include "train/data_report.h"

namespace avocado {
namespace {

constexpr size_t kBlock = size_t{1} << 18;  // of lines
constexpr size_t kRead = size_t{1} << 16;
// Worked on at a time: enough for many threads, little enough for memory.
constexpr size_t kBatchBlocks = 64, kBatchBytes = size_t{32} << 20;

// Where a text of more than `most` bytes can be cut: behind a newline, else before a character.
size_t cut_before(const std::string& text, size_t most) {
  const size_t newline = text.rfind('\n', most - 1);
  if (newline != std::string::npos) return newline + 1;
  size_t cut = most;
  while (cut > most - 4 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace

std::string_view trimmed_line(std::string_view line) {
  constexpr std::string_view kSpace = " \t\n\v\f\r", kMark = "\xef\xbb\xbf";
  if (line.starts_with(kMark)) line.remove_prefix(kMark.size());
  const size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) - begin + 1);
}

// Reads until the text has more than `size` bytes; false when the file ends before.
bool TextBlocks::fill(std::string& text, size_t size) {
  while (text.size() <= size && !ended_) {
    const size_t before = text.size();
    text.resize(before + kRead);
    const size_t got = input_.read(std::span(text).subspan(before));
    text.resize(before + got);
    ended_ = got < kRead;
  }
  return text.size() > size;
}

void TextBlocks::skip_line() {
  std::string piece(kRead, '\0');
  rest_.clear();
  while (!ended_) {
    const size_t got = input_.read(piece);
    ended_ = got < piece.size();
    const size_t end = std::string_view(piece).substr(0, got).find('\n');
    if (end == std::string_view::npos) continue;
    rest_.assign(piece, end + 1, got - end - 1);
    return;
  }
}

bool TextBlocks::next(TextBlock& block) {
  block.text = std::move(rest_);
  block.first_line = line_;
  block.too_long = false;
  rest_.clear();
  size_t cut = 0;
  if (!lines_) {
    cut = fill(block.text, kLongestText) ? cut_before(block.text, kLongestText) : block.text.size();
  } else {
    // As many whole lines as fit; a line that does not is a block of its own.
    for (size_t size = kBlock; cut == 0; size *= 2) {
      const bool more = fill(block.text, size);
      if (!more) {
        cut = block.text.size();
        break;
      }
      const size_t newline = block.text.rfind('\n');
      if (newline != std::string::npos) {
        cut = newline + 1;
      } else if (block.text.size() > kLongestLine) {
        block.text.clear();
        block.too_long = true;
        ++line_;
        skip_line();
        return true;
      }
    }
  }
  rest_.assign(block.text, cut);
  block.text.resize(cut);
  line_ += std::count(block.text.begin(), block.text.end(), '\n');
  return cut > 0;
}

std::vector<TextBlock> next_blocks(TextBlocks& blocks) {
  std::vector<TextBlock> batch;
  size_t bytes = 0;
  while (batch.size() < kBatchBlocks && bytes < kBatchBytes) {
    TextBlock block;
    if (!blocks.next(block)) break;
    bytes += block.text.size();
    batch.push_back(std::move(block));
  }
  return batch;
}

}  // namespace avocado
