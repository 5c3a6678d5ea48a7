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
  // What the keywords of a schema mean depends on the draft its document names.
  enum class Draft : uint8_t {
    d4,
    d7,
    d2020
  };  // d4: 3 and 4; d7: 6 and 7; d2020: 2019-09 and later

  struct Place {
    const nlohmann::json* schema;
    std::string base;  // URI of the resource it belongs to
    Draft draft;
  };

  // `document` must outlive the index.
  void add_document(const std::string& uri, const nlohmann::json& document);
  // Null when it names nothing here.
  const Place* find(const Place& from, const std::string& reference);
  const Place& place_of(const nlohmann::json& schema) const { return places_.at(&schema); }
  // Whether a $dynamicRef could mean another schema than the one it names by itself.
  bool is_dynamic(const Place& target, const std::string& reference) const;

 private:
  void walk(const nlohmann::json& schema, std::string base, Draft draft);

  std::unordered_map<const nlohmann::json*, Place> places_;
  std::map<std::string, const nlohmann::json*> by_uri_;  // without fragment, or with #anchor
  std::map<std::string, int> dynamic_anchors_;           // how many schemas have this one
};

}  // namespace avocado::grammar
