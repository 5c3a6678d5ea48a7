// avocado show: what a model file holds, without running it. Works for any GGUF or safetensors
// file, also of architectures that this build cannot run.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/json.h"
#include "files/printable.h"
#include "files/safetensors.h"

namespace avocado::cli {
namespace {

using Json = nlohmann::json;

struct Arguments {
  std::string model;
  bool metadata = false, tensors = false, json = false;
};

struct Field {
  std::string key, type;
  std::optional<size_t> count;  // of an array, whose value may then hold only the first elements
  Json value;
};

// What is shown, whatever the file is.
struct Contents {
  std::string path, format, architecture;
  std::vector<Field> metadata;
  std::vector<TensorView> tensors;
  std::optional<uint64_t> kv_bytes_per_token;
};

constexpr size_t kShownElements = 6;     // of an array in text
constexpr size_t kShownCharacters = 60;  // of a string in text

// Bytes of the F32 key-value cache for one token, or nothing when a number is missing or absurd.
std::optional<uint64_t> kv_bytes(std::optional<int64_t> layers, std::optional<int64_t> kv_heads,
                                 std::optional<int64_t> key_length,
                                 std::optional<int64_t> value_length) {
  constexpr int64_t kMost = 1 << 20;
  uint64_t product = sizeof(float);
  if (!key_length || !value_length || *key_length < 1 || *value_length < 1 || *key_length > kMost ||
      *value_length > kMost) {
    return std::nullopt;
  }
  for (const auto factor : {layers, kv_heads}) {
    if (!factor || *factor < 1 || *factor > (1 << 14)) return std::nullopt;
    product *= static_cast<uint64_t>(*factor);
  }
  return product * static_cast<uint64_t>(*key_length + *value_length);
}

// Text that is not UTF-8 is replaced when it is printed. A float becomes the shortest decimal
// number that names it: 1e-05, not 9.999999747378752e-06.
template <class T>
Json to_json(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return std::string(value);
  } else if constexpr (std::is_same_v<T, float>) {
    return std::strtod(fmt::format("{}", value).c_str(), nullptr);
  } else {
    return value;
  }
}

Field gguf_field(std::string_view key, const GgufValue& value, size_t most_elements) {
  Field field{std::string(key), std::string(type_name(value)), {}, {}};
  if (const auto* array = std::get_if<GgufArray>(&value)) {
    std::visit(
        [&](const auto& elements) {
          using T = typename std::decay_t<decltype(elements)>::value_type;
          field.count = elements.size();
          field.value = Json::array();
          for (size_t i = 0; i < std::min(elements.size(), most_elements); ++i) {
            field.value.push_back(to_json(static_cast<T>(elements[i])));
          }
        },
        *array);
  } else {
    std::visit(
        [&](const auto& scalar) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(scalar)>, GgufArray>)
            field.value = to_json(scalar);
        },
        value);
  }
  return field;
}

Contents read_gguf(const GgufFile& file, size_t most_elements) {
  Contents contents{file.path(),
                    fmt::format("GGUF v{}, alignment {}", file.version(), file.alignment()),
                    {},
                    {},
                    file.tensors(),
                    {}};
  for (const auto& [key, value] : file.metadata())
    contents.metadata.push_back(gguf_field(key, value, most_elements));

  const auto find = [&](const std::string& key) {
    const GgufValue* value = file.find(key);
    return value ? as_integer(*value) : std::nullopt;
  };
  if (const auto* name = file.find("general.architecture")) {
    if (const auto* text = std::get_if<std::string_view>(name)) contents.architecture = *text;
  }
  const std::string& arch = contents.architecture;
  const auto heads = find(arch + ".attention.head_count");
  auto kv_heads = find(arch + ".attention.head_count_kv");
  if (!file.find(arch + ".attention.head_count_kv")) kv_heads = heads;
  auto key_length = find(arch + ".attention.key_length");
  const auto width = find(arch + ".embedding_length");
  if (!key_length && width && heads && *heads > 0) key_length = *width / *heads;
  const auto value_length = find(arch + ".attention.value_length");
  contents.kv_bytes_per_token = kv_bytes(find(arch + ".block_count"), kv_heads, key_length,
                                         value_length ? value_length : key_length);
  return contents;
}

