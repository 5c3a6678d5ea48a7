#include "text/scanners.h"

#include <utility>

#include "text/patterns.h"
#include "text/unicode.h"

namespace avocado {
namespace {

using unicode::ClassMask;
using unicode::kLetter;
using unicode::kMark;
using unicode::kNewline;
using unicode::kNumber;
using unicode::kSpace;
using unicode::peek;
using unicode::Peek;

const char* skip(const char* p, const char* end, ClassMask mask) {
  for (Peek c; (c = peek(p, end)).cls & mask;) p += c.length;
  return p;
}

// 's 't 're 've 'm 'll 'd at `p`; null when none stands there. With `fold` in any case, U+017F
// (long s) being an s then.
const char* contraction(const char* p, const char* end, bool fold) {
  if (p == end || *p != '\'') return nullptr;
  const auto letter = [&](int i) -> char {
    if (end - p <= i) return '\0';
    const char c = p[i];
    return fold && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  switch (letter(1)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return p + 2;
    case 'r':
    case 'v':
      return letter(2) == 'e' ? p + 3 : nullptr;
    case 'l':
      return letter(2) == 'l' ? p + 3 : nullptr;
    case '\xc5':
      return fold && letter(2) == '\xbf' ? p + 3 : nullptr;
    default:
      return nullptr;
  }
}

// \s+(?!\S)|\s+ : white space, but for its last character when something follows.
const char* white_space(const char* p, const char* end) {
  const char* last = p;
  const char* q = p;
  for (Peek c; (c = peek(q, end)).cls & kSpace; q += c.length) last = q;
  return q == end || last == p ? q : last;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last newline of a stretch of white space, if it has one.
const char* lines_or_white_space(const char* p, const char* end) {
  const char* last = p;
  const char* after_newline = nullptr;
  const char* q = p;
  for (Peek c; (c = peek(q, end)).cls & kSpace;) {
    last = q;
    q += c.length;
    if (c.cls & kNewline) after_newline = q;
  }
  if (after_newline) return after_newline;
  return q == end || last == p ? q : last;
}

const char* digits(const char* p, const char* end, int most) {
  for (Peek c; most > 0 && ((c = peek(p, end)).cls & kNumber); --most) p += c.length;
  return p;
}

constexpr int kAnyNumber = 1 << 30;

const char* gpt2(const char* p, const char* end) {
  if (const char* q = contraction(p, end, false)) return q;
  const char* start = p + (*p == ' ');
  const ClassMask c = peek(start, end).cls;
  if (c & kLetter) return skip(start, end, kLetter);
  if (c & kNumber) return skip(start, end, kNumber);
  if (c && !(c & kSpace)) return skip(start, end, ~(kSpace | kLetter | kNumber));
  return white_space(p, end);
}

// (?i:'s|...)|[^\r\n\p{L}\p{N}]?LETTERS+|\p{N}{1,DIGITS}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ where marks count as letters when LETTERS says
// so.
template <ClassMask Letters, int Digits>
const char* llama3(const char* p, const char* end) {
  if (const char* q = contraction(p, end, true)) return q;
  const Peek first = peek(p, end);
  if (first.cls & Letters) return skip(p + first.length, end, Letters);
  if (first.cls & kNumber) return digits(p, end, Digits);
  const char* second = p + first.length;
  const ClassMask next = peek(second, end).cls;
  if ((next & Letters) && !(first.cls & kNewline)) return skip(second, end, Letters);
  constexpr ClassMask kOther = ~(kSpace | Letters | kNumber);
  if (first.cls & kOther || (*p == ' ' && (next & kOther)))
    return skip(skip(second, end, kOther), end, kNewline);
  return lines_or_white_space(p, end);
}

// U*W+ and, failing that, U+W* of the case-splitting expressions; null when neither matches at p.
// U: upper case and caseless letters and marks; W: lower case and the same.
constexpr ClassMask kCaseless = unicode::kModifierLetter | unicode::kOtherLetter | kMark;
constexpr ClassMask kUpperRun = unicode::kUpper | unicode::kTitle | kCaseless;
constexpr ClassMask kLowerRun = unicode::kLower | kCaseless;

const char* upper_then_lower(const char* p, const char* end) {
  const char* after_caseless = nullptr;  // where W+ can end when U* has to give characters back
  for (Peek c; (c = peek(p, end)).cls & kUpperRun;) {
    p += c.length;
    if (c.cls & kCaseless) after_caseless = p;
  }
  return peek(p, end).cls & kLowerRun ? skip(p, end, kLowerRun) : after_caseless;
}

const char* upper_only(const char* p, const char* end) {
  const char* q = skip(p, end, kUpperRun);
  return q == p ? nullptr : q;
}

// [^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,DIGITS}|
// ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+ where C, a contraction in any case, is there
// only with CONTRACTIONS.
template <bool Contractions, int Digits>
const char* case_splitting(const char* p, const char* end) {
  const Peek first = peek(p, end);
  const char* second = p + first.length;
  const bool prefix = !(first.cls & (kNewline | kLetter | kNumber));
  for (auto* word : {upper_then_lower, upper_only}) {
    const char* q = prefix ? word(second, end) : nullptr;
    if (!q) q = word(p, end);
    if (!q) continue;
    const char* contracted = Contractions ? contraction(q, end, true) : nullptr;
    return contracted ? contracted : q;
  }
  if (first.cls & kNumber) return digits(p, end, Digits);
  constexpr ClassMask kOther = ~(kSpace | kLetter | kNumber);
  if (first.cls & kOther || (*p == ' ' && (peek(second, end).cls & kOther))) {
    p = skip(second, end, kOther);
    while (p != end && (*p == '\r' || *p == '\n' || *p == '/')) ++p;
    return p;
  }
  return lines_or_white_space(p, end);
}

// \p{N}{1,DIGITS}, and what lies between.
template <int Digits>
const char* numbers(const char* p, const char* end) {
  return peek(p, end).cls & kNumber ? digits(p, end, Digits) : skip(p, end, ~kNumber);
}

constexpr std::pair<std::string_view, NextPiece> kScanners[] = {
    {patterns::kGpt2, gpt2},
    {patterns::kLlama3, llama3<kLetter, 3>},
    {patterns::kQwen2, llama3<kLetter, 1>},
    {patterns::kLlama3AnyNumber, llama3<kLetter, kAnyNumber>},
    {patterns::kQwen35, llama3<kLetter | kMark, 1>},
    {patterns::kGpt4o, case_splitting<true, 3>},
    {patterns::kTekken, case_splitting<false, 1>},
    {patterns::kNumber, numbers<1>},
    {patterns::kNumbers3, numbers<3>},
    {patterns::kNumbers, numbers<kAnyNumber>},
};

}  // namespace

NextPiece find_scanner(std::string_view pattern) {
  for (const auto& [known, scanner] : kScanners)
    if (known == pattern) return scanner;
  return nullptr;
}

}  // namespace avocado
