#pragma once
// Follows JSON text byte by byte and holds it to a schema: a byte is let through only when what it
// makes known leaves the document's schema satisfiable, as far as the formulas of the open values
// tell. What closes a value is let through only when the value is right.
//
// Members may come in any order, but no name twice. White space: at most one line end and 40 blanks
// between two parts. Strings are written as by JSON.stringify or Python's json.dumps: escapes only
// for what needs them, \u for control characters and for what is not ASCII.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "grammar/plans.h"

namespace avocado::grammar {

class JsonMachine {
 public:
  enum class Mode : uint8_t {
    value,
    value_or_close,  // after [
    key_or_close,    // after {
    key,             // after a comma
    in_key,
    colon,
    string,
    number,
    literal,
    after_value,
    done,
  };

  // Where a text stands. Frames and notes lie in the machine's memory below `memory`, what was
  // written in its text below `text`: older states stay valid while nothing is written over them.
  struct State {
    Mode mode = Mode::value;
    NumberPlace place = NumberPlace::begin;
    uint8_t blanks = 0;  // white space since the last part
    bool line_ended = false;
    uint8_t escape = 0;  // where within an escape, 0: outside
    uint8_t depth = 0;
    uint16_t hex = 0, high = 0;  // digits of \u, and the first half of a pair
    uint32_t frame = 0;          // of the innermost open container
    uint32_t begin = 0;          // of the value being written, in the text
    StringPlan* plan = nullptr;  // of the string or key being written
    uint32_t strings = 0;        // where that stands; for a literal: how much is written
    uint32_t characters = 0;
    uint32_t now_id = 0;   // the last verdict on a string
    uint32_t name = 0;     // in the NameTrie
    uint32_t allowed = 0;  // in a key: the note of the names that may come
    uint64_t hash = 0;     // of the key's characters
    uint32_t text = 0, memory = 0;
  };

  explicit JsonMachine(Plans& plans);

  State start() const;
  // Moves by a byte; false when it may not come, and then the state is of no more use.
  bool step(State& state, uint8_t byte);
  bool complete(const State& state);
  void mask(const State& state, const TokenTrie& trie, std::span<uint32_t> bits);

 private:
  static constexpr int kMaxDepth = 64;
  static constexpr uint8_t kMaxBlanks = 40;
  static constexpr uint32_t kMaxNumber = 100;  // bytes; longer only to end well

  // The words of a frame; after them those of its plan (ContainerPlan::words).
  enum Field : uint32_t { kParent, kPlan, kStrict, kCount, kLink, kList, kBegin, kWords };

  uint32_t& word(uint32_t frame, uint32_t field) { return memory_[frame + field]; }
  ContainerPlan& plan_of(uint32_t frame) { return plans_.container(word(frame, kPlan)); }
  const Link& link_of(uint32_t frame) { return plans_.link(word(frame, kLink)); }
  // The value plan of the string, number or literal being written.
  ValuePlan& value_plan(const State& state, ValueKind kind) {
    return plans_.value(link_of(state.frame).plan, kind);
  }
  uint32_t take(State& state, size_t words);
  uint32_t copy_frame(State& state, uint32_t frame);
  std::string_view written(const State& state) const {
    return std::string_view(text_).substr(state.begin, state.text - state.begin);
  }

  bool step_blank(State& state, uint8_t byte);
  bool begin_value(State& state, uint8_t byte);
  bool begin_container(State& state, bool object);
  bool close_container(State& state);
  bool finish_value(State& state, const RootBits& right, uint32_t begin);
  bool after_comma(State& state);
  bool step_literal(State& state, uint8_t byte);
  bool step_number(State& state, uint8_t byte);

  bool begin_key(State& state);
  bool end_key(State& state);
  bool end_string(State& state);
  bool step_string(State& state, uint8_t byte);
  bool step_escape(State& state, uint8_t byte);
  bool feed(State& state, uint8_t byte);
  bool feed_code_point(State& state, uint32_t code_point);
  bool string_lives(State& state);
  bool key_lives(const State& state);
  bool can_take(const State& state, uint32_t low, uint32_t high);
  bool can_take_escape(const State& state);
  bool can_take_hex(const State& state, uint32_t digits_left);

  // Whether the document can still be right when one of the values in `frame` is judged so.
  bool can_hold(uint32_t frame, Verdict verdict);
  // The same when nothing is known but what the frame says.
  bool frame_lives(uint32_t frame);
  Verdict judge_frame(uint32_t frame, bool closing);
  void set_atoms(uint32_t frame, bool closing);
  bool fail_groups(uint32_t frame, const RootBits& groups);
  bool add_item(State& state);
  bool can_add_item(const State& state);
  bool can_add_member(const State& state);
  bool can_close(const State& state);

  struct Room {
    uint32_t characters;
    bool exact;
  };
  bool mask_free_string(const State& state, const TokenTrie& trie, std::span<uint32_t> bits);
  Room room_for(const State& state, size_t slice);
  void walk_text(const State& state, const Trie& trie, std::span<uint32_t> bits);
  void walk(const State& state, const Trie& trie, std::span<uint32_t> bits);

  Plans& plans_;
  std::vector<uint32_t> memory_;
  std::string text_;
  std::vector<Tri> atoms_, values_;
};

}  // namespace avocado::grammar
