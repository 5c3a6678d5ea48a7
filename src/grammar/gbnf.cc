#include "grammar/gbnf.h"

#include <map>

#include "base/error.h"
#include "files/printable.h"
#include "grammar/free_text.h"
#include "grammar/token_trie.h"

namespace avocado::grammar {
namespace {

constexpr int kMaxDepth = 200;
constexpr uint32_t kMaxRepeat = 1 << 17, kMaxToken = (1 << 21) - 1;

class Parser {
 public:
  Parser(std::string_view text) : text_(text) {}

  Pushdown parse(const std::string& root, const OutsideRules& outside) {
    if (!unicode::is_valid_utf8(text_)) fail("the grammar is not UTF-8");
    space(true);
    while (at_ < text_.size()) read_rule();
    const auto found = ids_.find(root);
    if (found == ids_.end() || !rules_[found->second].defined)
      fail_usage("grammar: there is no rule {}", printable(root));
    for (const auto& [name, what] : outside) {
      const auto named = ids_.find(name);
      if (named != ids_.end() && !rules_[named->second].defined) define(named->second, what);
    }
    for (const Rule& rule : rules_) {
      at_ = rule.at;
      if (!rule.defined) fail(fmt::format("the rule {} is not defined", rule.name));
    }
    Nfa nfa("the grammar");
    std::vector<uint32_t> entries;
    for (const Rule& rule : rules_)
      entries.push_back(nfa.add(rule.expr, nfa.add({.kind = Nfa::Kind::accept})));
    if (const int rule = Pushdown::find_left_recursion(nfa, entries); rule >= 0) {
      at_ = rules_[static_cast<size_t>(rule)].at;
      fail(
          fmt::format("the rule {} is left-recursive: it begins with itself; write it with a "
                      "repetition",
                      rules_[static_cast<size_t>(rule)].name));
    }
    return Pushdown(std::move(nfa), std::move(entries), found->second);
  }

 private:
  struct Rule {
    std::string name;
    size_t at;  // where it is defined, or first used
    bool defined = false;
    Expr expr = {};
  };

  [[noreturn]] void fail(std::string_view what) const {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < std::min(at_, text_.size()); ++i) {
      ++column;
      if (text_[i] == '\n') ++line, column = 1;
    }
    fail_usage("grammar, line {}, column {}: {}", line, column, what);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool skip(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  // White space and comments; `lines`: line ends too.
  void space(bool lines) {
    for (;; ++at_) {
      if (peek() == '#' && at_ < text_.size()) {
        while (at_ < text_.size() && peek() != '\n' && peek() != '\r') ++at_;
      }
      const bool blank = peek() == ' ' || peek() == '\t';
      const bool line = peek() == '\n' || peek() == '\r';
      if (at_ >= text_.size() || (!blank && !(line && lines))) return;
    }
  }

  std::string name() {
    const size_t begin = at_;
    while (peek() == '-' || peek() == '_' || (peek() >= '0' && peek() <= '9') ||
           ((peek() | 0x20) >= 'a' && (peek() | 0x20) <= 'z'))
      ++at_;
    if (at_ == begin) fail("a rule's name is expected");
    return std::string(text_.substr(begin, at_ - begin));
  }
  uint32_t rule_id(const std::string& name, size_t at) {
    const auto [found, added] = ids_.try_emplace(name, static_cast<uint32_t>(rules_.size()));
    if (added) rules_.push_back({name, at});
    return found->second;
  }

  void define(uint32_t id, const OutsideRule& what) {
    rules_[id].defined = true;
    if (what.hole >= 0) {
      rules_[id].expr = Expr::bytes(hole_code(what.hole));
      return;
    }
    // One rule per state; the first is the rule itself.
    std::vector<std::string> without = what.without;
    without.emplace_back(1, static_cast<char>(kHole));
    const FreeTextAutomaton text(without);
    const auto more = static_cast<uint32_t>(rules_.size());
    const auto rule_of = [&](uint32_t state) { return state == 0 ? id : more + state - 1; };
    const std::string name = rules_[id].name;
    for (uint32_t state = 1; state < text.states(); ++state)
      rules_.push_back({name, rules_[id].at, true});
    for (uint32_t state = 0; state < text.states(); ++state) {
      std::vector<Expr> ways = {Expr::sequence({})};
      for (const FreeTextAutomaton::Move& move : text.moves(state)) {
        Expr onward{.kind = Expr::Kind::rule, .rule = rule_of(move.to)};
        ways.push_back(Expr::sequence({Expr::byte(move.low, move.high), std::move(onward)}));
      }
      rules_[rule_of(state)].expr = Expr::choice(std::move(ways));
    }
  }

  void read_rule() {
    const size_t begin = at_;
    const uint32_t id = rule_id(name(), begin);
    space(false);
    if (!skip("::=")) fail("::= is expected");
    if (rules_[id].defined) {
      at_ = begin;
      fail(fmt::format("the rule {} is defined twice", rules_[id].name));
    }
    space(true);
    Expr expr = choice(false);
    rules_[id].expr = std::move(expr);
    rules_[id].defined = true;
    rules_[id].at = begin;
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r')
      fail("the end of the line is expected");
    space(true);
  }

  // `nested`: within parentheses, where lines may end anywhere.
  Expr choice(bool nested) {
    if (++depth_ > kMaxDepth) fail("parentheses are nested too deep");
    std::vector<Expr> parts;
    do {
      space(true);
      parts.push_back(sequence(nested));
    } while (skip("|") || (!nested && bar_on_next_line()));
    --depth_;
    return parts.size() == 1 ? std::move(parts[0]) : Expr::choice(std::move(parts));
  }

  bool bar_on_next_line() {
    const size_t begin = at_;
    space(true);
    if (skip("|")) return true;
    at_ = begin;
    return false;
  }

  Expr sequence(bool nested) {
    std::vector<Expr> parts;
    for (;;) {
      const char c = peek();
      const bool named = c == '_' || c == '-' || (c >= '0' && c <= '9') ||
                         ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
      if (c == '"') {
        parts.push_back(literal());
      } else if (c == '[') {
        parts.push_back(Expr::of(bracket()));
      } else if (c == '.') {
        ++at_;
        parts.push_back(Expr::of(CodeSet::all()));
      } else if (c == '(') {
        ++at_;
        parts.push_back(choice(true));
        space(true);
        if (!skip(")")) fail(") is expected");
      } else if (c == '<') {
        parts.push_back(token());
      } else if (named) {
        const size_t begin = at_;
        parts.push_back(Expr{.kind = Expr::Kind::rule, .rule = rule_id(name(), begin)});
      } else if ((c == '*' || c == '+' || c == '?' || c == '{') && !parts.empty()) {
        quantify(parts.back());
      } else {
        break;
      }
      space(nested);
    }
    return parts.size() == 1 ? std::move(parts[0]) : Expr::sequence(std::move(parts));
  }

  void quantify(Expr& part) {
    uint32_t min = 0, max = Expr::kUnlimited;
    switch (text_[at_++]) {
      case '*':
        break;
      case '+':
        min = 1;
        break;
      case '?':
        max = 1;
        break;
      default:
        space(false);
        min = max = number();
        space(false);
        if (skip(",")) {
          space(false);
          max = peek() == '}' ? Expr::kUnlimited : number();
        }
        space(false);
        if (!skip("}")) fail("} is expected");
        if (min > max) fail("the bounds are out of order");
    }
    part = Expr::repeat(std::move(part), min, max);
  }
  uint32_t number(uint32_t most = kMaxRepeat) {
    const size_t begin = at_;
    uint32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(text_[at_++] - '0');
      if (value > most) fail("the number is larger than supported");
    }
    if (at_ == begin) fail("a number is expected");
    return value;
  }

