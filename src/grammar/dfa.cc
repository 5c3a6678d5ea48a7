#include "grammar/dfa.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::grammar {
namespace {

constexpr uint32_t kWordBit = ~0u;  // as the last member: the byte before was a word character

bool is_word(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         (byte >= 'a' && byte <= 'z');
}

}  // namespace

Dfa::Dfa(const Expr& expr, Match match, std::string what) : nfa_(what), what_(std::move(what)) {
  using Kind = Nfa::Kind;
  // A search is over as soon as something was found: `all` accepts whatever follows.
  const uint32_t end = nfa_.add({.kind = match == Match::whole ? Kind::accept : Kind::all});
  const Expr anything = Expr::repeat(Expr::of(CodeSet::all()), 0, Expr::kUnlimited);
  begin_ = nfa_.add(expr, end);
  if (match == Match::anywhere) begin_ = nfa_.add(anything, begin_);
  bool bounds[257] = {true};
  nfa_.mark_bounds(bounds);
  for (const Nfa::Node& node : nfa_.nodes())
    has_word_edges_ |= node.kind == Kind::word_edge || node.kind == Kind::word_inner;
  if (has_word_edges_)
    for (int byte = 1; byte < 256; ++byte)
      bounds[byte] |=
          is_word(static_cast<uint8_t>(byte)) != is_word(static_cast<uint8_t>(byte - 1));
  for (int byte = 0; byte < 256; ++byte) {
    classes_ += bounds[byte];
    class_of_[byte] = static_cast<uint8_t>(classes_ - 1);
  }
  find_living();
  seen_.assign(nfa_.nodes().size(), 0);
  intern({});  // the dead state
  Members members;
  work_ = {begin_};
  close(members, true);
  start_ = intern(std::move(members));
}

// A node lives when the end can be reached from it: over bytes, or, past an `end`, without any.
// `begin` is passed by only before the first byte, so it counts as closed here; close() lets it
// through at the start when its own target lives.
void Dfa::find_living() {
  using Kind = Nfa::Kind;
  const auto& nodes = nfa_.nodes();
  std::vector<bool> ends(nodes.size());
  living_.assign(nodes.size(), false);
  // Nodes are made back to front, so that few rounds are needed: loops alone point backwards.
  const auto settle = [&](std::vector<bool>& marks, auto&& holds) {
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t i = 0; i < nodes.size(); ++i) {
        if (!marks[i] && holds(nodes[i])) changed = marks[i] = true;
      }
    }
  };
  settle(ends, [&](const Nfa::Node& node) {
    switch (node.kind) {
      case Kind::accept:
      case Kind::all:
        return true;
      case Kind::split:
        return ends[node.a] || ends[node.b];
      case Kind::bytes:
      case Kind::call:
        return false;
      default:
        return bool{ends[node.a]};
    }
  });
  settle(living_, [&](const Nfa::Node& node) {
    switch (node.kind) {
      case Kind::accept:
      case Kind::all:
        return true;
      case Kind::split:
        return living_[node.a] || living_[node.b];
      case Kind::bytes:
        for (uint32_t i = 0; i < node.b; ++i)
          if (living_[nfa_.edges(node)[i].next]) return true;
        return false;
      case Kind::word_edge:
      case Kind::word_inner:
        return bool{living_[node.a]};
      case Kind::end:
        return bool{ends[node.a]};
      default:
        return false;
    }
  });
}

void Dfa::close(Members& out, bool at_begin) {
  using Kind = Nfa::Kind;
  out.clear();
  ++mark_;
  bool all = false;
  const auto visit = [&](uint32_t node) {
    if (seen_[node] == mark_) return;
    seen_[node] = mark_;
    work_.push_back(node);
  };
  const std::vector<uint32_t> seeds = work_;
  work_.clear();
  for (const uint32_t seed : seeds) visit(seed);
  while (!work_.empty()) {
    const uint32_t at = work_.back();
    work_.pop_back();
    const Nfa::Node& node = nfa_.nodes()[at];
    switch (node.kind) {
      case Kind::split:
        visit(node.b);
        visit(node.a);
        break;
      case Kind::begin:
        if (at_begin) visit(node.a);
        break;
      case Kind::all:
        all = true;
        break;
      default:
        if (living_[at]) out.push_back(at);
    }
  }
  if (all) {
    for (uint32_t i = 0; i < nfa_.nodes().size(); ++i) {
      if (nfa_.nodes()[i].kind != Kind::all) continue;
      out.assign(1, i);
      break;
    }
  }
  std::sort(out.begin(), out.end());
}

