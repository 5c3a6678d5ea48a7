#include "grammar/vocabulary.h"

namespace avocado::grammar {
namespace {

using Json = nlohmann::json;

const std::map<std::string, Vocabulary>& vocabularies() {
  static const std::map<std::string, Vocabulary> known = [] {
    std::map<std::string, Vocabulary> made;
    for (const std::string draft : {"2019-09", "2020-12"}) {
      const std::string uri = "https://json-schema.org/draft/" + draft + "/vocab/";
      for (const char* name : {"core", "meta-data", "content"}) made[uri + name] = Vocabulary::core;
      for (const char* name : {"format", "format-annotation", "format-assertion"})
        made[uri + name] = Vocabulary::format;
      made[uri + "applicator"] = Vocabulary::applicator;
      made[uri + "unevaluated"] = Vocabulary::unevaluated;
      made[uri + "validation"] = Vocabulary::validation;
    }
    return made;
  }();
  return known;
}

}  // namespace

const Json* Dialects::vocabulary_of(const std::string& dialect) const {
  const auto metaschema = documents_.find(dialect);
  if (metaschema == documents_.end() || !metaschema->second.is_object()) return nullptr;
  const auto found = metaschema->second.find("$vocabulary");
  return found != metaschema->second.end() && found->is_object() ? &*found : nullptr;
}

bool Dialects::has(const std::string* dialect, Vocabulary vocabulary) const {
  const Json* named = dialect ? vocabulary_of(*dialect) : nullptr;
  if (named == nullptr || vocabulary == Vocabulary::core) return true;
  for (const auto& [uri, needed] : named->items()) {
    const auto known = vocabularies().find(uri);
    if (known == vocabularies().end()) continue;
    if (known->second == vocabulary) return true;
    // In draft 2019-09 these keywords were applicators.
    const bool early = uri.find("2019-09") != uri.npos;
    if (early && vocabulary == Vocabulary::unevaluated && known->second == Vocabulary::applicator)
      return true;
  }
  return false;
}

std::string Dialects::unknown_need(const std::string& dialect) const {
  const Json* named = vocabulary_of(dialect);
  if (named == nullptr) return "";
  for (const auto& [uri, needed] : named->items())
    if (needed != false && !vocabularies().contains(uri)) return uri;
  return "";
}

}  // namespace avocado::grammar
