// Reads a schema: each keyword into a field of Schema, each reference into a number.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "files/json.h"
#include "files/printable.h"
#include "grammar/regex.h"
#include "grammar/schema.h"
#include "grammar/schema_index.h"
#include "grammar/vocabulary.h"

namespace avocado::grammar {
namespace {

using Json = nlohmann::json;
using Draft = SchemaIndex::Draft;

constexpr size_t kMaxSchemas = 100'000;
constexpr int kMaxDepth = 400;
constexpr size_t kMaxNames = 16;  // of $dynamicAnchor in more than one resource

class Reader {
 public:
  Reader(const Json& root, const SchemaOptions& options)
      : options_(options), dialects_(options.remotes) {
    for (const auto& [uri, document] : options.remotes) index_.add_document(uri, document);
    index_.add_document("", root);
    set_.compact = options.compact;
    set_.schemas.resize(2);
    set_.schemas[kNothing].kinds = 0;
    set_.dfas.emplace_back(Expr::repeat(Expr::of(CodeSet::all()), 0, Expr::kUnlimited),
                           Dfa::Match::whole, "text");
    set_.root = read(root, "#", *scopes_.emplace().first);
    while (!later_.empty()) {
      const Later later = later_.back();
      later_.pop_back();
      read_into(later.id, *later.json, later.pointer, *later.scope);
    }
  }
  SchemaSet take() { return std::move(set_); }

 private:
  // What $dynamicRef means depends on the resources passed on the way to it: for each name, the
  // first one counts that has it. So a schema is read once for each of these scopes that it is met
  // in; where no two resources have a name in common, that is one.
  using Scope = SchemaIndex::Anchors;

  // A schema on its way through the keywords.
  struct Source {
    const Json& json;
    const SchemaIndex::Place& place;
    const std::string& pointer;  // as a URI fragment
    const Scope& scope;
  };

  [[noreturn]] static void fail(const std::string& pointer, const std::string& keyword,
                                std::string_view what) {
    fail_usage("schema: {} at {}: {}", printable(keyword), printable(pointer), what);
  }

  SchemaId add(Schema schema) {
    if (set_.schemas.size() >= kMaxSchemas)
      fail_usage("schema: more than {} subschemas", kMaxSchemas);
    set_.schemas.push_back(std::move(schema));
    return static_cast<SchemaId>(set_.schemas.size() - 1);
  }

  // The scope within a resource that is entered from another one.
  const Scope& enter(const Scope& scope, const std::string& resource, const std::string& pointer) {
    const auto [own, added] = anchors_.try_emplace(resource);
    if (added) own->second = index_.contested_anchors(resource);
    if (own->second.empty()) return scope;
    Scope within = scope;
    within.insert(own->second.begin(), own->second.end());
    if (within.size() > kMaxNames)
      fail(pointer, "$dynamicAnchor", fmt::format("has more than {} names", kMaxNames));
    return *scopes_.insert(std::move(within)).first;
  }

  // `above`: the scope of the schema from which this one is reached.
  SchemaId read(const Json& json, const std::string& pointer, const Scope& above,
                bool later = false) {
    if (json.is_boolean()) return json.get<bool>() ? kAnything : kNothing;
    if (!json.is_object()) fail(pointer, "schema", "must be an object or a boolean");
    if (json.empty()) return kAnything;
    const Scope& scope = enter(above, index_.place_of(json).base, pointer);
    const auto [known, added] = ids_.try_emplace({&json, &scope});
    if (!added) return known->second;
    const SchemaId id = known->second = add({});
    if (later) {
      later_.push_back({id, &json, pointer, &scope});
    } else {
      read_into(id, json, pointer, scope);
    }
    return id;
  }