Field json_field(const std::string& key, const Json& value, size_t most_elements) {
  Field field{key, value.type_name(), {}, value};
  if (value.is_array()) {
    field.count = value.size();
    if (value.size() > most_elements) {
      field.value = Json(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(most_elements));
    }
  }
  return field;
}

Contents read_safetensors(const SafetensorsFile& file, const std::string& path) {
  Contents contents{path, "safetensors", {}, {}, file.tensors(), {}};
  for (const auto& [key, value] : file.metadata())
    contents.metadata.push_back({"safetensors." + key, "string", {}, value});
  return contents;
}

Contents read_folder(const SafetensorsFile& file, const std::string& path, size_t most_elements) {
  Contents contents = read_safetensors(file, path);
  contents.format = "Hugging Face folder";
  const std::string config_path = (std::filesystem::path(path) / "config.json").string();
  const Json config = parse_json(read_text_file(config_path, uint64_t{16} << 20), config_path);
  if (!config.is_object()) fail_input("{}: is not a JSON object", config_path);
  std::vector<Field> fields;
  for (const auto& [key, value] : config.items())
    fields.push_back(json_field(key, value, most_elements));
  contents.metadata.insert(contents.metadata.begin(), fields.begin(), fields.end());

  const auto find = [&](const char* key) -> std::optional<int64_t> {
    const auto at = config.find(key);
    if (at == config.end() || !at->is_number_integer()) return std::nullopt;
    return at->get<int64_t>();
  };
  if (const auto type = config.find("model_type"); type != config.end() && type->is_string()) {
    contents.architecture = type->get<std::string>();
  }
  const auto heads = find("num_attention_heads"), width = find("hidden_size");
  auto head_dim = find("head_dim");
  if (!head_dim && heads && *heads > 0 && width) head_dim = *width / *heads;
  const auto kv_heads = find("num_key_value_heads");
  contents.kv_bytes_per_token =
      kv_bytes(find("num_hidden_layers"), kv_heads ? kv_heads : heads, head_dim, head_dim);
  return contents;
}

// 1,234,567
std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string value_text(const Json& value) {
  if (value.is_string()) return printable(value.get_ref<const std::string&>(), kShownCharacters);
  return printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), kShownCharacters);
}

