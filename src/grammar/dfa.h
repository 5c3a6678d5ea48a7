#pragma once
// A deterministic automaton over bytes, made from an expression state by state as they are first
// reached. State 0 is dead; from every other one an accepting state can still be reached (unless
// word edges stand in the way, which are not looked through).

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/nfa.h"

namespace avocado::grammar {

class Dfa {
 public:
  enum class Match : uint8_t { whole, anywhere };
  static constexpr uint32_t kDead = 0;

  // `what` names the expression in messages. Throws Error(usage) when it is too large.
  Dfa(const Expr& expr, Match match, std::string what);

  uint32_t start() const { return start_; }
  // Throws Error(resource) when the automaton grows beyond its bounds.
  uint32_t next(uint32_t state, uint8_t byte) {
    const uint32_t known = table_[state * classes_ + class_of_[byte]];
    return known != kUnknown ? known : make_next(state, byte);
  }
  bool accepts(uint32_t state) const { return states_[state].accepts; }
  // Whatever follows will be accepted.
  bool universal(uint32_t state) const { return states_[state].universal; }
  uint8_t class_of(uint8_t byte) const { return class_of_[byte]; }
  size_t states() const { return states_.size(); }
  size_t memory() const;

 private:
  static constexpr uint32_t kUnknown = ~0u;
  static constexpr size_t kMaxStates = 1 << 16, kMaxMembers = 1 << 22;

  using Members = std::vector<uint32_t>;  // nodes, ascending; after a word character kWordBit too
  struct State {
    const Members* members;
    bool accepts, universal, after_word;
  };
  struct MembersHash {
    size_t operator()(const Members& members) const {
      size_t hash = members.size();
      for (const uint32_t member : members) hash = (hash ^ member) * 0x9e3779b97f4a7c15;
      return hash ^ hash >> 29;
    }
  };

  void find_living();
  uint32_t make_next(uint32_t state, uint8_t byte);
  uint32_t intern(Members members);
  // Follows what takes no byte from the nodes in work_; `at_begin`: before the first byte.
  void close(Members& out, bool at_begin);
  void cross_word_edges(Members& members, bool after_word, bool before_word);
  bool accepts_at_end(const Members& members, bool after_word);

  Nfa nfa_;
  std::string what_;
  bool has_word_edges_ = false;
  uint32_t begin_ = 0, start_ = 0;
  size_t classes_ = 0, total_members_ = 0;
  uint8_t class_of_[256];
  std::vector<bool> living_;    // nodes from which the end can be reached
  std::vector<uint32_t> seen_;  // per node, the mark of the last close() that met it
  uint32_t mark_ = 0;
  std::vector<uint32_t> work_;
  std::unordered_map<Members, uint32_t, MembersHash> known_;
  std::vector<State> states_;
  std::vector<uint32_t> table_;
};

}  // namespace avocado::grammar