  Expr literal() {
    ++at_;
    std::vector<Expr> parts;
    while (!skip("\"")) {
      const uint32_t c = character();
      parts.push_back(Expr::of(CodeSet{{c, c}}));
    }
    return Expr::sequence(std::move(parts));
  }

  Expr token() {
    if (!skip("<[")) fail("a token is written <[1000]>, by its number");
    const uint32_t id = number(kMaxToken);
    if (!skip("]>")) fail("]> is expected");
    return Expr::bytes(token_code(static_cast<int32_t>(id)));
  }

  CodeSet bracket() {
    ++at_;
    const bool inverted = skip("^");
    CodeSet set;
    while (!skip("]")) {
      const uint32_t low = character();
      uint32_t high = low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        high = character();
        if (high < low) fail("the range is out of order");
      }
      set.add(low, high);
    }
    set.normalize();
    return inverted ? set.inverted() : set;
  }
  uint32_t character() {
    if (at_ >= text_.size()) fail("the text is not closed");
    if (peek() == '\n') fail("a line ends within a text or class");
    if (peek() != '\\') {
      const unicode::Decoded c = unicode::decode(text_.data() + at_, text_.data() + text_.size());
      at_ += c.length;
      return c.code_point;
    }
    ++at_;
    const char letter = peek();
    ++at_;
    switch (letter) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
      case '/':
        return static_cast<uint32_t>(letter);
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      default:
        --at_;
        fail("this escape is not known");
    }
  }
  uint32_t hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0) fail("hexadecimal digits are missing");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (value > kLastCodePoint) fail("this is not a code point");
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::vector<Rule> rules_;
  std::map<std::string, uint32_t> ids_;
};

}  // namespace

std::string hole_code(int hole) {
  std::string code(1, static_cast<char>(kHole));
  for (int digit = 4; digit-- > 0;) code += static_cast<char>(0xf5 + (hole >> 3 * digit & 7));
  return code;
}

Pushdown parse_gbnf(std::string_view grammar, const std::string& root,
                    const OutsideRules& outside) {
  return Parser(grammar).parse(root, outside);
}

}  // namespace avocado::grammar
