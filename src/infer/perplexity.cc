#include "infer/perplexity.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/error.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

// Logits of the base that are held at once.
constexpr int64_t kMaxLogits = int64_t{1} << 24;

// A window of the text in the engine and, when there is one, in the base.
class Window {
 public:
  using Visit = std::function<void(const LogitRows& rows, const float* rows_of_base)>;

  Window(Engine& engine, Engine* base) : engine_(engine), base_(base), sequence_(engine) {
    if (base) base_sequence_.emplace(*base);
  }

  // Tokens whose logits are not needed.
  void pass(std::span<const int32_t> ids) {
    if (ids.empty()) return;
    run(engine_, sequence_, ids, Want::none, {});
    if (base_) run(*base_, *base_sequence_, ids, Want::none, {});
  }

  // With a base both take turns, as many tokens at a time as allow the logits to be held.
  void visit(std::span<const int32_t> ids, const Visit& each) {
    const auto piece = base_
                           ? static_cast<size_t>(std::max<int64_t>(1, kMaxLogits / engine_.vocab()))
                           : ids.size();
    for (; !ids.empty(); ids = ids.subspan(std::min(piece, ids.size()))) {
      const auto part = ids.first(std::min(piece, ids.size()));
      logits_of_base_.clear();
      if (base_)
        run(*base_, *base_sequence_, part, Want::all, [&](const LogitRows& rows) {
          logits_of_base_.insert(logits_of_base_.end(), rows.data,
                                 rows.data + rows.count * rows.vocab);
        });
      const float* next = base_ ? logits_of_base_.data() : nullptr;
      run(engine_, sequence_, part, Want::all, [&](const LogitRows& rows) {
        each(rows, next);
        if (next) next += rows.count * rows.vocab;
      });
    }
  }

 private:
  static void run(Engine& engine, SequenceId sequence, std::span<const int32_t> ids, Want want,
                  const Engine::Visitor& visit) {
    const Engine::Input input{sequence, ids, want};
    engine.forward({&input, 1}, visit);
  }

  Engine& engine_;
  Engine* base_;
  ScopedSequence sequence_;
  std::optional<ScopedSequence> base_sequence_;
  std::vector<float> logits_of_base_;
};

}  // namespace

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
  if (options.base && options.base->vocab() != engine.vocab()) {
    fail_usage("models with {} and {} tokens cannot be compared", options.base->vocab(),
               engine.vocab());
  }
  if (options.base && window > options.base->context()) {
    fail_usage("a window of {} tokens does not fit the base's context of {}", window,
               options.base->context());
  }
  if (ids.size() < 2) fail_usage("the text has {} tokens; perplexity needs at least 2", ids.size());

  const auto total = static_cast<int64_t>(ids.size());
  Perplexity result;
  std::vector<int32_t> targets;
  std::vector<float> losses;
  int64_t passed = 0;  // tokens that need no score any more
  for (int64_t begin = 0; passed < total; begin += stride) {
    const int64_t end = std::min(begin + window, total);
    const auto score = [&](const LogitRows& rows, const float* rows_of_base) {
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
      if (rows_of_base)
        result.divergence.add(engine.pool(), rows_of_base, rows.data, targets.data(), rows.count,
                              rows.vocab);
    };
    // Tokens before the last scored part are context: their logits are not needed.
    const int64_t context_only = std::max<int64_t>(0, passed - begin - 1);
    const auto window_ids = ids.subspan(begin, end - begin);
    Window run(engine, options.base);
    run.pass(window_ids.first(context_only));
    run.visit(window_ids.subspan(context_only), score);
    passed = end;
    ++result.windows;
    if (progress) progress(passed, result);
  }
  return result;
}

}  // namespace avocado
