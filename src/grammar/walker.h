#pragma once
// What a Matcher moves: the state of one text in one kind of constraint, with its past for rewind.

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "grammar/token_trie.h"

namespace avocado::grammar {

class Walker {
 public:
  virtual ~Walker() = default;
  virtual std::unique_ptr<Walker> clone() const = 0;
  // A copy without the past: what was pushed before cannot be taken back in it.
  virtual std::unique_ptr<Walker> fork() const = 0;

  // Goes on by all the bytes, or returns false and stays.
  virtual bool push(std::string_view bytes) = 0;
  // Takes back the last `count` pushes, which are there.
  virtual void pop(size_t count) = 0;
  virtual size_t pushes() const = 0;
  virtual bool complete() const = 0;
  // Sets the bits of the tokens that may come next; the others are clear already.
  virtual void mask(const TokenTrie& trie, std::span<uint32_t> bits) = 0;
  // The bytes that may come next.
  virtual std::bitset<256> next_bytes() = 0;
};

inline void allow(std::span<uint32_t> bits, int32_t token) {
  bits[static_cast<size_t>(token) / 32] |= 1u << token % 32;
}

}  // namespace avocado::grammar
