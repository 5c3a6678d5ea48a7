#pragma once
// Text in which certain strings do not occur: the automaton of Aho and Corasick without the states
// in which one of them has just ended.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace avocado::grammar {

class FreeTextAutomaton {
 public:
  struct Move {
    uint8_t low, high;
    uint32_t to;
  };
  // Empty strings do not count.
  explicit FreeTextAutomaton(std::span<const std::string> without);

  // Where a text begins: 0. It may end anywhere.
  uint32_t states() const { return static_cast<uint32_t>(moves_.size()); }
  // By byte, ascending; a byte that is in none would end one of the strings.
  const std::vector<Move>& moves(uint32_t state) const { return moves_[state]; }

 private:
  std::vector<std::vector<Move>> moves_;
};

}  // namespace avocado::grammar
