#include "grammar/plan_maker.h"

#include "base/error.h"

namespace avocado::grammar {
namespace {

constexpr size_t words_for(size_t bits) { return (bits + 31) / 32; }

}  // namespace

void PlanMaker::make(ValuePlan& plan) {
  const auto number = static_cast<size_t>(kind_);
  starts_ = plan.roots;
  if (kind_ == ValueKind::object) collect_names();
  std::vector<Id> roots;
  for (const SchemaId root : plan.roots) roots.push_back(build(root));
  switch (kind_) {
    case ValueKind::string: {
      plan.string = std::make_unique<StringPlan>(plans_.set_.dfas, std::move(circuit_),
                                                 std::move(roots), std::move(string_atoms_));
      plan.at_begin[number] = plan.string->info(plan.string->start(), 0).now;
      break;
    }
    case ValueKind::number:
      plan.number = std::make_unique<NumberPlan>(
          NumberPlan{std::move(circuit_), std::move(roots), std::move(number_atoms_)});
      plan.at_begin[number] = plan.number->judge("");
      break;
    case ValueKind::array:
    case ValueKind::object:
      container_.roots = std::move(roots);
      finish_container(plan);
      break;
    default: {
      std::vector<Tri> values;
      circuit_.evaluate({}, values);
      plan.at_begin[number] = verdict_of(roots, values);
    }
  }
  plan.ready[number] = true;
}

PlanMaker::Id PlanMaker::build(SchemaId id) {
  if (id == kAnything || id == kNothing) return id == kAnything ? Circuit::kYes : Circuit::kNo;
  const auto [known, added] = built_.try_emplace(id, kOpen);
  if (!added) {
    if (known->second == kOpen)
      fail_usage("schema: a $ref leads back to itself without any value between");
    return known->second;
  }
  constexpr int kMaxDepth = 500;
  if (++depth_ > kMaxDepth)
    fail_usage("schema: more than {} subschemas within each other", kMaxDepth);
  const Schema& schema = plans_.set_.schemas[id];
  std::vector<Id> parts;
  if (!(schema.kinds & kind_bit(kind_))) return --depth_, built_[id] = Circuit::kNo;
  if (schema.has_enum) parts.push_back(build_enum(schema));
  if (kind_ == ValueKind::string) add_string_atoms(schema, parts);
  if (kind_ == ValueKind::number && schema.number) parts.push_back(number_atom(*schema.number));
  if (kind_ == ValueKind::array) add_array_atoms(id, schema, parts);
  if (kind_ == ValueKind::object) add_object_atoms(id, schema, parts);
  const auto build_all = [&](const std::vector<SchemaId>& list) {
    std::vector<Id> ids;
    for (const SchemaId part : list) ids.push_back(build(part));
    return ids;
  };
  parts.push_back(circuit_.all(build_all(schema.all_of)));
  if (!schema.any_of.empty()) parts.push_back(circuit_.any(build_all(schema.any_of)));
  if (!schema.one_of.empty()) parts.push_back(circuit_.exactly_one(build_all(schema.one_of)));
  if (schema.negated) parts.push_back(circuit_.negate(build(*schema.negated)));
  if (schema.condition) {
    const Id condition = build(*schema.condition);
    if (schema.then)
      parts.push_back(circuit_.any({circuit_.negate(condition), build(*schema.then)}));
    if (schema.otherwise) parts.push_back(circuit_.any({condition, build(*schema.otherwise)}));
  }
  if (kind_ == ValueKind::array || kind_ == ValueKind::object) add_unevaluated(id, schema, parts);
  --depth_;
  return built_[id] = circuit_.all(std::move(parts));
}

PlanMaker::Id PlanMaker::build_enum(const Schema& schema) {
  std::vector<Id> parts;
  switch (kind_) {
    case ValueKind::string:
      if (schema.enum_strings)
        parts.push_back(string_atom(StringPlan::Atom::Kind::matches, *schema.enum_strings));
      break;
    case ValueKind::number:
      for (const Decimal& value : schema.enum_numbers) {
        NumberRule rule;
        rule.low = rule.high = NumberRule::Bound{value, false};
        parts.push_back(number_atom(rule));
      }
      break;
    case ValueKind::array:
    case ValueKind::object:
      for (const SchemaId part : schema.enum_containers) parts.push_back(build(part));
      break;
    default:
      if (schema.enum_literals & kind_bit(kind_)) parts.push_back(Circuit::kYes);
  }
  return circuit_.any(std::move(parts));
}

PlanMaker::Id PlanMaker::string_atom(StringPlan::Atom::Kind kind, uint32_t value) {
  for (uint32_t i = 0; i < string_atoms_.size(); ++i)
    if (string_atoms_[i].kind == kind && string_atoms_[i].value == value) return circuit_.atom(i);
  string_atoms_.push_back({kind, value});
  return circuit_.atom(static_cast<uint32_t>(string_atoms_.size() - 1));
}

PlanMaker::Id PlanMaker::number_atom(NumberRule rule) {
  number_atoms_.push_back(std::move(rule));
  return circuit_.atom(static_cast<uint32_t>(number_atoms_.size() - 1));
}

PlanMaker::Id PlanMaker::container_atom(ContainerPlan::Atom atom) {
  container_.atoms.push_back(std::move(atom));
  return circuit_.atom(static_cast<uint32_t>(container_.atoms.size() - 1));
}

void PlanMaker::add_string_atoms(const Schema& schema, std::vector<Id>& parts) {
  using Kind = StringPlan::Atom::Kind;
  for (const Schema::Test& test : schema.tests) {
    const Id atom = string_atom(Kind::matches, test.dfa);
    parts.push_back(test.negative ? circuit_.negate(atom) : atom);
  }
  if (schema.min_length > 0) parts.push_back(string_atom(Kind::min_length, schema.min_length));
  if (schema.max_length != Schema::kUnlimited)
    parts.push_back(string_atom(Kind::max_length, schema.max_length));
}

void PlanMaker::add_array_atoms(SchemaId id, const Schema& schema, std::vector<Id>& parts) {
  using Kind = ContainerPlan::Atom::Kind;
  if (schema.applies_to_items()) {
    parts.push_back(container_atom({Kind::group, static_cast<uint32_t>(container_.groups.size())}));
    container_.groups.push_back(id);
  }
  if (schema.min_items > 0) parts.push_back(container_atom({Kind::min_count, schema.min_items}));
  if (schema.max_items != Schema::kUnlimited)
    parts.push_back(container_atom({Kind::max_count, schema.max_items}));
  if (schema.contains && (schema.min_contains > 0 || schema.max_contains != Schema::kUnlimited)) {
    parts.push_back(
        container_atom({Kind::contains, static_cast<uint32_t>(container_.contains.size())}));
    container_.contains.push_back({*schema.contains, schema.min_contains, schema.max_contains});
  }
  if (schema.unique) {
    container_.unique = true;
    parts.push_back(container_atom({Kind::unique}));
  }
}

uint32_t PlanMaker::name_id(const std::string& name) { return container_.names.find(name); }

PlanMaker::Id PlanMaker::has(const std::string& name) {
  const uint32_t id = name_id(name);
  for (uint32_t i = 0; i < container_.atoms.size(); ++i) {
    const ContainerPlan::Atom& atom = container_.atoms[i];
    if (atom.kind == ContainerPlan::Atom::Kind::has && atom.index == id) return circuit_.atom(i);
  }
  container_.decisive[id] = true;
  return container_atom({ContainerPlan::Atom::Kind::has, id});
}

PlanMaker::Id PlanMaker::required(const std::vector<std::string>& names) {
  ContainerPlan::Atom atom{ContainerPlan::Atom::Kind::required};
  for (const std::string& name : names) atom.names.push_back(name_id(name));
  return container_atom(std::move(atom));
}

void PlanMaker::add_object_atoms(SchemaId id, const Schema& schema, std::vector<Id>& parts) {
  using Kind = ContainerPlan::Atom::Kind;
  if (schema.applies_to_properties()) {
    parts.push_back(container_atom({Kind::group, static_cast<uint32_t>(container_.groups.size())}));
    container_.groups.push_back(id);
  }
  if (!schema.required.empty()) parts.push_back(required(schema.required));
  if (schema.min_properties > 0)
    parts.push_back(container_atom({Kind::min_count, schema.min_properties}));
  if (schema.max_properties != Schema::kUnlimited)
    parts.push_back(container_atom({Kind::max_count, schema.max_properties}));
  for (const auto& [name, others] : schema.dependent_required) {
    if (others.empty()) continue;
    const Id condition = has(name);
    parts.push_back(circuit_.any({circuit_.negate(condition), required(others)}));
  }
  for (const auto& [name, dependent] : schema.dependent_schemas) {
    const Id condition = has(name);
    parts.push_back(circuit_.any({circuit_.negate(condition), build(dependent)}));
  }
}

void PlanMaker::collect_names() {
  std::vector<std::string> names;
  std::vector<bool> seen(plans_.set_.schemas.size());
  for (const SchemaId start : starts_) collect_names(start, names, seen);
  container_.names = NameTrie(std::move(names));
  container_.decisive.assign(container_.names.names().size(), false);
}

void PlanMaker::collect_names(SchemaId id, std::vector<std::string>& names,
                              std::vector<bool>& seen) {
  constexpr int kMaxDepth = 500;  // build() refuses what is deeper
  if (seen[id] || depth_ > kMaxDepth) return;
  seen[id] = true;
  ++depth_;
  const Schema& schema = plans_.set_.schemas[id];
  for (const auto& [name, child] : schema.properties) names.push_back(name);
  names.insert(names.end(), schema.required.begin(), schema.required.end());
  for (const auto& [name, others] : schema.dependent_required) {
    names.push_back(name);
    names.insert(names.end(), others.begin(), others.end());
  }
  for (const auto& [name, child] : schema.dependent_schemas) {
    names.push_back(name);
    collect_names(child, names, seen);
  }
  for (const auto* list : {&schema.all_of, &schema.any_of, &schema.one_of, &schema.enum_containers})
    for (const SchemaId part : *list) collect_names(part, names, seen);
  for (const auto& part : {schema.negated, schema.condition, schema.then, schema.otherwise})
    if (part) collect_names(*part, names, seen);
  --depth_;
}

PlanMaker::Id PlanMaker::matches(const Schema::Pattern& pattern, std::vector<uint32_t>& automata) {
  std::vector<Id> all;
  for (const Schema::Test& test : pattern.tests) {
    automata.push_back(test.dfa);
    const Id atom = string_atom(StringPlan::Atom::Kind::matches, test.dfa);
    all.push_back(test.negative ? circuit_.negate(atom) : atom);
  }
  return circuit_.all(std::move(all));
}

// For names that no schema mentions: a root for each group that does not allow every one of them.
void PlanMaker::make_keys() {
  PlanMaker inner(plans_, ValueKind::string);
  std::vector<Id> roots;
  std::vector<uint32_t> automata;
  for (uint32_t group = 0; group < container_.groups.size(); ++group) {
    const Schema& schema = plans_.set_.schemas[container_.groups[group]];
    std::vector<Id> parts, some;
    for (const Schema::Pattern& pattern : schema.patterns) {
      const Id matching = inner.matches(pattern, automata);
      some.push_back(matching);
      if (plans_.hopeless(pattern.schema)) parts.push_back(inner.circuit_.negate(matching));
    }
    if (schema.additional && plans_.hopeless(*schema.additional))
      parts.push_back(inner.circuit_.any(std::move(some)));
    if (schema.names) parts.push_back(inner.build(*schema.names));
    const Id root = inner.circuit_.all(std::move(parts));
    if (root == Circuit::kYes) continue;
    roots.push_back(root);
    container_.key_groups.push_back(group);
  }
  add_unevaluated_keys(inner, roots, automata);
  if (roots.size() > kMaxRoots)
    fail_usage("schema: more than {} subschemas apply to one name", kMaxRoots);
  container_.keys =
      std::make_unique<StringPlan>(plans_.set_.dfas, std::move(inner.circuit_), std::move(roots),
                                   std::move(inner.string_atoms_), automata);
}

void PlanMaker::finish_container(ValuePlan& plan) {
  const bool object = kind_ == ValueKind::object;
  if (container_.groups.size() > kMaxRoots)
    fail_usage("schema: more than {} subschemas apply to one {}", kMaxRoots,
               object ? "object" : "array");
  container_.circuit = std::move(circuit_);
  // Where every root is a conjunction, a failed atom is the end of it, if it is in one at all.
  std::set<uint32_t> asked;
  for (const Id root : container_.roots) {
    container_.plain &= container_.circuit.plain(root);
    container_.circuit.list_atoms(root, asked);
  }
  for (uint32_t i = 0; i < container_.atoms.size(); ++i)
    container_.plain &=
        container_.atoms[i].kind != ContainerPlan::Atom::Kind::group || asked.contains(i);
  container_.group_words = words_for(container_.groups.size());
  container_.name_words = words_for(container_.names.names().size());
  container_.name_links.assign(container_.names.names().size(), Plans::kNoLink);
  std::vector<Tri> atoms(container_.atoms.size(), Tri::open), values;
  container_.circuit.evaluate(atoms, values);
  plan.at_begin[static_cast<size_t>(kind_)] = verdict_of(container_.roots, values);
  if (object) make_keys();
  plans_.containers_.push_back(std::move(container_));
  plan.container[object] = static_cast<uint32_t>(plans_.containers_.size() - 1);
}

}  // namespace avocado::grammar
