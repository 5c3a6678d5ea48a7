#pragma once
// What a tokenizer does to text before it looks for words: normal forms, case, replaced strings.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.h"
#include "text/unicode.h"

namespace avocado {

class Normalizer {
 public:
  enum class Kind {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    strip_left,
    strip_right,                 // white space at the ends
    strip_accents,               // nonspacing marks
    clean,                       // BERT: drops control characters, white space becomes a space
    space_around_chinese,        // BERT: a space before and after each ideograph
    replace,                     // `from` by `to`
    replace_runs,                // runs of two or more `from` by `to`
    collapse_spaces,             // SentencePiece: no space at the ends, one between words
    prepend,                     // `to` before any text that is not empty
    append,                      // `to` after any text that is not empty
    prepend_unless_there,        // `to` before text that does not begin with it
    prepend_first_unless_there,  // the same, only where the input begins
    charsmap,                    // SentencePiece's precompiled mapping
  };
  struct Step {
    Kind kind;
    std::string from = {}, to = {};
    std::shared_ptr<const Charsmap> charsmap = {};
  };

  void add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }
  bool has(Kind kind) const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [&](const Step& step) { return step.kind == kind; });
  }
  // Null when there is none.
  const Charsmap* charsmap() const {
    for (const Step& step : steps_)
      if (step.charsmap) return step.charsmap.get();
    return nullptr;
  }
  // `begins`: the text stands at the beginning of the input.
  std::string apply(std::string_view text, bool begins) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace avocado
