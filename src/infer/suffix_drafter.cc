#include <algorithm>

#include "infer/drafter.h"
#include "infer/suffix_automaton.h"

namespace avocado {
namespace {

constexpr size_t kMost = size_t{1} << 17;  // tokens that are remembered: some 25 MB

class SuffixDrafter : public Drafter {
 public:
  Draft draft(std::span<const int32_t> tokens, size_t most) override {
    follow(tokens);
    return {automaton_.continuation(most), automaton_.matched()};
  }

 private:
  void follow(std::span<const int32_t> tokens) {
    const size_t common = std::min(text_.size(), tokens.size());
    const auto parting =
        std::mismatch(tokens.begin(), tokens.begin() + static_cast<int64_t>(common), text_.begin());
    auto same = static_cast<size_t>(parting.first - tokens.begin());
    if (text_.size() - same > automaton_.undoable()) {
      // Another text. No two separators are equal, so that no stretch reaches over one.
      automaton_.push(--separator_);
      text_.clear();
      same = 0;
    }
    for (; text_.size() > same; text_.pop_back()) automaton_.pop();
    if (automaton_.size() + tokens.size() - same > kMost) {
      automaton_ = {};
      same = tokens.size() - std::min(tokens.size(), kMost / 2);
      text_.assign(tokens.begin(), tokens.begin() + static_cast<int64_t>(same));
    }
    for (const int32_t token : tokens.subspan(same)) {
      automaton_.push(token);
      text_.push_back(token);
    }
  }

  SuffixAutomaton automaton_;  // earlier texts, each with a separator, and this one
  std::vector<int32_t> text_;
  int32_t separator_ = 0;
};

}  // namespace

std::unique_ptr<Drafter> suffix_drafter() { return std::make_unique<SuffixDrafter>(); }

}  // namespace avocado
