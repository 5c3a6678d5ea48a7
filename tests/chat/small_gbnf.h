#pragma once
// A small reader of GBNF, to check grammars from both sides: it matches texts by plain
// backtracking, and makes random texts.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace avocado::test {

class SmallGbnf {
 public:
  // What a rule is that the grammar does not define: match returns the end of such a text at `at`,
  // or npos; make makes one.
  struct Hole {
    std::function<size_t(std::string_view text, size_t at)> match;
    std::function<std::string()> make;
  };

  SmallGbnf(const std::string& grammar, std::map<std::string, Hole> holes)
      : text_(grammar), holes_(std::move(holes)) {
    while (skip(), at_ < text_.size()) {
      const std::string name = word();
      skip();
      expect("::=");
      rules_[name] = choice();
      while (at_ < text_.size() && text_[at_] == '\n') ++at_;
    }
    for (size_t turn = 0; turn < rules_.size(); ++turn) {
      for (const auto& [name, node] : rules_) costs_[name] = cost(node);
    }
  }

  bool matches(std::string_view text) const {
    return match({Kind::rule, "root"}, text, 0, [&](size_t end) { return end == text.size(); });
  }

  // `below(n)`: a random number in [0, n).
  std::string make(const std::function<uint64_t(uint64_t)>& below) const {
    std::string out;
    make({Kind::rule, "root"}, below, out);
    return out;
  }

 private:
  static constexpr size_t kLong = 400;  // bytes
  static constexpr size_t kEndless = 1 << 20;

