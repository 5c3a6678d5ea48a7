// Grammars some of whose rules are other constraints, such as the JSON schema of a tool's
// arguments. The grammar's automaton sees such a place as a code that no text has (hole_code).
// Whoever stands before one may also go on inside of it: so a text is at one state of the automaton
// and, beside it, in any number of holes, each with the state that comes after.

#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "grammar/automaton_walker.h"
#include "grammar/gbnf.h"
#include "grammar/matcher.h"
#include "grammar/walker.h"

namespace avocado::grammar {
namespace {

constexpr size_t kMostOpen = 64;  // holes in which one text is at once

bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

class ComposedConstraint final : public Constraint {
 public:
  ComposedConstraint(Pushdown grammar, std::vector<std::shared_ptr<const Constraint>> holes)
      : grammar_(std::move(grammar)) {
    for (auto& constraint : holes) {
      const std::unique_ptr<Walker> start = constraint->start();
      const std::bitset<256> first = start->next_bytes();
      bool spaced = true;
      for (int byte = 0; byte < 256; ++byte)
        spaced &= !first[static_cast<size_t>(byte)] || is_space(static_cast<uint8_t>(byte));
      holes_.push_back({std::move(constraint), spaced, start->complete()});
    }
  }

  size_t memory() const override {
    const std::lock_guard lock(mutex_);
    size_t bytes = grammar_.memory();
    for (const Hole& hole : holes_) bytes += hole.constraint->memory();
    for (const auto& [state, mask] : masks_) bytes += mask.size() * sizeof(uint32_t) + 64;
    return bytes;
  }
  std::unique_ptr<Walker> start() const override { return std::make_unique<Place>(*this); }

 private:
  struct Hole {
    std::shared_ptr<const Constraint> constraint;
    bool spaced;  // it begins with white space and nothing else
    bool empty;   // its text may be empty
  };
  struct Entry {
    int hole;
    uint32_t after;
  };
  struct Open {
    std::shared_ptr<Walker> walker;
    uint32_t after;
  };
  struct State {
    uint32_t at;  // in the grammar
    std::vector<Open> open;
    bool lives() const { return at != Pushdown::kDead || !open.empty(); }
  };

  class Place final : public Walker {
   public:
    explicit Place(const ComposedConstraint& owner) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      states_.push_back({owner_.past_empty(owner_.grammar_.start()), {}});
    }
    std::unique_ptr<Walker> clone() const override { return std::make_unique<Place>(*this); }
    std::unique_ptr<Walker> fork() const override {
      auto copy = std::make_unique<Place>(*this);
      copy->states_.erase(copy->states_.begin(), copy->states_.end() - 1);
      return copy;
    }
    bool push(std::string_view bytes) override {
      const std::lock_guard lock(owner_.mutex_);
      State state = copy_of(states_.back());
      for (const char byte : bytes)
        if (!owner_.step(state, static_cast<uint8_t>(byte))) return false;
      states_.push_back(std::move(state));
      return true;
    }
    void pop(size_t count) override { states_.resize(states_.size() - count); }
    size_t pushes() const override { return states_.size() - 1; }
    bool complete() const override {
      const std::lock_guard lock(owner_.mutex_);
      return owner_.grammar_.complete(owner_.here(states_.back()));
    }
    void mask(const TokenTrie& trie, std::span<uint32_t> bits) override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.mask(states_.back(), trie, bits);
    }
    std::bitset<256> next_bytes() override {
      const std::lock_guard lock(owner_.mutex_);
      std::bitset<256> bytes;
      for (int byte = 0; byte < 256; ++byte) {
        State state = copy_of(states_.back());
        bytes[static_cast<size_t>(byte)] = owner_.step(state, static_cast<uint8_t>(byte));
      }
      return bytes;
    }

   private:
    const ComposedConstraint& owner_;
    std::vector<State> states_;  // at the start and after each push; their walkers stay as they are
  };

  static State copy_of(const State& state) {
    State copy{state.at, {}};
    for (const Open& open : state.open) copy.open.push_back({open.walker->fork(), open.after});
    return copy;
  }

