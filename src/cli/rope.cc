#include "cli/rope.h"

#include <string>
#include <utility>
#include <vector>

namespace avocado::cli {

void add_rope_arguments(CLI::App& verb, RopeOptions& options) {
  const char* group = "Rotary positions";
  const auto number = [&](const char* flag, auto& value, const char* text) {
    return verb.add_option(flag, value, text)->group(group);
  };
  const std::vector<std::pair<std::string, RopeScaling>> kinds = {
      {"none", RopeScaling::none},
      {"linear", RopeScaling::linear},
      {"yarn", RopeScaling::yarn},
      {"dynamic", RopeScaling::dynamic}};
  verb.add_option("--rope-scaling", options.scaling,
                  "How frequencies are changed for a longer context (default: as the model says)")
      ->group(group)
      ->transform(CLI::CheckedTransformer(kinds).description("none, linear, yarn or dynamic"));
  CLI::Option* scale =
      number("--rope-scale", options.factor, "The context becomes so many times longer")
          ->check(CLI::Range(1e-3, 1e6));
  verb.add_option_function<double>(
          "--rope-freq-scale", [&options](double value) { options.factor = 1 / value; },
          "The same as one over that")
      ->group(group)
      ->check(CLI::Range(1e-6, 1e3))
      ->excludes(scale);
  number("--rope-freq-base", options.base, "Base of the frequencies")->check(CLI::Range(1.0, 1e12));
  number("--yarn-orig-ctx", options.original_context,
         "Context of the model's training, for yarn and dynamic")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  number("--yarn-ext-factor", options.extrapolation,
         "How much of the fast pairs' frequencies YaRN keeps, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  number("--yarn-attn-factor", options.attention,
         "Queries and keys are multiplied by this, beside YaRN's own factor")
      ->check(CLI::Range(1e-3, 1e3));
  number("--yarn-beta-slow", options.beta_slow,
         "Pairs that turn less often in the original context are slowed down in full")
      ->check(CLI::Range(1e-3, 1e6));
  number("--yarn-beta-fast", options.beta_fast, "Pairs that turn more often are kept")
      ->check(CLI::Range(1e-3, 1e6));
}

}  // namespace avocado::cli