  enum class Kind { literal, set, rule, sequence, choice, repeat };
  struct Node {
    Kind kind;
    std::string text = {};           // a literal's, a rule's name
    std::vector<char32_t> set = {};  // pairs from, to
    bool inverse = false;
    std::vector<Node> parts = {};
    size_t least = 0, most = 0;
  };
  using Next = std::function<bool(size_t)>;

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + " in GBNF before: " + text_.substr(at_, 40));
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  void expect(std::string_view wanted) {
    if (!std::string_view(text_).substr(at_).starts_with(wanted))
      fail("expected " + std::string(wanted));
    at_ += wanted.size();
  }
  std::string word() {
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-'))
      ++at_;
    if (at_ == begin) fail("expected a name");
    return text_.substr(begin, at_ - begin);
  }
  static char32_t decode(std::string_view text, size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    char32_t c = lead & (0x3f >> more);
    for (int i = 0; i < more && at < text.size(); ++i)
      c = c << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
    return c;
  }
  char32_t escaped() {
    if (text_[at_] != '\\') return decode(text_, at_);
    const char c = text_[++at_];
    ++at_;
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c == 'u') {
      at_ += 4;
      return static_cast<char32_t>(std::stoul(text_.substr(at_ - 4, 4), nullptr, 16));
    }
    return static_cast<unsigned char>(c);
  }
  static void encode(char32_t c, std::string& out) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }

  Node choice() {
    Node node{Kind::choice};
    do {
      node.parts.push_back(sequence());
      skip();
    } while (at_ < text_.size() && text_[at_] == '|' && ++at_);
    return node;
  }
  Node sequence() {
    Node node{Kind::sequence};
    while (skip(),
           at_ < text_.size() && std::string_view("|)\n").find(text_[at_]) == std::string::npos)
      node.parts.push_back(repeated());
    return node;
  }
  Node repeated() {
    Node node = atom();
    size_t least = 1, most = 1;
    if (at_ < text_.size() && text_[at_] == '*') {
      least = 0, most = SIZE_MAX, ++at_;
    } else if (at_ < text_.size() && text_[at_] == '?') {
      least = 0, ++at_;
    } else if (at_ < text_.size() && text_[at_] == '{') {
      ++at_;
      least = most = std::stoul(word());
      if (text_[at_] == ',') ++at_, most = std::stoul(word());
      expect("}");
    } else {
      return node;
    }
    return {Kind::repeat, "", {}, false, {std::move(node)}, least, most};
  }
  Node atom() {
    if (text_[at_] == '"') {
      Node node{Kind::literal};
      for (++at_; text_[at_] != '"';) encode(escaped(), node.text);
      ++at_;
      return node;
    }
    if (text_[at_] == '[') {
      Node node{Kind::set};
      ++at_;
      if (text_[at_] == '^') node.inverse = true, ++at_;
      while (text_[at_] != ']') {
        const char32_t from = escaped();
        char32_t to = from;
        if (text_[at_] == '-' && text_[at_ + 1] != ']') ++at_, to = escaped();
        node.set.push_back(from);
        node.set.push_back(to);
      }
      ++at_;
      return node;
    }
    if (text_[at_] == '(') {
      ++at_;
      Node node = choice();
      expect(")");
      return node;
    }
    return {Kind::rule, word()};
  }

  static bool holds(const Node& node, char32_t c) {
    bool in = false;
    for (size_t i = 0; i < node.set.size(); i += 2)
      in = in || (c >= node.set[i] && c <= node.set[i + 1]);
    return in != node.inverse;
  }

  bool match(const Node& node, std::string_view text, size_t at, const Next& next) const {
    switch (node.kind) {
      case Kind::literal:
        return text.substr(at).starts_with(node.text) && next(at + node.text.size());
      case Kind::set: {
        if (at >= text.size()) return false;
        const char32_t c = decode(text, at);
        return holds(node, c) && next(at);
      }
      case Kind::rule: {
        if (const auto rule = rules_.find(node.text); rule != rules_.end())
          return match(rule->second, text, at, next);
        const size_t end = hole(node.text).match(text, at);
        return end != std::string_view::npos && next(end);
      }
      case Kind::sequence:
        return match_from(node, 0, text, at, next);
      case Kind::choice:
        for (const Node& part : node.parts) {
          if (match(part, text, at, next)) return true;
        }
        return false;
      default:
        return match_times(node, 0, text, at, next);
    }
  }
  bool match_from(const Node& node, size_t part, std::string_view text, size_t at,
                  const Next& next) const {
    if (part == node.parts.size()) return next(at);
    return match(node.parts[part], text, at,
                 [&](size_t end) { return match_from(node, part + 1, text, end, next); });
  }
  bool match_times(const Node& node, size_t times, std::string_view text, size_t at,
                   const Next& next) const {
    if (times < node.most && match(node.parts[0], text, at, [&](size_t end) {
          return end > at && match_times(node, times + 1, text, end, next);
        }))
      return true;
    return times >= node.least && next(at);
  }

  void make(const Node& node, const std::function<uint64_t(uint64_t)>& below,
            std::string& out) const {
    switch (node.kind) {
      case Kind::literal:
        out += node.text;
        return;
      case Kind::set: {
        static constexpr std::u32string_view kLetters = U"aZ0 \n\t<>/\"'\\{}[]=,é日🥑p";
        for (;;) {
          char32_t c = kLetters[below(kLetters.size())];
          if (!node.inverse) {
            const size_t pair = 2 * below(node.set.size() / 2);
            c = node.set[pair] +
                static_cast<char32_t>(below(node.set[pair + 1] - node.set[pair] + 1));
          }
          if (!holds(node, c)) continue;
          encode(c, out);
          return;
        }
      }
      case Kind::rule:
        if (const auto rule = rules_.find(node.text); rule != rules_.end()) {
          make(rule->second, below, out);
        } else {
          out += hole(node.text).make();
        }
        return;
      case Kind::sequence:
        for (const Node& part : node.parts) make(part, below, out);
        return;
      case Kind::choice: {
        // Long texts go the shortest way to their end, or they might never come to it.
        size_t chosen = below(node.parts.size());
        if (out.size() > kLong) {
          for (size_t i = 0; i < node.parts.size(); ++i) {
            if (cost(node.parts[i]) < cost(node.parts[chosen])) chosen = i;
          }
        }
        make(node.parts[chosen], below, out);
        return;
      }
      default: {
        const size_t spread = out.size() > kLong ? 0 : std::min<size_t>(node.most - node.least, 2);
        for (size_t times = node.least + below(spread + 1); times > 0; --times)
          make(node.parts[0], below, out);
      }
    }
  }

  // The number of literals and characters in the shortest text of a node, as known so far.
  size_t cost(const Node& node) const {
    switch (node.kind) {
      case Kind::rule: {
        const auto known = costs_.find(node.text);
        return known != costs_.end() ? known->second : rules_.count(node.text) ? kEndless : 1;
      }
      case Kind::sequence: {
        size_t sum = 0;
        for (const Node& part : node.parts) sum = std::min(kEndless, sum + cost(part));
        return sum;
      }
      case Kind::choice: {
        size_t least = kEndless;
        for (const Node& part : node.parts) least = std::min(least, cost(part));
        return least;
      }
      case Kind::repeat:
        return std::min(kEndless, node.least * cost(node.parts[0]));
      default:
        return 1;
    }
  }

  const Hole& hole(const std::string& name) const {
    const auto found = holes_.find(name);
    if (found == holes_.end()) throw std::runtime_error("GBNF: no rule " + name);
    return found->second;
  }

  std::string text_;
  size_t at_ = 0;
  std::map<std::string, Node> rules_;
  std::map<std::string, Hole> holes_;
  std::map<std::string, size_t> costs_;
};

}  // namespace avocado::test
