#include "train/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "graph/executor.h"
#include "kernels/adamw/adamw.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "models/model.h"
#include "models/registry.h"
#include "train/definition.h"
#include "train/gradient_tree.h"
#include "train/schedule.h"
#include "train/state.h"

namespace avocado {
namespace {

// In row order and in double: the same for every way to cut rows into batches.
void add_ascending(std::span<const float> values, double& sum) {
  for (float value : values) sum += static_cast<double>(value);
}

std::vector<graph::WeightRef<float>> weight_refs(const graph::Graph& graph, const TrainState& state,
                                                 float* gradient) {
  std::vector<graph::WeightRef<float>> refs(graph.weights.size());
  for (size_t w = 0; w < refs.size(); ++w) {
    refs[w].data = state.params.data() + state.layout.offset[w];
    refs[w].grad = gradient + state.layout.offset[w];
  }
  return refs;
}

}  // namespace

struct Trainer::Impl {
  ModelConfig config;
  TrainOptions options;
  const Dataset& data;
  ThreadPool& pool;
  graph::Graph graph;
  TrainState state;
  Buffer<float> gradient;
  graph::Executor<float> executor;
  GradientTree tree;
  std::string definition;
  std::vector<float> losses;                              // of the wanted rows of one batch
  WeighedPairs weighed;                                   // of one batch, when the loss is of pairs
  std::map<std::string, std::vector<double>> references;  // by the digest of their data

  Impl(const ModelConfig& c, const TrainOptions& o, const Dataset& d,
       std::span<const float* const> initial, ThreadPool& p)
      : config(c),
        options(o),
        data(d),
        pool(p),
        graph(build_graph(c)),
        state(graph),
        gradient(static_cast<size_t>(state.layout.total)),
        executor(graph, weight_refs(graph, state, gradient.data()), p),
        tree(state.layout.total, p) {
    check_options(options, [](const char*) { return "training options"; });
    if (data.vocab() > config.vocab)
      fail_input("the data was made for a vocabulary of {} tokens; the model has {}", data.vocab(),
                 config.vocab);
    if (data.row_tokens() > config.context)
      fail_input("rows of {} tokens do not fit into the model's context of {}", data.row_tokens(),
                 config.context);
    if (options.prefers()) require_pairs(data);
    std::vector<float*> params;
    for (size_t w = 0; w < graph.weights.size(); ++w)
      params.push_back(state.param(static_cast<int>(w)));
    if (initial.empty()) {
      graph::initialise(graph, options.seed, params);
    } else {
      if (initial.size() != params.size())
        fail_usage("{} initial weights for a model of {}", initial.size(), params.size());
      for (size_t w = 0; w < params.size(); ++w)
        std::copy_n(initial[w], graph.weights[w].count(), params[w]);
    }
    definition = avocado::definition_digest(config, options, data.digest(),
                                            weights_digest(graph, weights()));
    state.chain = definition;
  }

  std::vector<const float*> weights() const {
    std::vector<const float*> result;
    for (size_t w = 0; w < graph.weights.size(); ++w)
      result.push_back(state.param(static_cast<int>(w)));
    return result;
  }

  // Leaves the losses of the wanted rows in `losses`, and with `dlogits` their gradients there.
  void cross_entropy(const RowBatch& batch, const float* logits, float* dlogits,
                     const float* row_scales = nullptr) {
    losses.resize(batch.wanted.size());
    kernels::cross_entropy(pool, logits, batch.targets.data(), losses.data(), dlogits,
                           static_cast<int64_t>(batch.wanted.size()), graph.vocab(), 1.0,
                           row_scales);
  }

  // Leaves the losses in `losses`, and in `weighed` those of pairs; with `backward` adds the
  // gradient of their sum. What a pair's tokens weigh is known only when all of them have their
  // losses.
  void run(const RowBatch& batch, const Dataset& from, bool backward) {
    const graph::Batch<float> view = batch.view();
    float* logits = executor.forward_train(view);
    float* dlogits = backward ? logits : nullptr;
    if (options.prefers()) {
      cross_entropy(batch, logits, nullptr);
      weighed = weigh_pairs(options, batch, losses, reference(from));
      if (backward) cross_entropy(batch, logits, dlogits, weighed.row_scales.data());
    } else {
      cross_entropy(batch, logits, dlogits);
    }
    if (backward) executor.backward(view, logits);
  }

