#include "infer/suffix_automaton.h"

#include <algorithm>

namespace avocado {
namespace {

// Stretches at the end of the text whose counts grow with a token, the longest first: a text that
// repeats one phrase for long has as many as tokens.
constexpr int kCounted = 32;

}  // namespace

SuffixAutomaton::SuffixAutomaton() : states_(1), table_(64, kNone) {}

size_t SuffixAutomaton::matched() const {
  const uint32_t link = states_[last_].link;
  return link == kNone ? 0 : states_[link].length;
}

std::vector<int32_t> SuffixAutomaton::continuation(size_t most) const {
  std::vector<int32_t> tokens;
  if (matched() == 0) return tokens;
  for (uint32_t state = states_[last_].link; tokens.size() < most;) {
    const uint32_t best = states_[state].best;
    if (best == kNone || edges_[best].token < 0) break;
    tokens.push_back(edges_[best].token);
    state = edges_[best].to;
  }
  return tokens;
}

void SuffixAutomaton::push(int32_t token) {
  mark();
  const uint32_t before = last_;
  const uint32_t whole = add_state(states_[before].length + 1);
  uint32_t p = before;
  for (; p != kNone && edge(p, token) == kNone; p = states_[p].link) add_edge(p, token, whole, 0);
  if (p == kNone) {
    states_[whole].link = 0;
  } else {
    // The longest end of the text that stood before `token` already. Where longer stretches lead
    // to the same state, it gets one of its own: from now on it ends at a place more than they do.
    const uint32_t q = edges_[edge(p, token)].to;
    const uint32_t length = states_[p].length + 1;
    uint32_t link = q;
    if (states_[q].length != length) {
      link = split(q, length);
      for (; p != kNone; p = states_[p].link) {
        const uint32_t e = edge(p, token);
        if (edges_[e].to != q) break;
        change_edge(e).to = link;
      }
    }
    states_[whole].link = link;
  }
  last_ = whole;
  ++size_;
  p = before;
  for (int i = 0; i < kCounted && p != kNone; ++i, p = states_[p].link) count(p, token);
}

void SuffixAutomaton::pop() {
  const Mark mark = marks_.back();
  marks_.pop_back();
  for (; old_states_.size() > mark.old_states; old_states_.pop_back())
    states_[old_states_.back().index] = old_states_.back().value;
  for (; old_edges_.size() > mark.old_edges; old_edges_.pop_back())
    edges_[old_edges_.back().index] = old_edges_.back().value;
  // The latest entry of the table was put where a search ended, so nothing is sought behind it.
  for (; edges_.size() > mark.edges; edges_.pop_back())
    table_[slot(edges_.back().from, edges_.back().token)] = kNone;
  states_.resize(mark.states);
  last_ = mark.last;
  --size_;
}

// Only the last tokens can be taken away, so that what was is forgotten from time to time.
void SuffixAutomaton::mark() {
  if (marks_.size() == 2 * kUndoable) {
    const Mark oldest = marks_[kUndoable];
    const auto forget = [](auto& values, size_t count) {
      values.erase(values.begin(), values.begin() + static_cast<int64_t>(count));
    };
    forget(old_states_, oldest.old_states);
    forget(old_edges_, oldest.old_edges);
    forget(marks_, kUndoable);
    for (Mark& mark : marks_) {
      mark.old_states -= oldest.old_states;
      mark.old_edges -= oldest.old_edges;
    }
  }
  marks_.push_back({last_, states_.size(), edges_.size(), old_states_.size(), old_edges_.size()});
}

SuffixAutomaton::State& SuffixAutomaton::change_state(uint32_t index) {
  old_states_.push_back({index, states_[index]});
  return states_[index];
}

SuffixAutomaton::Edge& SuffixAutomaton::change_edge(uint32_t index) {
  old_edges_.push_back({index, edges_[index]});
  return edges_[index];
}

uint32_t SuffixAutomaton::add_state(uint32_t length) {
  states_.push_back({.length = length});
  return static_cast<uint32_t>(states_.size() - 1);
}

void SuffixAutomaton::add_edge(uint32_t from, int32_t token, uint32_t to, uint32_t count) {
  if (2 * (edges_.size() + 1) > table_.size()) grow_table();
  const auto index = static_cast<uint32_t>(edges_.size());
  State& state = change_state(from);
  table_[slot(from, token)] = index;
  edges_.push_back({from, token, to, count, state.edges});
  state.edges = index;
  if (state.best == kNone) state.best = index;
}

// A state for the stretches of `state` up to `length`, which go on as the longer ones did.
uint32_t SuffixAutomaton::split(uint32_t state, uint32_t length) {
  const uint32_t shorter = add_state(length);
  states_[shorter].link = states_[state].link;
  for (uint32_t e = states_[state].edges; e != kNone; e = edges_[e].next) {
    const Edge copied = edges_[e];
    add_edge(shorter, copied.token, copied.to, copied.count);
    if (e == states_[state].best) states_[shorter].best = static_cast<uint32_t>(edges_.size() - 1);
  }
  change_state(state).link = shorter;
  return shorter;
}

void SuffixAutomaton::count(uint32_t state, int32_t token) {
  const uint32_t e = edge(state, token);
  const uint32_t count = ++change_edge(e).count;
  const uint32_t best = states_[state].best;
  if (best != e && count >= edges_[best].count) change_state(state).best = e;
}

size_t SuffixAutomaton::first_slot(uint32_t from, int32_t token) const {
  const uint64_t key = uint64_t{from} << 32 | static_cast<uint32_t>(token);
  return static_cast<size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & (table_.size() - 1);
}

// Where the edge is, or would be.
size_t SuffixAutomaton::slot(uint32_t from, int32_t token) const {
  size_t i = first_slot(from, token);
  while (table_[i] != kNone && (edges_[table_[i]].from != from || edges_[table_[i]].token != token))
    i = (i + 1) & (table_.size() - 1);
  return i;
}

void SuffixAutomaton::grow_table() {
  table_.assign(2 * table_.size(), kNone);
  // In the order in which they came: pop() takes them out in the reverse one.
  for (size_t e = 0; e < edges_.size(); ++e)
    table_[slot(edges_[e].from, edges_[e].token)] = static_cast<uint32_t>(e);
}

}  // namespace avocado
