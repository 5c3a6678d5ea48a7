#pragma once
// The names an object's schemas mention, found byte by byte. Names are numbered in the order of
// their bytes, so those below a node are a range.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace avocado::grammar {

class NameTrie {
 public:
  static constexpr uint32_t kNone = ~0u;  // no name begins so

  NameTrie() : NameTrie(std::vector<std::string>()) {}
  explicit NameTrie(std::vector<std::string> names) : names_(std::move(names)) {
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    nodes_.push_back({0, static_cast<uint32_t>(names_.size()), 0, 0, 0, kNone});
    for (size_t i = 0; i < nodes_.size(); ++i) grow(i);
  }

  struct Range {
    uint32_t first, end;
  };
  uint32_t root() const { return 0; }
  uint32_t next(uint32_t node, uint8_t byte) const {
    if (node == kNone) return kNone;
    const Node& from = nodes_[node];
    for (uint32_t i = 0; i < from.children; ++i)
      if (nodes_[from.first_child + i].byte == byte) return from.first_child + i;
    return kNone;
  }
  // The name that ends at the node, kNone when there is none.
  uint32_t name_at(uint32_t node) const { return node == kNone ? kNone : nodes_[node].name; }
  Range below(uint32_t node) const {
    return node == kNone ? Range{0, 0} : Range{nodes_[node].first, nodes_[node].end};
  }
  uint32_t find(const std::string& name) const {
    return static_cast<uint32_t>(std::lower_bound(names_.begin(), names_.end(), name) -
                                 names_.begin());
  }
  const std::vector<std::string>& names() const { return names_; }
  size_t memory() const { return nodes_.size() * sizeof(Node) + names_.size() * 48; }

 private:
  struct Node {
    uint32_t first, end;  // names below
    uint32_t first_child, children;
    uint32_t depth;
    uint32_t name;
    uint8_t byte = 0;
  };

  void grow(size_t number) {
    Node node = nodes_[number];
    uint32_t at = node.first;
    if (at < node.end && names_[at].size() == node.depth) node.name = at++;
    node.first_child = static_cast<uint32_t>(nodes_.size());
    while (at < node.end) {
      const char byte = names_[at][node.depth];
      uint32_t end = at;
      while (end < node.end && names_[end][node.depth] == byte) ++end;
      nodes_.push_back({at, end, 0, 0, node.depth + 1, kNone, static_cast<uint8_t>(byte)});
      ++node.children;
      at = end;
    }
    nodes_[number] = node;
  }

  std::vector<std::string> names_;
  std::vector<Node> nodes_;
};

}  // namespace avocado::grammar
