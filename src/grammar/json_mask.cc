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
  if (!in_string || state.escape != 0 || !string_plan(state).matches(state.strings, kValidText)) {
    walk(state, trie.all(), bits);
    return;
  }
  for (size_t number = 0; number < TokenTrie::kSlices; ++number) {
    const TokenTrie::Slice& slice = trie.slice(number);
    const Room room = room_for(state, number);
    const std::vector<uint32_t>& free = slice.upto[room.characters];
    for (size_t i = 0; i < bits.size(); ++i) bits[i] |= free[i];
    if (!room.exact) walk(state, slice.trie, bits);
  }
  walk(state, trie.rest(), bits);
}

// How many characters of the slice may follow whatever they are, and whether none may after them.
JsonMachine::Room JsonMachine::room_for(const State& state, size_t slice) {
  constexpr uint32_t kMost = TokenTrie::kSliceChars;
  StringPlan& plan = string_plan(state);
  const uint32_t free = plan.free_characters(state.strings, slice);
  if (state.mode == Mode::in_key) {
    State other = state;
    other.name = NameTrie::kNone;
    // Of a name that no schema mentions; the lengths that propertyNames asks for are not looked at.
    if (free == 0 || !plan.length_steps().empty() || !key_lives(other)) return {0, false};
    return {free, free == kMost};
  }
  // Past each length at which something is decided, the string must still live.
  const uint32_t now_id = plan.info(state.strings, state.characters).now_id;
  for (const uint32_t length : plan.length_steps()) {
    if (length <= state.characters || length > state.characters + free) continue;
    const StringPlan::Info& info = plan.info(state.strings, length);
    if (info.now_id == now_id || (plan.plain() && can_hold(state.frame, info.now))) continue;
    return {length - 1 - state.characters, plan.plain()};
  }
  return {free, free == kMost};
}

}  // namespace avocado::grammar
