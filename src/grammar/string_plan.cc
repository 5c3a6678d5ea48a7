#include "grammar/string_plan.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::grammar {

Verdict verdict_of(const std::vector<Circuit::Id>& roots, const std::vector<Tri>& values) {
  Verdict verdict;
  for (size_t i = 0; i < roots.size(); ++i) {
    verdict.no[i] = values[roots[i]] == Tri::no;
    verdict.yes[i] = values[roots[i]] == Tri::yes;
  }
  return verdict;
}

StringPlan::StringPlan(std::vector<Dfa>& dfas, Circuit circuit, std::vector<Circuit::Id> roots,
                       std::vector<Atom> atoms, const std::vector<uint32_t>& also)
    : dfas_(dfas),
      circuit_(std::move(circuit)),
      roots_(std::move(roots)),
      atoms_(std::move(atoms)) {
  components_ = also;
  components_.push_back(kValidText);
  for (const Atom& atom : atoms_) {
    if (atom.kind == Atom::Kind::matches) components_.push_back(atom.value);
    if (atom.kind == Atom::Kind::min_length) length_steps_.push_back(atom.value);
    if (atom.kind == Atom::Kind::max_length) length_steps_.push_back(atom.value + 1);
  }
  for (std::vector<uint32_t>* list : {&components_, &length_steps_}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  length_classes_ = length_steps_.size() + 1;
  for (const Circuit::Id root : roots_) plain_ &= circuit_.plain(root);
  // Bytes that no component tells apart.
  std::map<std::string, uint8_t> classes;
  for (int byte = 0; byte < 256; ++byte) {
    std::string key;
    for (const uint32_t dfa : components_)
      key.push_back(static_cast<char>(dfas_[dfa].class_of(static_cast<uint8_t>(byte))));
    class_of_[byte] =
        classes.try_emplace(std::move(key), static_cast<uint8_t>(classes.size())).first->second;
  }
  classes_ = classes.size();
  intern({});  // kDead
  std::fill(table_.begin(), table_.end(), kDead);
  std::vector<uint32_t> parts;
  for (const uint32_t dfa : components_) parts.push_back(dfas_[dfa].start());
  start_ = intern(std::move(parts));
}

uint32_t StringPlan::intern(std::vector<uint32_t> parts) {
  if (const auto known = known_.find(parts); known != known_.end()) return known->second;
  if (states_.size() >= kMaxStates)
    fail_resource("schema: the patterns of one string need more than {} states", kMaxStates);
  const auto at = known_.emplace(std::move(parts), static_cast<uint32_t>(states_.size())).first;
  states_.push_back(&at->first);
  table_.resize(table_.size() + classes_, kUnknown);
  info_of_.resize(info_of_.size() + length_classes_, kUnknown);
  return at->second;
}

uint32_t StringPlan::make_next(uint32_t state, uint8_t byte) {
  std::vector<uint32_t> parts = *states_[state];
  for (size_t i = 0; i < parts.size(); ++i) parts[i] = dfas_[components_[i]].next(parts[i], byte);
  const uint32_t target = parts[0] == Dfa::kDead ? kDead : intern(std::move(parts));
  table_[state * classes_ + class_of_[byte]] = target;
  return target;
}

uint32_t StringPlan::make_info(uint32_t state, uint32_t length_class) {
  const std::vector<uint32_t>& parts = *states_[state];
  const uint32_t length = length_class == 0 ? 0 : length_steps_[length_class - 1];
  std::vector<Tri> at_end;
  atom_values_.clear();
  for (const Atom& atom : atoms_) {
    Tri now = Tri::open;
    bool end = false;
    if (atom.kind == Atom::Kind::matches) {
      const size_t i =
          static_cast<size_t>(std::lower_bound(components_.begin(), components_.end(), atom.value) -
                              components_.begin());
      Dfa& dfa = dfas_[atom.value];
      if (parts[i] == Dfa::kDead) now = Tri::no;
      if (parts[i] != Dfa::kDead && dfa.universal(parts[i])) now = Tri::yes;
      end = dfa.accepts(parts[i]);
    } else if (atom.kind == Atom::Kind::min_length) {
      end = length >= atom.value;
      if (end) now = Tri::yes;
    } else {
      end = length <= atom.value;
      if (!end) now = Tri::no;
    }
    atom_values_.push_back(now);
    at_end.push_back(end ? Tri::yes : Tri::no);
  }
  Info info;
  circuit_.evaluate(atom_values_, values_);
  info.now = verdict_of(roots_, values_);
  circuit_.evaluate(at_end, values_);
  info.at_end = verdict_of(roots_, values_).yes;
  info.now_id = static_cast<uint32_t>(infos_.size());
  size_t found = 0;
  for (; found < infos_.size(); ++found) {
    if (infos_[found].now == info.now) {
      info.now_id = infos_[found].now_id;
      if (infos_[found].at_end == info.at_end) break;
    }
  }
  if (found == infos_.size()) infos_.push_back(info);
  return info_of_[state * length_classes_ + length_class] = static_cast<uint32_t>(found);
}

bool StringPlan::matches(uint32_t state, uint32_t dfa) const {
  const auto at = std::lower_bound(components_.begin(), components_.end(), dfa);
  return dfas_[dfa].accepts((*states_[state])[static_cast<size_t>(at - components_.begin())]);
}

uint32_t StringPlan::free_characters(uint32_t state, size_t slice, bool failures_only) {
  const uint64_t key = (uint64_t{state} * TokenTrie::kSlices + slice) * 2 + failures_only;
  const auto [at, added] = free_.try_emplace(key, 0);
  if (!added) return at->second;
  // The states after 1, 2, ... characters; when they repeat, all further characters are free too.
  const Info wanted = info(state, 0);
  std::vector<uint32_t> level = {state};
  uint32_t characters = 0;
  for (; characters < TokenTrie::kSliceChars; ++characters) {
    // One character: a lead byte, then continuation bytes while there are states within it.
    struct Partial {
      uint32_t state;
      bool separator;  // the bytes so far begin a line or paragraph separator
      // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted comparison
      auto operator<=>(const Partial&) const = default;
    };
    std::vector<uint32_t> next;
    std::vector<Partial> partial;
    for (const uint32_t from : level) partial.push_back({from, true});
    bool decided = false;
    for (size_t place = 0; place < 4 && !partial.empty() && !decided; ++place) {
      std::vector<Partial> longer;
      for (const Partial& from : partial) {
        for (int byte = 0; byte < 256 && !decided; ++byte) {
          if (((byte & 0xc0) == 0x80) != (place > 0)) continue;
          if (!TokenTrie::in_slice(slice, static_cast<uint8_t>(byte))) continue;
          const bool separator =
              from.separator && place < 3 &&
              (byte == static_cast<uint8_t>(TokenTrie::kLineSeparator[place]) ||
               byte == static_cast<uint8_t>(TokenTrie::kParagraphSeparator[place]));
          if (separator && place == 2) continue;
          const uint32_t to = this->next(from.state, static_cast<uint8_t>(byte));
          if (to == kDead) continue;  // no UTF-8 goes on so
          const Info& there = info(to, 0);
          decided |= failures_only ? there.now.no != wanted.now.no : there.now_id != wanted.now_id;
          if (dfas_[kValidText].accepts((*states_[to])[0])) {
            next.push_back(to);
          } else {
            longer.push_back({to, separator});
          }
        }
      }
      std::sort(longer.begin(), longer.end());
      longer.erase(std::unique(longer.begin(), longer.end()), longer.end());
      partial = std::move(longer);
    }
    if (decided) break;
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    if (next.size() == level.size() &&
        std::includes(level.begin(), level.end(), next.begin(), next.end())) {
      characters = TokenTrie::kUnlimited;
      break;
    }
    level = std::move(next);
  }
  return free_[key] = static_cast<uint8_t>(characters);
}

bool StringPlan::uniform(uint32_t state) {
  constexpr size_t kMost = 64;  // states looked at
  const auto [at, added] = uniform_.try_emplace(state, false);
  if (!added) return at->second;
  const Info wanted = info(state, 0);
  std::vector<uint32_t> reached = {state};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      const uint32_t to = next(reached[i], static_cast<uint8_t>(byte));
      if (to == kDead || std::find(reached.begin(), reached.end(), to) != reached.end()) continue;
      const Info& there = info(to, 0);
      const bool whole = dfas_[kValidText].accepts((*states_[to])[0]);
      if (there.now_id != wanted.now_id || (whole && there.at_end != wanted.at_end)) return false;
      reached.push_back(to);
      if (reached.size() > kMost) return false;
    }
  }
  return uniform_[state] = true;
}

size_t StringPlan::memory() const {
  return (table_.capacity() + info_of_.capacity()) * sizeof(uint32_t) +
         states_.size() * (components_.size() * sizeof(uint32_t) + 80) +
         infos_.capacity() * sizeof(Info) + free_.size() * 32;
}

}  // namespace avocado::grammar
