#include "chat/model_template.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/json.h"
#include "files/printable.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLongestTemplate = uint64_t{1} << 20, kLongestConfig = uint64_t{64} << 20;

struct Found {
  std::map<std::string, std::string> sources;  // by variant; "" is the default
  std::string bos, eos;
};

Found read_gguf(const std::string& path) {
  static constexpr std::string_view kKey = "tokenizer.chat_template";
  const GgufFile file = GgufFile::open(path);
  Found found;
  for (const auto& [key, value] : file.metadata()) {
    const auto* source = std::get_if<std::string_view>(&value);
    if (!source || !key.starts_with(kKey)) continue;
    const std::string_view rest = key.substr(kKey.size());
    if (rest.empty() || rest[0] == '.')
      found.sources[std::string(rest.substr(rest.empty() ? 0 : 1))] = *source;
  }
  const auto* tokens = file.get_array<std::string_view>("tokenizer.ggml.tokens");
  const auto spelling = [&](std::string_view key) {
    const int64_t id = file.get_int(key, -1);
    const bool known = tokens && id >= 0 && static_cast<size_t>(id) < tokens->size();
    return known ? std::string((*tokens)[static_cast<size_t>(id)]) : std::string();
  };
  found.bos = spelling("tokenizer.ggml.bos_token_id");
  found.eos = spelling("tokenizer.ggml.eos_token_id");
  return found;
}

// A token of tokenizer_config.json: a string, or an object with its content.
std::string token_of(const nlohmann::ordered_json& config, const char* key) {
  if (!config.contains(key)) return "";
  const auto& token = config[key];
  if (token.is_object() && token.contains("content") && token["content"].is_string())
    return token["content"];
  return token.is_string() ? token.get<std::string>() : "";
}

Found read_folder(const fs::path& folder) {
  Found found;
  const fs::path config_file = folder / "tokenizer_config.json";
  if (fs::exists(config_file)) {
    const std::string name = config_file.string();
    const auto config = parse_ordered_json(read_text_file(name, kLongestConfig), printable(name));
    if (!config.is_object()) fail_input("{}: is not a JSON object", printable(name));
    found.bos = token_of(config, "bos_token");
    found.eos = token_of(config, "eos_token");
    const auto templates = config.value("chat_template", nlohmann::ordered_json());
    if (templates.is_string()) {
      found.sources[""] = templates;
    } else if (templates.is_array()) {
      for (const auto& variant : templates) {
        if (!variant.is_object() || !variant.contains("name") || !variant["name"].is_string() ||
            !variant.contains("template") || !variant["template"].is_string())
          fail_input("{}: chat_template is a list, and an item lacks name or template",
                     printable(name));
        const std::string title = variant["name"];
        found.sources[title == "default" ? "" : title] = variant["template"];
      }
    }
  }
  const auto read = [](const fs::path& file) {
    return read_text_file(file.string(), kLongestTemplate);
  };
  if (fs::exists(folder / "chat_template.jinja"))
    found.sources[""] = read(folder / "chat_template.jinja");
  if (const fs::path more = folder / "additional_chat_templates"; fs::is_directory(more)) {
    for (const auto& entry : fs::directory_iterator(more))
      if (entry.path().extension() == ".jinja")
        found.sources[entry.path().stem().string()] = read(entry.path());
  }
  return found;
}

}  // namespace

ChatTemplate load_chat_template(const std::string& path, const std::string& variant) {
  Found found;
  if (fs::is_directory(path)) {
    found = read_folder(path);
  } else if (path.ends_with(".jinja")) {
    found.sources[""] = read_text_file(path, kLongestTemplate);
  } else {
    found = read_gguf(path);
  }
  const std::string name = printable(path);
  const auto source = found.sources.find(variant == "default" ? "" : variant);
  if (source == found.sources.end()) {
    std::vector<std::string> variants;
    for (const auto& [title, text] : found.sources)
      variants.push_back(title.empty() ? "default" : printable(title));
    if (variants.empty()) fail_input("{}: has no chat template; give one as a .jinja file", name);
    fail_input("{}: has no chat template {}; it has {}", name,
               variant.empty() ? "by default" : printable(variant), fmt::join(variants, ", "));
  }
  return ChatTemplate(source->second, found.bos, found.eos, name);
}

}  // namespace avocado
