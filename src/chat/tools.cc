#include "chat/tools.h"

#include <algorithm>

#include "base/error.h"

namespace avocado::chat {
namespace {

using Json = nlohmann::ordered_json;

uint32_t named_type(const Json& name) {
  static const std::pair<const char*, uint32_t> kTypes[] = {
      {"string", kString}, {"number", kNumber}, {"integer", kNumber}, {"boolean", kBoolean},
      {"null", kNull},     {"object", kObject}, {"array", kArray},
  };
  for (const auto& [known, bits] : kTypes) {
    if (name == known) return bits;
  }
  return 0;
}

// The member of an object, or null.
const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

}  // namespace

std::vector<Tool> read_tools(const Json& tools) {
  if (!tools.is_array()) fail_usage("tools: expected a list of {{\"type\": \"function\", ...}}");
  std::vector<Tool> read;
  for (size_t i = 0; i < tools.size(); ++i) {
    const Json& type = member(tools[i], "type");
    if (!type.is_null() && type != "function") continue;
    const Json& inner = member(tools[i], "function");
    const Json& function = inner.is_null() ? tools[i] : inner;
    const Json& name = member(function, "name");
    if (!name.is_string() || name.get_ref<const std::string&>().empty())
      fail_usage("tools[{}].function.name: expected the function's name", i);
    const Json& parameters = member(function, "parameters");
    if (!parameters.is_null() && !parameters.is_object())
      fail_usage("tools[{}].function.parameters: expected a JSON schema (an object)", i);
    if (find_tool(read, name.get<std::string>()))
      fail_usage("tools[{}].function.name: \"{}\" occurs twice", i, name.get<std::string>());
    read.push_back({name, parameters.is_null() ? Json::object() : parameters});
  }
  return read;
}

const Tool* find_tool(const std::vector<Tool>& tools, std::string_view name) {
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const Tool& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

uint32_t allowed_types(const Json& schema) {
  const Json& type = member(schema, "type");
  uint32_t bits = 0;
  if (type.is_string()) {
    bits = named_type(type);
  } else if (type.is_array()) {
    for (const Json& name : type) bits |= named_type(name);
  } else if (const Json& values = member(schema, "enum"); values.is_array()) {
    for (const Json& value : values) bits |= type_of_json(value.dump());
  } else if (const Json& value = member(schema, "const"); !value.is_null()) {
    bits = type_of_json(value.dump());
  } else {
    for (const char* key : {"anyOf", "oneOf"}) {
      const Json& choices = member(schema, key);
      if (!choices.is_array()) continue;
      for (const Json& choice : choices) {
        const Json& inner = member(choice, "type");
        if (!inner.is_string()) return 0;
        bits |= named_type(inner);
      }
    }
  }
  if (bits != 0 && member(schema, "nullable") == true) bits |= kNull;
  return bits;
}

uint32_t parameter_types(const Tool* tool, std::string_view parameter) {
  if (tool == nullptr) return 0;
  const Json& properties = member(tool->parameters, "properties");
  return allowed_types(member(properties, std::string(parameter).c_str()));
}

TypeBits type_of_json(std::string_view json) {
  switch (json.empty() ? 'n' : json.front()) {
    case '"':
      return kString;
    case '{':
      return kObject;
    case '[':
      return kArray;
    case 't':
    case 'f':
      return kBoolean;
    case 'n':
      return kNull;
    default:
      return kNumber;
  }
}

}  // namespace avocado::chat