  void read_into(SchemaId id, const Json& json, const std::string& pointer, const Scope& scope) {
    if (++depth_ > kMaxDepth) fail(pointer, "schema", "is nested too deep");
    Schema schema;
    const Source source{json, index_.place_of(json), pointer, scope};
    schema.contains_evaluates = source.place.draft != Draft::d2019;
    const auto ref = json.find("$ref");
    if (ref != json.end() && source.place.draft < Draft::d2019) {
      schema.all_of.push_back(reference(source, "$ref", *ref));  // alone: the rest does not count
    } else {
      for (const auto& [key, value] : json.items()) keyword(schema, source, key, value);
      if (!schema.condition) schema.then.reset(), schema.otherwise.reset();
    }
    set_.schemas[id] = std::move(schema);
    --depth_;
  }

  SchemaId reference(const Source& source, const std::string& key, const Json& value) {
    if (!value.is_string()) fail(source.pointer, key, "must be a string");
    const std::string& name = value.get_ref<const std::string&>();
    const SchemaIndex::Place* target = index_.find(source.place, name);
    if (target == nullptr) {
      fail(source.pointer, key,
           fmt::format("{} names nothing in this document or those handed in; nothing is fetched",
                       printable(name)));
    }
    const Json* schema = target->schema;
    const auto scoped = source.scope.find(SchemaIndex::dynamic_name(*target, key, name));
    if (scoped != source.scope.end()) schema = scoped->second;
    // Read when all else is done, so that a chain of references takes no stack.
    return read(*schema, name, source.scope, true);
  }

  // Every keyword that asserts something; all others are annotations.
  void keyword(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    using Handler = void (Reader::*)(Schema&, const Source&, const std::string&, const Json&);
    struct Keyword {
      Handler handler;
      Vocabulary vocabulary;
    };
    static const std::map<std::string, Keyword> keywords = {
        {"$dynamicRef", {&Reader::in_place, Vocabulary::core}},
        {"$recursiveRef", {&Reader::in_place, Vocabulary::core}},
        {"$ref", {&Reader::in_place, Vocabulary::core}},
        {"$schema", {&Reader::dialect, Vocabulary::core}},
        {"additionalItems", {&Reader::array_schema, Vocabulary::applicator}},
        {"additionalProperties", {&Reader::object_schema, Vocabulary::applicator}},
        {"allOf", {&Reader::in_place, Vocabulary::applicator}},
        {"anyOf", {&Reader::in_place, Vocabulary::applicator}},
        {"const", {&Reader::enumeration, Vocabulary::validation}},
        {"contains", {&Reader::array_schema, Vocabulary::applicator}},
        {"dependencies", {&Reader::dependency, Vocabulary::applicator}},
        {"dependentRequired", {&Reader::dependency, Vocabulary::validation}},
        {"dependentSchemas", {&Reader::dependency, Vocabulary::applicator}},
        {"else", {&Reader::in_place, Vocabulary::applicator}},
        {"enum", {&Reader::enumeration, Vocabulary::validation}},
        {"exclusiveMaximum", {&Reader::bound, Vocabulary::validation}},
        {"exclusiveMinimum", {&Reader::bound, Vocabulary::validation}},
        {"format", {&Reader::format, Vocabulary::format}},
        {"if", {&Reader::in_place, Vocabulary::applicator}},
        {"items", {&Reader::array_schema, Vocabulary::applicator}},
        {"maxContains", {&Reader::count, Vocabulary::validation}},
        {"maxItems", {&Reader::count, Vocabulary::validation}},
        {"maxLength", {&Reader::count, Vocabulary::validation}},
        {"maxProperties", {&Reader::count, Vocabulary::validation}},
        {"maximum", {&Reader::bound, Vocabulary::validation}},
        {"minContains", {&Reader::count, Vocabulary::validation}},
        {"minItems", {&Reader::count, Vocabulary::validation}},
        {"minLength", {&Reader::count, Vocabulary::validation}},
        {"minProperties", {&Reader::count, Vocabulary::validation}},
        {"minimum", {&Reader::bound, Vocabulary::validation}},
        {"multipleOf", {&Reader::bound, Vocabulary::validation}},
        {"not", {&Reader::in_place, Vocabulary::applicator}},
        {"nullable", {&Reader::type, Vocabulary::validation}},
        {"oneOf", {&Reader::in_place, Vocabulary::applicator}},
        {"pattern", {&Reader::pattern, Vocabulary::validation}},
        {"patternProperties", {&Reader::object_schema, Vocabulary::applicator}},
        {"prefixItems", {&Reader::array_schema, Vocabulary::applicator}},
        {"properties", {&Reader::object_schema, Vocabulary::applicator}},
        {"propertyNames", {&Reader::object_schema, Vocabulary::applicator}},
        {"required", {&Reader::required, Vocabulary::validation}},
        {"then", {&Reader::in_place, Vocabulary::applicator}},
        {"type", {&Reader::type, Vocabulary::validation}},
        {"unevaluatedItems", {&Reader::array_schema, Vocabulary::unevaluated}},
        {"unevaluatedProperties", {&Reader::object_schema, Vocabulary::unevaluated}},
        {"uniqueItems", {&Reader::unique, Vocabulary::validation}},
    };
    const auto found = keywords.find(key);
    if (found != keywords.end() && dialects_.has(source.place.dialect, found->second.vocabulary))
      (this->*found->second.handler)(schema, source, key, value);
  }

