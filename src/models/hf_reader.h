#pragma once
// Fields of a JSON object of config.json, with errors that name file and field.

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace avocado {

class HfReader {
 public:
  HfReader(const nlohmann::json& object, std::string source)
      : object_(object), source_(std::move(source)) {}

  bool has(const char* field) const { return object_.contains(field) && !object_[field].is_null(); }

  int64_t integer(const char* field) const {
    const nlohmann::json& v = require(field);
    if (!v.is_number_integer() || (v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX))
      fail_input("{}: {} is not a whole number", source_, field);
    return v.get<int64_t>();
  }
  int64_t integer(const char* field, int64_t fallback) const {
    return has(field) ? integer(field) : fallback;
  }

  double number(const char* field) const {
    const nlohmann::json& v = require(field);
    if (!v.is_number()) fail_input("{}: {} is not a number", source_, field);
    return v.get<double>();
  }
  double number(const char* field, double fallback) const {
    return has(field) ? number(field) : fallback;
  }

  std::string text(const char* field) const {
    const nlohmann::json& v = require(field);
    if (!v.is_string()) fail_input("{}: {} is not a string", source_, field);
    return v.get<std::string>();
  }

  bool flag(const char* field, bool fallback) const {
    if (!has(field)) return fallback;
    if (!object_[field].is_boolean())
      fail_input("{}: {} is neither true nor false", source_, field);
    return object_[field].get<bool>();
  }

  std::vector<float> floats(const char* field) const {
    const nlohmann::json& v = require(field);
    if (!v.is_array()) fail_input("{}: {} is not a list of numbers", source_, field);
    std::vector<float> values;
    for (const nlohmann::json& number : v) {
      if (!number.is_number()) fail_input("{}: {} is not a list of numbers", source_, field);
      values.push_back(number.get<float>());
    }
    return values;
  }

  bool has_objects() const {
    return std::any_of(object_.begin(), object_.end(),
                       [](const nlohmann::json& v) { return v.is_object(); });
  }
  const std::string& source() const { return source_; }

  HfReader object(const char* field) const {
    if (!require(field).is_object()) fail_input("{}: {} is not an object", source_, field);
    return HfReader(object_[field], source_ + ": " + field);
  }

 private:
  const nlohmann::json& require(const char* field) const {
    if (!has(field)) fail_input("{}: {} is missing", source_, field);
    return object_[field];
  }

  const nlohmann::json& object_;
  std::string source_;
};

}  // namespace avocado
