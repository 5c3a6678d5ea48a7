#pragma once
// Splits text into the pieces that a model's merges never cross.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/regex.h"
#include "text/scanners.h"

namespace avocado {

// What becomes of the text that a pattern matches (Hugging Face's names and meaning).
enum class SplitBehavior { isolated, removed, merged_with_previous, merged_with_next, contiguous };

class PreTokenizer {
 public:
  // A pre-tokenizer of no steps: the text is one piece.
  PreTokenizer() = default;

  // Adds a step: each piece so far is split where `pattern` matches, or, with `invert`, where it
  // does not. Throws Error(input) naming `where` when the pattern does not compile.
  void add_split(std::string_view pattern, const std::string& where,
                 SplitBehavior behavior = SplitBehavior::isolated, bool invert = false);
  // Adds a step that changes each piece.
  void add_rewrite(Normalizer rewrite) {
    steps_.push_back({.rewrite = std::make_shared<Normalizer>(std::move(rewrite))});
  }

  bool empty() const { return steps_.empty(); }
  // The pieces are not parts of the text, and each is gone when emit() returns.
  bool rewrites() const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const Step& step) { return step.rewrite != nullptr; });
  }

  // Calls emit(piece) for each piece in order; none is empty. `begins`: the text stands at the
  // beginning of the input.
  template <class Emit>
  void split(std::string_view text, bool begins, Emit&& emit) const {
    if (!text.empty()) run(0, text, begins, emit);
  }

 private:
  struct Step {
    NextPiece scanner = nullptr;  // by hand, for isolated splits
    std::shared_ptr<const Regex> regex = {};
    SplitBehavior behavior = SplitBehavior::isolated;
    bool invert = false;
    std::shared_ptr<const Normalizer> rewrite = {};
  };
  static std::vector<std::string_view> split_by_regex(const Step& step, std::string_view text);

  template <class Emit>
  void run(size_t number, std::string_view text, bool begins, Emit& emit) const {
    if (number == steps_.size()) return emit(text);
    const Step& step = steps_[number];
    if (step.rewrite) {
      const std::string rewritten = step.rewrite->apply(text, begins);
      if (!rewritten.empty()) run(number + 1, rewritten, begins, emit);
      return;
    }
    if (step.scanner) {
      const char *p = text.data(), *end = p + text.size();
      while (p != end) {
        const char* next = step.scanner(p, end);
        run(number + 1, {p, static_cast<size_t>(next - p)}, begins, emit);
        begins = false;
        p = next;
      }
      return;
    }
    for (std::string_view piece : split_by_regex(step, text)) {
      run(number + 1, piece, begins && piece.data() == text.data(), emit);
    }
  }

  std::vector<Step> steps_;
};

// What tokenizer.ggml.pre names.
struct NamedPreTokenizer {
  std::string_view name;
  std::vector<std::string_view> patterns;
  bool ignore_merges;  // a piece that is a token as a whole becomes that token, whatever the merges
                       // say
  bool add_bos;        // when tokenizer.ggml.add_bos_token is absent
};

// Null for an unknown name.
const NamedPreTokenizer* find_pre_tokenizer(std::string_view name);
// The name under which exactly these patterns are known, empty when there is none.
std::string_view name_of_patterns(const std::vector<std::string>& patterns, bool ignore_merges);
// A pattern of any named pre-tokenizer: known to mean the same to PCRE2.
bool is_known_pattern(std::string_view pattern);

PreTokenizer make_pre_tokenizer(const NamedPreTokenizer& named);

}  // namespace avocado