  static std::string below(const Source& source, const std::string& key) {
    return source.pointer + '/' + key;
  }
  std::vector<SchemaId> list(const Source& source, const std::string& key, const Json& value) {
    if (!value.is_array()) fail(source.pointer, key, "must be an array");
    std::vector<SchemaId> ids;
    for (const Json& part : value)
      ids.push_back(
          read(part, below(source, key) + '/' + std::to_string(ids.size()), source.scope));
    return ids;
  }
  static const Json& object(const Source& source, const std::string& key, const Json& value) {
    if (!value.is_object()) fail(source.pointer, key, "must be an object");
    return value;
  }
  static std::vector<std::string> strings(const Source& source, const std::string& key,
                                          const Json& value) {
    if (!value.is_array()) fail(source.pointer, key, "must be an array of strings");
    std::vector<std::string> out;
    for (const Json& part : value) {
      if (!part.is_string()) fail(source.pointer, key, "must be an array of strings");
      out.push_back(part.get<std::string>());
    }
    return out;
  }

  void dialect(Schema&, const Source& source, const std::string& key, const Json& value) {
    const std::string need =
        value.is_string() ? dialects_.unknown_need(value.get<std::string>()) : "";
    if (!need.empty())
      fail(source.pointer, key, "needs the vocabulary " + printable(need) + ", which is not known");
  }

  void in_place(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (key == "$ref" || key == "$dynamicRef" || key == "$recursiveRef") {
      schema.all_of.push_back(reference(source, key, value));
    } else if (key == "allOf") {
      const std::vector<SchemaId> ids = list(source, key, value);
      schema.all_of.insert(schema.all_of.end(), ids.begin(), ids.end());
    } else if (key == "anyOf") {
      schema.any_of = list(source, key, value);
      if (schema.any_of.empty()) fail(source.pointer, key, "is empty");
    } else if (key == "oneOf") {
      schema.one_of = list(source, key, value);
      if (schema.one_of.empty()) fail(source.pointer, key, "is empty");
    } else {
      const SchemaId id = read(value, below(source, key), source.scope);
      (key == "not"    ? schema.negated
       : key == "if"   ? schema.condition
       : key == "then" ? schema.then
                       : schema.otherwise) = id;
    }
  }

