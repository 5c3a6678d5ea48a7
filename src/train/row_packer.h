#pragma once
// Fills rows with documents, greedily and in order (docs/formats/run.md, token shard).

#include <algorithm>
#include <cstdint>
#include <span>

namespace avocado {

class RowPacker {
 public:
  explicit RowPacker(int64_t row_tokens) : row_tokens_(row_tokens) {}

  // Calls piece(begins_row, words) for each sequence of the document: at most row_tokens inputs,
  // and something to learn. `words` are a document's tokens, those with `learn_bit` are learned.
  // Pieces of a long document share the token at the cut: the target of one's last input, the next
  // one's first input.
  template <class Piece>
  void add(std::span<const uint32_t> words, uint32_t learn_bit, Piece&& piece) {
    const auto most = static_cast<size_t>(row_tokens_);
    for (size_t begin = 0; begin + 1 < words.size(); begin += most) {
      const auto part = words.subspan(begin, std::min(words.size() - begin, most + 1));
      if (std::none_of(part.begin() + 1, part.end(), [&](uint32_t w) { return w & learn_bit; }))
        continue;
      piece(take(static_cast<int64_t>(part.size()) - 1), part);
    }
  }

  // The same for two sequences side by side in one row, which must hold both of them.
  template <class Piece>
  void add_pair(std::span<const uint32_t> first, std::span<const uint32_t> second, Piece&& piece) {
    const bool begins_row = take(static_cast<int64_t>(first.size() + second.size()) - 2);
    piece(begins_row, first);
    piece(false, second);
  }

 private:
  // Takes room for so many inputs; true when they begin a row.
  bool take(int64_t inputs) {
    const bool begins_row = inputs > room_;
    if (begins_row) room_ = row_tokens_;
    room_ -= inputs;
    return begins_row;
  }

  int64_t row_tokens_;
  int64_t room_ = 0;  // inputs that the last row can still take
};

}  // namespace avocado
