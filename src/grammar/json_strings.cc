// The part of JsonMachine that is within quotes: values that are strings, and names of members.

#include "grammar/json_machine.h"

namespace avocado::grammar {
namespace {

// Where within an escape a string stands: after the backslash, in the four digits after \u, then
// for the second half of a pair the same again.
enum Escape : uint8_t { kNone, kBackslash, kDigits, kSecondBackslash = 6, kSecondU, kSecondDigits };

int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  const uint8_t lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool JsonMachine::begin_key(State& state) {
  ContainerPlan& plan = plan_of(state.frame);
  const auto names = static_cast<uint32_t>(plan.names.names().size());
  const uint32_t note = take(state, 1 + plan.name_words);
  // Is there room for one more, whatever its name?
  State trial = state;
  trial.frame = copy_frame(trial, state.frame);
  ++word(trial.frame, kCount);
  const bool room = frame_lives(trial.frame);
  const uint32_t own_names = state.frame + kWords + static_cast<uint32_t>(plan.group_words);
  for (uint32_t i = 0; i < plan.name_words; ++i)
    memory_[note + 1 + i] = room ? ~memory_[own_names + i] : 0;
  if (names % 32 != 0) memory_[note + plan.name_words] &= (1u << names % 32) - 1;
  for (uint32_t name = 0; room && name < names; ++name) {
    uint32_t& allowed = memory_[note + 1 + name / 32];
    if (!(allowed >> name % 32 & 1)) continue;
    const Link& link = plans_.link(plans_.link_of_name(plan, name));
    if (link.dead_groups.none() && !plan.decisive[name]) continue;
    bool lives = !(word(state.frame, kStrict) && link.dead_groups.any());
    if (lives) {
      State one = trial;
      one.frame = copy_frame(one, trial.frame);
      memory_[one.frame + kWords + plan.group_words + name / 32] |= 1u << name % 32;
      fail_groups(one.frame, link.dead_groups);
      lives = frame_lives(one.frame);
    }
    if (!lives) memory_[note + 1 + name / 32] &= ~(1u << name % 32);
  }
  state.mode = Mode::in_key;
  state.plan = plan.keys.get();
  state.strings = plan.keys->start();
  state.characters = 0;
  state.name = plan.names.root();
  state.hash = 0xcbf29ce484222325;
  state.allowed = note;
  state.now_id = plan.keys->info(state.strings, 0).now_id;
  // Other names: some text must be left that every group allows.
  memory_[note] = room;
  if (room) {
    State other = state;
    other.name = NameTrie::kNone;
    memory_[note] = key_lives(other);
  }
  return room;
}

// Whether the key can still become a name that may come.
bool JsonMachine::key_lives(const State& state) {
  ContainerPlan& plan = plan_of(state.frame);
  const NameTrie::Range range = plan.names.below(state.name);
  for (uint32_t name = range.first; name < range.end; ++name)
    if (memory_[state.allowed + 1 + name / 32] >> name % 32 & 1) return true;
  if (memory_[state.allowed] == 0) return false;
  const Verdict& now = plan.keys->info(state.strings, state.characters).now;
  if (now.no.none()) return true;
  if (word(state.frame, kStrict)) return false;
  State trial = state;
  trial.frame = copy_frame(trial, state.frame);
  ++word(trial.frame, kCount);
  RootBits groups;
  for (size_t root = 0; root < plan.key_groups.size(); ++root)
    if (now.no[root]) groups.set(plan.key_groups[root]);
  fail_groups(trial.frame, groups);
  return frame_lives(trial.frame);
}

bool JsonMachine::end_key(State& state) {
  ContainerPlan& plan = plan_of(state.frame);
  const uint32_t name = plan.names.name_at(state.name);
  const bool known = name != NameTrie::kNone;
  const auto low = static_cast<uint32_t>(state.hash),
             high = static_cast<uint32_t>(state.hash >> 32);
  RootBits failed;
  if (known) {
    if (!(memory_[state.allowed + 1 + name / 32] >> name % 32 & 1)) return false;
  } else {
    if (memory_[state.allowed] == 0) return false;
    for (uint32_t note = word(state.frame, kList); note != 0; note = memory_[note])
      if (memory_[note + 1] == low && memory_[note + 2] == high) return false;
    const RootBits& right = plan.keys->info(state.strings, state.characters).at_end;
    for (size_t root = 0; root < plan.key_groups.size(); ++root)
      if (!right[root]) failed.set(plan.key_groups[root]);
    if (failed.any() && word(state.frame, kStrict)) return false;
  }
  const uint32_t link =
      known ? plans_.link_of_name(plan, name) : plans_.link_of_other(plan, state.strings);
  state.frame = copy_frame(state, state.frame);
  ++word(state.frame, kCount);
  word(state.frame, kLink) = link;
  if (known) {
    memory_[state.frame + kWords + plan.group_words + name / 32] |= 1u << name % 32;
  } else {
    const uint32_t note = take(state, 3);
    memory_[note] = word(state.frame, kList);
    memory_[note + 1] = low;
    memory_[note + 2] = high;
    word(state.frame, kList) = note;
  }
  failed |= plans_.link(link).dead_groups;
  state.mode = Mode::colon;
  // What is known of the name was weighed when the key began.
  if (!fail_groups(state.frame, failed) || known) return true;
  return frame_lives(state.frame);
}

bool JsonMachine::end_string(State& state) {
  if (!state.plan->matches(state.strings, kValidText)) return false;  // within a character
  if (state.mode == Mode::in_key) return end_key(state);
  StringPlan& plan = *state.plan;
  const RootBits right = plan.info(state.strings, state.characters).at_end;
  return finish_value(state, right, state.begin);
}

bool JsonMachine::step_string(State& state, uint8_t byte) {
  if (state.escape != kNone) return step_escape(state, byte);
  if (byte == '"') return end_string(state);
  if (byte < 0x20) return false;
  if (byte == '\\') {
    state.escape = kBackslash;
    return can_take_escape(state);
  }
  return feed(state, byte) && string_lives(state);
}

// Takes a byte of the string's contents.
bool JsonMachine::feed(State& state, uint8_t byte) {
  state.strings = state.plan->next(state.strings, byte);
  if (state.mode == Mode::in_key) {
    if (state.name != NameTrie::kNone)
      state.name = plan_of(state.frame).names.next(state.name, byte);
    state.hash = (state.hash ^ byte) * 0x100000001b3;
  }
  state.characters += (byte & 0xc0) != 0x80;
  return state.strings != StringPlan::kDead;
}

bool JsonMachine::string_lives(State& state) {
  if (state.mode == Mode::in_key) return key_lives(state);
  const StringPlan::Info& info = state.plan->info(state.strings, state.characters);
  if (info.now_id == state.now_id) return true;
  state.now_id = info.now_id;
  return can_hold(state.frame, info.now);
}

bool JsonMachine::feed_code_point(State& state, uint32_t code_point) {
  std::string bytes;
  unicode::append_utf8(code_point, bytes);
  for (const char byte : bytes)
    if (!feed(state, static_cast<uint8_t>(byte))) return false;
  return string_lives(state);
}

bool JsonMachine::step_escape(State& state, uint8_t byte) {
  if (state.escape == kBackslash) {
    if (byte == 'u') {
      state.escape = kDigits;
      state.hex = 0;
      return can_take_hex(state, 4);
    }
    constexpr std::string_view kLetters = "\"\\bfnrt", kMeanings = "\"\\\b\f\n\r\t";
    const size_t at = kLetters.find(static_cast<char>(byte));
    if (at == kLetters.npos) return false;
    state.escape = kNone;
    return feed(state, static_cast<uint8_t>(kMeanings[at])) && string_lives(state);
  }
  if (state.escape == kSecondBackslash || state.escape == kSecondU) {
    return byte == (state.escape++ == kSecondBackslash ? '\\' : 'u');
  }
  const int digit = hex_digit(byte);
  if (digit < 0) return false;
  const bool second = state.escape >= kSecondDigits;
  const uint32_t left = (second ? kSecondDigits : kDigits) + 3u - state.escape;
  state.hex = static_cast<uint16_t>(state.hex << 4 | digit);
  ++state.escape;
  if (!can_take_hex(state, left)) return false;
  if (left > 0) return true;
  if (second) {
    state.escape = kNone;
    return feed_code_point(state, 0x10000 + ((state.high - 0xd800u) << 10) + (state.hex - 0xdc00u));
  }
  if (state.hex >= 0xd800 && state.hex < 0xdc00) {
    state.escape = kSecondBackslash;
    state.high = state.hex;
    state.hex = 0;
    return true;
  }
  state.escape = kNone;
  return feed_code_point(state, state.hex);
}

bool JsonMachine::can_take_escape(const State& state) {
  for (const char c : std::string_view("\"\\\b\f\n\r\t"))
    if (can_take(state, static_cast<uint8_t>(c), static_cast<uint8_t>(c))) return true;
  return can_take(state, 0, 0x1f) || can_take(state, 0x80, kLastCodePoint);
}

// Whether a character can follow whose \u begins with the digits of state.hex.
bool JsonMachine::can_take_hex(const State& state, uint32_t digits_left) {
  const uint32_t low = uint32_t{state.hex} << 4 * digits_left,
                 high = low | ((1u << 4 * digits_left) - 1);
  if (state.escape >= kSecondDigits) {
    const uint32_t base = 0x10000 + ((state.high - 0xd800u) << 10);
    const uint32_t first = std::max(low, 0xdc00u), last = std::min(high, 0xdfffu);
    return first <= last && can_take(state, base + first - 0xdc00, base + last - 0xdc00);
  }
  if (low < 0x20 && can_take(state, low, std::min(high, 0x1fu))) return true;
  if (high >= 0x80 && can_take(state, std::max(low, 0x80u), high)) return true;  // no surrogates
  const uint32_t first = std::max(low, 0xd800u), last = std::min(high, 0xdbffu);
  if (first > last) return false;
  return can_take(state, 0x10000 + ((first - 0xd800) << 10),
                  0x10000 + ((last - 0xd800) << 10) + 0x3ff);
}

// Whether one of the characters low..high can follow.
bool JsonMachine::can_take(const State& state, uint32_t low, uint32_t high) {
  bool found = false;
  for_each_utf8_sequence(low, high, [&](const ByteRange* bytes, int length) {
    const auto follow = [&](auto&& self, const State& from, int at) -> bool {
      if (at == length) return true;
      for (int byte = bytes[at].low; byte <= bytes[at].high; ++byte) {
        State next = from;
        if (!feed(next, static_cast<uint8_t>(byte)) || !string_lives(next)) continue;
        // Where all that may follow is in the range, living is enough.
        bool rest_is_free = true;
        for (int i = at + 1; i < length; ++i)
          rest_is_free &= bytes[i].low == 0x80 && bytes[i].high == 0xbf;
        if ((rest_is_free && at > 0) || self(self, next, at + 1)) return true;
      }
      return false;
    };
    found = found || follow(follow, state, 0);
  });
  return found;
}

}  // namespace avocado::grammar
