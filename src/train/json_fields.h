#pragma once
// Structs as JSON objects, both ways, from one list of their fields: visit(key, field) for each.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "models/config.h"

namespace avocado {

struct FieldWriter {
  using Json = nlohmann::ordered_json;
  Json json = Json::object();
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = value;
  }
  void operator()(const char* key, const RopeScaling& value) {
    json[key] = rope_scaling_name(value);
  }
};

// Throws Error(input) naming `source` and the field when one is missing or of another type.
struct FieldReader {
  using Json = nlohmann::ordered_json;
  const Json& json;
  const std::string& source;
  size_t fields = 0;

  FieldReader(const Json& object, const std::string& name) : json(object), source(name) {
    if (!json.is_object()) fail_input("{}: must be an object", source);
  }

  const Json& field(const char* key, Json::value_t type, const char* wanted) {
    ++fields;
    const auto found = json.find(key);
    if (found == json.end()) fail_input("{}: \"{}\" is missing", source, key);
    const bool right = type == Json::value_t::number_float     ? found->is_number()
                       : type == Json::value_t::number_integer ? found->is_number_integer()
                                                               : found->type() == type;
    if (!right) fail_input("{}: \"{}\" is {}; it must be {}", source, key, found->dump(), wanted);
    return *found;
  }
  void operator()(const char* key, std::string& value) {
    value = field(key, Json::value_t::string, "a string").get<std::string>();
  }
  void operator()(const char* key, int64_t& value) {
    value = field(key, Json::value_t::number_integer, "a whole number").get<int64_t>();
  }
  void operator()(const char* key, uint64_t& value) {
    value = field(key, Json::value_t::number_unsigned, "a whole number from 0").get<uint64_t>();
  }
  void operator()(const char* key, double& value) {
    value = field(key, Json::value_t::number_float, "a number").get<double>();
  }
  void operator()(const char* key, bool& value) {
    value = field(key, Json::value_t::boolean, "true or false").get<bool>();
  }
  void operator()(const char* key, RopeScaling& value) {
    const Json& text = field(key, Json::value_t::string, "a kind of scaling");
    for (const auto& [scaling, name] : kRopeScalings)
      if (text == name) {
        value = scaling;
        return;
      }
    fail_input("{}: \"{}\" is {}, which is not a kind of scaling", source, key, text.dump());
  }
  void operator()(const char* key, std::vector<float>& value) {
    value.clear();
    for (const Json& number : field(key, Json::value_t::array, "an array of numbers")) {
      if (!number.is_number()) fail_input("{}: \"{}\" holds {}", source, key, number.dump());
      value.push_back(number.get<float>());
    }
  }
  // Throws when the object has other fields, too.
  void finish() const {
    if (json.size() != fields)
      fail_input("{}: {} fields where {} are known", source, json.size(), fields);
  }
};

}  // namespace avocado
