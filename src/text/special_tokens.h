#pragma once
// Tokens that are found in the text as they stand, before anything else looks at it: control tokens
// (only on request) and user-defined ones (always). Leftmost first, then longest.

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/prefix_index.h"
#include "text/text_range.h"

namespace avocado {

struct SpecialToken {
  std::string text;
  int32_t id = -1;
  bool control = true;       // found only when the caller asks for special tokens
  bool strip_left = false;   // swallows white space before it
  bool strip_right = false;  // swallows white space after it
  bool single_word = false;  // only where no word character touches it
};

class SpecialTokens {
 public:
  SpecialTokens() = default;
  SpecialTokens(SpecialTokens&&) = default;
  SpecialTokens& operator=(SpecialTokens&&) = default;
  explicit SpecialTokens(std::vector<SpecialToken> tokens);

  bool empty() const { return tokens_.empty(); }
  const std::deque<SpecialToken>& tokens() const { return tokens_; }

  // What split() looks for. Control tokens are found when `control` is set, and only where no byte
  // of them is in `plain`, whose ranges are of the text that is split.
  struct Wanted {
    bool control = false;
    std::span<const TextRange> plain = {};
  };

  // Calls plain(text, begins) for the stretches between tokens, begins meaning that nothing stands
  // before the stretch, and token(id) for each token found.
  template <class Plain, class Token>
  void split(std::string_view text, const Wanted& wanted, Plain&& plain, Token&& token) const {
    const PrefixIndex& index = wanted.control ? all_ : user_defined_;
    size_t range = 0;  // of wanted.plain, the first that ends behind `at`
    size_t done = 0;
    for (size_t at = 0; !index.empty() && at < text.size();) {
      Match match{at, at + 1, -1};
      while (range < wanted.plain.size() && wanted.plain[range].end <= at) ++range;
      if (!index.may_start(text[at]) ||
          !find(index, text, at, done, wanted.plain.subspan(range), match)) {
        at = match.end;
        continue;
      }
      if (match.begin > done) plain(text.substr(done, match.begin - done), done == 0);
      token(match.id);
      at = done = match.end;
    }
    if (done < text.size()) plain(text.substr(done), done == 0);
  }

 private:
  struct Match {
    size_t begin, end;
    int32_t id;
  };
  // The token at text[at], its white space taken in; text before `done` is used up. When false,
  // match.end is where to look next.
  bool find(const PrefixIndex& index, std::string_view text, size_t at, size_t done,
            std::span<const TextRange> plain, Match& match) const;

  std::deque<SpecialToken> tokens_;  // a deque: the indexes point into it when it is moved
  PrefixIndex all_, user_defined_;   // their ids are numbers in tokens_
};

}  // namespace avocado