  void type(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (key == "nullable") {
      nullable_type(schema, source, value);
      return;
    }
    KindSet kinds = 0;
    bool integer = false;
    const auto one = [&](const Json& name) {
      static const std::map<std::string, KindSet> names = {
          {"null", kind_bit(ValueKind::null)},
          {"boolean", kind_bit(ValueKind::no) | kind_bit(ValueKind::yes)},
          {"number", kind_bit(ValueKind::number)},
          {"integer", 0},
          {"string", kind_bit(ValueKind::string)},
          {"array", kind_bit(ValueKind::array)},
          {"object", kind_bit(ValueKind::object)},
          {"any", kEveryKind}};  // of draft 3
      const auto found = name.is_string() ? names.find(name.get<std::string>()) : names.end();
      if (found == names.end()) fail(source.pointer, key, "is not a known type");
      kinds |= found->second;
      integer |= found->first == "integer";
    };
    if (value.is_array()) {
      for (const Json& name : value) one(name);
    } else {
      one(value);
    }
    if (integer && !(kinds & kind_bit(ValueKind::number))) {
      kinds |= kind_bit(ValueKind::number);
      NumberRule& rule = number_rule(schema);
      if (!rule.add_step(Decimal::parse("1"))) fail(source.pointer, key, "is too fine");
    }
    const auto nullable = source.json.find("nullable");
    if (nullable != source.json.end() && nullable->is_boolean() && nullable->get<bool>())
      kinds |= kind_bit(ValueKind::null);
    schema.kinds = kinds;
  }
  // OpenAPI's; it widens `type`, which reads it.
  void nullable_type(Schema&, const Source& source, const Json& value) {
    if (!value.is_boolean()) fail(source.pointer, "nullable", "must be true or false");
  }

  uint32_t add_dfa(const std::string& key, Dfa::Match match, const Expr& expr, std::string what) {
    const auto [at, added] = dfa_ids_.try_emplace(key, static_cast<uint32_t>(set_.dfas.size()));
    if (added) set_.dfas.emplace_back(expr, match, std::move(what));
    return at->second;
  }

  void enumeration(Schema& schema, const Source& source, const std::string& key,
                   const Json& value) {
    if (key == "enum" && !value.is_array()) fail(source.pointer, key, "must be an array");
    const Json single = Json::array({value});
    Schema own;
    own.has_enum = true;
    std::vector<std::string> texts;
    for (const Json& allowed : key == "enum" ? value : single) {
      switch (allowed.type()) {
        case Json::value_t::null:
          own.enum_literals |= kind_bit(ValueKind::null);
          break;
        case Json::value_t::boolean:
          own.enum_literals |= kind_bit(allowed.get<bool>() ? ValueKind::yes : ValueKind::no);
          break;
        case Json::value_t::string:
          texts.push_back(allowed.get<std::string>());
          break;
        case Json::value_t::array:
        case Json::value_t::object:
          own.enum_containers.push_back(exactly(allowed));
          break;
        default:
          own.enum_numbers.push_back(Decimal::parse(allowed.dump()));
      }
    }
    if (!texts.empty()) own.enum_strings = literal_dfa(std::move(texts));
    if (!schema.has_enum) {
      schema.has_enum = true;
      schema.enum_literals = own.enum_literals;
      schema.enum_numbers = std::move(own.enum_numbers);
      schema.enum_strings = own.enum_strings;
      schema.enum_containers = std::move(own.enum_containers);
    } else {
      schema.all_of.push_back(add(std::move(own)));  // enum and const in one schema
    }
  }

  uint32_t literal_dfa(std::vector<std::string> texts) {
    std::sort(texts.begin(), texts.end());
    std::string key = "literal:";
    std::vector<Expr> parts;
    for (const std::string& text : texts) {
      key += text + '\0';
      parts.push_back(Expr::literal(text));
    }
    return add_dfa(key, Dfa::Match::whole, Expr::choice(std::move(parts)), "schema: an enum");
  }

