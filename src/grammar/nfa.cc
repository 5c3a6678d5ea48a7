#include "grammar/nfa.h"

#include <map>
#include <tuple>

#include "base/error.h"

namespace avocado::grammar {

Expr Expr::repeat(Expr part, uint32_t min, uint32_t max) {
  Expr out{.kind = Kind::repeat, .min = min, .max = max};
  out.parts.push_back(std::move(part));
  return out;
}

Expr Expr::literal(std::string_view text) {
  Expr out;
  const char *p = text.data(), *end = p + text.size();
  while (p < end) {
    const unicode::Decoded c = unicode::decode(p, end);
    out.parts.push_back(of(CodeSet{{c.code_point, c.code_point}}));
    p += c.length;
  }
  return out;
}

Expr Expr::bytes(std::string_view bytes) {
  Expr out;
  for (const char c : bytes)
    out.parts.push_back(byte(static_cast<uint8_t>(c), static_cast<uint8_t>(c)));
  return out;
}

uint32_t Nfa::add(Node node) {
  if (nodes_.size() >= kMaxNodes) {
    fail_usage("{} needs more than {} states; shorten it or its repetitions", what_, kMaxNodes);
  }
  nodes_.push_back(node);
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t Nfa::add(const Expr& expr, uint32_t next) {
  switch (expr.kind) {
    case Expr::Kind::set:
      return add_set(expr.set, next);
    case Expr::Kind::byte:
      edges_.push_back({static_cast<uint8_t>(expr.min), static_cast<uint8_t>(expr.max), next});
      return add({.kind = Kind::bytes, .a = static_cast<uint32_t>(edges_.size() - 1), .b = 1});
    case Expr::Kind::sequence:
      for (size_t i = expr.parts.size(); i-- > 0;) next = add(expr.parts[i], next);
      return next;
    case Expr::Kind::choice: {
      if (expr.parts.empty()) return add({.kind = Kind::bytes});  // no edge: nothing matches
      uint32_t entry = add(expr.parts.back(), next);
      for (size_t i = expr.parts.size() - 1; i-- > 0;) {
        const uint32_t part = add(expr.parts[i], next);
        entry = add({.kind = Kind::split, .a = part, .b = entry});
      }
      return entry;
    }
    case Expr::Kind::repeat:
      return add_repeat(expr, next);
    case Expr::Kind::begin:
      return add({.kind = Kind::begin, .a = next});
    case Expr::Kind::end:
      return add({.kind = Kind::end, .a = next});
    case Expr::Kind::word_edge:
      return add({.kind = Kind::word_edge, .a = next});
    case Expr::Kind::word_inner:
      return add({.kind = Kind::word_inner, .a = next});
    case Expr::Kind::rule:
      return add({.kind = Kind::call, .a = next, .b = expr.rule});
  }
  return next;
}

uint32_t Nfa::add_repeat(const Expr& expr, uint32_t next) {
  const Expr& part = expr.parts[0];
  uint32_t entry = next;
  if (expr.max == Expr::kUnlimited) {
    const uint32_t loop = add({.kind = Kind::split, .b = next});
    const uint32_t body = add(part, loop);
    nodes_[loop].a = body;
    entry = loop;
  } else {
    for (uint32_t i = expr.min; i < expr.max; ++i) {
      const uint32_t body = add(part, entry);
      if (body == entry) break;  // the part is the empty text
      entry = add({.kind = Kind::split, .a = body, .b = next});
    }
  }
  for (uint32_t i = 0; i < expr.min; ++i) {
    const uint32_t body = add(part, entry);
    if (body == entry) break;
    entry = body;
  }
  return entry;
}

// One node for all first bytes; sequences that end alike share the nodes of their ends.
uint32_t Nfa::add_set(const CodeSet& set, uint32_t next) {
  std::map<std::tuple<uint8_t, uint8_t, uint32_t>, uint32_t> tails;
  std::vector<Edge> first;
  for (const CodeSet::Range& range : set.ranges()) {
    for_each_utf8_sequence(range.low, range.high, [&](const ByteRange* bytes, int length) {
      uint32_t target = next;
      for (int i = length - 1; i > 0; --i) {
        const auto [at, added] = tails.try_emplace({bytes[i].low, bytes[i].high, target}, 0);
        if (added) {
          edges_.push_back({bytes[i].low, bytes[i].high, target});
          at->second =
              add({.kind = Kind::bytes, .a = static_cast<uint32_t>(edges_.size() - 1), .b = 1});
        }
        target = at->second;
      }
      first.push_back({bytes[0].low, bytes[0].high, target});
    });
  }
  const auto begin = static_cast<uint32_t>(edges_.size());
  edges_.insert(edges_.end(), first.begin(), first.end());
  return add({.kind = Kind::bytes, .a = begin, .b = static_cast<uint32_t>(first.size())});
}

void Nfa::mark_bounds(bool (&bounds)[257]) const {
  for (const Edge& edge : edges_) {
    bounds[edge.low] = true;
    bounds[edge.high + 1] = true;
  }
}

}  // namespace avocado::grammar
