#pragma once
// Context-free grammars, recognised byte by byte: a state is the set of all ways to have read the
// text so far, each a place in a rule with the stack of places to return to. Sets and stacks are
// kept once, so that states are numbers and the moves between them are looked up.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/nfa.h"

namespace avocado::grammar {

class Pushdown {
 public:
  static constexpr uint32_t kDead = 0;

  // `entries[r]` is where rule r begins in `nfa`; each rule ends in a node of kind accept. The
  // rules must not be left-recursive.
  Pushdown(Nfa nfa, std::vector<uint32_t> entries, uint32_t root);

  uint32_t start() const { return start_; }
  // Throws Error(resource) when there are too many states.
  uint32_t next(uint32_t state, uint8_t byte);
  bool complete(uint32_t state) const { return states_[state].complete; }
  // Whether nothing may follow.
  bool closed(uint32_t state) const { return states_[state].members->size() <= complete(state); }
  // All ways of both.
  uint32_t unite(uint32_t a, uint32_t b);
  size_t memory() const;

  // A rule from whose beginning itself is reached before any byte is read; -1 when there is none.
  static int find_left_recursion(const Nfa& nfa, const std::vector<uint32_t>& entries);

 private:
  static constexpr uint32_t kUnknown = ~0u;
  static constexpr size_t kMaxStates = 1 << 17, kMaxMembers = 1 << 22, kMaxStacks = 1 << 21;

  // A node (high half) and the stack below it (low half).
  using Members = std::vector<uint64_t>;
  struct State {
    const Members* members;
    bool complete;
  };
  struct MembersHash {
    size_t operator()(const Members& members) const {
      size_t hash = members.size();
      for (const uint64_t member : members) {
        hash = (hash ^ member) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 31;
      }
      return hash;
    }
  };
  struct Stack {
    uint32_t back_to, below;
  };

  uint32_t push(uint32_t back_to, uint32_t below);
  // Interns the closure of the places in work_.
  uint32_t close();
  uint32_t intern(Members members, bool complete);

  Nfa nfa_;
  std::vector<uint32_t> entries_;
  uint32_t start_ = 0;
  size_t classes_ = 0, total_members_ = 0;
  uint8_t class_of_[256];
  std::vector<Stack> stacks_ = {{0, 0}};  // 0: empty
  std::unordered_map<uint64_t, uint32_t> stack_ids_;
  std::vector<uint64_t> work_;
  std::unordered_map<Members, uint32_t, MembersHash> known_;
  std::vector<State> states_;
  std::vector<uint32_t> table_;
};

}  // namespace avocado::grammar
