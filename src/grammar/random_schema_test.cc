// Random schemas and values: what can be written is what a plain reading of the standard calls
// valid. The reading below is as literal as can be: it judges a whole value and returns which of
// its parts were evaluated, as the text of draft 2020-12 has it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "base/error.h"
#include "base/philox.h"
#include "grammar/matcher.h"
#include "grammar/test_grammar.h"

namespace avocado::grammar {
namespace {

using Json = nlohmann::json;
using Evaluated = std::set<std::string>;  // names, or indices as text

// Nothing when the value is not valid.
std::optional<Evaluated> judge(const Json& schema, const Json& value, const Json& root);

bool valid(const Json& schema, const Json& value, const Json& root) {
  return judge(schema, value, root).has_value();
}

bool has_type(const Json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "null" && value.is_null()) || (type == "integer" && value.is_number_integer());
}

bool judge_object(const Json& schema, const Json& value, const Json& root, Evaluated& evaluated) {
  Evaluated own;
  for (const auto& [name, part] : value.items()) {
    if (schema.contains("properties") && schema["properties"].contains(name)) {
      if (!valid(schema["properties"][name], part, root)) return false;
      own.insert(name);
    }
    if (schema.contains("patternProperties")) {
      for (const auto& [prefix, child] : schema["patternProperties"].items()) {
        if (!name.starts_with(prefix.substr(1))) continue;  // patterns are ^ and letters
        if (!valid(child, part, root)) return false;
        own.insert(name);
      }
    }
    if (schema.contains("additionalProperties") && !own.contains(name)) {
      if (!valid(schema["additionalProperties"], part, root)) return false;
      own.insert(name);
    }
  }
  evaluated.merge(own);
  if (schema.contains("required"))
    for (const Json& name : schema["required"])
      if (!value.contains(name)) return false;
  return !schema.contains("minProperties") || value.size() >= schema["minProperties"];
}

bool judge_array(const Json& schema, const Json& value, const Json& root, Evaluated& evaluated) {
  const size_t prefix = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
  size_t found = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const Json* child = i < prefix                 ? &schema["prefixItems"][i]
                        : schema.contains("items") ? &schema["items"]
                                                   : nullptr;
    if (child != nullptr) {
      if (!valid(*child, value[i], root)) return false;
      evaluated.insert(std::to_string(i));
    }
    if (schema.contains("contains") && valid(schema["contains"], value[i], root)) {
      ++found;
      evaluated.insert(std::to_string(i));
    }
  }
  return !schema.contains("contains") || found >= schema.value("minContains", size_t{1});
}

std::optional<Evaluated> judge(const Json& schema, const Json& value, const Json& root) {
  if (schema.is_boolean())
    return schema.get<bool>() ? std::optional<Evaluated>(Evaluated{}) : std::nullopt;
  Evaluated all;
  if (schema.contains("type") && !has_type(value, schema["type"])) return std::nullopt;
  if (schema.contains("const") && value != schema["const"]) return std::nullopt;
  if (value.is_object() && !judge_object(schema, value, root, all)) return std::nullopt;
  if (value.is_array() && !judge_array(schema, value, root, all)) return std::nullopt;
  const auto in_place = [&](const Json& part) {
    std::optional<Evaluated> result = judge(part, value, root);
    if (result) all.merge(*result);
    return result.has_value();
  };
  if (schema.contains("$ref") &&
      !in_place(root["$defs"][schema["$ref"].get<std::string>().substr(8)]))
    return std::nullopt;
  if (schema.contains("allOf"))
    for (const Json& part : schema["allOf"])
      if (!in_place(part)) return std::nullopt;
  for (const char* key : {"anyOf", "oneOf"}) {
    if (!schema.contains(key)) continue;
    int count = 0;
    for (const Json& part : schema[key]) count += in_place(part);
    if (count == 0 || (key[0] == 'o' && count > 1)) return std::nullopt;
  }
  if (schema.contains("not") && valid(schema["not"], value, root)) return std::nullopt;
  if (schema.contains("if")) {
    const char* branch = in_place(schema["if"]) ? "then" : "else";
    if (schema.contains(branch) && !in_place(schema[branch])) return std::nullopt;
  }
  if (value.is_object() && schema.contains("dependentSchemas"))
    for (const auto& [name, part] : schema["dependentSchemas"].items())
      if (value.contains(name) && !in_place(part)) return std::nullopt;
  if (value.is_object() && schema.contains("unevaluatedProperties")) {
    for (const auto& [name, part] : value.items()) {
      if (all.contains(name)) continue;
      if (!valid(schema["unevaluatedProperties"], part, root)) return std::nullopt;
      all.insert(name);
    }
  }
  if (value.is_array() && schema.contains("unevaluatedItems")) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (all.contains(std::to_string(i))) continue;
      if (!valid(schema["unevaluatedItems"], value[i], root)) return std::nullopt;
      all.insert(std::to_string(i));
    }
  }
  return all;
}

