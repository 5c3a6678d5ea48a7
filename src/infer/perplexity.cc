#include "infer/perplexity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/math/math.h"

namespace avocado {

double Perplexity::value() const { return kernels::exp(nll / static_cast<double>(scored)); }

Perplexity measure_perplexity(Engine& engine, std::span<const int32_t> ids,
                              const PerplexityOptions& options,
                              const std::function<void(int64_t, const Perplexity&)>& progress) {
  const int64_t window = options.window == 0 ? engine.context() : options.window;
  const int64_t stride = options.stride == 0 ? std::max<int64_t>(1, window / 2) : options.stride;
  if (window < 2 || window > engine.context()) {
    fail_usage("a window of {} tokens was asked for; it must be from 2 to the context of {}",
               window, engine.context());
  }
  if (stride < 1 || stride > window) {
    fail_usage("a stride of {} tokens was asked for; it must be from 1 to the window of {}", stride,
               window);
  }
  if (ids.size() < 2) fail_usage("the text has {} tokens; perplexity needs at least 2", ids.size());

  const auto total = static_cast<int64_t>(ids.size());
  Perplexity result;
  std::vector<int32_t> targets;
  std::vector<float> losses;
  int64_t passed = 0;  // tokens that need no score any more
  for (int64_t begin = 0; passed < total; begin += stride) {
    const int64_t end = std::min(begin + window, total);
    const ScopedSequence sequence(engine);
    const auto score = [&](const LogitRows& rows) {
      targets.clear();
      for (int64_t i = 0; i < rows.count; ++i) {
        const int64_t predicted = begin + rows.position + i + 1;
        targets.push_back(predicted >= passed && predicted < end ? ids[predicted] : -1);
      }
      losses.resize(rows.count);
      kernels::cross_entropy<float>(engine.pool(), rows.data, targets.data(), losses.data(),
                                    nullptr, rows.count, rows.vocab, 1.0);
      for (int64_t i = 0; i < rows.count; ++i) {
        if (targets[i] < 0) continue;
        if (!std::isfinite(losses[i])) {
          fail_input("the model gives token {} of the text the loss {}; its weights are damaged",
                     begin + rows.position + i + 1, losses[i]);
        }
        result.nll += losses[i];
        ++result.scored;
      }
    };
    // Tokens before the last scored part are context: their logits are not needed.
    const int64_t context_only = std::max<int64_t>(0, passed - begin - 1);
    const auto window_ids = ids.subspan(begin, end - begin);
    const Engine::Input head{sequence, window_ids.first(context_only), Want::none};
    const Engine::Input tail{sequence, window_ids.subspan(context_only), Want::all};
    if (!head.ids.empty()) engine.forward({&head, 1}, {});
    engine.forward({&tail, 1}, score);
    passed = end;
    ++result.windows;
    if (progress) progress(passed, result);
  }
  return result;
}

}  // namespace avocado
