#include "grammar/plans.h"

#include <algorithm>

#include "base/error.h"
#include "grammar/plan_maker.h"

namespace avocado::grammar {

Verdict NumberPlan::judge(std::string_view text) const {
  std::vector<Tri> values, known;
  for (const NumberRule& rule : atoms)
    known.push_back(can_become(rule, text) ? Tri::open : Tri::no);
  circuit.evaluate(known, values);
  return verdict_of(roots, values);
}

RootBits NumberPlan::at_end(std::string_view text) const {
  std::vector<Tri> values, known;
  const Decimal value = Decimal::parse(text);
  for (const NumberRule& rule : atoms) known.push_back(rule.accepts(value) ? Tri::yes : Tri::no);
  circuit.evaluate(known, values);
  return verdict_of(roots, values).yes;
}

Plans::Plans(SchemaSet set) : set_(std::move(set)), hopeless_(set_.schemas.size(), 0) {
  containers_.emplace_back();  // number 0: none
  Link root;
  root.plan = value_plan({set_.root});
  links_.push_back(std::move(root));
  if (hopeless(set_.root)) fail_usage("schema: no value satisfies it");
  // What is not supported shows at once.
  for (SchemaId id = 0; id < set_.schemas.size(); ++id) {
    if (set_.schemas[id].unevaluated_items) value(value_plan({id}), ValueKind::array);
    if (set_.schemas[id].unevaluated_properties) value(value_plan({id}), ValueKind::object);
  }
}

uint32_t Plans::value_plan(std::vector<SchemaId> roots) {
  const auto [at, added] = value_ids_.try_emplace(roots, static_cast<uint32_t>(values_.size()));
  if (added) values_.emplace_back().roots = std::move(roots);
  return at->second;
}

ValuePlan& Plans::value(uint32_t number, ValueKind kind) {
  ValuePlan& plan = values_[number];
  if (!plan.ready[static_cast<size_t>(kind)]) PlanMaker(*this, kind).make(plan);
  return plan;
}

bool Plans::hopeless(SchemaId schema) {
  if (schema == kNothing) return true;
  constexpr int kMaxDepth = 40;  // beyond it the answer is not worth the stack
  if (hopeless_[schema] == 0 && hopeless_depth_ < kMaxDepth) {
    ++hopeless_depth_;
    hopeless_[schema] = 1;
    const uint32_t number = value_plan({schema});
    bool some = false;
    for (size_t kind = 0; kind < kKinds && !some; ++kind)
      some = !value(number, static_cast<ValueKind>(kind)).at_begin[kind].no[0];
    hopeless_[schema] = some ? 2 : 3;
    --hopeless_depth_;
  }
  return hopeless_[schema] == 3;
}

uint32_t Plans::add_link(Link link, std::vector<std::pair<SchemaId, Link::Feed>> children) {
  std::vector<SchemaId> roots;
  for (const auto& [schema, feed] : children)
    if (schema != kAnything) roots.push_back(schema);
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  if (roots.size() > kMaxRoots)
    fail_usage("schema: more than {} subschemas apply to one value", kMaxRoots);
  RootBits in_groups;
  for (auto& [schema, feed] : children) {
    if (schema == kAnything && feed.target == Link::Target::group) continue;
    if (schema == kAnything) {
      // An item that any `contains` counts: its root must exist to be counted.
      if (roots.empty() || roots[0] != kAnything) {
        roots.insert(roots.begin(), kAnything);
        in_groups <<= 1;
        for (Link::Feed& before : link.feeds) ++before.root;
      }
    }
    feed.root =
        static_cast<uint32_t>(std::lower_bound(roots.begin(), roots.end(), schema) - roots.begin());
    if (feed.target == Link::Target::group) in_groups.set(feed.root);
    link.feeds.push_back(feed);
  }
  link.mandatory = in_groups.count() == roots.size();
  for (const Link::Feed& feed : link.feeds) link.mandatory &= feed.target == Link::Target::group;
  link.plan = value_plan(std::move(roots));
  links_.push_back(std::move(link));
  return static_cast<uint32_t>(links_.size() - 1);
}

uint32_t Plans::make_object_link(ContainerPlan& plan, const std::string* name,
                                 const std::function<bool(const Schema::Pattern&)>& matches) {
  Link link;
  std::vector<std::pair<SchemaId, Link::Feed>> children;
  const auto apply = [&](uint32_t group, SchemaId child) {
    if (hopeless(child)) link.dead_groups.set(group);
    children.push_back({child, {0, Link::Target::group, group}});
  };
  for (uint32_t group = 0; group < plan.groups.size(); ++group) {
    const Schema& schema = set_.schemas[plan.groups[group]];
    const size_t before = children.size();
    if (name != nullptr) {
      for (const auto& [property, child] : schema.properties)
        if (property == *name) apply(group, child);
    }
    for (const Schema::Pattern& pattern : schema.patterns)
      if (matches(pattern)) apply(group, pattern.schema);
    if (children.size() == before && schema.additional) apply(group, *schema.additional);
    if (name != nullptr && schema.names) {
      // Known names are judged once, here.
      StringPlan& names = *value(value_plan({*schema.names}), ValueKind::string).string;
      uint32_t state = names.start(), characters = 0;
      for (const char byte : *name) {
        state = names.next(state, static_cast<uint8_t>(byte));
        characters += (byte & 0xc0) != 0x80;
      }
      if (!names.info(state, characters).at_end[0]) link.dead_groups.set(group);
    }
  }
  for (const ContainerPlan::Unevaluated& rule : plan.unevaluated) {
    const auto found = rule.classes.find(class_of_member(rule, name, matches));
    if (found == rule.classes.end()) continue;
    for (const auto& demand : found->second) apply(demand.group, demand.schema);
  }
  return add_link(std::move(link), std::move(children));
}

uint32_t Plans::link_of_name(ContainerPlan& plan, uint32_t name) {
  uint32_t& known = plan.name_links[name];
  if (known == kNoLink) {
    const std::string& text = plan.names.names()[name];
    known = make_object_link(
        plan, &text, [&](const Schema::Pattern& pattern) { return name_matches(text, pattern); });
  }
  return known;
}

uint32_t Plans::link_of_other(ContainerPlan& plan, uint32_t key_state) {
  const auto known = plan.other_links.find(key_state);
  if (known != plan.other_links.end()) return known->second;
  const uint32_t made = make_object_link(plan, nullptr, [&](const Schema::Pattern& pattern) {
    return std::all_of(pattern.tests.begin(), pattern.tests.end(), [&](const Schema::Test& test) {
      return plan.keys->matches(key_state, test.dfa) != test.negative;
    });
  });
  plan.other_links.emplace(key_state, made);
  return made;
}

uint32_t Plans::link_of_item(ContainerPlan& plan, uint32_t index) {
  // From the longest prefix on all items are alike.
  size_t longest = 0;
  for (const SchemaId group : plan.groups)
    longest = std::max(longest, set_.schemas[group].prefix.size());
  if (plan.item_links.empty()) plan.item_links.assign(longest + 1, kNoLink);
  uint32_t& known = plan.item_links[std::min<size_t>(index, longest)];
  if (known != kNoLink) return known;
  Link link;
  std::vector<std::pair<SchemaId, Link::Feed>> children;
  for (uint32_t group = 0; group < plan.groups.size(); ++group) {
    const Schema& schema = set_.schemas[plan.groups[group]];
    const bool in_prefix = index < schema.prefix.size();
    if (!in_prefix && !schema.items) continue;
    const SchemaId child = in_prefix ? schema.prefix[index] : *schema.items;
    if (hopeless(child)) link.dead_groups.set(group);
    children.push_back({child, {0, Link::Target::group, group}});
  }
  for (const ContainerPlan::Unevaluated& rule : plan.unevaluated) {
    const auto found = rule.classes.find(class_of_item(rule, index));
    if (found == rule.classes.end()) continue;
    for (const auto& [group, child] : found->second) {
      if (hopeless(child)) link.dead_groups.set(group);
      children.push_back({child, {0, Link::Target::group, group}});
    }
  }
  for (uint32_t i = 0; i < plan.contains.size(); ++i)
    children.push_back({plan.contains[i].schema, {0, Link::Target::contains, i}});
  return known = add_link(std::move(link), std::move(children));
}

size_t Plans::memory() const {
  size_t bytes = set_.schemas.size() * sizeof(Schema) + links_.size() * (sizeof(Link) + 48);
  for (const Dfa& dfa : set_.dfas) bytes += dfa.memory();
  for (const ValuePlan& plan : values_) {
    bytes += sizeof(plan) + 64;
    if (plan.string) bytes += plan.string->memory();
    if (plan.number) bytes += sizeof(NumberPlan) + plan.number->atoms.size() * sizeof(NumberRule);
  }
  for (const ContainerPlan& plan : containers_) {
    bytes += sizeof(plan) + plan.names.memory() + plan.atoms.size() * sizeof(ContainerPlan::Atom);
    if (plan.keys) bytes += plan.keys->memory();
  }
  return bytes;
}

}  // namespace avocado::grammar
