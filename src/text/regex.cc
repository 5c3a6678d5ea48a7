#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "files/printable.h"
#include "text/unicode.h"

namespace avocado {
namespace {

constexpr std::string_view kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";

// Spells out \s and \S.
std::string with_white_space(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        out += in_class ? std::string(kSpaces) : fmt::format("[{}]", kSpaces);
      } else if (escaped == 'S') {
        out += in_class ? std::string(kNotSpaces) : fmt::format("[^{}]", kSpaces);
      } else {
        out += c;
        out += escaped;
      }
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};

std::string error_text(int code) {
  char message[256];
  pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof message);
  return message;
}

}  // namespace

struct Regex::Impl {
  std::unique_ptr<pcre2_code, Freer<pcre2_code_free>> code;
  std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>> context;
  std::string where;
};

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Regex::Regex(std::string_view pattern, const std::string& where) : impl_(std::make_unique<Impl>()) {
  constexpr size_t kLongest = 16384;
  if (pattern.size() > kLongest)
    fail_input("{}: the pattern has {} bytes; at most {} are allowed", where, pattern.size(),
               kLongest);
  const std::string translated = with_white_space(pattern);
  int code = 0;
  PCRE2_SIZE offset = 0;
  impl_->where = where;
  impl_->code.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code,
                    &offset, nullptr));
  if (!impl_->code)
    fail_input("{}: the pattern \"{}\" is not valid: {}", where, printable(pattern),
               error_text(code));
  pcre2_jit_compile(impl_->code.get(),
                    PCRE2_JIT_COMPLETE);  // where there is no JIT, matching interprets
  impl_->context.reset(pcre2_match_context_create(nullptr));
  if (!impl_->context) throw std::bad_alloc();
  pcre2_set_match_limit(impl_->context.get(), 10'000'000);
}

std::vector<Regex::Span> Regex::find_all(std::string_view text) const {
  std::vector<Span> spans;
  const char *p = text.data(), *end = p + text.size();
  while (p != end) {
    const auto offset = static_cast<size_t>(p - text.data());
    const char* stop = p;
    for (unicode::Decoded d = unicode::decode(stop, end); d.valid; d = unicode::decode(stop, end))
      stop += d.length;
    if (stop != p) {
      find_in_valid({p, static_cast<size_t>(stop - p)}, offset, spans);
    } else {
      if (spans.empty() || spans.back().matched) spans.push_back({offset, offset, false});
      spans.back().end = offset + 1;
      ++stop;
    }
    p = stop;
  }
  return spans;
}

// The text was checked: PCRE2 would check it anew for each match.
void Regex::find_in_valid(std::string_view text, size_t offset, std::vector<Span>& spans) const {
  const std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>> data(
      pcre2_match_data_create(1, nullptr));
  if (!data) throw std::bad_alloc();
  const auto between = [&](size_t begin, size_t end) {
    if (begin == end) return;
    if (spans.empty() || spans.back().matched) spans.push_back({offset + begin, 0, false});
    spans.back().end = offset + end;
  };
  size_t done = 0;
  uint32_t options = PCRE2_NO_UTF_CHECK;
  for (;;) {
    const auto match = [&](uint32_t extra) {
      return pcre2_match(impl_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                         done, options | extra, data.get(), impl_->context.get());
    };
    int result = match(0);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0)
      fail_resource("{}: the pattern could not be searched for: {}", impl_->where,
                    error_text(result));
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(data.get());
    between(done, span[0]);
    spans.push_back({offset + span[0], offset + span[1], true});
    done = span[1];
    options = PCRE2_NO_UTF_CHECK | (span[0] == span[1] ? PCRE2_NOTEMPTY_ATSTART : 0);
  }
  between(done, text.size());
}

void require_portable_regex(std::string_view pattern, const std::string& where) {
  const auto refuse = [&](std::string_view what) {
    fail_input("{}: the pattern \"{}\" uses {}, which is not supported", where, printable(pattern),
               printable(what));
  };
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    const char c = rest[0];
    if (c == '\\') {
      if (rest.size() < 2) refuse("a lone backslash");
      const bool letter = std::isalnum(static_cast<unsigned char>(rest[1])) != 0;
      if (letter && std::string_view("pPsSdDrntfv").find(rest[1]) == std::string_view::npos)
        refuse(rest.substr(0, 2));
      ++i;
      // The braces of \p{...} are part of the escape.
      if ((rest[1] == 'p' || rest[1] == 'P') && rest.substr(2).starts_with('{'))
        i = std::min(pattern.find('}', i), pattern.size());
    } else if (in_class) {
      if (c == '[') refuse("a class inside a class");
      if (rest.starts_with("&&")) refuse("&& inside a class");
      if (c == ']') in_class = false;
    } else if (c == '[') {
      in_class = true;
      if (rest.starts_with("[]") || rest.starts_with("[^]")) refuse("an empty class");
    } else if (c == '^' || c == '$') {
      refuse(rest.substr(0, 1));
    } else if (rest.starts_with("}+")) {
      refuse("}+");
    } else if (c == '(' && rest.size() > 1 && (rest[1] == '?' || rest[1] == '*')) {
      bool known = false;
      for (std::string_view group : {"(?:", "(?i:", "(?=", "(?!", "(?>"})
        known = known || rest.starts_with(group);
      if (!known) refuse(rest.substr(0, 4));
    }
  }
}

}  // namespace avocado
