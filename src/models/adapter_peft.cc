#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/json.h"
#include "models/adapter_files.h"
#include "models/permute.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// A tensor is called base_model.model.MODULE and one of these; MODULE.weight is the name of the
// matrix in the model's own files.
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::array<std::string_view, 3> kParts = {".lora_A.weight", ".lora_B.weight",
                                                    ".lora_magnitude_vector"};

// What adapter_config.json may say of a variant that is not computed here, and must not.
struct Refused {
  const char* key;
  Json harmless;  // beside null
};

const std::vector<Refused>& refused() {
  static const std::vector<Refused> list = {{"bias", "none"},
                                            {"fan_in_fan_out", false},
                                            {"lora_bias", false},
                                            {"modules_to_save", Json::array()},
                                            {"alpha_pattern", Json::object()},
                                            {"layer_replication", Json::array()},
                                            {"trainable_token_indices", Json::array()}};
  return list;
}

void check_variant(const Json& json, const std::string& source) {
  if (json.value("peft_type", Json()) != "LORA")
    fail_input("{}: peft_type is {}; this build computes LORA", source,
               json.value("peft_type", Json()).dump());
  for (const Refused& r : refused()) {
    const Json value = json.value(r.key, Json());
    if (!value.is_null() && value != r.harmless)
      fail_input("{}: {} is {}, which this build does not compute", source, r.key, value.dump());
  }
}

bool flag(const Json& json, const char* key, const std::string& source) {
  const Json value = json.value(key, Json(false));
  if (value.is_null()) return false;
  if (!value.is_boolean())
    fail_input("{}: {} is {}; it must be true or false", source, key, value.dump());
  return value.get<bool>();
}

std::string module_of(const graph::Weight& w) {
  return w.hf_name.substr(0, w.hf_name.rfind(".weight"));
}

std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

// PEFT takes a name for every module that ends in it: short ones where all of these have an
// adapter, whole ones elsewhere.
std::vector<std::string> target_modules(const graph::Graph& model, const Adapter& adapter) {
  std::set<std::string> adapted, partly, names;
  for (const AdapterMatrix& m : adapter.matrices)
    adapted.insert(module_of(model.weights[static_cast<size_t>(m.weight)]));
  for (const graph::Weight& w : model.weights)
    if (w.matrix && !adapted.contains(module_of(w))) partly.insert(last_part(module_of(w)));
  for (const std::string& module : adapted)
    names.insert(partly.contains(last_part(module)) ? module : last_part(module));
  return {names.begin(), names.end()};
}

// A whole number without a point, as PEFT writes it.
Json number(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? Json(whole) : Json(value);
}

}  // namespace

Adapter read_adapter_peft(const std::string& config, const SafetensorsFile& file,
                          const graph::Graph& model, const std::string& folder) {
  const std::string source = folder + "/adapter_config.json";
  const Json json = parse_ordered_json(config, source);
  if (!json.is_object()) fail_input("{}: must be an object", source);
  check_variant(json, source);
  const Json alpha = json.value("lora_alpha", Json());
  if (!alpha.is_number() || !(std::abs(alpha.get<double>()) <= 1e6))
    fail_input("{}: lora_alpha is {}; it must be a number up to 1e6", source, alpha.dump());
  Adapter adapter;
  adapter.alpha = alpha.get<double>();
  adapter.rank_stabilized = flag(json, "use_rslora", source);
  const bool dora = flag(json, "use_dora", source);

  AdapterTensorMap tensors;
  for (const TensorView& tensor : file.tensors()) {
    std::string name = tensor.name;
    // Versions of PEFT differ in whether a magnitude is a module of its own.
    if (name.ends_with(std::string(kParts[2]) + ".weight")) name.resize(name.size() - 7);
    const auto part = std::find_if(kParts.begin(), kParts.end(),
                                   [&](std::string_view end) { return name.ends_with(end); });
    if (part == kParts.end() || !name.starts_with(kPrefix) ||
        name.size() <= kPrefix.size() + part->size())
      fail_input("{}: tensor {} is no part of a LoRA adapter", file.path(), tensor.name);
    AdapterTensors& t =
        tensors[name.substr(kPrefix.size(), name.size() - kPrefix.size() - part->size()) +
                ".weight"];
    (part == kParts.begin() ? t.a : part == kParts.begin() + 1 ? t.b : t.magnitude) = &tensor;
  }
  for (const auto& [weight, t] : tensors)
    if ((t.magnitude != nullptr) != dora)
      fail_input("{}: use_dora is {}, but {} has {} magnitude", source, dora, weight,
                 t.magnitude ? "a" : "no");
  adapter.matrices =
      read_adapter_matrices(tensors, model, &graph::Weight::hf_name, true, file.path());
  return adapter;
}

void save_adapter_peft(const std::string& folder, const graph::Graph& model, const Adapter& adapter,
                       const std::string& base) {
  const AdapterMatrix& first = adapter.matrices.at(0);
  const bool dora = !first.magnitude.empty();
  const graph::Graph added = adapter_weights(model, adapter.targets());
  const std::vector<const float*> values = adapter.weights();
  std::vector<TensorView> tensors;
  std::vector<std::vector<std::byte>> moved(values.size());
  for (size_t i = 0, part = 0, m = 0; i < values.size(); ++i) {
    const AdapterMatrix& matrix = adapter.matrices[m];
    if (matrix.rank != first.rank || matrix.magnitude.empty() == dora)
      fail_usage("{}: an adapter whose matrices differ in rank or kind cannot be written so",
                 folder);
    const graph::Weight& w = added.weights[i];
    TensorView view{.name = std::string(kPrefix) +
                            module_of(model.weights[static_cast<size_t>(matrix.weight)]) +
                            std::string(kParts[part]),
                    .type = DType::f32,
                    .shape = {w.rows, w.cols},
                    .data = std::as_bytes(std::span(values[i], static_cast<size_t>(w.count())))};
    if (!w.matrix) view.shape = {w.cols};
    if (w.permuted_heads > 0) {
      moved[i] = rows_to_hf(view, w);
      view.data = moved[i];
    }
    tensors.push_back(std::move(view));
    if (++part == (dora ? 3 : 2)) part = 0, ++m;
  }
  const Json json = {{"peft_type", "LORA"},
                     {"task_type", "CAUSAL_LM"},
                     {"base_model_name_or_path", base},
                     {"r", first.rank},
                     {"lora_alpha", number(adapter.alpha)},
                     {"lora_dropout", 0.0},
                     {"target_modules", target_modules(model, adapter)},
                     {"use_rslora", adapter.rank_stabilized},
                     {"use_dora", dora},
                     {"bias", "none"},
                     {"fan_in_fan_out", false},
                     {"init_lora_weights", true},
                     {"inference_mode", true},
                     {"modules_to_save", nullptr},
                     {"rank_pattern", Json::object()},
                     {"alpha_pattern", Json::object()}};
  std::filesystem::create_directories(folder);
  write_safetensors((std::filesystem::path(folder) / "adapter_model.safetensors").string(), tensors,
                    {{"format", "pt"}});
  write_file_atomically((std::filesystem::path(folder) / "adapter_config.json").string(),
                        json.dump(2) + "\n");
}

}  // namespace avocado