  // Adds the losses of the batch that was run, and returns how many there were.
  int64_t add_losses(double& sum) const {
    if (!options.prefers()) {
      add_ascending(losses, sum);
      return static_cast<int64_t>(losses.size());
    }
    for (const PairLoss& pair : weighed.pairs) sum += pair.loss;
    return static_cast<int64_t>(weighed.pairs.size());
  }

  // Calls body with batches of the first rows of `from`.
  template <class Body>
  void for_each_batch(const Dataset& from, int64_t rows, const Body& body) {
    for (int64_t row = 0; row < rows;) {
      RowBatch batch;
      for (int64_t r = 0; r < options.rows && row < rows; ++r) batch.append(from, row++);
      body(batch);
    }
  }

  std::vector<double> log_probabilities(const Dataset& from) {
    std::vector<double> result;
    for_each_batch(from, from.rows(), [&](const RowBatch& batch) {
      cross_entropy(batch, executor.forward_train(batch.view()), nullptr);
      for (const AnswerScore& score : score_answers(batch, losses, {}))
        result.push_back(score.log_probability);
    });
    return result;
  }

  std::span<const double> reference(const Dataset& from) const {
    const auto found = references.find(from.digest());
    return found == references.end() ? std::span<const double>() : found->second;
  }

  void need_reference(const Dataset& from) {
    if (options.loss != kDpo || references.contains(from.digest())) return;
    if (state.step > 0)
      fail_usage("the reference of DPO must be given before a run is resumed at step {}",
                 state.step);
    references[from.digest()] = log_probabilities(from);
  }

  void clear_gradient() {
    pool.run_chunks(state.layout.total, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
      std::fill(gradient.data() + begin, gradient.data() + end, 0.0f);
    });
  }

  // Gradient of the sum of the step's losses, and that sum; `count` becomes their number.
  double accumulate(StepResult& result, int64_t& count) {
    need_reference(data);
    double loss = 0;
    PreferenceTally tally;
    for (int64_t j = 0; j < options.micro_batches; ++j) {
      RowBatch batch;
      for (int64_t r = 0; r < options.rows; ++r, ++state.position)
        batch.append(data, row_at(state.position, data.rows(), options.seed));
      clear_gradient();
      run(batch, data, true);
      loss = 0;
      count += add_losses(loss);
      for (const PairLoss& pair : weighed.pairs) tally.add(pair);
      result.learned += static_cast<int64_t>(batch.targets.size());
      result.inputs += static_cast<int64_t>(batch.ids.size());
      tree.add(gradient.data(), loss, j, options.micro_batches);
    }
    if (tally.pairs > 0) result.preference = tally.metrics();
    return loss;
  }

  double squared_norm() {
    double sum = 0;
    for (size_t w = 0; w < graph.weights.size(); ++w)
      sum += kernels::sum_squares(pool, gradient.data() + state.layout.offset[w],
                                  graph.weights[w].count());
    return sum;
  }

  void update(double lr, double grad_scale) {
    kernels::AdamwStep step{};
    step.lr = static_cast<float>(lr);
    step.beta1 = static_cast<float>(options.beta1);
    step.beta2 = static_cast<float>(options.beta2);
    step.eps = static_cast<float>(options.eps);
    step.m_correction = static_cast<float>(bias_correction(options.beta1, state.step));
    step.v_correction = static_cast<float>(bias_correction(options.beta2, state.step));
    step.grad_scale = static_cast<float>(grad_scale);
    for (size_t w = 0; w < graph.weights.size(); ++w) {
      step.weight_decay = graph.weights[w].matrix ? static_cast<float>(options.weight_decay) : 0.0f;
      const int64_t at = state.layout.offset[w];
      kernels::adamw(pool, state.params.data() + at, gradient.data() + at, state.m.data() + at,
                     state.v.data() + at, graph.weights[w].count(), step);
    }
  }

