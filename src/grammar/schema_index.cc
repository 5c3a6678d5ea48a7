#include "grammar/schema_index.h"

#include <array>
#include <string_view>

namespace avocado::grammar {
namespace {

using Json = nlohmann::json;

struct Uri {
  std::string_view scheme, authority, path, query, fragment;
  bool has_authority = false, has_query = false, has_fragment = false;

  explicit Uri(std::string_view text) {
    const size_t hash = text.find('#');
    if (hash != text.npos) {
      has_fragment = true;
      fragment = text.substr(hash + 1);
      text = text.substr(0, hash);
    }
    const size_t question = text.find('?');
    if (question != text.npos) {
      has_query = true;
      query = text.substr(question + 1);
      text = text.substr(0, question);
    }
    const size_t colon = text.find_first_of(":/");
    if (colon != text.npos && colon > 0 && text[colon] == ':') {
      scheme = text.substr(0, colon);
      text = text.substr(colon + 1);
    }
    if (text.starts_with("//")) {
      has_authority = true;
      const size_t slash = std::min(text.find('/', 2), text.size());
      authority = text.substr(2, slash - 2);
      text = text.substr(slash);
    }
    path = text;
  }
};

std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = path.find('/', 1);
    const std::string_view segment = path.substr(0, slash);
    const bool last = slash == path.npos;
    if (segment == "/.." || segment == "..") {
      out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/'));
      if (last) out += '/';
    } else if (segment == "/." || segment == ".") {
      if (last) out += '/';
    } else {
      out += segment;
    }
    path = last ? std::string_view() : path.substr(slash);
  }
  return out;
}

std::string unescape_pointer(std::string_view part) {
  std::string percent, out;
  for (size_t i = 0; i < part.size(); ++i) {
    const auto digit = [&](size_t at) {
      const char c = at < part.size() ? part[at] : 'x';
      return c >= '0' && c <= '9'                     ? c - '0'
             : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                      : -1;
    };
    if (part[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      percent.push_back(static_cast<char>(digit(i + 1) * 16 + digit(i + 2)));
      i += 2;
    } else {
      percent.push_back(part[i]);
    }
  }
  for (size_t i = 0; i < percent.size(); ++i) {
    if (percent[i] == '~' && i + 1 < percent.size() && (percent[i + 1] | 1) == '1') {
      out.push_back(percent[++i] == '0' ? '~' : '/');
    } else {
      out.push_back(percent[i]);
    }
  }
  return out;
}

SchemaIndex::Draft draft_named(const std::string& uri) {
  const auto names = [&](const char* part) { return uri.find(part) != uri.npos; };
  if (names("draft-03") || names("draft-04")) return SchemaIndex::Draft::d4;
  if (names("draft-06") || names("draft-07")) return SchemaIndex::Draft::d7;
  if (names("2019-09")) return SchemaIndex::Draft::d2019;
  return SchemaIndex::Draft::d2020;
}

bool has_recursive_anchor(const Json& schema) {
  const auto found = schema.find(SchemaIndex::kRecursive);
  return found != schema.end() && found->is_boolean() && found->get<bool>();
}

constexpr std::array kOne = {"additionalProperties",
                             "additionalItems",
                             "contains",
                             "contentSchema",
                             "else",
                             "if",
                             "items",
                             "not",
                             "propertyNames",
                             "then",
                             "unevaluatedItems",
                             "unevaluatedProperties"};
constexpr std::array kList = {"allOf", "anyOf", "items", "oneOf", "prefixItems"};
constexpr std::array kMap = {
    "$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"};

}  // namespace

std::string resolve_uri(const std::string& base, const std::string& reference) {
  const Uri from(base), to(reference);
  std::string scheme(to.scheme), authority(to.authority), path, query(to.query);
  bool has_authority = to.has_authority, has_query = to.has_query;
  if (!to.scheme.empty() || to.has_authority) {
    if (to.scheme.empty()) scheme = from.scheme;
    path = without_dots(to.path);
  } else {
    scheme = from.scheme;
    authority = from.authority;
    has_authority = from.has_authority;
    if (to.path.empty()) {
      path = from.path;
      if (!to.has_query) query = from.query, has_query = from.has_query;
    } else if (to.path[0] == '/') {
      path = without_dots(to.path);
    } else {
      const size_t slash = from.path.rfind('/');
      std::string merged = from.has_authority && from.path.empty() ? "/" : "";
      if (slash != from.path.npos) merged = from.path.substr(0, slash + 1);
      path = without_dots(merged + std::string(to.path));
    }
  }
  std::string out;
  if (!scheme.empty()) out += scheme + ':';
  if (has_authority) out += "//" + authority;
  out += path;
  if (has_query) out += '?' + query;
  if (to.has_fragment) out += '#' + std::string(to.fragment);
  return out;
}

