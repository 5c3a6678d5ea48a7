// unevaluatedProperties and unevaluatedItems as groups and formulas: the part of PlanMaker and
// Plans that knows which parts of a container its other keywords evaluate.
//
// A part is evaluated when a schema in place that holds has a keyword that applies to it. Which
// schemas have one (the covers) follows from a member's name or an item's index alone and makes the
// part's class; whether these schemas hold is a formula. So each class has a group, whose atom says
// that all its parts satisfy the unevaluated... schema, and what is asked is: the group, or one of
// the covers holds.
//
// `contains` evaluates the items it finds, whatever their index. There a class has a group for each
// set of those `contains` that may or may not hold: its parts satisfy the schema or one of the
// set's. What is asked is all of: the group, or one of the covers holds, or a `contains` outside
// the set.

#include "base/error.h"
#include "grammar/plan_maker.h"

namespace avocado::grammar {
namespace {

using Unevaluated = ContainerPlan::Unevaluated;

constexpr size_t kMaxConditional = 6;  // groups are a power of two of it

}  // namespace

bool Plans::evaluates_all(const Unevaluated& rule, SchemaId cover) const {
  const Schema& schema = set_.schemas[cover];
  const bool own = cover == rule.owner;  // whose unevaluated... it is that looks at the others
  if (rule.of_items) return schema.items || (schema.unevaluated_items && !own);
  return schema.additional || (schema.unevaluated_properties && !own);
}

std::vector<bool> Plans::class_of_item(const Unevaluated& rule, size_t index) const {
  std::vector<bool> covered;
  for (const SchemaId cover : rule.covers)
    covered.push_back(evaluates_all(rule, cover) || index < set_.schemas[cover].prefix.size());
  return covered;
}

std::vector<bool> Plans::class_of_member(
    const Unevaluated& rule, const std::string* name,
    const std::function<bool(const Schema::Pattern&)>& matches) const {
  std::vector<bool> covered;
  for (const SchemaId cover : rule.covers) {
    const Schema& schema = set_.schemas[cover];
    bool found = evaluates_all(rule, cover);
    if (name != nullptr)
      for (const auto& [property, child] : schema.properties) found |= property == *name;
    for (const Schema::Pattern& pattern : schema.patterns) found = found || matches(pattern);
    covered.push_back(found);
  }
  return covered;
}

bool Plans::name_matches(const std::string& name, const Schema::Pattern& pattern) {
  return std::all_of(pattern.tests.begin(), pattern.tests.end(), [&](const Schema::Test& test) {
    Dfa& automaton = set_.dfas[test.dfa];
    uint32_t state = automaton.start();
    for (const char byte : name) state = automaton.next(state, static_cast<uint8_t>(byte));
    return automaton.accepts(state) != test.negative;
  });
}

SchemaId Plans::any_of(std::vector<SchemaId> parts) {
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  if (parts[0] == kAnything) return kAnything;
  if (parts.size() > 1) std::erase(parts, kNothing);
  if (parts.size() == 1) return parts[0];
  const auto [at, added] = unions_.try_emplace(parts, static_cast<SchemaId>(set_.schemas.size()));
  if (added) {
    set_.schemas.emplace_back().any_of = std::move(parts);
    hopeless_.push_back(0);
  }
  return at->second;
}

// Adds to `covers` the schema and those in place below it, each with all conditions under which it
// counts. `condition`: that it applies and holds.
void PlanMaker::collect_covers(SchemaId id, Id condition, Covers& covers,
                               std::set<std::pair<SchemaId, Id>>& seen) {
  if (id == kAnything || id == kNothing || condition == Circuit::kNo) return;
  if (!seen.insert({id, condition}).second) return;
  const Schema& schema = plans_.set_.schemas[id];
  const bool covers_some =
      kind_ == ValueKind::array
          ? schema.applies_to_items() || schema.contains || schema.unevaluated_items
          : schema.applies_to_properties() || schema.unevaluated_properties;
  if (covers_some) covers[id].push_back(condition);
  const auto go_on = [&](SchemaId part, Id holds) {
    collect_covers(part, circuit_.all({condition, holds}), covers, seen);
  };
  // What all_of asks holds where the schema itself does.
  for (const SchemaId part : schema.all_of) collect_covers(part, condition, covers, seen);
  for (const SchemaId part : schema.any_of) go_on(part, build(part));
  for (const SchemaId part : schema.one_of) go_on(part, build(part));
  if (schema.condition) {
    const Id holds = build(*schema.condition);
    go_on(*schema.condition, holds);
    if (schema.then) go_on(*schema.then, holds);
    if (schema.otherwise) go_on(*schema.otherwise, circuit_.negate(holds));
  }
  if (kind_ == ValueKind::object)
    for (const auto& [name, part] : schema.dependent_schemas) go_on(part, has(name));
}

void PlanMaker::add_unevaluated(SchemaId id, const Schema& schema, std::vector<Id>& parts) {
  const bool of_items = kind_ == ValueKind::array;
  const std::optional<SchemaId>& asked =
      of_items ? schema.unevaluated_items : schema.unevaluated_properties;
  if (!asked || *asked == kAnything) return;
  Covers found;
  std::set<std::pair<SchemaId, Id>> seen;
  collect_covers(id, Circuit::kYes, found, seen);
  Unevaluated rule{.owner = id, .of_items = of_items};
  std::vector<Id> holds;  // by cover
  for (auto& [cover, conditions] : found) {
    rule.covers.push_back(cover);
    holds.push_back(circuit_.any(std::move(conditions)));
  }
  if (of_items) {
    add_item_classes(*asked, rule, holds, parts);
  } else {
    add_member_classes(*asked, rule, holds, parts);
  }
  container_.unevaluated.push_back(std::move(rule));
}

// That the parts of the class satisfy the schema, or what is in `others` holds.
void PlanMaker::add_demand(Unevaluated& rule, const std::vector<bool>& part_class, SchemaId schema,
                           std::vector<Id> others, std::vector<Id>& parts) {
  if (schema == kAnything) return;
  for (const Id other : others)
    if (other == Circuit::kYes) return;
  const auto group = static_cast<uint32_t>(container_.groups.size());
  others.push_back(container_atom({ContainerPlan::Atom::Kind::group, group}));
  container_.groups.push_back(kAnything);
  rule.classes[part_class].push_back({group, schema});
  parts.push_back(circuit_.any(std::move(others)));
}

namespace {

std::vector<Circuit::Id> those_in(const std::vector<bool>& part_class,
                                  const std::vector<Circuit::Id>& holds) {
  std::vector<Circuit::Id> some;
  for (size_t i = 0; i < holds.size(); ++i)
    if (part_class[i]) some.push_back(holds[i]);
  return some;
}

}  // namespace

void PlanMaker::add_item_classes(SchemaId asked, Unevaluated& rule, const std::vector<Id>& holds,
                                 std::vector<Id>& parts) {
  size_t longest = 0;
  std::vector<SchemaId> always = {asked}, maybe;
  std::vector<Id> conditions;
  for (size_t i = 0; i < rule.covers.size(); ++i) {
    const Schema& cover = plans_.set_.schemas[rule.covers[i]];
    longest = std::max(longest, cover.prefix.size());
    if (!cover.contains || !cover.contains_evaluates) continue;
    if (holds[i] == Circuit::kYes) {
      always.push_back(*cover.contains);
    } else {
      maybe.push_back(*cover.contains);
      conditions.push_back(holds[i]);
    }
  }
  if (maybe.size() > kMaxConditional) {
    fail_usage("schema: unevaluatedItems depends on more than {} `contains` that may not apply",
               kMaxConditional);
  }
  for (size_t index = 0; index <= longest; ++index) {
    const std::vector<bool> own = plans_.class_of_item(rule, index);
    if (rule.classes.contains(own)) continue;
    for (size_t chosen = 0; chosen < size_t{1} << maybe.size(); ++chosen) {
      std::vector<SchemaId> allowed = always;
      std::vector<Id> others = those_in(own, holds);
      for (size_t i = 0; i < maybe.size(); ++i) {
        if (chosen >> i & 1) {
          allowed.push_back(maybe[i]);
        } else {
          others.push_back(conditions[i]);
        }
      }
      add_demand(rule, own, plans_.any_of(std::move(allowed)), std::move(others), parts);
    }
  }
}

void PlanMaker::add_member_classes(SchemaId asked, Unevaluated& rule, const std::vector<Id>& holds,
                                   std::vector<Id>& parts) {
  const auto add = [&](const std::vector<bool>& own) {
    if (!rule.classes.contains(own)) add_demand(rule, own, asked, those_in(own, holds), parts);
  };
  for (const std::string& name : container_.names.names())
    add(plans_.class_of_member(rule, &name, [&](const Schema::Pattern& pattern) {
      return plans_.name_matches(name, pattern);
    }));
  // Names that no schema mentions: any set of the covers with patterns may match one. Where a cover
  // matches that always holds, nothing is asked.
  std::vector<bool> own = plans_.class_of_member(rule, nullptr, [](auto&) { return false; });
  std::vector<size_t> maybe;
  for (size_t i = 0; i < rule.covers.size(); ++i) {
    const bool patterns = !plans_.set_.schemas[rule.covers[i]].patterns.empty();
    if (patterns && !own[i] && holds[i] != Circuit::kYes) maybe.push_back(i);
  }
  if (maybe.size() > kMaxConditional) {
    fail_usage(
        "schema: unevaluatedProperties depends on more than {} patternProperties that may not "
        "apply",
        kMaxConditional);
  }
  for (size_t chosen = 0; chosen < size_t{1} << maybe.size(); ++chosen) {
    for (size_t i = 0; i < maybe.size(); ++i) own[maybe[i]] = chosen >> i & 1;
    add(own);
  }
}

// For names that no schema mentions: that the name is not one for which a group allows no value.
void PlanMaker::add_unevaluated_keys(PlanMaker& inner, std::vector<Id>& roots,
                                     std::vector<uint32_t>& automata) {
  for (const Unevaluated& rule : container_.unevaluated) {
    std::vector<Id> evaluated;  // by cover
    for (const SchemaId cover : rule.covers) {
      std::vector<Id> some;
      if (plans_.evaluates_all(rule, cover)) some.push_back(Circuit::kYes);
      for (const Schema::Pattern& pattern : plans_.set_.schemas[cover].patterns)
        some.push_back(inner.matches(pattern, automata));
      evaluated.push_back(inner.circuit_.any(std::move(some)));
    }
    for (const auto& [own, demands] : rule.classes) {
      std::vector<Id> is_of_class;
      for (size_t i = 0; i < evaluated.size(); ++i)
        is_of_class.push_back(own[i] ? evaluated[i] : inner.circuit_.negate(evaluated[i]));
      const Id other = inner.circuit_.negate(inner.circuit_.all(std::move(is_of_class)));
      for (const Unevaluated::Demand& demand : demands) {
        if (other == Circuit::kYes || !plans_.hopeless(demand.schema)) continue;
        roots.push_back(other);
        container_.key_groups.push_back(demand.group);
      }
    }
  }
}

}  // namespace avocado::grammar
