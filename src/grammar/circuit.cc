#include "grammar/circuit.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::grammar {

Circuit::Id Circuit::add(Node node) {
  if (nodes_.size() >= kMaxNodes)
    fail_usage("schema: one value must satisfy more than {} conditions at once", kMaxNodes);
  nodes_.push_back(node);
  return static_cast<Id>(nodes_.size() - 1);
}

Circuit::Id Circuit::add(Op op, const std::vector<Id>& parts) {
  const auto first = static_cast<uint32_t>(parts_.size());
  parts_.insert(parts_.end(), parts.begin(), parts.end());
  return add({op, first, static_cast<uint32_t>(parts.size())});
}

Circuit::Id Circuit::all(std::vector<Id> parts) {
  std::vector<Id> kept;
  for (const Id part : parts) {
    if (part == kNo) return kNo;
    if (part == kYes) continue;
    const Node& node = nodes_[part];
    if (node.op == Op::all) {
      kept.insert(kept.end(), parts_.begin() + node.a, parts_.begin() + node.a + node.b);
    } else {
      kept.push_back(part);
    }
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty()) return kYes;
  return kept.size() == 1 ? kept[0] : add(Op::all, kept);
}

Circuit::Id Circuit::any(std::vector<Id> parts) {
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  std::erase(parts, kNo);
  if (parts.empty()) return kNo;
  if (parts[0] == kYes) return kYes;
  return parts.size() == 1 ? parts[0] : add(Op::any, parts);
}

Circuit::Id Circuit::exactly_one(std::vector<Id> parts) {
  std::erase(parts, kNo);
  if (std::count(parts.begin(), parts.end(), kYes) > 1) return kNo;
  if (parts.empty()) return kNo;
  return parts.size() == 1 ? parts[0] : add(Op::exactly_one, parts);
}

Circuit::Id Circuit::negate(Id part) {
  if (part == kNo || part == kYes) return part == kNo ? kYes : kNo;
  if (nodes_[part].op == Op::negate) return nodes_[part].a;
  return add({Op::negate, part, 0});
}

void Circuit::evaluate(const std::vector<Tri>& atoms, std::vector<Tri>& values) const {
  values.resize(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    Tri value = Tri::open;
    switch (node.op) {
      case Op::constant:
        value = node.a ? Tri::yes : Tri::no;
        break;
      case Op::atom:
        value = atoms[node.a];
        break;
      case Op::negate:
        value = values[node.a];
        if (value != Tri::open) value = value == Tri::yes ? Tri::no : Tri::yes;
        break;
      case Op::all:
      case Op::any: {
        const Tri decisive = node.op == Op::all ? Tri::no : Tri::yes;
        bool open = false;
        value = decisive == Tri::no ? Tri::yes : Tri::no;
        for (uint32_t k = 0; k < node.b; ++k) {
          const Tri part = values[parts_[node.a + k]];
          if (part == decisive) {
            value = decisive;
            open = false;
            break;
          }
          open |= part == Tri::open;
        }
        if (open) value = Tri::open;
        break;
      }
      case Op::exactly_one: {
        int yes = 0, open = 0;
        for (uint32_t k = 0; k < node.b; ++k) {
          const Tri part = values[parts_[node.a + k]];
          yes += part == Tri::yes;
          open += part == Tri::open;
        }
        value = yes > 1 ? Tri::no : open > 0 ? Tri::open : yes == 1 ? Tri::yes : Tri::no;
        break;
      }
    }
    values[i] = value;
  }
}

bool Circuit::plain(Id node) const {
  if (node == kYes || nodes_[node].op == Op::atom) return true;
  if (nodes_[node].op != Op::all) return false;
  for (uint32_t k = 0; k < nodes_[node].b; ++k)
    if (nodes_[parts_[nodes_[node].a + k]].op != Op::atom) return false;
  return true;
}

void Circuit::list_atoms(Id node, std::set<uint32_t>& atoms) const {
  if (nodes_[node].op == Op::atom) atoms.insert(nodes_[node].a);
  if (nodes_[node].op != Op::all) return;
  for (uint32_t k = 0; k < nodes_[node].b; ++k) list_atoms(parts_[nodes_[node].a + k], atoms);
}

}  // namespace avocado::grammar
