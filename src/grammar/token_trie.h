#pragma once
// A vocabulary as tries over the bytes of its tokens, made once and shared by all matchers.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace avocado::grammar {

// Nodes in depth-first order: the children of a node follow it, and `end` is where its subtree is
// over, so that a walk is one pass over an array with jumps.
class Trie {
 public:
  struct Node {
    uint32_t end;
    int32_t token;  // -1: none ends here
    uint16_t depth;  // of its parent, 0 below the root
    uint8_t byte;
  };
  struct Entry {
    std::string_view bytes;
    int32_t token;
  };

  Trie() = default;
  explicit Trie(std::vector<Entry> entries);

  // Steps through all entries that `step` lets pass, sharing the work of common beginnings.
  // step(State&, byte) moves a copy of the state and returns whether it lives; found(State, token)
  // is called for each token that lives to its end.
  template <class State, class Step, class Found>
  void walk(const State& start, Step&& step, Found&& found) const {
    std::vector<State> states(depth_ + 1, start);
    for (size_t i = 0; i < nodes_.size();) {
      const Node& node = nodes_[i];
      State& state = states[node.depth + size_t{1}];
      state = states[node.depth];
      if (!step(state, node.byte)) {
        i = node.end;
        continue;
      }
      for (int32_t token = node.token; token >= 0; token = twin(token)) found(state, token);
      ++i;
    }
  }

  size_t size() const { return nodes_.size(); }
  size_t memory() const { return nodes_.size() * sizeof(Node) + twins_.size() * 8; }

 private:
  // Another token with the same bytes, -1 for none.
  int32_t twin(int32_t token) const {
    if (twins_.empty()) return -1;
    for (const auto& [first, second] : twins_)
      if (first == token) return second;
    return -1;
  }

  std::vector<Node> nodes_;
  std::vector<std::pair<int32_t, int32_t>> twins_;
  size_t depth_ = 0;
};

class TokenTrie {
 public:
  // Control, unknown and unused tokens stand for no text and are left out.
  explicit TokenTrie(const Tokenizer& tokenizer);

  int32_t vocab_size() const { return vocab_size_; }
  size_t mask_words() const { return (static_cast<size_t>(vocab_size_) + 31) / 32; }
  std::string_view bytes(int32_t token) const { return bytes_[static_cast<size_t>(token)]; }
  bool is_end(int32_t token) const;
  std::span<const int32_t> ends() const { return ends_; }

  const Trie& all() const { return all_; }

  // Tokens that are short plain text inside a JSON string, by the characters they are made of. A
  // token is in the first slice whose set holds its characters.
  static constexpr size_t kSlices = 4, kSliceChars = 16;
  struct Slice {
    Trie trie;
    // upto[n]: mask of the tokens of at most n characters.
    std::array<std::vector<uint32_t>, kSliceChars + 1> upto;
  };
  const Slice& slice(size_t number) const { return slices_[number]; }
  static bool in_slice(size_t number, uint8_t byte);
  // The tokens of no slice: with quotes, escapes, control characters, parts of characters, long.
  const Trie& rest() const { return rest_; }

  size_t memory() const;

 private:
  int32_t vocab_size_;
  std::vector<std::string> bytes_;
  std::vector<int32_t> ends_;
  Trie all_, rest_;
  std::array<Slice, kSlices> slices_;
};

}  // namespace avocado::grammar
