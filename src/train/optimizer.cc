#include "train/optimizer.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "kernels/block8/block8.h"
#include "kernels/implementations.h"
#include "train/schedule.h"

namespace avocado {
namespace {

// A matrix between the embedding and the head.
bool is_hidden_matrix(const graph::Graph& graph, int w) {
  if (!graph.weights[w].matrix) return false;
  for (const graph::Node& node : graph.nodes)
    if ((node.op == graph::OpKind::embed || node.out == graph.logits) &&
        std::find(node.weights.begin(), node.weights.end(), w) != node.weights.end())
      return false;
  return true;
}

const OptimizerKind& kind_of(const graph::Graph& graph, const TrainOptions& options, int w) {
  const OptimizerKind& kind = optimizer_kind(options.optimizer, "training options");
  return kind.hidden_matrices_only && !is_hidden_matrix(graph, w)
             ? optimizer_kind("adamw", "training options")
             : kind;
}

// `pattern` may hold any number of *, each for any text. Only the last * met so far need ever take
// more text, so the work is bounded by the product of the lengths.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, after_star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// Per weight its group, or null.
std::vector<const WeightGroup*> assign_groups(const graph::Graph& graph,
                                              const TrainOptions& options) {
  std::vector<const WeightGroup*> groups(graph.weights.size());
  for (const WeightGroup& group : options.groups) {
    int64_t matched = 0, taken = 0;
    for (size_t w = 0; w < groups.size(); ++w) {
      if (!matches(group.match, graph.weights[w].name)) continue;
      ++matched;
      if (groups[w]) continue;
      groups[w] = &group;
      ++taken;
    }
    if (matched == 0)
      fail_input(
          "group \"{}\" matches no weight of the model; names look like {}, `avocado show` lists "
          "them",
          group.match, graph.weights.back().name);
    if (taken == 0)
      fail_input("group \"{}\": an earlier group has all of its {} weights; put it before that one",
                 group.match, matched);
  }
  return groups;
}

}  // namespace

std::vector<StateTensor> kept_tensors(const graph::Graph& graph, const TrainOptions& options,
                                      int w) {
  const graph::Weight& weight = graph.weights[w];
  const std::vector<int64_t> shape = {weight.rows, weight.cols};
  std::vector<StateTensor> tensors;
  for (const MomentKind& moment : kind_of(graph, options, w).moments) {
    if (options.optimizer_state == "8bit" && weight.matrix) {
      const bool positive = moment.code == kernels::Code8::fourth_power;
      tensors.push_back({moment.name, positive ? DType::u8 : DType::i8, shape, {}});
      tensors.push_back({moment.name + std::string("_scale"),
                         DType::f32,
                         {kernels::blocks8(weight.count())},
                         {}});
    } else {
      tensors.push_back({moment.name, DType::f32, shape, {}});
    }
  }
  if (options.ema > 0) tensors.push_back({kAverage, DType::f32, shape, {}});
  return tensors;
}

size_t update_scratch_bytes(const graph::Graph& graph, const TrainOptions& options, int w) {
  const graph::Weight& weight = graph.weights[w];
  const OptimizerKind& kind = kind_of(graph, options, w);
  return kind.scratch ? sizeof(float) * kind.scratch(weight.rows, weight.cols) : 0;
}

Optimizer::Optimizer(const graph::Graph& graph, const TrainOptions& options, TrainState& state,
                     ThreadPool& pool)
    : graph_(graph), options_(options), state_(state), pool_(pool) {
  const std::vector<const WeightGroup*> groups = assign_groups(graph, options);
  for (int w = 0; w < static_cast<int>(graph.weights.size()); ++w) {
    const WeightGroup* group = groups[w];
    WeightPlan& plan = plans_.emplace_back();
    plan.kind = &kind_of(graph, options, w);
    plan.lr_scale = group ? group->lr_scale : 1;
    plan.weight_decay = graph.weights[w].matrix ? options.weight_decay : 0;
    if (group && group->weight_decay) plan.weight_decay = *group->weight_decay;
    for (const MomentKind& kind : plan.kind->moments) {
      Moment& moment = plan.moments.emplace_back();
      const StateTensor* scales = state.kept_tensor(w, kind.name + std::string("_scale"));
      const StateTensor* tensor = state.kept_tensor(w, kind.name);
      moment.code = kind.code;
      moment.values = scales ? nullptr : tensor->floats();
      moment.codes = scales ? reinterpret_cast<uint8_t*>(tensor->data.data()) : nullptr;
      moment.scales = scales ? scales->floats() : nullptr;
    }
    plan.average = state.average(w);
  }
}

void Optimizer::update(std::span<const int> weights, const float* gradient,
                       const StepNumbers& numbers) {
  for (int w : weights) {
    const WeightPlan& plan = plans_[w];
    const graph::Weight& weight = graph_.weights[w];
    const WeightUpdate update = {.pool = pool_,
                                 .options = options_,
                                 .scratch = scratch_,
                                 .step = numbers.step,
                                 .lr = static_cast<float>(numbers.lr * plan.lr_scale),
                                 .weight_decay = static_cast<float>(plan.weight_decay),
                                 .grad_scale = static_cast<float>(numbers.grad_scale),
                                 .rows = weight.rows,
                                 .cols = weight.cols,
                                 .params = state_.param(w),
                                 .gradient = gradient + state_.layout.offset[w],
                                 .moments = plan.moments};
    plan.kind->step(update);
    if (plan.average) average(plan, update.params, weight.count(), numbers.step);
  }
}

// average = average + share * (params - average), each a rounding of its own.
void Optimizer::average(const WeightPlan& plan, const float* params, int64_t count, int64_t step) {
  const auto share = static_cast<float>(average_share(options_.ema, step));
  float* mean = plan.average;
  pool_.run_chunks(count, kernels::kElementsPerTask, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) mean[i] = mean[i] + share * (params[i] - mean[i]);
  });
}

}  // namespace avocado