void SchemaIndex::add_document(const std::string& uri, const Json& document) {
  by_uri_.try_emplace(uri, &document);
  walk(document, {&document, uri, Draft::d2020, nullptr});
}

void SchemaIndex::walk(const Json& schema, const Place& above) {
  Place place = above;
  place.schema = &schema;
  std::string& base = place.base;
  if (schema.is_object()) {
    const auto text = [&](const char* key) -> const std::string* {
      const auto found = schema.find(key);
      return found != schema.end() && found->is_string() ? &found->get_ref<const std::string&>()
                                                         : nullptr;
    };
    if (const std::string* dialect = text("$schema")) {
      place.dialect = dialect;
      place.draft = draft_named(*dialect);
    }
    const Draft draft = place.draft;
    // Before 2019-09 what stands beside $ref does not count, $id included.
    const bool alone = draft < Draft::d2019 && schema.contains("$ref");
    const std::string* id = alone ? nullptr : text(draft == Draft::d4 ? "id" : "$id");
    if (id != nullptr) {
      const std::string whole = resolve_uri(base, *id);
      const std::string resource = whole.substr(0, whole.find('#'));
      if (resource.size() + 1 < whole.size()) {
        by_uri_.try_emplace(whole, &schema);  // "#name": an anchor in the drafts before 2019-09
      } else {
        by_uri_.try_emplace(resource, &schema);
        base = resource;
      }
    }
    if (const std::string* anchor = text("$anchor"))
      by_uri_.try_emplace(base + '#' + *anchor, &schema);
    const auto add_dynamic = [&](const std::string& name) {
      if (dynamic_anchors_[base].try_emplace(name, &schema).second) ++bearers_[name];
    };
    if (const std::string* anchor = text("$dynamicAnchor")) {
      by_uri_.try_emplace(base + '#' + *anchor, &schema);
      add_dynamic(*anchor);
    }
    if (has_recursive_anchor(schema)) add_dynamic(kRecursive);
  }
  if (!places_.try_emplace(&schema, place).second) return;
  if (!schema.is_object()) return;
  for (const char* key : kOne)
    if (const auto at = schema.find(key); at != schema.end() && !at->is_array()) walk(*at, place);
  for (const char* key : kList)
    if (const auto at = schema.find(key); at != schema.end() && at->is_array())
      for (const Json& part : *at) walk(part, place);
  for (const char* key : kMap)
    if (const auto at = schema.find(key); at != schema.end() && at->is_object())
      for (const Json& part : *at) walk(part, place);
}

const SchemaIndex::Place* SchemaIndex::find(const Place& from, const std::string& reference) {
  const std::string uri = resolve_uri(from.base, reference);
  const size_t hash = uri.find('#');
  const std::string resource = uri.substr(0, hash);
  const std::string fragment = hash == uri.npos ? "" : uri.substr(hash + 1);
  if (!fragment.empty() && fragment[0] != '/') {
    const auto found = by_uri_.find(resource + '#' + unescape_pointer(fragment));
    return found == by_uri_.end() ? nullptr : &places_.at(found->second);
  }
  const auto found = by_uri_.find(resource);
  if (found == by_uri_.end()) return nullptr;
  const Json* at = found->second;
  Place place = places_.at(at);
  for (size_t begin = 1; begin <= fragment.size();) {
    const size_t end = std::min(fragment.find('/', begin), fragment.size());
    const std::string part =
        unescape_pointer(std::string_view(fragment).substr(begin, end - begin));
    if (at->is_object()) {
      const auto member = at->find(part);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array()) {
      if (part.empty() || part.size() > 6 || part.find_first_not_of("0123456789") != part.npos)
        return nullptr;
      const auto index = static_cast<size_t>(std::stoul(part));
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
    if (const auto known = places_.find(at); known != places_.end()) place = known->second;
    begin = end + 1;
  }
  if (!places_.contains(at)) walk(*at, place);
  return &places_.at(at);
}

SchemaIndex::Anchors SchemaIndex::contested_anchors(const std::string& base) const {
  Anchors anchors;
  const auto found = dynamic_anchors_.find(base);
  if (found == dynamic_anchors_.end()) return anchors;
  for (const auto& [name, schema] : found->second)
    if (bearers_.at(name) > 1) anchors.emplace(name, schema);
  return anchors;
}

std::string SchemaIndex::dynamic_name(const Place& target, const std::string& keyword,
                                      const std::string& reference) {
  if (!target.schema->is_object()) return "";
  if (keyword == "$recursiveRef") return has_recursive_anchor(*target.schema) ? kRecursive : "";
  const auto anchor = target.schema->find("$dynamicAnchor");
  if (keyword != "$dynamicRef" || anchor == target.schema->end() || !anchor->is_string()) return "";
  const std::string& name = anchor->get_ref<const std::string&>();
  return reference.ends_with('#' + name) ? name : "";
}

}  // namespace avocado::grammar