  StepResult step() {
    if (state.step >= options.steps) fail_usage("the run of {} steps is finished", options.steps);
    StepResult result;
    result.lr = learning_rate(options, state.step);
    int64_t losses_added = 0;
    const double loss = accumulate(result, losses_added);
    const auto count = static_cast<double>(losses_added);
    result.loss = loss / count;
    result.grad_norm = std::sqrt(squared_norm()) / count;
    result.step = ++state.step;
    if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm))
      fail_input(
          "step {}: the loss is {} and the norm of its gradient {}; training has diverged, "
          "lower lr or lengthen the warm-up",
          result.step, result.loss, result.grad_norm);
    const double factor =
        options.clip > 0 && result.grad_norm > options.clip ? options.clip / result.grad_norm : 1.0;
    update(result.lr, factor / count);
    if (state.step % options.digest_every == 0 || state.step == options.steps)
      result.digest = avocado::state_digest(graph, state, definition);
    state.chain = next_chain(state.chain, result);
    result.chain = state.chain;
    return result;
  }
};

std::string next_chain(const std::string& former, const StepResult& result) {
  Sha256 hash;
  hash.update(former)
      .update(static_cast<uint64_t>(result.step))
      .update(std::bit_cast<uint64_t>(result.loss))
      .update(std::bit_cast<uint64_t>(result.grad_norm))
      .update(std::bit_cast<uint64_t>(result.lr))
      .update(static_cast<uint64_t>(result.learned))
      .update(static_cast<uint64_t>(result.inputs));
  if (const PreferenceMetrics& p = result.preference; p.pairs > 0)
    hash.update(static_cast<uint64_t>(p.pairs))
        .update(std::bit_cast<uint64_t>(p.accuracy))
        .update(std::bit_cast<uint64_t>(p.chosen_reward))
        .update(std::bit_cast<uint64_t>(p.rejected_reward));
  return hash.update(result.digest).hex();
}

Trainer::Trainer(const ModelConfig& config, const TrainOptions& options, const Dataset& data,
                 ThreadPool& pool)
    : Trainer(config, options, data, {}, pool) {}

Trainer::Trainer(const ModelConfig& config, const TrainOptions& options, const Dataset& data,
                 std::span<const float* const> initial, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(config, options, data, initial, pool)) {}

Trainer::~Trainer() = default;

StepResult Trainer::step() { return impl_->step(); }

double Trainer::evaluate(const Dataset& data, int64_t rows) {
  Impl& impl = *impl_;
  if (data.vocab() > impl.config.vocab || data.row_tokens() > impl.config.context)
    fail_input("evaluation data for a vocabulary of {} in rows of {} does not fit the model",
               data.vocab(), data.row_tokens());
  impl.need_reference(data);
  double loss = 0;
  int64_t count = 0;
  impl.for_each_batch(data, std::min(rows, data.rows()), [&](const RowBatch& batch) {
    impl.run(batch, data, false);
    count += impl.add_losses(loss);
  });
  return loss / static_cast<double>(count);
}

std::vector<double> Trainer::log_probabilities(const Dataset& data) {
  return impl_->log_probabilities(data);
}

void Trainer::set_reference(const Dataset& data, std::vector<double> log_probabilities) {
  if (static_cast<int64_t>(log_probabilities.size()) != data.last_sequence(data.rows() - 1))
    fail_usage("{} log-probabilities for data of {} sequences", log_probabilities.size(),
               data.last_sequence(data.rows() - 1));
  impl_->references[data.digest()] = std::move(log_probabilities);
}

bool Trainer::finished() const { return impl_->state.step >= impl_->options.steps; }
const ModelConfig& Trainer::config() const { return impl_->config; }
const TrainOptions& Trainer::options() const { return impl_->options; }
const graph::Graph& Trainer::graph() const { return impl_->graph; }
std::vector<const float*> Trainer::weights() const { return impl_->weights(); }
int64_t Trainer::completed_steps() const { return impl_->state.step; }
uint64_t Trainer::data_position() const { return impl_->state.position; }
const std::string& Trainer::definition_digest() const { return impl_->definition; }
std::string Trainer::state_digest() const {
  return avocado::state_digest(impl_->graph, impl_->state, impl_->definition);
}
const std::string& Trainer::chain() const { return impl_->state.chain; }

void Trainer::save_checkpoint(const std::string& path) const {
  write_checkpoint(path, impl_->graph, impl_->state, impl_->definition);
}

void Trainer::load_checkpoint(const std::string& path) {
  read_checkpoint(path, impl_->graph, impl_->state, impl_->definition);
}

std::string Trainer::compare_checkpoint(const std::string& path) const {
  return avocado::compare_checkpoint(path, impl_->graph, impl_->state, impl_->definition);
}

}  // namespace avocado
