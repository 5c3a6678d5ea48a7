#pragma once
// How values are judged. A plan belongs to a set of schemas that apply to one value at once (its
// roots) and to the kind of the value; it is made when such a value is first met. It holds a
// formula for each root over atoms that become known while the value is written.

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "grammar/name_trie.h"
#include "grammar/string_plan.h"

namespace avocado::grammar {

struct NumberPlan {
  Circuit circuit;
  std::vector<Circuit::Id> roots;
  std::vector<NumberRule> atoms;

  Verdict judge(std::string_view text) const;    // of a beginning
  RootBits at_end(std::string_view text) const;  // of the whole number
};

// A member or item about to be written: which plan judges it, and what its roots mean for the
// container around it.
struct Link {
  enum class Target : uint8_t { group, contains };
  struct Feed {
    uint32_t root;
    Target target;
    uint32_t index;  // of the group or the `contains`
  };
  uint32_t plan = 0;
  std::vector<Feed> feeds;
  RootBits dead_groups;   // groups that allow no value here
  bool mandatory = true;  // every root feeds a group
};

// Objects and arrays.
struct ContainerPlan {
  struct Atom {
    enum class Kind : uint8_t {
      group,     // all parts satisfy what schema `index` asks of them
      required,  // all of `names` are there
      has,       // the name `index` is there
      min_count,
      max_count,
      contains,  // the number of matching items is within min and max
      unique,
    } kind;
    uint32_t index = 0;  // or the count
    std::vector<uint32_t> names = {};
  };
  struct Contains {
    SchemaId schema;
    uint32_t min, max;
  };
  // What one unevaluatedProperties or unevaluatedItems asks (unevaluated.cc).
  struct Unevaluated {
    struct Demand {
      uint32_t group;
      SchemaId schema;
    };
    SchemaId owner;
    bool of_items;
    std::vector<SchemaId> covers = {};
    // By which covers evaluate a part; a class that is not here is always evaluated.
    std::map<std::vector<bool>, std::vector<Demand>> classes = {};
  };

  Circuit circuit;
  std::vector<Circuit::Id> roots;
  bool plain = true;  // every root is a conjunction of atoms, and no group is beside them
  std::vector<Atom> atoms;
  std::vector<SchemaId> groups;  // whose keywords apply; kAnything: see `unevaluated`
  std::vector<Unevaluated> unevaluated;
  std::vector<Contains> contains;
  bool unique = false;

  // Objects: the names that some schema mentions.
  NameTrie names;
  // Names that can make a difference at once: they have a `has` atom, or a group forbids them.
  std::vector<bool> decisive;
  std::vector<uint32_t> name_links;
  std::unique_ptr<StringPlan> keys;          // patterns and propertyNames, for other names
  std::vector<uint32_t> key_groups;          // the group that each root of `keys` belongs to
  std::map<uint32_t, uint32_t> other_links;  // by the state of `keys`
  // Arrays.
  std::vector<uint32_t> item_links;  // by index; the last one goes on

  // A frame's words: groups that have failed, names that are there, matches per `contains`.
  size_t group_words = 0, name_words = 0;
  size_t words() const { return group_words + name_words + contains.size() + (unique ? 1 : 0); }
};

struct ValuePlan {
  std::vector<SchemaId> roots;
  std::array<bool, kKinds> ready{};
  std::array<Verdict, kKinds> at_begin;  // as soon as the kind is known
  std::unique_ptr<StringPlan> string;
  std::unique_ptr<NumberPlan> number;
  uint32_t container[2] = {0, 0};  // array, object: number of the ContainerPlan
};

// All plans of one schema. Grows as it is used.
class Plans {
 public:
  static constexpr uint32_t kNoLink = ~0u;

  explicit Plans(SchemaSet set);

  const SchemaSet& set() const { return set_; }
  uint32_t root_link() const { return 0; }
  const Link& link(uint32_t number) const { return links_[number]; }
  // With what is needed for that kind.
  ValuePlan& value(uint32_t number, ValueKind kind);
  ContainerPlan& container(uint32_t number) { return containers_[number]; }

  uint32_t link_of_name(ContainerPlan& plan, uint32_t name);
  // `key_state`: where plan.keys stands at the end of the name.
  uint32_t link_of_other(ContainerPlan& plan, uint32_t key_state);
  uint32_t link_of_item(ContainerPlan& plan, uint32_t index);
  size_t memory() const;

 private:
  friend class PlanMaker;
  uint32_t value_plan(std::vector<SchemaId> roots);
  uint32_t add_link(Link link, std::vector<std::pair<SchemaId, Link::Feed>> children);
  // No kind of value satisfies it, as far as its keywords by themselves tell.
  bool hopeless(SchemaId schema);
  // A schema that holds where one of the parts does; there is at least one.
  SchemaId any_of(std::vector<SchemaId> parts);

  bool evaluates_all(const ContainerPlan::Unevaluated& rule, SchemaId cover) const;
  std::vector<bool> class_of_item(const ContainerPlan::Unevaluated& rule, size_t index) const;
  // `name`: null for one that no schema mentions.
  std::vector<bool> class_of_member(
      const ContainerPlan::Unevaluated& rule, const std::string* name,
      const std::function<bool(const Schema::Pattern&)>& matches) const;
  bool name_matches(const std::string& name, const Schema::Pattern& pattern);
  uint32_t make_object_link(ContainerPlan& plan, const std::string* name,
                            const std::function<bool(const Schema::Pattern&)>& matches);

  SchemaSet set_;
  std::map<std::vector<SchemaId>, uint32_t> value_ids_;
  std::deque<ValuePlan> values_;
  std::deque<ContainerPlan> containers_;
  std::deque<Link> links_;
  std::map<std::vector<SchemaId>, SchemaId> unions_;
  std::vector<uint8_t> hopeless_;  // per schema: 0 not known, 1 being found out, 2 no, 3 yes
  int hopeless_depth_ = 0;
};

}  // namespace avocado::grammar
