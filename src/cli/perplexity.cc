// avocado perplexity: how well a model predicts a text.

#include "infer/perplexity.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/verbs.h"
#include "files/atomic_file.h"
#include "kernels/math/math.h"

namespace avocado::cli {
namespace {

constexpr int64_t kDefaultWindow = 2048;

struct Arguments : InferenceArguments {
  std::string file;
  int64_t stride = 0;
  std::optional<kernels::CacheType> base;
};

// What is printed of the comparison with a cache of another type.
nlohmann::json divergence_json(kernels::CacheType base, const Divergence& divergence) {
  return {{"base", kernels::cache_type_name(base)},
          {"mean", divergence.mean()},
          {"max", divergence.largest},
          {"same_top",
           static_cast<double>(divergence.same_top) / static_cast<double>(divergence.tokens)}};
}

std::string divergence_text(const nlohmann::json& kl) {
  return fmt::format(
      "divergence {:.3e} on average, {:.3e} at most, from a cache of {}\n"
      "same top   {:.3f} % of the tokens\n",
      kl["mean"].get<double>(), kl["max"].get<double>(), kl["base"].get<std::string>(),
      100 * kl["same_top"].get<double>());
}

void perplexity(const Arguments& arguments) {
  LoadedModel loaded(arguments);
  const std::string text = read_text_file(arguments.file);
  const std::vector<int32_t> ids = loaded.tokenizer().encode(text, {.bos = true});
  const int64_t window = arguments.context > 0
                             ? arguments.context
                             : std::min(kDefaultWindow, loaded.model().config().context);
  Engine engine = loaded.engine(window);
  std::optional<Engine> base;
  if (arguments.base) base.emplace(loaded.engine(window, {arguments.base, arguments.base}));

  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [&](int64_t passed, const Perplexity& sofar) {
    if (!terminal || sofar.scored == 0) return;
    std::fprintf(stderr, "\r%lld of %zu tokens, perplexity %.4f", static_cast<long long>(passed),
                 ids.size(), sofar.value());
  };
  const Perplexity result = measure_perplexity(
      engine, ids, {.window = window, .stride = arguments.stride, .base = base ? &*base : nullptr},
      progress);
  if (terminal) std::fputs("\r\x1b[K", stderr);

  const double mean = result.nll / static_cast<double>(result.scored);
  const int64_t stride = arguments.stride > 0 ? arguments.stride : std::max<int64_t>(1, window / 2);
  nlohmann::json kl;
  if (base) kl = divergence_json(*arguments.base, result.divergence);
  if (arguments.json) {
    nlohmann::json object = {{"perplexity", result.value()},
                             {"nll", result.nll},
                             {"mean_nll", mean},
                             {"scored_tokens", result.scored},
                             {"tokens", ids.size()},
                             {"windows", result.windows},
                             {"ctx", window},
                             {"stride", stride},
                             {"cache_bytes_per_token", engine.cache_bytes_per_token()}};
    if (base) object["kl_divergence"] = kl;
    print_json(object);
  } else {
    print_text(fmt::format(
        "perplexity {:.6f}\nnll        {:.6f} over {} of {} tokens ({:.6f} each)\nwindows    {} of "
        "{} tokens, {} apart\n",
        result.value(), result.nll, result.scored, ids.size(), mean, result.windows, window,
        stride));
    if (base) print_text(divergence_text(kl));
  }
  finish_output();
}

}  // namespace

void add_perplexity(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("perplexity", "Measure how well a model predicts a text");
  add_inference_arguments(*verb, *arguments);
  verb->add_option("FILE", arguments->file, "The text; its bytes are taken as they are")
      ->required();
  verb->add_option("--ctx", arguments->context,
                   "Tokens of a window (default: the model's context, at most 2048)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--stride", arguments->stride,
                   "Tokens from one window to the next (default: half a window)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--kl-base", arguments->base,
                   "Compare every token's probabilities with those of a cache of this type")
      ->transform(cache_type_names());
  verb->footer(
      "Windows overlap, and each scores only the tokens that no window before it scored. The "
      "tokens that the model's tokenizer puts around a text are added to the whole text once.");
  verb->callback([arguments] { perplexity(*arguments); });
}

}  // namespace avocado::cli
