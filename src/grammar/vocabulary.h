#pragma once
// Dialects of JSON Schema: a metaschema with a $vocabulary may leave out some of the keywords.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace avocado::grammar {

enum class Vocabulary : uint8_t { core, applicator, unevaluated, validation, format };

class Dialects {
 public:
  // The metaschemas that may be named, by URI; must outlive this.
  explicit Dialects(const std::map<std::string, nlohmann::json>& documents)
      : documents_(documents) {}

  // Whether schemas of the dialect (the value of $schema; null: the standard's) give the keywords
  // of the vocabulary a meaning.
  bool has(const std::string* dialect, Vocabulary vocabulary) const;
  // What it needs and nobody here knows; empty when there is nothing.
  std::string unknown_need(const std::string& dialect) const;

 private:
  const nlohmann::json* vocabulary_of(const std::string& dialect) const;

  const std::map<std::string, nlohmann::json>& documents_;
};

}  // namespace avocado::grammar
