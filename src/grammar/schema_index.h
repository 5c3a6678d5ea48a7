#pragma once
// Finds what $ref names: every subschema of the given documents by its URI, with $id, $anchor and
// JSON pointers. Nothing outside the documents is ever looked for.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

namespace avocado::grammar {

// A reference against the base it stands in (RFC 3986, section 5.2).
std::string resolve_uri(const std::string& base, const std::string& reference);

class SchemaIndex {
 public:
  // What the keywords of a schema mean depends on the draft its document names. d4: 3 and 4; d7: 6
  // and 7; d2020: that and later.
  enum class Draft : uint8_t { d4, d7, d2019, d2020 };

  struct Place {
    const nlohmann::json* schema;
    std::string base;  // URI of the resource it belongs to
    Draft draft;
    const std::string* dialect;  // the $schema of its document, null for none
  };

  // `document` must outlive the index.
  void add_document(const std::string& uri, const nlohmann::json& document);
  // Null when it names nothing here.
  const Place* find(const Place& from, const std::string& reference);
  const Place& place_of(const nlohmann::json& schema) const { return places_.at(&schema); }

  // Schemas that $dynamicRef looks for by name, per resource. $recursiveAnchor has this name:
  static constexpr const char* kRecursive = "$recursiveAnchor";
  using Anchors = std::map<std::string, const nlohmann::json*>;
  // Those of the resource at that URI whose name some other resource has too.
  Anchors contested_anchors(const std::string& base) const;
  // The name by which a reference that leads to `target` has to be looked for in the dynamic scope;
  // empty when it simply is the target.
  static std::string dynamic_name(const Place& target, const std::string& keyword,
                                  const std::string& reference);

 private:
  // `above`: the place of the schema around it.
  void walk(const nlohmann::json& schema, const Place& above);

  std::unordered_map<const nlohmann::json*, Place> places_;
  std::map<std::string, const nlohmann::json*> by_uri_;  // without fragment, or with #anchor
  std::map<std::string, Anchors> dynamic_anchors_;       // by the URI of their resource
  std::map<std::string, int> bearers_;                   // how many resources have an anchor
};

}  // namespace avocado::grammar
