#include "cli/lora.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/error.h"

namespace avocado::cli {
namespace {

// A path may have a colon in it: what exists is a path.
std::pair<std::string, double> path_and_scale(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return {text, 1.0};
  double scale = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, scale);
  if (error != std::errc() || stop != end || !(std::abs(scale) <= 1e6))
    fail_usage("{}: the scale behind the colon must be a number up to 1e6", text);
  return {text.substr(0, colon), scale};
}

}  // namespace

void add_lora_arguments(CLI::App& verb, std::vector<std::string>& adapters) {
  verb.add_option("--lora", adapters,
                  "FILE[:SCALE], an adapter: a GGUF file or a PEFT folder, and how much of it (1); "
                  "may be given several times")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::vector<ScaledAdapter> load_adapters(const std::vector<std::string>& adapters,
                                         const Model& model) {
  std::vector<ScaledAdapter> loaded;
  for (const std::string& text : adapters) {
    const auto [path, scale] = path_and_scale(text);
    loaded.push_back({load_adapter(path, model.config(), model.graph()), scale});
  }
  return loaded;
}

Model load_model(const std::string& path, const std::vector<std::string>& adapters,
                 const RopeOptions& rope, ThreadPool& pool) {
  Model model = Model::load(path, pool, default_packed_cache(), rope);
  model.attach(load_adapters(adapters, model), pool);
  return model;
}

}  // namespace avocado::cli
