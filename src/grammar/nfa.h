#pragma once
// Expressions over code points, and the nondeterministic automaton over bytes that they become
// (Thompson's construction). Regular expressions and the rules of a GBNF grammar share both.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_set.h"

namespace avocado::grammar {

struct Expr {
  enum class Kind : uint8_t {
    set,         // one code point of `set`
    byte,        // one byte from `min` to `max`
    sequence,    // all parts in order; no parts: the empty text
    choice,      // one of the parts; no parts: nothing matches
    repeat,      // the one part, min to max times
    begin,       // the position before the first byte
    end,         // the position after the last byte
    word_edge,   // between a word character (ASCII) and none
    word_inner,  // not word_edge
    rule,        // what the rule of that number matches
  };
  static constexpr uint32_t kUnlimited = ~0u;

  Kind kind = Kind::sequence;
  CodeSet set = {};
  std::vector<Expr> parts = {};
  uint32_t min = 0, max = 0;
  uint32_t rule = 0;

  static Expr of(CodeSet set) { return {.kind = Kind::set, .set = std::move(set)}; }
  static Expr byte(uint32_t low, uint32_t high) {
    return {.kind = Kind::byte, .min = low, .max = high};
  }
  static Expr of(Kind kind) { return {.kind = kind}; }
  static Expr sequence(std::vector<Expr> parts) {
    return {.kind = Kind::sequence, .parts = std::move(parts)};
  }
  static Expr choice(std::vector<Expr> parts) {
    return {.kind = Kind::choice, .parts = std::move(parts)};
  }
  static Expr repeat(Expr part, uint32_t min, uint32_t max);
  // The characters of `text`, which is UTF-8.
  static Expr literal(std::string_view text);
  static Expr bytes(std::string_view bytes);
};

class Nfa {
 public:
  enum class Kind : uint8_t { bytes, split, begin, end, word_edge, word_inner, call, accept, all };
  struct Node {
    Kind kind;
    uint32_t a = 0, b = 0;  // bytes: first edge and their number; split: both ways; call: next and
                            // rule; others: next
  };
  struct Edge {
    uint8_t low, high;
    uint32_t next;
  };
  static constexpr uint32_t kMaxNodes = 1 << 17;

  // `what` names the expression in the message when it needs more than kMaxNodes.
  explicit Nfa(std::string what) : what_(std::move(what)) {}

  uint32_t add(Node node);
  // Adds nodes for the expression, which goes on at `next`; returns where it begins.
  uint32_t add(const Expr& expr, uint32_t next);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Edge* edges(const Node& bytes) const { return edges_.data() + bytes.a; }
  // Adds to `bounds` each byte value at which some edge begins or has ended.
  void mark_bounds(bool (&bounds)[257]) const;

 private:
  uint32_t add_set(const CodeSet& set, uint32_t next);
  uint32_t add_repeat(const Expr& expr, uint32_t next);

  std::string what_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
};

}  // namespace avocado::grammar