void Dfa::cross_word_edges(Members& members, bool after_word, bool before_word) {
  using Kind = Nfa::Kind;
  // Each round passes the edges met so far; an edge may lead to another.
  for (size_t i = 0; i < members.size(); ++i) {
    const Nfa::Node& node = nfa_.nodes()[members[i]];
    if (node.kind != Kind::word_edge && node.kind != Kind::word_inner) continue;
    if ((node.kind == Kind::word_edge) != (after_word != before_word)) continue;
    Members more;
    work_ = {node.a};
    close(more, false);
    for (const uint32_t member : more)
      if (std::find(members.begin(), members.end(), member) == members.end())
        members.push_back(member);
  }
}

bool Dfa::accepts_at_end(const Members& members, bool after_word) {
  using Kind = Nfa::Kind;
  std::vector<uint32_t> reached(members);
  for (size_t i = 0; i < reached.size(); ++i) {
    const Nfa::Node& node = nfa_.nodes()[reached[i]];
    const auto follow = [&](uint32_t next) {
      if (std::find(reached.begin(), reached.end(), next) == reached.end()) reached.push_back(next);
    };
    switch (node.kind) {
      case Kind::accept:
      case Kind::all:
        return true;
      case Kind::split:
        follow(node.a);
        follow(node.b);
        break;
      case Kind::end:
        follow(node.a);
        break;
      case Kind::word_edge:
        if (after_word) follow(node.a);
        break;
      case Kind::word_inner:
        if (!after_word) follow(node.a);
        break;
      default:
        break;
    }
  }
  return false;
}

// Throws before anything is kept: others may go on with what there is.
uint32_t Dfa::intern(Members members) {
  if (const auto known = known_.find(members); known != known_.end()) return known->second;
  if (states_.size() >= kMaxStates || total_members_ + members.size() > kMaxMembers) {
    fail_resource("{} needs too many states (more than {}); make it simpler", what_,
                  std::min(states_.size(), kMaxStates));
  }
  total_members_ += members.size();
  const auto at = known_.emplace(std::move(members), static_cast<uint32_t>(states_.size())).first;
  Members nodes = at->first;
  const bool after_word = !nodes.empty() && nodes.back() == kWordBit;
  if (after_word) nodes.pop_back();
  const bool universal = nodes.size() == 1 && nfa_.nodes()[nodes[0]].kind == Nfa::Kind::all;
  states_.push_back({&at->first, accepts_at_end(nodes, after_word), universal, after_word});
  table_.resize(table_.size() + classes_, at->second == kDead ? kDead : kUnknown);
  return at->second;
}

uint32_t Dfa::make_next(uint32_t state, uint8_t byte) {
  const State from = states_[state];
  uint32_t target;
  if (from.universal) {
    target = state;
  } else {
    Members members = *from.members;
    if (from.after_word) members.pop_back();
    if (has_word_edges_) cross_word_edges(members, from.after_word, is_word(byte));
    std::vector<uint32_t> reached;
    bool all = false;
    for (const uint32_t member : members) {
      const Nfa::Node& node = nfa_.nodes()[member];
      all |= node.kind == Nfa::Kind::all;
      if (all) reached.assign(1, member);
      if (all) break;
      if (node.kind != Nfa::Kind::bytes) continue;
      for (uint32_t i = 0; i < node.b; ++i) {
        const Nfa::Edge& edge = nfa_.edges(node)[i];
        if (edge.low <= byte && byte <= edge.high) reached.push_back(edge.next);
      }
    }
    work_ = std::move(reached);
    close(members, false);
    const bool universal = members.size() == 1 && nfa_.nodes()[members[0]].kind == Nfa::Kind::all;
    if (has_word_edges_ && !members.empty() && !universal && is_word(byte))
      members.push_back(kWordBit);
    target = intern(std::move(members));
  }
  table_[state * classes_ + class_of_[byte]] = target;
  return target;
}

size_t Dfa::memory() const {
  return table_.capacity() * sizeof(uint32_t) + total_members_ * sizeof(uint32_t) +
         states_.size() * (sizeof(State) + sizeof(Members) + 48) +
         nfa_.nodes().size() * (sizeof(Nfa::Node) + sizeof(Nfa::Edge) + 5);
}

}  // namespace avocado::grammar
