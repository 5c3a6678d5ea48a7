#pragma once
// Which tokens an automaton lets through. Most of a vocabulary is plain text: where an automaton
// takes characters of a slice (TokenTrie) in any order, their tokens' mask is copied, not walked.
// Automaton: as in automaton_walker.h; it reads UTF-8.

#include <algorithm>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/token_trie.h"
#include "grammar/walker.h"

namespace avocado::grammar {

template <class Automaton>
class AutomatonMask {
 public:
  // Sets the bits of the tokens that may come in `state`.
  void fill(Automaton& automaton, uint32_t state, const TokenTrie& trie, std::span<uint32_t> bits) {
    const auto walk = [&](const Trie& part) {
      part.walk(
          state,
          [&](uint32_t& moved, uint8_t byte) {
            moved = automaton.next(moved, byte);
            return moved != Automaton::kDead;
          },
          [&](uint32_t, int32_t token) { allow(bits, token); });
    };
    constexpr size_t kMostSteps = 1 << 16;
    if (steps_.size() > kMostSteps) steps_.clear();
    bool long_text = false;
    for (size_t number = 0; number < TokenTrie::kSlices; ++number) {
      const TokenTrie::Slice& slice = trie.slice(number);
      const Room room = room_for(automaton, state, number);
      const std::vector<uint32_t>& free = slice.upto[room.characters];
      for (size_t i = 0; i < bits.size(); ++i) bits[i] |= free[i];
      if (room.over) continue;
      long_text = true;
      if (room.characters < TokenTrie::kSliceChars) walk(slice.trie);
    }
    if (long_text) walk(trie.long_text());
    walk(trie.in_no_slice());
  }

  size_t memory() const {
    size_t bytes = 0;
    for (const auto& [key, step] : steps_)
      bytes += sizeof(Step) + 48 + step.to.size() * sizeof(uint32_t);
    return bytes;
  }

 private:
  struct Room {
    uint32_t characters;  // so many may come whatever they are
    bool over;            // and none after them, or any number
  };
  // Where one character of a slice leads.
  struct Step {
    bool all = true, none = true;   // of the characters may come
    std::vector<uint32_t> to = {};  // ascending; when all may come
  };

  Room room_for(Automaton& automaton, uint32_t state, size_t slice) {
    constexpr size_t kMost = 64;  // states looked at side by side
    std::vector<uint32_t> level = {state};
    for (uint32_t characters = 0; characters < TokenTrie::kSliceChars; ++characters) {
      bool all = true, none = true;
      std::vector<uint32_t> next;
      for (const uint32_t from : level) {
        const Step& step = step_from(automaton, from, slice);
        all &= step.all;
        none &= step.none;
        next.insert(next.end(), step.to.begin(), step.to.end());
      }
      if (!all || next.size() > kMost * kMost) return {characters, none};
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
      // They were all there already: so it goes on.
      if (std::includes(level.begin(), level.end(), next.begin(), next.end()))
        return {TokenTrie::kUnlimited, true};
      if (next.size() > kMost) return {characters + 1, false};
      level = std::move(next);
    }
    return {TokenTrie::kSliceChars, false};
  }

  const Step& step_from(Automaton& automaton, uint32_t state, size_t slice) {
    const uint64_t key = uint64_t{state} * TokenTrie::kSlices + slice;
    const auto known = steps_.find(key);
    if (known != steps_.end()) return known->second;
    return steps_.emplace(key, make_step(automaton, state, slice)).first->second;
  }

  // All characters at once, byte by byte: the states between, each with what may follow there.
  static Step make_step(Automaton& automaton, uint32_t state, size_t slice) {
    struct Partial {
      uint32_t state;
      uint8_t left, low, high;  // bytes still to come; bounds of the next one
      uint8_t separator;        // so many bytes are those of a line or paragraph separator
      // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted comparison
      auto operator<=>(const Partial&) const = default;
    };
    Step step;
    const auto arrive = [&](uint32_t to) {
      (to == Automaton::kDead ? step.all : step.none) = false;
      if (to != Automaton::kDead) step.to.push_back(to);
    };
    std::vector<Partial> partial, longer;
    for (int lead = 0x20; lead <= 0xf4 && (step.all || step.none); ++lead) {
      const auto byte = static_cast<uint8_t>(lead);
      if (!TokenTrie::in_slice(slice, byte) || (lead >= 0x80 && lead < 0xc2)) continue;
      const uint32_t to = automaton.next(state, byte);
      if (lead < 0x80 || to == Automaton::kDead) {
        arrive(to);
        continue;
      }
      const auto left = static_cast<uint8_t>(lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3);
      const auto low = static_cast<uint8_t>(lead == 0xe0 || lead == 0xc2 ? 0xa0
                                            : lead == 0xf0               ? 0x90
                                                                         : 0x80);
      const auto high = static_cast<uint8_t>(lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf);
      partial.push_back({to, left, low, high, lead == 0xe2});
    }
    while (!partial.empty() && (step.all || step.none)) {
      std::sort(partial.begin(), partial.end());
      partial.erase(std::unique(partial.begin(), partial.end()), partial.end());
      longer.clear();
      for (const Partial& from : partial) {
        for (int next = from.low; next <= from.high; ++next) {
          const auto byte = static_cast<uint8_t>(next);
          if (from.separator == 2 && (byte == 0xa8 || byte == 0xa9)) continue;
          const uint32_t to = automaton.next(from.state, byte);
          if (from.left == 1 || to == Automaton::kDead) {
            arrive(to);
            continue;
          }
          const bool separator = from.separator == 1 && byte == 0x80;
          longer.push_back({to, static_cast<uint8_t>(from.left - 1), 0x80, 0xbf,
                            static_cast<uint8_t>(separator ? 2 : 0)});
        }
      }
      partial.swap(longer);
    }
    if (!step.all) step.to.clear();
    std::sort(step.to.begin(), step.to.end());
    step.to.erase(std::unique(step.to.begin(), step.to.end()), step.to.end());
    return step;
  }

  std::unordered_map<uint64_t, Step> steps_;
};

}  // namespace avocado::grammar
