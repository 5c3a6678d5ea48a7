#include "grammar/regex.h"

#include <map>

#include "base/error.h"
#include "files/printable.h"

namespace avocado::grammar {
namespace {

constexpr int kMaxDepth = 200;
constexpr uint32_t kMaxRepeat = 1 << 17;

const std::map<std::string_view, unicode::ClassMask>& categories() {
  using unicode::bit;
  static const std::map<std::string_view, unicode::ClassMask> table = {
      {"Lu", bit(1)},
      {"Uppercase_Letter", bit(1)},
      {"Ll", bit(2)},
      {"Lowercase_Letter", bit(2)},
      {"Lt", bit(3)},
      {"Lm", bit(4)},
      {"Lo", bit(5)},
      {"L", unicode::kLetter},
      {"Letter", unicode::kLetter},
      {"Alphabetic", unicode::kLetter | bit(10)},
      {"Mn", bit(6)},
      {"Mc", bit(7)},
      {"Me", bit(8)},
      {"M", unicode::kMark},
      {"Mark", unicode::kMark},
      {"Nd", bit(9)},
      {"digit", bit(9)},
      {"Decimal_Number", bit(9)},
      {"Nl", bit(10)},
      {"No", bit(11)},
      {"N", unicode::kNumber},
      {"Number", unicode::kNumber},
      {"Pc", bit(12)},
      {"Pd", bit(13)},
      {"Ps", bit(14)},
      {"Pe", bit(15)},
      {"Pi", bit(16)},
      {"Pf", bit(17)},
      {"Po", bit(18)},
      {"P", unicode::kPunctuation},
      {"Punctuation", unicode::kPunctuation},
      {"Sm", bit(19)},
      {"Sc", bit(20)},
      {"Sk", bit(21)},
      {"So", bit(22)},
      {"S", unicode::kSymbol},
      {"Symbol", unicode::kSymbol},
      {"Zs", bit(23)},
      {"Zl", bit(24)},
      {"Zp", bit(25)},
      {"Z", bit(23) | bit(24) | bit(25)},
      {"Cc", bit(26) | bit(30) | bit(31)},
      {"Cf", bit(27)},
      {"Cn", bit(0)},
      {"Co", bit(29)},
  };
  return table;
}

const CodeSet& word_set() {
  static const CodeSet set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}

const CodeSet& space_set() {
  static const CodeSet set{{9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                           {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                           {0x3000, 0x3000}, {0xfeff, 0xfeff}};
  return set;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  RegexPattern parse() {
    if (!unicode::is_valid_utf8(text_)) fail("it is not UTF-8");
    RegexPattern pattern;
    read_aheads(pattern);
    pattern.expr = choice();
    if (at_ < text_.size()) fail("unmatched )");
    if (!pattern.ahead.empty()) {
      // ^ belongs to the first alternative only, so the look-aheads must not meet another.
      if (pattern.expr.kind == Expr::Kind::choice)
        fail("look-ahead together with alternatives that are not in a group");
      pattern.expr = Expr::sequence({Expr::of(Expr::Kind::begin), std::move(pattern.expr)});
    }
    return pattern;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    fail_usage("pattern {} at byte {}: {}", printable(std::string(text_)), at_, what);
  }
  bool more() const { return at_ < text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : 0; }
  bool skip(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  uint32_t take_character() {
    const unicode::Decoded c = unicode::decode(text_.data() + at_, text_.data() + text_.size());
    at_ += c.length;
    return c.code_point;
  }

  void read_aheads(RegexPattern& pattern) {
    const size_t begin = at_;
    const bool anchored = skip("^");
    const auto here = [&] {
      return text_.substr(at_, 3) == "(?=" || text_.substr(at_, 3) == "(?!";
    };
    if (!here()) {
      at_ = begin;
      return;
    }
    if (!anchored) fail("look-ahead is supported only after ^ at the beginning");
    while (here()) {
      const bool negative = text_[at_ + 2] == '!';
      at_ += 3;
      Expr inner = choice();
      if (!skip(")")) fail("( is not closed");
      pattern.ahead.push_back(
          {Expr::sequence({Expr::of(Expr::Kind::begin), std::move(inner)}), negative});
    }
  }

  Expr choice() {
    if (++depth_ > kMaxDepth) fail("groups are nested too deep");
    std::vector<Expr> parts;
    do {
      parts.push_back(sequence());
    } while (skip("|"));
    --depth_;
    return parts.size() == 1 ? std::move(parts[0]) : Expr::choice(std::move(parts));
  }

  Expr sequence() {
    std::vector<Expr> parts;
    while (more() && peek() != '|' && peek() != ')') {
      Expr part = atom();
      parts.push_back(quantified(std::move(part)));
    }
    return parts.size() == 1 ? std::move(parts[0]) : Expr::sequence(std::move(parts));
  }

  Expr quantified(Expr part) {
    for (;;) {
      uint32_t min = 0, max = Expr::kUnlimited;
      if (skip("*")) {
      } else if (skip("+")) {
        min = 1;
      } else if (skip("?")) {
        max = 1;
      } else if (!braces(min, max)) {
        return part;
      }
      skip("?");  // lazy or greedy: the same texts match
      if (peek() == '+') fail("possessive quantifiers are not supported");
      part = Expr::repeat(std::move(part), min, max);
    }
  }

  // {m}, {m,} or {m,n}; anything else in braces is plain text.
  bool braces(uint32_t& min, uint32_t& max) {
    const size_t begin = at_;
    if (!skip("{")) return false;
    const bool has_min = number(min);
    max = min;
    if (has_min && skip(",")) {
      if (!number(max)) max = Expr::kUnlimited;
    }
    if (has_min && skip("}")) {
      if (min > max) fail("a repetition's bounds are out of order");
      return true;
    }
    at_ = begin;
    return false;
  }
  bool number(uint32_t& value) {
    const size_t begin = at_;
    value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(text_[at_++] - '0');
      if (value > kMaxRepeat) fail("a repetition is longer than supported");
    }
    return at_ > begin;
  }

  Expr atom() {
    switch (peek()) {
      case '^':
        ++at_;
        return Expr::of(Expr::Kind::begin);
      case '$':
        ++at_;
        return Expr::of(Expr::Kind::end);
      case '.': {
        ++at_;
        static const CodeSet line =
            CodeSet{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}.inverted();
        return Expr::of(line);
      }
      case '(':
        return group();
      case '[':
        return Expr::of(bracket());
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        fail("there is nothing to repeat");
      default: {
        const uint32_t c = take_character();
        return Expr::of(CodeSet{{c, c}});
      }
    }
  }

  Expr group() {
    ++at_;
    if (skip("?:")) {
    } else if (text_.substr(at_, 3) == "?<=" || text_.substr(at_, 3) == "?<!") {
      fail("look-behind is not supported");
    } else if (text_.substr(at_, 2) == "?=" || text_.substr(at_, 2) == "?!") {
      fail("look-ahead is supported only after ^ at the beginning");
    } else if (skip("?<") || skip("?P<")) {
      while (more() && peek() != '>') ++at_;
      if (!skip(">")) fail("a group's name is not closed");
    } else if (peek() == '?') {
      fail("flags and other (? groups are not supported");
    }
    Expr inner = choice();
    if (!skip(")")) fail("( is not closed");
    return inner;
  }

  Expr escape() {
    if (peek(1) == 'b' || peek(1) == 'B') {
      const bool edge = peek(1) == 'b';
      at_ += 2;
      return Expr::of(edge ? Expr::Kind::word_edge : Expr::Kind::word_inner);
    }
    if (peek(1) >= '1' && peek(1) <= '9') fail("back-references are not supported");
    if (peek(1) == 'k') fail("back-references are not supported");
    CodeSet set;
    const uint32_t c = class_or_character(set);
    return Expr::of(set.empty() ? CodeSet{{c, c}} : set);
  }

  // An escape outside or inside a class: fills `set`, or returns a character.
  uint32_t class_or_character(CodeSet& set) {
    ++at_;
    if (!more()) fail("\\ stands at the end");
    const char letter = text_[at_];
    if (class_escape(letter, set)) {
      ++at_;
      return 0;
    }
    switch (letter) {
      case 'p':
      case 'P':
        set = property();
        return 0;
      case 't':
        return ++at_, '\t';
      case 'n':
        return ++at_, '\n';
      case 'r':
        return ++at_, '\r';
      case 'f':
        return ++at_, '\f';
      case 'v':
        return ++at_, '\v';
      case '0':
        return ++at_, 0;
      case 'x':
        ++at_;
        return hex(2);
      case 'u':
        ++at_;
        return unicode_escape();
      case 'c':
        if ((peek(1) | 0x20) >= 'a' && (peek(1) | 0x20) <= 'z') {
          at_ += 2;
          return static_cast<uint32_t>(text_[at_ - 1]) & 31;
        }
        fail("\\c needs a letter");
      default:
        break;
    }
    const bool alphanumeric =
        (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z');
    if (alphanumeric) fail("this escape is not known");
    return take_character();
  }

  uint32_t hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0) fail("hexadecimal digits are missing");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }

  uint32_t unicode_escape() {
    if (skip("{")) {
      int digits = 0;
      while (at_ + digits < text_.size() && text_[at_ + digits] != '}') ++digits;
      if (digits < 1 || digits > 6) fail("\\u{} needs 1 to 6 digits");
      const uint32_t c = hex(digits);
      if (c > kLastCodePoint || !skip("}")) fail("\\u{} is not a code point");
      return c;
    }
    const uint32_t c = hex(4);
    if (c >= 0xd800 && c < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      const size_t begin = at_;
      at_ += 2;
      const uint32_t low = hex(4);
      if (low >= 0xdc00 && low < 0xe000) return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      at_ = begin;
    }
    return c;
  }

  CodeSet property() {
    const bool inverted = text_[at_++] == 'P';
    std::string_view name;
    if (skip("{")) {
      const size_t close = text_.find('}', at_);
      if (close == std::string_view::npos) fail("\\p{ is not closed");
      name = text_.substr(at_, close - at_);
      at_ = close + 1;
    } else {
      name = text_.substr(at_, 1);
      at_ += name.size();
    }
    for (const std::string_view prefix : {"General_Category=", "gc="})
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (name == "ASCII") return inverted ? CodeSet{{0x80, kLastCodePoint}} : CodeSet{{0, 0x7f}};
    if (name == "Any") return inverted ? CodeSet{} : CodeSet::all();
    const auto found = categories().find(name);
    if (found == categories().end())
      fail("this Unicode property is not supported; general categories are");
    const CodeSet set = CodeSet::of_class(found->second);
    return inverted ? set.inverted() : set;
  }

  CodeSet bracket() {
    ++at_;
    const bool inverted = skip("^");
    CodeSet set;
    while (!skip("]")) {
      if (!more()) fail("[ is not closed");
      CodeSet piece;
      const uint32_t low = class_member(piece);
      if (!piece.empty()) {
        set.add(piece);
        continue;
      }
      if (peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size()) {
        const size_t dash = at_++;
        CodeSet second;
        const uint32_t high = class_member(second);
        if (second.empty()) {
          if (high < low) fail("a range is out of order");
          set.add(low, high);
          continue;
        }
        at_ = dash;  // [a-\d]: the dash is a character
      }
      set.add(low, low);
    }
    set.normalize();
    return inverted ? set.inverted() : set;
  }

  uint32_t class_member(CodeSet& piece) {
    if (peek() != '\\') return take_character();
    if (peek(1) == 'b') {
      at_ += 2;
      return '\b';
    }
    return class_or_character(piece);
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

bool class_escape(char letter, CodeSet& set) {
  switch (letter) {
    case 'd':
      set = CodeSet{{'0', '9'}};
      return true;
    case 'D':
      set = CodeSet{{'0', '9'}}.inverted();
      return true;
    case 'w':
      set = word_set();
      return true;
    case 'W':
      set = word_set().inverted();
      return true;
    case 's':
      set = space_set();
      return true;
    case 'S':
      set = space_set().inverted();
      return true;
    default:
      return false;
  }
}

RegexPattern parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace avocado::grammar