  // The holes that may begin at a state of the grammar.
  const std::vector<Entry>& entries(uint32_t at) const {
    if (at < no_entries_.size() && no_entries_[at]) return none_;
    const auto [known, added] = entries_.try_emplace(at);
    if (added) {
      if (grammar_.next(at, kHole) != Pushdown::kDead) {
        for (int hole = 0; hole < static_cast<int>(holes_.size()); ++hole) {
          uint32_t after = at;
          for (const char byte : hole_code(hole))
            after = grammar_.next(after, static_cast<uint8_t>(byte));
          if (after != Pushdown::kDead) known->second.push_back({hole, after});
        }
      }
      if (at >= no_entries_.size()) no_entries_.resize(at + size_t{1});
      no_entries_[at] = known->second.empty();
    }
    return known->second;
  }

  // With the states behind holes that may be empty.
  uint32_t past_empty(uint32_t at) const {
    for (uint32_t before = Pushdown::kDead; before != at;) {
      before = at;
      for (const Entry& entry : entries(before))
        if (holes_[static_cast<size_t>(entry.hole)].empty) at = grammar_.unite(at, entry.after);
    }
    return at;
  }

  // The state of the grammar, with those behind holes that are complete.
  uint32_t here(const State& state) const {
    uint32_t at = state.at;
    for (const Open& open : state.open)
      if (open.walker->complete()) at = grammar_.unite(at, past_empty(open.after));
    return at;
  }

  // Moves by a byte; the walkers are the state's own.
  bool step(State& state, uint8_t byte) const {
    if (byte == kHole) return false;
    const uint32_t from = here(state);
    std::erase_if(state.open, [byte](const Open& open) {
      const char c = static_cast<char>(byte);
      return !open.walker->push({&c, 1});
    });
    enter(state, from, byte);
    state.at = past_empty(grammar_.next(from, byte));
    return state.lives();
  }

  void enter(State& state, uint32_t from, uint8_t byte) const {
    for (const Entry& entry : entries(from)) {
      const Hole& hole = holes_[static_cast<size_t>(entry.hole)];
      if (is_space(byte) && !hole.spaced) continue;
      std::unique_ptr<Walker> walker = hole.constraint->start();
      const char c = static_cast<char>(byte);
      if (!walker->push({&c, 1})) continue;
      if (state.open.size() == kMostOpen)
        fail_resource("the grammar can be read in more than {} ways", kMostOpen);
      state.open.push_back({std::move(walker), entry.after});
    }
  }

  void mask(const State& state, const TokenTrie& trie, std::span<uint32_t> bits) const {
    if (const uint32_t at = here(state); at != Pushdown::kDead) {
      const std::vector<uint32_t>& known = mask_of(trie, at);
      std::copy(known.begin(), known.end(), bits.begin());
    }
    for (const Open& open : state.open) add_inside(*open.walker, open.after, false, trie, bits);
  }

  // The tokens that go on in a hole, to its end or beyond it. `inner`: those that begin with white
  // space do not count.
  void add_inside(Walker& walker, uint32_t after, bool inner, const TokenTrie& trie,
                  std::span<uint32_t> bits) const {
    std::vector<uint32_t> inside(bits.size());
    walker.mask(trie, inside);
    if (inner) {
      const auto at_space = [](int& begun, uint8_t byte) {
        return std::exchange(begun, 1) != 0 || is_space(byte);
      };
      trie.all().walk(0, at_space, [&](int, int32_t token) {
        inside[static_cast<size_t>(token) / 32] &= ~(1u << token % 32);
      });
    }
    for (size_t i = 0; i < bits.size(); ++i) bits[i] |= inside[i];
    if (grammar_.closed(past_empty(after))) return;
    struct Beyond {
      uint32_t depth, at;
      bool inside;
    };
    const std::unique_ptr<Walker> moving = walker.fork();
    trie.closers().walk(
        Beyond{0, Pushdown::kDead, true},
        [&](Beyond& moved, uint8_t byte) {
          if (moved.depth == 0 && inner && is_space(byte)) return false;
          if (moved.inside) {
            moving->pop(moving->pushes() - moved.depth);
            // Where the whole hole has been read before the token, mask() has said what follows.
            if (moved.depth > 0 && moving->complete())
              moved.at = grammar_.unite(moved.at, past_empty(after));
          }
          if (moved.at != Pushdown::kDead) moved.at = past_empty(grammar_.next(moved.at, byte));
          const char c = static_cast<char>(byte);
          moved.inside = moved.inside && moving->push({&c, 1});
          moved.depth += moved.inside;
          return moved.inside || moved.at != Pushdown::kDead;
        },
        [&](const Beyond& moved, int32_t token) {
          if (moved.at != Pushdown::kDead) allow(bits, token);
        });
  }