class Maker {
 public:
  explicit Maker(uint32_t stream) : random_(7, Purpose::test, stream) {}

  Json schema(int depth) {
    if (depth == 0 || below(8) == 0) return leaf();
    Json out = Json::object();
    for (uint64_t i = 1 + below(3); i > 0; --i) add_keyword(out, depth - 1);
    return out;
  }
  Json value(int depth) {
    Json out;
    switch (below(depth == 0 ? 4 : 7)) {
      case 0:
        return 1;
      case 1:
        return "x";
      case 2:
        return true;
      case 3:
        return nullptr;
      case 4:
        out = Json::array();
        for (uint64_t i = below(4); i > 0; --i) out.push_back(value(depth - 1));
        return out;
      default:
        out = Json::object();
        for (uint64_t i = below(4); i > 0; --i) out[name()] = value(depth - 1);
        return out;
    }
  }

 private:
  uint64_t below(uint64_t limit) { return random_.below(draws_++, limit); }
  std::string name() { return std::vector<std::string>{"a", "b", "ab", "xa", "xb", "y"}[below(6)]; }
  Json leaf() {
    switch (below(6)) {
      case 0:
        return true;
      case 1:
        return false;
      case 2:
        return {{"const", value(0)}};
      case 3:
        return {{"required", {name()}}};
      default:
        return {{"type", std::vector<std::string>{"object", "array", "string", "integer",
                                                  "boolean"}[below(5)]}};
    }
  }
  Json list(int depth) {
    Json out = Json::array();
    for (uint64_t i = 1 + below(3); i > 0; --i) out.push_back(schema(depth));
    return out;
  }
  void add_keyword(Json& out, int depth) {
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
        out["unevaluatedProperties"] = below(2) ? Json(false) : leaf();
        return;
      case 3:
      case 4:
        out["unevaluatedItems"] = below(2) ? Json(false) : leaf();
        return;
      case 5:
      case 6:
        out["properties"][name()] = schema(depth);
        out["properties"][name()] = schema(depth);
        return;
      case 7:
        out["patternProperties"][below(2) ? "^a" : "^x"] = schema(depth);
        return;
      case 8:
        out["additionalProperties"] = schema(depth);
        return;
      case 9:
        out["prefixItems"] = list(depth);
        return;
      case 10:
        out["items"] = schema(depth);
        return;
      case 11:
        out["contains"] = leaf();
        if (below(3) == 0) out["minContains"] = below(3);
        return;
      case 12:
      case 13:
        out["anyOf"] = list(depth);
        return;
      case 14:
        out["oneOf"] = list(depth);
        return;
      case 15:
        out["allOf"] = list(depth);
        return;
      case 16:
        out["not"] = schema(depth);
        return;
      case 17:
        out["if"] = schema(depth);
        if (below(3)) out["then"] = schema(depth);
        if (below(3)) out["else"] = schema(depth);
        return;
      case 18:
        out["dependentSchemas"][name()] = schema(depth);
        return;
      default:
        out["$ref"] = "#/$defs/d";
    }
  }

  Random random_;
  uint64_t draws_ = 0;
};

TEST(RandomSchemas, AllowWhatAPlainReadingAllows) {
  constexpr int kSchemas = 1500, kValues = 30;
  int refused = 0, good = 0, bad = 0;
  for (uint32_t stream = 0; stream < kSchemas; ++stream) {
    Maker maker(stream);
    Json schema = maker.schema(3);
    if (schema.is_boolean()) continue;
    Json definition = maker.schema(2);
    if (definition.dump().find("$ref") != std::string::npos) definition = true;
    schema["$defs"]["d"] = definition;
    std::shared_ptr<const Constraint> constraint;
    try {
      constraint = Constraint::from_parsed_schema(schema);
    } catch (const Error& error) {
      ASSERT_NE(std::string(error.what()).find("no value satisfies"), std::string::npos)
          << schema << error.what();
      ++refused;
    }
    for (int i = 0; i < kValues; ++i) {
      const Json value = maker.value(2);
      const bool right = valid(schema, value, schema);
      const bool can =
          constraint && test::writes(Matcher(constraint, test::byte_trie()), value.dump());
      ASSERT_EQ(can, right) << schema << "\n" << value;
      ++(right ? good : bad);
    }
  }
  fmt::print("{} schemas refused as impossible; {} valid values, {} invalid\n", refused, good, bad);
  EXPECT_GT(good, kSchemas);
  EXPECT_GT(bad, kSchemas);
}

}  // namespace
}  // namespace avocado::grammar
