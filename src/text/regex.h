#pragma once
// Regular expressions of pre-tokenizers, by PCRE2, with \s meaning White_Space as in the engines
// that tokenizers are defined with (PCRE2 adds U+180E).

#include <memory>
#include <string>
#include <string_view>

namespace avocado {

class Regex {
 public:
  // Throws Error(input) when the pattern does not compile. `where` is named in messages.
  Regex(std::string_view pattern, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // Finds the first match at or after `begin`; an empty match at `begin` counts only when
  // `allow_empty`. Bytes that are not UTF-8 match nothing. Throws Error(resource) when the search
  // takes too many steps.
  bool find(std::string_view text, size_t begin, bool allow_empty, size_t& match_begin, size_t& match_end) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws Error(input) naming what in a pattern from a file means, or might mean, something else to
// PCRE2 than to the engine it was written for (Oniguruma).
void require_portable_regex(std::string_view pattern, const std::string& where);

}  // namespace avocado