std::string field_text(const Field& field) {
  if (!field.count) return value_text(field.value);
  std::string text;
  for (size_t i = 0; i < std::min(field.value.size(), kShownElements); ++i) {
    text += (i > 0 ? ", " : "") + value_text(field.value[i]);
  }
  return *field.count > kShownElements ? text + ", ..." : text;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

struct Totals {
  uint64_t parameters = 0, bytes = 0;
};

Totals totals_of(const std::vector<TensorView>& tensors) {
  Totals totals;
  for (const TensorView& tensor : tensors) {
    totals.parameters += static_cast<uint64_t>(tensor.count());
    totals.bytes += tensor.data.size();
  }
  return totals;
}

// Rows of cells, each column as wide as its widest cell; columns in `right` are aligned right.
std::string table(const std::vector<std::vector<std::string>>& rows,
                  const std::vector<size_t>& right) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += " ";
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is_right = std::find(right.begin(), right.end(), i) != right.end();
      text += is_right ? fmt::format(" {:>{}} ", row[i], widths[i])
                       : fmt::format(" {:<{}} ", row[i], widths[i]);
    }
    text.resize(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

void print_contents(const Contents& contents, bool metadata, bool tensors) {
  const Totals totals = totals_of(contents.tensors);
  std::string memory = bytes_text(totals.bytes) + " weights";
  if (contents.kv_bytes_per_token) {
    memory += fmt::format(" + {} key-value cache (F32) per 1,000 tokens of context",
                          bytes_text(*contents.kv_bytes_per_token * 1000));
  }
  print_text(fmt::format("{}\n", printable(contents.path, 4096)));
  print_text(
      table({{"format", contents.format},
             {"architecture",
              contents.architecture.empty() ? "not stated" : printable(contents.architecture)},
             {"parameters", grouped(totals.parameters)},
             {"memory", memory}},
            {}));
  if (metadata) {
    std::vector<std::vector<std::string>> rows;
    for (const Field& field : contents.metadata) {
      const std::string type =
          field.count ? fmt::format("{}, {}", field.type, *field.count) : field.type;
      rows.push_back({printable(field.key), type, field_text(field)});
    }
    print_text(fmt::format("\nmetadata ({})\n{}", rows.size(), table(rows, {})));
  }
  if (tensors) {
    std::vector<std::vector<std::string>> rows;
    for (const TensorView& tensor : contents.tensors) {
      rows.push_back({printable(tensor.name), std::string(dtype_traits(tensor.type)->name),
                      shape_text(tensor.shape), grouped(tensor.data.size())});
    }
    print_text(
        fmt::format("\ntensors ({}): name, type, shape, bytes\n{}", rows.size(), table(rows, {3})));
  }
}

void print_contents_json(const Contents& contents, bool metadata, bool tensors) {
  const Totals totals = totals_of(contents.tensors);
  Json object = {{"path", contents.path},
                 {"format", contents.format},
                 {"architecture", contents.architecture},
                 {"parameters", totals.parameters},
                 {"memory", {{"weights", totals.bytes}}}};
  if (contents.kv_bytes_per_token)
    object["memory"]["kv_cache_per_token"] = *contents.kv_bytes_per_token;
  if (metadata) {
    Json& list = object["metadata"] = Json::object();
    for (const Field& field : contents.metadata)
      list[field.key] = {{"type", field.type}, {"value", field.value}};
  }
  if (tensors) {
    Json& list = object["tensors"] = Json::array();
    for (const TensorView& tensor : contents.tensors) {
      list.push_back({{"name", tensor.name},
                      {"type", dtype_traits(tensor.type)->name},
                      {"shape", tensor.shape},
                      {"bytes", tensor.data.size()}});
    }
  }
  // ASCII only, so that nothing in the file can act on a terminal.
  print_text(object.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n");
}

void show(const Arguments& arguments) {
  const bool all = !arguments.metadata && !arguments.tensors;
  const bool metadata = all || arguments.metadata, tensors = all || arguments.tensors;
  const size_t most_elements = arguments.json ? SIZE_MAX : kShownElements;
  const auto print = arguments.json ? print_contents_json : print_contents;
  // The contents refer to the file's memory, so it stays open while they are printed.
  if (std::filesystem::is_directory(arguments.model)) {
    const SafetensorsFile file = SafetensorsFile::open_folder(arguments.model);
    print(read_folder(file, arguments.model, most_elements), metadata, tensors);
  } else if (arguments.model.ends_with(".safetensors")) {
    const SafetensorsFile file = SafetensorsFile::open(arguments.model);
    print(read_safetensors(file, arguments.model), metadata, tensors);
  } else {
    const GgufFile file = GgufFile::open(arguments.model);
    print(read_gguf(file, most_elements), metadata, tensors);
  }
  finish_output();
}

}  // namespace

void add_show(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("show", "Show what a model holds: metadata, tensors, memory needed");
  verb->add_option("MODEL", arguments->model,
                   "A GGUF file, a Hugging Face folder or a safetensors file")
      ->required();
  verb->add_flag("--metadata", arguments->metadata, "Only the metadata");
  verb->add_flag("--tensors", arguments->tensors, "Only the tensors");
  verb->add_flag("--json", arguments->json, "Print one JSON object, arrays in full");
  verb->callback([arguments] { show(*arguments); });
}

}  // namespace avocado::cli
