#pragma once
// Boolean formulas over atoms that become known while a text is read: `open` until then. A formula
// is `no` or `yes` as soon as the known atoms decide it.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace avocado::grammar {

enum class Tri : uint8_t { no, yes, open };

class Circuit {
 public:
  using Id = uint32_t;  // of a node; every node comes after those it is made of
  static constexpr Id kNo = 0, kYes = 1;
  static constexpr size_t kMaxNodes = 1 << 16;

  Circuit() : nodes_{{Op::constant, 0, 0}, {Op::constant, 1, 0}} {}

  Id atom(uint32_t index) { return add({Op::atom, index, 0}); }
  Id all(std::vector<Id> parts);
  Id any(std::vector<Id> parts);
  Id exactly_one(std::vector<Id> parts);
  Id negate(Id part);

  // The value of every node; atoms[i] is the value of atom i.
  void evaluate(const std::vector<Tri>& atoms, std::vector<Tri>& values) const;
  // Whether the node is an `all` of atoms, or an atom, or kYes: it is `no` exactly when one of its
  // atoms is.
  bool plain(Id node) const;
  // Adds the atoms of a plain node.
  void list_atoms(Id node, std::set<uint32_t>& atoms) const;

 private:
  enum class Op : uint8_t { constant, atom, all, any, exactly_one, negate };
  struct Node {
    Op op;
    uint32_t a, b;  // parts: first and number; atom and constant: which; negate: of which node
  };
  Id add(Node node);
  Id add(Op op, const std::vector<Id>& parts);

  std::vector<Node> nodes_;
  std::vector<Id> parts_;
};

}  // namespace avocado::grammar
