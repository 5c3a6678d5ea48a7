#pragma once
// A JSON schema after reading: references resolved, keywords checked, every subschema a number.

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grammar/decimal.h"
#include "grammar/dfa.h"
#include "grammar/matcher.h"

namespace avocado::grammar {

using SchemaId = uint32_t;
inline constexpr SchemaId kAnything = 0, kNothing = 1;

// What a JSON value is. The three literals are apart because each decides by itself.
enum class ValueKind : uint8_t { null, no, yes, number, string, array, object };
inline constexpr size_t kKinds = 7;
using KindSet = uint8_t;
inline constexpr KindSet kind_bit(ValueKind kind) {
  return static_cast<KindSet>(1u << static_cast<unsigned>(kind));
}
inline constexpr KindSet kEveryKind = (1 << kKinds) - 1;

struct Schema {
  static constexpr uint32_t kUnlimited = ~0u;
  // That a string matches an automaton, or that it does not.
  struct Test {
    uint32_t dfa;
    bool negative;
  };

  KindSet kinds = kEveryKind;

  bool has_enum = false;  // only these values
  KindSet enum_literals = 0;
  std::vector<Decimal> enum_numbers;
  std::optional<uint32_t> enum_strings;  // an automaton
  std::vector<SchemaId> enum_containers;

  std::vector<Test> tests;
  uint32_t min_length = 0, max_length = kUnlimited;

  std::optional<NumberRule> number;

  std::vector<SchemaId> prefix;
  std::optional<SchemaId> items, contains, unevaluated_items;
  bool contains_evaluates = true;  // what it finds is evaluated; not so in draft 2019-09
  uint32_t min_contains = 1, max_contains = kUnlimited;
  uint32_t min_items = 0, max_items = kUnlimited;
  bool unique = false;

  struct Pattern {
    std::vector<Test> tests;
    SchemaId schema;
  };
  std::vector<std::pair<std::string, SchemaId>> properties, dependent_schemas;
  std::vector<Pattern> patterns;
  std::optional<SchemaId> additional, names, unevaluated_properties;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required;
  uint32_t min_properties = 0, max_properties = kUnlimited;

  std::vector<SchemaId> all_of, any_of, one_of;
  std::optional<SchemaId> negated, condition, then, otherwise;

  // Whether it says something about an array's items or an object's properties.
  bool applies_to_items() const { return !prefix.empty() || items; }
  bool applies_to_properties() const {
    return !properties.empty() || !patterns.empty() || additional || names;
  }
};

struct SchemaSet {
  std::deque<Schema> schemas;  // kAnything and kNothing first; some are added when plans are made
  std::vector<Dfa> dfas;       // number kValidText first: any text that is UTF-8
  SchemaId root = kAnything;
  bool compact = false;
};
inline constexpr uint32_t kValidText = 0;

// Throws Error(usage) naming the keyword and its place as a JSON pointer.
SchemaSet read_schema(const nlohmann::json& schema, const SchemaOptions& options);

// The automaton's pattern for a value of "format" that is checked; null for another one.
const char* format_pattern(const std::string& format);

}  // namespace avocado::grammar
