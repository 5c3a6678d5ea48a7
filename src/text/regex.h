#pragma once
// Regular expressions of pre-tokenizers, by PCRE2, with \s meaning White_Space as in the engines
// that tokenizers are defined with (PCRE2 adds U+180E).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace avocado {

class Regex {
 public:
  // Throws Error(input) when the pattern does not compile. `where` is named in messages.
  Regex(std::string_view pattern, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // A part of a text: a match, or what lies between two.
  struct Span {
    size_t begin, end;
    bool matched;
  };
  // Matches and what lies between them, in order; matches may be empty. Bytes that are not UTF-8
  // match nothing. Throws Error(resource) when the search takes too many steps.
  std::vector<Span> find_all(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;

  void find_in_valid(std::string_view text, size_t offset, std::vector<Span>& spans) const;
};

// Throws Error(input) naming what in a pattern from a file means, or might mean, something else to
// PCRE2 than to the engine it was written for (Oniguruma).
void require_portable_regex(std::string_view pattern, const std::string& where);

}  // namespace avocado
