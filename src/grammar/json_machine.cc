#include "grammar/json_machine.h"

#include <algorithm>

#include "grammar/json_digest.h"

namespace avocado::grammar {
namespace {

constexpr std::string_view kLiterals[] = {"null", "false", "true"};  // by ValueKind

bool is_open(ValueKind kind) { return kind == ValueKind::array || kind == ValueKind::object; }

}  // namespace

JsonMachine::JsonMachine(Plans& plans) : plans_(plans), memory_(256), text_(256, '\0') {
  memory_[kStrict] = 1;  // frame 0 stands around the document
  memory_[kLink] = plans_.root_link();
}

JsonMachine::State JsonMachine::start() const {
  State state;
  state.memory = kWords;
  return state;
}

uint32_t JsonMachine::take(State& state, size_t words) {
  const uint32_t begin = state.memory;
  state.memory += static_cast<uint32_t>(words);
  if (state.memory > memory_.size()) memory_.resize(state.memory * size_t{2});
  return begin;
}

uint32_t JsonMachine::copy_frame(State& state, uint32_t frame) {
  const size_t words = kWords + plan_of(frame).words();
  const uint32_t copy = take(state, words);
  std::copy_n(memory_.begin() + frame, words, memory_.begin() + copy);
  return copy;
}

bool JsonMachine::step(State& state, uint8_t byte) {
  if (state.text >= text_.size()) text_.resize(text_.size() * 2);
  text_[state.text++] = static_cast<char>(byte);
  switch (state.mode) {
    case Mode::string:
    case Mode::in_key:
      return step_string(state, byte);
    case Mode::number:
      return step_number(state, byte);
    case Mode::literal:
      return step_literal(state, byte);
    case Mode::done:
      return false;
    default:
      break;
  }
  const bool blank = byte == ' ' || byte == '\t' || byte == '\n';
  if (blank) return step_blank(state, byte);
  state.blanks = 0;
  state.line_ended = false;
  switch (state.mode) {
    case Mode::value_or_close:
      if (byte == ']') return close_container(state);
      if (!add_item(state)) return false;
      return begin_value(state, byte);
    case Mode::value:
      return begin_value(state, byte);
    case Mode::key_or_close:
      if (byte == '}') return close_container(state);
      [[fallthrough]];
    case Mode::key:
      return byte == '"' && begin_key(state);
    case Mode::colon:
      state.mode = Mode::value;
      return byte == ':';
    case Mode::after_value: {
      if (state.frame == 0) return false;
      const bool object = plan_of(state.frame).keys != nullptr;
      if (byte == (object ? '}' : ']')) return close_container(state);
      return byte == ',' && after_comma(state);
    }
    default:
      return false;
  }
}

bool JsonMachine::step_blank(State& state, uint8_t byte) {
  if (plans_.set().compact || state.mode == Mode::colon) return false;
  if (byte == '\n') {
    if (state.line_ended) return false;
    state.line_ended = true;
    return true;
  }
  return ++state.blanks <= kMaxBlanks;
}

bool JsonMachine::complete(const State& state) {
  if (state.mode == Mode::done) return true;
  if (state.mode != Mode::number || state.frame != 0 || !number_may_end(state.place)) return false;
  return value_plan(state, ValueKind::number).number->at_end(written(state))[0];
}

bool JsonMachine::begin_value(State& state, uint8_t byte) {
  ValueKind kind;
  switch (byte) {
    case '"':
      kind = ValueKind::string;
      break;
    case '{':
      kind = ValueKind::object;
      break;
    case '[':
      kind = ValueKind::array;
      break;
    case 'n':
      kind = ValueKind::null;
      break;
    case 'f':
      kind = ValueKind::no;
      break;
    case 't':
      kind = ValueKind::yes;
      break;
    default:
      if (byte != '-' && (byte < '0' || byte > '9')) return false;
      kind = ValueKind::number;
  }
  const ValuePlan& plan = value_plan(state, kind);
  const Verdict& verdict = plan.at_begin[static_cast<size_t>(kind)];
  if (!can_hold(state.frame, verdict)) return false;
  state.begin = state.text - 1;
  if (is_open(kind)) return begin_container(state, kind == ValueKind::object);
  if (kind == ValueKind::string) {
    state.mode = Mode::string;
    state.plan = plan.string.get();
    state.strings = plan.string->start();
    state.characters = 0;
    state.now_id = plan.string->info(state.strings, 0).now_id;
    return true;
  }
  if (kind == ValueKind::number) {
    state.mode = Mode::number;
    state.place = NumberPlace::begin;
    return step_number(state, byte);
  }
  state.mode = Mode::literal;
  state.strings = 1;
  state.hex = static_cast<uint16_t>(kind);
  return true;
}

bool JsonMachine::step_literal(State& state, uint8_t byte) {
  const std::string_view literal = kLiterals[state.hex];
  if (static_cast<uint8_t>(literal[state.strings]) != byte) return false;
  if (++state.strings < literal.size()) return true;
  const auto kind = static_cast<ValueKind>(state.hex);
  return finish_value(state, value_plan(state, kind).at_begin[state.hex].yes, state.begin);
}

bool JsonMachine::step_number(State& state, uint8_t byte) {
  const NumberPlan& plan = *value_plan(state, ValueKind::number).number;
  const NumberPlace before = state.place;
  if (!next_place(state.place, byte)) {
    if (!number_may_end(before)) return false;
    --state.text;
    const RootBits right = plan.at_end(written(state));
    const uint32_t begin = state.begin;
    return finish_value(state, right, begin) && step(state, byte);
  }
  const std::string_view text = written(state);
  if (text.size() > kMaxNumber) {
    // Nothing but an end that is right helps here.
    if (!number_may_end(state.place)) return false;
    const RootBits right = plan.at_end(text);
    return can_hold(state.frame, {~right, right});
  }
  // Exponents must stay within what a double holds, even where there are no rules.
  const bool exponent = state.place >= NumberPlace::e;
  if (exponent && !can_become(NumberRule(), text)) return false;
  return plan.atoms.empty() || can_hold(state.frame, plan.judge(text));
}

bool JsonMachine::begin_container(State& state, bool object) {
  if (++state.depth > kMaxDepth) return false;
  const Link& link = link_of(state.frame);
  const uint32_t number =
      plans_.value(link.plan, object ? ValueKind::object : ValueKind::array).container[object];
  const ContainerPlan& plan = plans_.container(number);
  const uint32_t parent = state.frame;
  const uint32_t frame = take(state, kWords + plan.words());
  std::fill_n(memory_.begin() + frame, kWords + plan.words(), 0);
  word(frame, kParent) = parent;
  word(frame, kPlan) = number;
  word(frame, kStrict) = word(parent, kStrict) && link.mandatory && plan.plain;
  word(frame, kBegin) = state.begin;
  state.frame = frame;
  state.mode = object ? Mode::key_or_close : Mode::value_or_close;
  return can_close(state) || (object ? can_add_member(state) : can_add_item(state));
}

bool JsonMachine::can_close(const State& state) {
  const Verdict verdict = judge_frame(state.frame, true);
  return can_hold(word(state.frame, kParent), verdict);
}

bool JsonMachine::close_container(State& state) {
  const Verdict verdict = judge_frame(state.frame, true);
  const uint32_t begin = word(state.frame, kBegin);
  state.frame = word(state.frame, kParent);
  --state.depth;
  return finish_value(state, verdict.yes, begin);
}

// The value that state.frame waited for is there; its plan's roots in `right` are satisfied.
bool JsonMachine::finish_value(State& state, const RootBits& right, uint32_t begin) {
  if (state.frame == 0) {
    state.mode = Mode::done;
    return right[0];
  }
  state.mode = Mode::after_value;
  const Link& link = link_of(state.frame);
  const ContainerPlan& plan = plan_of(state.frame);
  RootBits failed;
  bool counts = false;
  for (const Link::Feed& feed : link.feeds) {
    if (feed.target == Link::Target::contains) {
      counts |= right[feed.root];
    } else if (!right[feed.root]) {
      failed.set(feed.index);
    }
  }
  if (failed.any() && word(state.frame, kStrict)) return false;
  if (!failed.any() && !counts && !plan.unique) return true;
  state.frame = copy_frame(state, state.frame);
  fail_groups(state.frame, failed);
  const uint32_t counters = state.frame + kWords + plan.group_words + plan.name_words;
  for (const Link::Feed& feed : link.feeds)
    if (feed.target == Link::Target::contains && right[feed.root]) ++memory_[counters + feed.index];
  if (plan.unique) {
    const uint64_t digest = json_digest(std::string_view(text_).substr(begin, state.text - begin));
    const auto low = static_cast<uint32_t>(digest), high = static_cast<uint32_t>(digest >> 32);
    for (uint32_t note = word(state.frame, kList); note != 0; note = memory_[note])
      if (memory_[note + 1] == low && memory_[note + 2] == high)
        memory_[counters + plan.contains.size()] = 1;
    const uint32_t note = take(state, 3);
    memory_[note] = word(state.frame, kList);
    memory_[note + 1] = low;
    memory_[note + 2] = high;
    word(state.frame, kList) = note;
  }
  return frame_lives(state.frame);
}

bool JsonMachine::after_comma(State& state) {
  if (plan_of(state.frame).keys != nullptr) {
    state.mode = Mode::key;
    return can_add_member(state);
  }
  return add_item(state);
}

bool JsonMachine::add_item(State& state) {
  state.frame = copy_frame(state, state.frame);
  const uint32_t index = word(state.frame, kCount)++;
  word(state.frame, kLink) = plans_.link_of_item(plan_of(state.frame), index);
  fail_groups(state.frame, link_of(state.frame).dead_groups);
  state.mode = Mode::value;
  return frame_lives(state.frame);
}

bool JsonMachine::can_add_item(const State& state) {
  State trial = state;
  return add_item(trial);
}

bool JsonMachine::can_add_member(const State& state) {
  State trial = state;
  if (!begin_key(trial)) return false;
  if (memory_[trial.allowed] != 0) return true;
  const ContainerPlan& plan = plan_of(trial.frame);
  for (size_t i = 0; i < plan.name_words; ++i)
    if (memory_[trial.allowed + 1 + i] != 0) return true;
  return false;
}

bool JsonMachine::fail_groups(uint32_t frame, const RootBits& groups) {
  if (groups.none()) return false;
  const size_t words = plan_of(frame).group_words;
  for (size_t group = 0; group < words * 32 && group < kMaxRoots; ++group)
    if (groups[group]) memory_[frame + kWords + group / 32] |= 1u << group % 32;
  return true;
}

void JsonMachine::set_atoms(uint32_t frame, bool closing) {
  using Kind = ContainerPlan::Atom::Kind;
  const ContainerPlan& plan = plan_of(frame);
  const uint32_t* groups = &memory_[frame + kWords];
  const uint32_t* names = groups + plan.group_words;
  const uint32_t* counters = names + plan.name_words;
  const uint32_t count = word(frame, kCount);
  const auto there = [&](uint32_t name) { return names[name / 32] >> name % 32 & 1; };
  atoms_.clear();
  for (const ContainerPlan::Atom& atom : plan.atoms) {
    Tri value = Tri::open;
    switch (atom.kind) {
      case Kind::group:
        value = groups[atom.index / 32] >> atom.index % 32 & 1 ? Tri::no
                : closing                                      ? Tri::yes
                                                               : Tri::open;
        break;
      case Kind::required:
        value = std::all_of(atom.names.begin(), atom.names.end(), there) ? Tri::yes
                : closing                                                ? Tri::no
                                                                         : Tri::open;
        break;
      case Kind::has:
        value = there(atom.index) ? Tri::yes : closing ? Tri::no : Tri::open;
        break;
      case Kind::min_count:
        value = count >= atom.index ? Tri::yes : closing ? Tri::no : Tri::open;
        break;
      case Kind::max_count:
        value = count > atom.index ? Tri::no : closing ? Tri::yes : Tri::open;
        break;
      case Kind::contains: {
        const ContainerPlan::Contains& rule = plan.contains[atom.index];
        const uint32_t found = counters[atom.index];
        const bool enough = found >= rule.min;
        value = found > rule.max                                        ? Tri::no
                : enough && (closing || rule.max == Schema::kUnlimited) ? Tri::yes
                : closing                                               ? Tri::no
                                                                        : Tri::open;
        break;
      }
      case Kind::unique:
        value = counters[plan.contains.size()] ? Tri::no : closing ? Tri::yes : Tri::open;
        break;
    }
    atoms_.push_back(value);
  }
}

Verdict JsonMachine::judge_frame(uint32_t frame, bool closing) {
  set_atoms(frame, closing);
  const ContainerPlan& plan = plan_of(frame);
  plan.circuit.evaluate(atoms_, values_);
  return verdict_of(plan.roots, values_);
}

bool JsonMachine::frame_lives(uint32_t frame) {
  return frame == 0 || can_hold(word(frame, kParent), judge_frame(frame, false));
}

bool JsonMachine::can_hold(uint32_t frame, Verdict verdict) {
  for (;; frame = word(frame, kParent)) {
    const Link& link = link_of(frame);
    if (word(frame, kStrict) && link.mandatory) return verdict.no.none();
    // Frame 0 is strict and its link mandatory: the loop has ended before.
    const ContainerPlan& plan = plan_of(frame);
    set_atoms(frame, false);
    for (size_t i = 0; i < plan.atoms.size(); ++i) {
      const ContainerPlan::Atom& atom = plan.atoms[i];
      if (atom.kind != ContainerPlan::Atom::Kind::group &&
          atom.kind != ContainerPlan::Atom::Kind::contains)
        continue;
      for (const Link::Feed& feed : link.feeds) {
        const bool counts = feed.target == Link::Target::contains;
        if (feed.index != atom.index ||
            counts != (atom.kind == ContainerPlan::Atom::Kind::contains))
          continue;
        if (!counts && verdict.no[feed.root]) atoms_[i] = Tri::no;
        if (counts && verdict.yes[feed.root]) {
          const uint32_t counters = frame + kWords + plan.group_words + plan.name_words;
          if (memory_[counters + feed.index] + 1 > plan.contains[feed.index].max)
            atoms_[i] = Tri::no;
        }
      }
    }
    plan.circuit.evaluate(atoms_, values_);
    verdict = verdict_of(plan.roots, values_);
  }
}

}  // namespace avocado::grammar
