#pragma once
// All that is asked of one string, judged while it is written: the automata of its patterns run
// side by side, and formulas over them and over the length say which of the schemas that apply (the
// roots) it can still satisfy.

#include <bitset>
#include <map>
#include <unordered_map>
#include <vector>

#include "grammar/circuit.h"
#include "grammar/schema.h"

namespace avocado::grammar {

// Schemas that apply to one value at once.
inline constexpr size_t kMaxRoots = 256;
using RootBits = std::bitset<kMaxRoots>;

// Which roots are decided.
struct Verdict {
  RootBits no, yes;
  bool operator==(const Verdict&) const = default;
};
Verdict verdict_of(const std::vector<Circuit::Id>& roots, const std::vector<Tri>& values);

class StringPlan {
 public:
  struct Atom {
    enum class Kind : uint8_t { matches, min_length, max_length } kind;
    uint32_t value;  // the automaton or the length
  };
  struct Info {
    Verdict now;      // whatever follows
    RootBits at_end;  // roots satisfied when the string ends here
    uint32_t now_id;  // equal for equal `now`
  };
  static constexpr uint32_t kDead = 0;

  // `also`: automata that run too, for matches().
  StringPlan(std::vector<Dfa>& dfas, Circuit circuit, std::vector<Circuit::Id> roots,
             std::vector<Atom> atoms, const std::vector<uint32_t>& also = {});

  uint32_t start() const { return start_; }
  // kDead when the bytes are no beginning of UTF-8.
  uint32_t next(uint32_t state, uint8_t byte) {
    const uint32_t known = table_[state * classes_ + class_of_[byte]];
    return known != kUnknown ? known : make_next(state, byte);
  }
  const Info& info(uint32_t state, uint32_t characters) {
    const uint32_t known = info_of_[state * length_classes_ + length_class(characters)];
    return infos_[known != kUnknown ? known : make_info(state, length_class(characters))];
  }
  // Whether an automaton accepts what led to the state.
  bool matches(uint32_t state, uint32_t dfa) const;
  // Every root is a plain conjunction: automata and length decide independently.
  bool plain() const { return plain_; }
  // Lengths at which something is decided, ascending.
  const std::vector<uint32_t>& length_steps() const { return length_steps_; }

  // How many characters of the slice can follow in any order with no root being decided, up to
  // TokenTrie::kSliceChars, or TokenTrie::kUnlimited; the length is left out of it.
  // `failures_only`: roots may become satisfied.
  uint32_t free_characters(uint32_t state, size_t slice, bool failures_only);
  // Whether any text can follow, and end anywhere, with the same verdicts; the length left out.
  bool uniform(uint32_t state);

  size_t memory() const;

 private:
  static constexpr uint32_t kUnknown = ~0u;
  static constexpr size_t kMaxStates = 1 << 16;

  uint32_t length_class(uint32_t characters) const {
    uint32_t number = 0;
    while (number < length_steps_.size() && length_steps_[number] <= characters) ++number;
    return number;
  }
  uint32_t intern(std::vector<uint32_t> parts);
  uint32_t make_next(uint32_t state, uint8_t byte);
  uint32_t make_info(uint32_t state, uint32_t length_class);

  std::vector<Dfa>& dfas_;
  Circuit circuit_;
  std::vector<Circuit::Id> roots_;
  std::vector<Atom> atoms_;
  bool plain_ = true;
  std::vector<uint32_t> length_steps_;
  size_t length_classes_ = 1;
  std::vector<uint32_t> components_;  // automata, ascending; kValidText first
  uint8_t class_of_[256];
  size_t classes_ = 0;
  uint32_t start_ = 0;
  std::map<std::vector<uint32_t>, uint32_t> known_;
  std::vector<const std::vector<uint32_t>*> states_;  // per component its state
  std::vector<uint32_t> table_, info_of_;
  std::vector<Info> infos_;
  std::unordered_map<uint64_t, uint8_t> free_;
  std::unordered_map<uint32_t, bool> uniform_;
  std::vector<Tri> atom_values_, values_;
};

}  // namespace avocado::grammar