  // A schema for this value alone, which can be followed part by part.
  SchemaId exactly(const Json& value) {
    Schema own;
    own.has_enum = true;
    switch (value.type()) {
      case Json::value_t::null:
        own.enum_literals = kind_bit(ValueKind::null);
        break;
      case Json::value_t::boolean:
        own.enum_literals = kind_bit(value.get<bool>() ? ValueKind::yes : ValueKind::no);
        break;
      case Json::value_t::string:
        own.enum_strings = literal_dfa({value.get<std::string>()});
        break;
      case Json::value_t::array:
        own.has_enum = false;
        own.kinds = kind_bit(ValueKind::array);
        for (const Json& part : value) own.prefix.push_back(exactly(part));
        own.items = kNothing;
        own.min_items = static_cast<uint32_t>(value.size());
        break;
      case Json::value_t::object:
        own.has_enum = false;
        own.kinds = kind_bit(ValueKind::object);
        for (const auto& [name, part] : value.items()) {
          own.properties.push_back({name, exactly(part)});
          own.required.push_back(name);
        }
        own.additional = kNothing;
        break;
      default:
        own.enum_numbers.push_back(Decimal::parse(value.dump()));
    }
    return add(std::move(own));
  }

  std::vector<Schema::Test> tests(const std::string& pattern, const Source& source,
                                  const std::string& key) {
    std::vector<Schema::Test> out;
    try {
      const auto known = patterns_.find(pattern);
      if (known != patterns_.end()) return known->second;
      const RegexPattern parsed = parse_regex(pattern);
      const std::string what = "pattern " + printable(pattern);
      for (const RegexPattern::Ahead& ahead : parsed.ahead) {
        const std::string name = fmt::format("ahead {}:{}", out.size(), pattern);
        out.push_back({add_dfa(name, Dfa::Match::anywhere, ahead.expr, what), ahead.negative});
      }
      out.push_back(
          {add_dfa("pattern:" + pattern, Dfa::Match::anywhere, parsed.expr, what), false});
      patterns_.emplace(pattern, out);
    } catch (const Error& error) {
      fail(source.pointer, key, error.what());
    }
    return out;
  }

  void pattern(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (!value.is_string()) fail(source.pointer, key, "must be a string");
    const auto found = tests(value.get<std::string>(), source, key);
    schema.tests.insert(schema.tests.end(), found.begin(), found.end());
  }

  void format(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (!value.is_string() || !options_.assert_formats) return;
    const std::string& name = value.get_ref<const std::string&>();
    if (name == "idn-hostname" || name == "idn-email")
      fail(source.pointer, key, name + " cannot be checked exactly; leave it out");
    const char* pattern = format_pattern(name);
    if (pattern == nullptr) return;
    const auto found = tests(pattern, source, key);
    schema.tests.insert(schema.tests.end(), found.begin(), found.end());
  }

  void count(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    static const std::map<std::string, uint32_t Schema::*> fields = {
        {"maxContains", &Schema::max_contains}, {"maxItems", &Schema::max_items},
        {"maxLength", &Schema::max_length},     {"maxProperties", &Schema::max_properties},
        {"minContains", &Schema::min_contains}, {"minItems", &Schema::min_items},
        {"minLength", &Schema::min_length},     {"minProperties", &Schema::min_properties}};
    if (!value.is_number()) fail(source.pointer, key, "must be a number");
    const double number = value.get<double>();
    if (!(number >= 0) || number != std::floor(number))
      fail(source.pointer, key, "must be a whole number that is not negative");
    constexpr uint32_t kMost = 1u << 30;  // no text reaches it
    const bool upper = key.starts_with("max");
    schema.*fields.at(key) =
        number > kMost ? (upper ? Schema::kUnlimited : kMost) : static_cast<uint32_t>(number);
  }

  static NumberRule& number_rule(Schema& schema) {
    if (!schema.number) schema.number.emplace();
    return *schema.number;
  }

