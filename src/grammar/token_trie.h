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
    uint32_t first, count;  // the tokens that end here, in tokens_
    uint16_t depth;         // of its parent, 0 below the root
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
    for (const int32_t token : at_root_) found(start, token);
    for (size_t i = 0; i < nodes_.size();) {
      const Node& node = nodes_[i];
      State& state = states[node.depth + size_t{1}];
      state = states[node.depth];
      if (!step(state, node.byte)) {
        i = node.end;
        continue;
      }
      for (uint32_t k = 0; k < node.count; ++k) found(state, tokens_[node.first + k]);
      ++i;
    }
  }

  size_t size() const { return nodes_.size(); }
  size_t memory() const { return nodes_.size() * sizeof(Node) + tokens_.size() * 4; }

 private:
  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_, at_root_;
  size_t depth_ = 0;
};

// How a token that stands for no text (a control token, an end) is written among bytes: eight bytes
// that no UTF-8 has. Only what names it lets it through.
std::string token_code(int32_t token);

class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);

  int32_t vocab_size() const { return vocab_size_; }
  // Another one for each trie of the process, from 1 on.
  uint64_t serial() const { return serial_; }
  size_t mask_words() const { return (static_cast<size_t>(vocab_size_) + 31) / 32; }
  // The text of a token, or its token_code.
  std::string_view bytes(int32_t token) const { return bytes_[static_cast<size_t>(token)]; }
  bool is_end(int32_t token) const;
  std::span<const int32_t> ends() const { return ends_; }

  const Trie& all() const { return all_; }
  // The tokens in which something follows a byte that can end a JSON value: } ] "
  const Trie& closers() const { return closers_; }

  // Tokens that are plain text inside a JSON string, by the characters they are made of. A token is
  // in the first slice whose set holds its characters. In no slice are the characters that patterns
  // and grammars of lines leave out: Delete, U+0080 to U+009F, and these two.
  static constexpr std::string_view kLineSeparator = "\xe2\x80\xa8",
                                    kParagraphSeparator = "\xe2\x80\xa9";
  static constexpr size_t kSlices = 4;
  static constexpr uint32_t kSliceChars = 16, kUnlimited = kSliceChars + 1;
  struct Slice {
    Trie trie;  // of the tokens of at most kSliceChars characters
    // upto[n]: mask of the tokens of at most n characters; upto[kUnlimited]: of all.
    std::array<std::vector<uint32_t>, kUnlimited + 1> upto;
  };
  const Slice& slice(size_t number) const { return slices_[number]; }
  static bool in_slice(size_t number, uint8_t byte);
  // The longer tokens of all slices.
  const Trie& long_text() const { return long_text_; }
  // All other tokens; and those of them that may come inside a string: with a quote, an escape,
  // parts of characters.
  const Trie& in_no_slice() const { return in_no_slice_; }
  const Trie& rest() const { return rest_; }

  // For strings in which any text may come. First the tokens that lie wholly within such a string,
  // from the beginning of a character on.
  std::span<const uint32_t> free_text() const { return free_text_; }
  // Then those that end it: what they write after the quote, which may be nothing.
  const Trie& after_quote() const { return after_quote_; }
  // Those that end it and whose next byte, if any, is a colon: they can end a member's name.
  const Trie& name_ends() const { return name_ends_; }
  // Those about which only a walk tells: \u escapes, and what does not begin a character.
  const Trie& undecided() const { return undecided_; }

  size_t memory() const;

 private:
  uint64_t serial_;
  int32_t vocab_size_;
  std::vector<std::string> bytes_;
  std::vector<int32_t> ends_;
  Trie all_, closers_, in_no_slice_, rest_, long_text_, after_quote_, name_ends_, undecided_;
  std::vector<uint32_t> free_text_;
  std::array<Slice, kSlices> slices_;
};

}  // namespace avocado::grammar