  // The tokens that may come at a state of the grammar.
  const std::vector<uint32_t>& mask_of(const TokenTrie& trie, uint32_t at) const {
    constexpr size_t kMasks = 256;
    if (trie.serial() != masks_for_ || masks_.size() >= kMasks) masks_.clear();
    masks_for_ = trie.serial();
    const auto known = masks_.find(at);
    if (known != masks_.end()) return known->second;
    std::vector<uint32_t> mask(trie.mask_words());
    struct Moving {
      uint32_t at;
      bool begun;
      std::shared_ptr<const State> holes;  // once there are any; its `at` is this one's
    };
    trie.all().walk(
        Moving{at, false, nullptr},
        [&](Moving& moved, uint8_t byte) {
          const bool begun = std::exchange(moved.begun, true);
          if (!moved.holes && (!begun || entries(moved.at).empty())) {
            moved.at = past_empty(grammar_.next(moved.at, byte));
            return moved.at != Pushdown::kDead;
          }
          auto state =
              std::make_shared<State>(moved.holes ? copy_of(*moved.holes) : State{moved.at, {}});
          if (!step(*state, byte)) return false;
          moved.at = state->at;
          moved.holes = state->open.empty() ? nullptr : std::move(state);
          return true;
        },
        [&](const Moving&, int32_t token) { allow(mask, token); });
    // Holes at the very beginning have quicker ways than this walk.
    for (const Entry& entry : entries(at)) {
      const Hole& hole = holes_[static_cast<size_t>(entry.hole)];
      add_inside(*hole.constraint->start(), entry.after, !hole.spaced, trie, mask);
    }
    return masks_[at] = std::move(mask);
  }

  std::vector<Hole> holes_;
  const std::vector<Entry> none_ = {};
  mutable std::mutex mutex_;  // before the mutexes of the holes
  mutable Pushdown grammar_;
  mutable std::unordered_map<uint32_t, std::vector<Entry>> entries_;
  mutable std::vector<bool> no_entries_;
  mutable std::unordered_map<uint32_t, std::vector<uint32_t>> masks_;
  mutable uint64_t masks_for_ = 0;
};

}  // namespace

std::shared_ptr<const Constraint> Constraint::from_parts(std::string_view grammar,
                                                         const Parts& parts,
                                                         const std::string& root) {
  OutsideRules outside;
  std::vector<std::shared_ptr<const Constraint>> holes;
  for (const auto& [name, part] : parts) {
    if (const auto* text = std::get_if<FreeText>(&part)) {
      outside[name].without = text->without;
    } else {
      outside[name].hole = static_cast<int>(holes.size());
      holes.push_back(std::get<1>(part));
    }
  }
  if (holes.size() > kMostHoles)
    fail_usage("grammar: it has {} rules that are constraints; at most {} can be", holes.size(),
               kMostHoles);
  Pushdown automaton = parse_gbnf(grammar, root, outside);
  if (holes.empty()) return std::make_shared<AutomatonConstraint<Pushdown>>(std::move(automaton));
  return std::make_shared<ComposedConstraint>(std::move(automaton), std::move(holes));
}

}  // namespace avocado::grammar
