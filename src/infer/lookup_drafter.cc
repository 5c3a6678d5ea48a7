#include <algorithm>
#include <unordered_map>
#include <utility>

#include "infer/drafter.h"

namespace avocado {
namespace {

constexpr size_t kLeast = 2;        // tokens that must agree
constexpr size_t kCompared = 64;    // most tokens that are compared
constexpr size_t kCandidates = 64;  // earlier places that are looked at, the latest first

// Places are chained by the two tokens before them, so that the text can grow and shrink at its
// end.
class LookupDrafter : public Drafter {
 public:
  std::vector<int32_t> draft(std::span<const int32_t> tokens, size_t most) override {
    follow(tokens);
    if (tokens.size() <= kLeast || most == 0) return {};
    size_t best = 0, longest = 0;
    const auto head = latest_.find(key(tokens.size()));
    size_t place = head == latest_.end() ? 0 : head->second;
    if (place == tokens.size()) place = earlier_[place];  // the end itself
    for (size_t i = 0; i < kCandidates && place > 0; ++i, place = earlier_[place]) {
      const size_t length = agreement(place);
      if (length > longest) longest = length, best = place;
      if (longest == kCompared) break;
    }
    if (longest < kLeast) return {};
    const size_t end = std::min(best + most, tokens.size());
    return {text_.begin() + static_cast<int64_t>(best), text_.begin() + static_cast<int64_t>(end)};
  }

 private:
  uint64_t key(size_t place) const {
    return uint64_t{static_cast<uint32_t>(text_[place - 2])} << 32 |
           static_cast<uint32_t>(text_[place - 1]);
  }

  // How many tokens before `place` are those before the end.
  size_t agreement(size_t place) const {
    size_t n = 0;
    while (n < std::min(place, kCompared) && text_[place - 1 - n] == text_[text_.size() - 1 - n])
      ++n;
    return n;
  }

  void follow(std::span<const int32_t> tokens) {
    const size_t common = std::min(text_.size(), tokens.size());
    const auto same =
        std::mismatch(text_.begin(), text_.begin() + static_cast<int64_t>(common), tokens.begin())
            .first -
        text_.begin();
    while (text_.size() > static_cast<size_t>(same)) {
      if (text_.size() >= kLeast) {
        if (const size_t before = earlier_.back()) {
          latest_[key(text_.size())] = before;
        } else {
          latest_.erase(key(text_.size()));
        }
      }
      text_.pop_back();
      earlier_.pop_back();
    }
    for (const int32_t token : tokens.subspan(text_.size())) {
      text_.push_back(token);
      size_t before = 0;
      if (text_.size() >= kLeast) before = std::exchange(latest_[key(text_.size())], text_.size());
      earlier_.push_back(before);
    }
  }

  std::vector<int32_t> text_;
  std::unordered_map<uint64_t, size_t> latest_;  // the last place behind two tokens
  std::vector<size_t> earlier_ = {0};            // the place before it behind the same two; 0: none
};

}  // namespace

std::unique_ptr<Drafter> lookup_drafter() { return std::make_unique<LookupDrafter>(); }

}  // namespace avocado
