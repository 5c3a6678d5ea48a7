#include "grammar/pushdown.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "base/error.h"

namespace avocado::grammar {
namespace {

constexpr uint64_t kComplete = ~uint64_t{0};  // the last member of states that are

}  // namespace

Pushdown::Pushdown(Nfa nfa, std::vector<uint32_t> entries, uint32_t root)
    : nfa_(std::move(nfa)), entries_(std::move(entries)) {
  bool bounds[257] = {true};
  nfa_.mark_bounds(bounds);
  for (int byte = 0; byte < 256; ++byte) {
    classes_ += bounds[byte];
    class_of_[byte] = static_cast<uint8_t>(classes_ - 1);
  }
  close();  // nothing: the dead state
  work_.push_back(uint64_t{entries_[root]} << 32);
  start_ = close();
}

uint32_t Pushdown::push(uint32_t back_to, uint32_t below) {
  const uint64_t stack = uint64_t{back_to} << 32 | below;
  if (const auto known = stack_ids_.find(stack); known != stack_ids_.end()) return known->second;
  if (stacks_.size() >= kMaxStacks)
    fail_resource("the grammar is nested too deep: more than {} stacks", kMaxStacks);
  stacks_.push_back({back_to, below});
  return stack_ids_[stack] = static_cast<uint32_t>(stacks_.size() - 1);
}

uint32_t Pushdown::close() {
  std::unordered_set<uint64_t> seen;
  Members members;
  bool complete = false;
  const auto visit = [&](uint32_t node, uint32_t stack) {
    const uint64_t place = uint64_t{node} << 32 | stack;
    if (seen.insert(place).second) work_.push_back(place);
  };
  std::vector<uint64_t> seeds;
  seeds.swap(work_);
  for (const uint64_t seed : seeds)
    visit(static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(seed));
  while (!work_.empty()) {
    const uint64_t place = work_.back();
    work_.pop_back();
    if (seen.size() > kMaxMembers)
      fail_resource("the grammar is ambiguous in more than {} ways", kMaxMembers);
    const auto stack = static_cast<uint32_t>(place);
    const Nfa::Node& node = nfa_.nodes()[place >> 32];
    switch (node.kind) {
      case Nfa::Kind::split:
        visit(node.a, stack);
        visit(node.b, stack);
        break;
      case Nfa::Kind::call: {
        // A call at the end of a rule needs no return: right recursion takes no stack.
        const bool last = nfa_.nodes()[node.a].kind == Nfa::Kind::accept;
        visit(entries_[node.b], last ? stack : push(node.a, stack));
        break;
      }
      case Nfa::Kind::accept:
        if (stack == 0) {
          complete = true;
        } else {
          const Stack top = stacks_[stack];
          visit(top.back_to, top.below);
        }
        break;
      default:
        if (node.b > 0) members.push_back(place);
    }
  }
  std::sort(members.begin(), members.end());
  if (complete) members.push_back(kComplete);
  return intern(std::move(members), complete);
}

// Throws before anything is kept: others may go on with what there is.
uint32_t Pushdown::intern(Members members, bool complete) {
  if (const auto known = known_.find(members); known != known_.end()) return known->second;
  if (states_.size() >= kMaxStates || total_members_ + members.size() > kMaxMembers)
    fail_resource("the grammar needs too many states (more than {})", states_.size());
  total_members_ += members.size();
  const auto at = known_.emplace(std::move(members), static_cast<uint32_t>(states_.size())).first;
  states_.push_back({&at->first, complete});
  table_.resize(table_.size() + classes_, kUnknown);
  return at->second;
}

uint32_t Pushdown::unite(uint32_t a, uint32_t b) {
  if (a == b || b == kDead) return a;
  if (a == kDead) return b;
  Members members;
  std::set_union(states_[a].members->begin(), states_[a].members->end(),
                 states_[b].members->begin(), states_[b].members->end(),
                 std::back_inserter(members));
  return intern(std::move(members), complete(a) || complete(b));
}

uint32_t Pushdown::next(uint32_t state, uint8_t byte) {
  const size_t slot = state * classes_ + class_of_[byte];
  if (table_[slot] != kUnknown) return table_[slot];
  work_.clear();
  for (const uint64_t place : *states_[state].members) {
    if (place == kComplete) break;
    const Nfa::Node& node = nfa_.nodes()[place >> 32];
    for (uint32_t i = 0; i < node.b; ++i) {
      const Nfa::Edge& edge = nfa_.edges(node)[i];
      if (edge.low <= byte && byte <= edge.high)
        work_.push_back(uint64_t{edge.next} << 32 | static_cast<uint32_t>(place));
    }
  }
  const uint32_t target = close();
  table_[slot] = target;
  return target;
}

int Pushdown::find_left_recursion(const Nfa& nfa, const std::vector<uint32_t>& entries) {
  const size_t rules = entries.size();
  std::vector<bool> empty(rules);  // rules that match the empty text
  std::vector<std::vector<uint32_t>> first(rules);
  // Rounds until no more rule turns out to match the empty text.
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t rule = 0; rule < rules; ++rule) {
      first[rule].clear();
      std::unordered_set<uint32_t> seen;
      std::vector<uint32_t> work = {entries[rule]};
      while (!work.empty()) {
        const uint32_t at = work.back();
        work.pop_back();
        if (!seen.insert(at).second) continue;
        const Nfa::Node& node = nfa.nodes()[at];
        if (node.kind == Nfa::Kind::split) {
          work.push_back(node.a);
          work.push_back(node.b);
        } else if (node.kind == Nfa::Kind::call) {
          first[rule].push_back(node.b);
          if (empty[node.b]) work.push_back(node.a);
        } else if (node.kind == Nfa::Kind::accept && !empty[rule]) {
          changed = empty[rule] = true;
        }
      }
    }
  }
  // A cycle among the rules that may come first.
  enum : uint8_t { fresh, open, done };
  std::vector<uint8_t> mark(rules, fresh);
  for (uint32_t rule = 0; rule < rules; ++rule) {
    std::vector<std::pair<uint32_t, size_t>> path;
    if (mark[rule] == fresh) path.push_back({rule, 0});
    while (!path.empty()) {
      auto& [at, index] = path.back();
      mark[at] = open;
      if (index == first[at].size()) {
        mark[at] = done;
        path.pop_back();
        continue;
      }
      const uint32_t next = first[at][index++];
      if (mark[next] == open) return static_cast<int>(next);
      if (mark[next] == fresh) path.push_back({next, 0});
    }
  }
  return -1;
}

size_t Pushdown::memory() const {
  return table_.capacity() * sizeof(uint32_t) + total_members_ * sizeof(uint64_t) +
         states_.size() * 96 + stacks_.size() * 56 +
         nfa_.nodes().size() * (sizeof(Nfa::Node) + sizeof(Nfa::Edge));
}

}  // namespace avocado::grammar