  void bound(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (value.is_boolean() && key.starts_with("exclusive")) return;  // draft 4: read with the bound
    if (!value.is_number()) fail(source.pointer, key, "must be a number");
    const Decimal number = Decimal::parse(value.dump());
    NumberRule& rule = number_rule(schema);
    if (key == "multipleOf") {
      if (number.zero() || number.negative) fail(source.pointer, key, "must be above 0");
      if (!rule.add_step(number)) fail(source.pointer, key, "has more digits than supported");
      return;
    }
    const bool upper = key.ends_with("aximum");
    bool open = key.starts_with("exclusive");
    const auto flag = source.json.find(upper ? "exclusiveMaximum" : "exclusiveMinimum");
    if (flag != source.json.end() && flag->is_boolean()) open = flag->get<bool>();
    std::optional<NumberRule::Bound>& mine = upper ? rule.high : rule.low;
    const int order = mine ? compare(number, mine->value) : 0;
    const bool tighter = !mine || (upper ? order < 0 : order > 0) || (order == 0 && open);
    if (tighter) mine = {number, open};
  }

  void array_schema(Schema& schema, const Source& source, const std::string& key,
                    const Json& value) {
    if (key == "prefixItems" || (key == "items" && value.is_array())) {
      schema.prefix = list(source, key, value);
      return;
    }
    if (key == "additionalItems") {
      const auto items = source.json.find("items");
      if (items == source.json.end() || !items->is_array()) return;
    }
    const SchemaId id = read(value, below(source, key), source.scope);
    (key == "contains"           ? schema.contains
     : key == "unevaluatedItems" ? schema.unevaluated_items
                                 : schema.items) = id;
  }

  void object_schema(Schema& schema, const Source& source, const std::string& key,
                     const Json& value) {
    if (key == "properties") {
      for (const auto& [name, part] : object(source, key, value).items())
        schema.properties.push_back(
            {name, read(part, below(source, key) + '/' + name, source.scope)});
    } else if (key == "patternProperties") {
      for (const auto& [name, part] : object(source, key, value).items()) {
        const SchemaId id = read(part, below(source, key) + '/' + name, source.scope);
        schema.patterns.push_back({tests(name, source, key), id});
      }
    } else {
      const SchemaId id = read(value, below(source, key), source.scope);
      (key == "additionalProperties" ? schema.additional
       : key == "propertyNames"      ? schema.names
                                     : schema.unevaluated_properties) = id;
    }
  }

  void required(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    // Draft 3 wrote a boolean into the property; its meaning was never taken over.
    if (value.is_boolean() && source.place.draft == Draft::d4) return;
    schema.required = strings(source, key, value);
  }

  void dependency(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    for (const auto& [name, part] : object(source, key, value).items()) {
      if (part.is_array()) {
        schema.dependent_required.push_back({name, strings(source, key, part)});
      } else if (key == "dependencies" && part.is_string()) {
        schema.dependent_required.push_back({name, {part.get<std::string>()}});
      } else {
        schema.dependent_schemas.push_back(
            {name, read(part, below(source, key) + '/' + name, source.scope)});
      }
    }
  }

  void unique(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (!value.is_boolean()) fail(source.pointer, key, "must be true or false");
    schema.unique = value.get<bool>();
  }

  const SchemaOptions& options_;
  const Dialects dialects_;
  SchemaIndex index_;
  SchemaSet set_;
  std::map<std::string, Scope> anchors_;  // by resource
  std::set<Scope> scopes_;
  std::map<std::pair<const Json*, const Scope*>, SchemaId> ids_;
  std::map<std::string, uint32_t> dfa_ids_;
  std::map<std::string, std::vector<Schema::Test>> patterns_;
  struct Later {
    SchemaId id;
    const Json* json;
    std::string pointer;
    const Scope* scope;
  };
  std::vector<Later> later_;
  int depth_ = 0;
};

}  // namespace

SchemaSet read_schema(const nlohmann::json& schema, const SchemaOptions& options) {
  return Reader(schema, options).take();
}

}  // namespace avocado::grammar
