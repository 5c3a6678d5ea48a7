#pragma once
// The tools of a request.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace avocado::chat {

struct Tool {
  std::string name;
  nlohmann::ordered_json parameters = nlohmann::ordered_json::object();  // a JSON schema
};

// Reads the `tools` of a request, [{"type": "function", "function": {"name", "parameters"}}, ...].
// Tools of other types are left out. Throws Error(usage).
std::vector<Tool> read_tools(const nlohmann::ordered_json& tools);

const Tool* find_tool(const std::vector<Tool>& tools, std::string_view name);

// The JSON types that a schema allows, as bits; 0: unknown.
enum TypeBits : uint32_t {
  kString = 1,
  kNumber = 2,
  kBoolean = 4,
  kNull = 8,
  kObject = 16,
  kArray = 32,
};
uint32_t allowed_types(const nlohmann::ordered_json& schema);
// Of a tool's parameter; 0 when the schema does not tell.
uint32_t parameter_types(const Tool* tool, std::string_view parameter);

// The type of a JSON text, by its first byte.
TypeBits type_of_json(std::string_view json);

}  // namespace avocado::chat
