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

namespace avocado::grammar {
namespace {

using Json = nlohmann::json;
using Draft = SchemaIndex::Draft;

constexpr size_t kMaxSchemas = 100'000;
constexpr int kMaxDepth = 400;

class Reader {
 public:
  Reader(const Json& root, const SchemaOptions& options) : options_(options) {
    for (const auto& [uri, document] : options.remotes) index_.add_document(uri, document);
    index_.add_document("", root);
    set_.compact = options.compact;
    set_.schemas.resize(2);
    set_.schemas[kNothing].kinds = 0;
    set_.dfas.emplace_back(Expr::repeat(Expr::of(CodeSet::all()), 0, Expr::kUnlimited),
                           Dfa::Match::whole, "text");
    set_.root = read(root, "#");
    while (!later_.empty()) {
      const auto [id, json, pointer] = later_.back();
      later_.pop_back();
      read_into(id, *json, pointer);
    }
  }
  SchemaSet take() { return std::move(set_); }

 private:
  // A schema on its way through the keywords.
  struct Source {
    const Json& json;
    const SchemaIndex::Place& place;
    const std::string& pointer;  // as a URI fragment
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

  SchemaId read(const Json& json, const std::string& pointer) {
    if (json.is_boolean()) return json.get<bool>() ? kAnything : kNothing;
    if (!json.is_object()) fail(pointer, "schema", "must be an object or a boolean");
    if (json.empty()) return kAnything;
    const auto known = ids_.find(&json);
    if (known != ids_.end()) return known->second;
    const SchemaId id = add({});
    ids_.emplace(&json, id);
    read_into(id, json, pointer);
    return id;
  }

  void read_into(SchemaId id, const Json& json, const std::string& pointer) {
    if (++depth_ > kMaxDepth) fail(pointer, "schema", "is nested too deep");
    Schema schema;
    const Source source{json, index_.place_of(json), pointer};
    const auto ref = json.find("$ref");
    if (ref != json.end() && source.place.draft != Draft::d2020) {
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
    if (key == "$dynamicRef" && index_.is_dynamic(*target, name))
      fail(source.pointer, key, "a target that depends on the way here is not supported");
    // Read when all else is done, so that a chain of references takes no stack.
    const Json& schema = *target->schema;
    if (!schema.is_object() || schema.empty() || ids_.contains(&schema)) return read(schema, name);
    const SchemaId id = add({});
    ids_.emplace(&schema, id);
    later_.push_back({id, &schema, name});
    return id;
  }

  // Every keyword that asserts something; all others are annotations.
  void keyword(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    using Handler = void (Reader::*)(Schema&, const Source&, const std::string&, const Json&);
    static const std::map<std::string, Handler> handlers = {
        {"$dynamicRef", &Reader::in_place},
        {"$recursiveRef", &Reader::refuse},
        {"$ref", &Reader::in_place},
        {"$schema", &Reader::dialect},
        {"additionalItems", &Reader::array_schema},
        {"additionalProperties", &Reader::object_schema},
        {"allOf", &Reader::in_place},
        {"anyOf", &Reader::in_place},
        {"const", &Reader::enumeration},
        {"contains", &Reader::array_schema},
        {"dependencies", &Reader::dependency},
        {"dependentRequired", &Reader::dependency},
        {"dependentSchemas", &Reader::dependency},
        {"else", &Reader::in_place},
        {"enum", &Reader::enumeration},
        {"exclusiveMaximum", &Reader::bound},
        {"exclusiveMinimum", &Reader::bound},
        {"format", &Reader::format},
        {"if", &Reader::in_place},
        {"items", &Reader::array_schema},
        {"maxContains", &Reader::count},
        {"maxItems", &Reader::count},
        {"maxLength", &Reader::count},
        {"maxProperties", &Reader::count},
        {"maximum", &Reader::bound},
        {"minContains", &Reader::count},
        {"minItems", &Reader::count},
        {"minLength", &Reader::count},
        {"minProperties", &Reader::count},
        {"minimum", &Reader::bound},
        {"multipleOf", &Reader::bound},
        {"not", &Reader::in_place},
        {"nullable", &Reader::type},
        {"oneOf", &Reader::in_place},
        {"pattern", &Reader::pattern},
        {"patternProperties", &Reader::object_schema},
        {"prefixItems", &Reader::array_schema},
        {"properties", &Reader::object_schema},
        {"propertyNames", &Reader::object_schema},
        {"required", &Reader::required},
        {"then", &Reader::in_place},
        {"type", &Reader::type},
        {"unevaluatedItems", &Reader::refuse},
        {"unevaluatedProperties", &Reader::refuse},
        {"uniqueItems", &Reader::unique},
    };
    const auto found = handlers.find(key);
    if (found != handlers.end()) (this->*found->second)(schema, source, key, value);
  }

  static std::string below(const Source& source, const std::string& key) {
    return source.pointer + '/' + key;
  }
  std::vector<SchemaId> list(const Source& source, const std::string& key, const Json& value) {
    if (!value.is_array()) fail(source.pointer, key, "must be an array");
    std::vector<SchemaId> ids;
    for (const Json& part : value)
      ids.push_back(read(part, below(source, key) + '/' + std::to_string(ids.size())));
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

  void refuse(Schema&, const Source& source, const std::string& key, const Json&) {
    fail(source.pointer, key, "is not supported");
  }

  // A dialect of its own may switch keywords off, which nobody here would notice.
  void dialect(Schema&, const Source& source, const std::string& key, const Json& value) {
    if (!value.is_string() || !options_.remotes.contains(value.get<std::string>())) return;
    if (options_.remotes.at(value.get<std::string>()).contains("$vocabulary"))
      fail(source.pointer, key, "a dialect with a $vocabulary of its own is not supported");
  }

  void in_place(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (key == "$ref" || key == "$dynamicRef") {
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
      const SchemaId id = read(value, below(source, key));
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
    const char* pattern = format_pattern(value.get<std::string>());
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
    const SchemaId id = read(value, below(source, key));
    (key == "contains"           ? schema.contains
     : key == "unevaluatedItems" ? schema.unevaluated_items
                                 : schema.items) = id;
  }

  void object_schema(Schema& schema, const Source& source, const std::string& key,
                     const Json& value) {
    if (key == "properties") {
      for (const auto& [name, part] : object(source, key, value).items())
        schema.properties.push_back({name, read(part, below(source, key) + '/' + name)});
    } else if (key == "patternProperties") {
      for (const auto& [name, part] : object(source, key, value).items()) {
        const SchemaId id = read(part, below(source, key) + '/' + name);
        schema.patterns.push_back({tests(name, source, key), id});
      }
    } else {
      const SchemaId id = read(value, below(source, key));
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
        schema.dependent_schemas.push_back({name, read(part, below(source, key) + '/' + name)});
      }
    }
  }

  void unique(Schema& schema, const Source& source, const std::string& key, const Json& value) {
    if (!value.is_boolean()) fail(source.pointer, key, "must be true or false");
    schema.unique = value.get<bool>();
  }

  const SchemaOptions& options_;
  SchemaIndex index_;
  SchemaSet set_;
  std::map<const Json*, SchemaId> ids_;
  std::map<std::string, uint32_t> dfa_ids_;
  std::map<std::string, std::vector<Schema::Test>> patterns_;
  struct Later {
    SchemaId id;
    const Json* json;
    std::string pointer;
  };
  std::vector<Later> later_;
  int depth_ = 0;
};

}  // namespace

SchemaSet read_schema(const nlohmann::json& schema, const SchemaOptions& options) {
  return Reader(schema, options).take();
}

}  // namespace avocado::grammar
