#pragma once
// Makes the plan for one kind of value: walks everything that applies in place (allOf, anyOf, not,
// $ref, ...) and leaves out what does not concern the kind.

#include <map>
#include <set>

#include "grammar/plans.h"

namespace avocado::grammar {

class PlanMaker {
 public:
  PlanMaker(Plans& plans, ValueKind kind) : plans_(plans), kind_(kind) {}
  // Throws Error(usage) for a schema that refers to itself in place.
  void make(ValuePlan& plan);

 private:
  using Id = Circuit::Id;

  Id build(SchemaId schema);
  Id build_enum(const Schema& schema);
  void add_string_atoms(const Schema& schema, std::vector<Id>& parts);
  void add_array_atoms(SchemaId id, const Schema& schema, std::vector<Id>& parts);
  void add_object_atoms(SchemaId id, const Schema& schema, std::vector<Id>& parts);
  Id string_atom(StringPlan::Atom::Kind kind, uint32_t value);
  Id number_atom(NumberRule rule);
  Id container_atom(ContainerPlan::Atom atom);
  Id has(const std::string& name);
  Id required(const std::vector<std::string>& names);
  uint32_t name_id(const std::string& name);

  void collect_names();
  void collect_names(SchemaId schema, std::vector<std::string>& names, std::vector<bool>& seen);
  void make_keys();
  // In a PlanMaker for strings: that the pattern matches; its automata are added to the list.
  Id matches(const Schema::Pattern& pattern, std::vector<uint32_t>& automata);

  // unevaluated.cc
  using Covers = std::map<SchemaId, std::vector<Id>>;
  using Unevaluated = ContainerPlan::Unevaluated;
  void collect_covers(SchemaId id, Id condition, Covers& covers,
                      std::set<std::pair<SchemaId, Id>>& seen);
  void add_unevaluated(SchemaId id, const Schema& schema, std::vector<Id>& parts);
  void add_item_classes(SchemaId asked, Unevaluated& rule, const std::vector<Id>& holds,
                        std::vector<Id>& parts);
  void add_member_classes(SchemaId asked, Unevaluated& rule, const std::vector<Id>& holds,
                          std::vector<Id>& parts);
  void add_demand(Unevaluated& rule, const std::vector<bool>& part_class, SchemaId schema,
                  std::vector<Id> others, std::vector<Id>& parts);
  void add_unevaluated_keys(PlanMaker& inner, std::vector<Id>& roots,
                            std::vector<uint32_t>& automata);
  void finish_container(ValuePlan& plan);

  Plans& plans_;
  ValueKind kind_;
  std::vector<SchemaId> starts_;
  Circuit circuit_;
  std::map<SchemaId, Id> built_;  // kOpen while it is being built
  static constexpr Id kOpen = ~0u;
  std::vector<StringPlan::Atom> string_atoms_;
  std::vector<NumberRule> number_atoms_;
  ContainerPlan container_;
  int depth_ = 0;
};

}  // namespace avocado::grammar
