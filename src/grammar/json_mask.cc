// Which tokens JsonMachine lets through. Most of a vocabulary is plain text, which within a string
// is allowed or not by the slice (TokenTrie): only what may end the string is walked byte by byte.

#include <algorithm>

#include "grammar/json_machine.h"
#include "grammar/walker.h"

namespace avocado::grammar {

void JsonMachine::walk(const State& state, const Trie& trie, std::span<uint32_t> bits) {
  trie.walk(
      state, [&](State& moved, uint8_t byte) { return step(moved, byte); },
      [&](const State&, int32_t token) { allow(bits, token); });
}

void JsonMachine::mask(const State& state, const TokenTrie& trie, std::span<uint32_t> bits) {
  const bool in_string = state.mode == Mode::string || state.mode == Mode::in_key;
  if (!in_string || state.escape != 0 || !state.plan->matches(state.strings, kValidText)) {
    walk(state, trie.all(), bits);
    return;
  }
  if (mask_free_string(state, trie, bits)) return;
  bool long_text = false;
  for (size_t number = 0; number < TokenTrie::kSlices; ++number) {
    const TokenTrie::Slice& slice = trie.slice(number);
    const Room room = room_for(state, number);
    const std::vector<uint32_t>& free = slice.upto[room.characters];
    for (size_t i = 0; i < bits.size(); ++i) bits[i] |= free[i];
    if (room.exact) continue;
    long_text = true;
    if (room.characters < TokenTrie::kSliceChars) walk_text(state, slice.trie, bits);
  }
  if (long_text) walk_text(state, trie.long_text(), bits);
  walk(state, trie.rest(), bits);
}

// Walks tokens that are plain text inside the string.
void JsonMachine::walk_text(const State& state, const Trie& trie, std::span<uint32_t> bits) {
  if (state.mode == Mode::in_key) {
    walk(state, trie, bits);
    return;
  }
  struct Inside {
    uint32_t strings, characters;
  };
  StringPlan& plan = *state.plan;
  std::vector<int8_t> lives;  // by now_id: whether the document lives with that verdict; -1: ask
  trie.walk(
      Inside{state.strings, state.characters},
      [&](Inside& moved, uint8_t byte) {
        moved.strings = plan.next(moved.strings, byte);
        if (moved.strings == StringPlan::kDead) return false;
        moved.characters += (byte & 0xc0) != 0x80;
        const StringPlan::Info& info = plan.info(moved.strings, moved.characters);
        if (info.now_id >= lives.size()) lives.resize(info.now_id + size_t{1}, -1);
        int8_t& known = lives[info.now_id];
        if (known < 0) known = can_hold(state.frame, info.now);
        return known > 0;
      },
      [&](const Inside&, int32_t token) { allow(bits, token); });
}

// A string in which any text may come: all but its end is known beforehand.
bool JsonMachine::mask_free_string(const State& state, const TokenTrie& trie,
                                   std::span<uint32_t> bits) {
  constexpr uint32_t kLongest = 256;  // characters of a token, at most
  StringPlan& plan = *state.plan;
  if (!plan.uniform(state.strings)) return false;
  for (const uint32_t length : plan.length_steps())
    if (length > state.characters && length <= state.characters + kLongest) return false;
  const bool key = state.mode == Mode::in_key;
  if (key) {
    State other = state;
    other.name = NameTrie::kNone;
    if (!key_lives(other)) return false;
  }
  const std::span<const uint32_t> free = trie.free_text();
  std::copy(free.begin(), free.end(), bits.begin());
  walk(state, trie.undecided(), bits);
  if (key) {
    walk(state, trie.name_ends(), bits);
    return true;
  }
  State ended = state;
  if (step(ended, '"')) walk(ended, trie.after_quote(), bits);
  return true;
}

// How many characters of the slice may follow whatever they are, and whether none may after them.
JsonMachine::Room JsonMachine::room_for(const State& state, size_t slice) {
  constexpr uint32_t kMost = TokenTrie::kUnlimited;
  StringPlan& plan = *state.plan;
  const bool key = state.mode == Mode::in_key;
  const bool strict = word(state.frame, kStrict) && (key || link_of(state.frame).mandatory);
  const uint32_t free = plan.free_characters(state.strings, slice, strict);
  if (key) {
    State other = state;
    other.name = NameTrie::kNone;
    // Of a name that no schema mentions; the lengths that propertyNames asks for are not looked at.
    if (free == 0 || !plan.length_steps().empty() || !key_lives(other)) return {0, false};
    return {free, free == kMost};
  }
  // Past each length at which something is decided, the string must still live. Where a formula
  // joins lengths and automata, what it says there depends on the characters until then.
  const uint32_t now_id = plan.info(state.strings, state.characters).now_id;
  for (const uint32_t length : plan.length_steps()) {
    if (length <= state.characters) continue;
    if (free < kMost && length > state.characters + free) continue;
    const StringPlan::Info& info = plan.info(state.strings, length);
    if (plan.plain() && (info.now_id == now_id || can_hold(state.frame, info.now))) continue;
    const uint32_t left = length - 1 - state.characters;
    if (left > TokenTrie::kSliceChars) return {TokenTrie::kSliceChars, false};
    return {left, plan.plain()};
  }
  return {free, free == kMost};
}

}  // namespace avocado::grammar
