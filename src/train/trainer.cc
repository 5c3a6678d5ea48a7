#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/sha256.h"
#include "graph/executor.h"
#include "kernels/adamw/adamw.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "models/model.h"
#include "train/definition.h"
#include "train/gradient_tree.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/sharding.h"
#include "train/state.h"

namespace avocado {
namespace {

// In row order and in double: the same for every way to cut rows into batches.
void add_ascending(std::span<const float> values, double& sum) {
  for (float value : values) sum += static_cast<double>(value);
}

// Where the layout puts each weight in an array that it fills.
std::vector<float*> pointers(const WeightLayout& layout, float* array) {
  std::vector<float*> list;
  for (const int64_t offset : layout.offset) list.push_back(array + offset);
  return list;
}

const TrainOptions& checked(const TrainOptions& options) {
  check_options(options, [](const char*) { return "training options"; });
  return options;
}

}  // namespace

struct Trainer::Impl {
  ModelConfig config;
  TrainOptions options;
  const Dataset& data;
  ThreadPool& pool;
  std::unique_ptr<Network> network;
  const graph::Graph& graph;  // of the weights that learn
  Sharding sharding;
  TrainState state;
  Optimizer optimizer;
  std::vector<int> own_weights;  // which this process moves
  Buffer<float> gradient;
  graph::Executor<float> executor;
  GradientTree tree;
  Buffer<float> averages;  // of all weights, while several processes keep a part each
  std::string definition_text, definition;
  std::vector<float> losses;                              // of the wanted rows of one batch
  WeighedPairs weighed;                                   // of one batch, when the loss is of pairs
  std::map<std::string, std::vector<double>> references;  // by the digest of their data

  Impl(std::unique_ptr<Network> n, const ModelConfig& c, const TrainOptions& o, const Dataset& d,
       std::span<const float* const> initial, ThreadPool& p, Processes& processes)
      : config(c),
        options(o),
        data(d),
        pool(p),
        network(std::move(n)),
        graph(network->learned()),
        sharding(WeightLayout(graph), checked(options).micro_batches, processes, p),
        state(graph, options, sharding.weights().begin, sharding.weights().end),
        optimizer(graph, options, state, p),
        own_weights(static_cast<size_t>(sharding.weights().end - sharding.weights().begin)),
        gradient(static_cast<size_t>(state.layout.total)),
        executor(network->graph(),
                 network->refs(pointers(state.layout, state.params.data()),
                               pointers(state.layout, gradient.data())),
                 p),
        tree(state.layout.total, p) {
    std::iota(own_weights.begin(), own_weights.end(), static_cast<int>(sharding.weights().begin));
    if (data.vocab() > config.vocab)
      fail_input("the data was made for a vocabulary of {} tokens; the model has {}", data.vocab(),
                 config.vocab);
    if (data.row_tokens() > config.context)
      fail_input("rows of {} tokens do not fit into the model's context of {}", data.row_tokens(),
                 config.context);
    if (options.prefers()) require_pairs(data);
    const std::vector<float*> params = pointers(state.layout, state.params.data());
    if (initial.empty()) {
      network->initialise(options.seed, params, pool);
    } else {
      if (initial.size() != params.size())
        fail_usage("{} initial weights for a model of {}", initial.size(), params.size());
      for (size_t w = 0; w < params.size(); ++w)
        std::copy_n(initial[w], graph.weights[w].count(), params[w]);
    }
    definition_text = avocado::definition_text(
        config, options, data.digest(), weights_digest(graph, weights()), network->definition());
    definition = Sha256().update(definition_text).hex();
    network->refresh(pool);
    state.chain = definition;
    configure(false);
  }

  void configure(bool recompute) {
    executor.configure_training({.recompute = recompute, .bf16 = options.precision == "bf16"});
  }

  std::vector<const float*> weights() const {
    std::vector<const float*> result;
    for (size_t w = 0; w < graph.weights.size(); ++w)
      result.push_back(state.param(static_cast<int>(w)));
    return result;
  }

  std::vector<float*> averaged_weights() {
    std::vector<float*> result;
    if (options.ema == 0) return result;
    const bool alone = sharding.processes().size() == 1;
    if (!alone) {
      averages.reserve(static_cast<size_t>(state.layout.total));
      for (int w : own_weights)
        std::copy_n(state.average(w), graph.weights[w].count(),
                    averages.data() + state.layout.offset[w]);
      sharding.share_weights(averages.data());
    }
    for (int w = 0; w < static_cast<int>(graph.weights.size()); ++w)
      result.push_back(alone ? state.average(w) : averages.data() + state.layout.offset[w]);
    return result;
  }

  // The weights become these values and the values the weights, element by element.
  void exchange_weights(const std::vector<float*>& values) {
    for (int w = 0; w < static_cast<int>(values.size()); ++w)
      std::swap_ranges(state.param(w), state.param(w) + graph.weights[w].count(), values[w]);
    network->refresh(pool);
  }

  // Leaves the losses of the batch's wanted rows in `losses`, and with `backward` their gradients,
  // times what `weighed` says of pairs, in place of the logits.
  graph::Executor<float>::Loss cross_entropy(const RowBatch& batch, bool backward) {
    losses.resize(batch.wanted.size());
    const float* row_scales = backward && options.prefers() ? weighed.row_scales.data() : nullptr;
    return [this, &batch, backward, row_scales](float* logits, int64_t first, int64_t rows) {
      kernels::cross_entropy(pool, static_cast<const float*>(logits), batch.targets.data() + first,
                             losses.data() + first, backward ? logits : nullptr, rows,
                             network->graph().vocab(), 1.0,
                             row_scales ? row_scales + first : nullptr);
    };
  }

  // Leaves the losses in `losses`, and in `weighed` those of pairs; with `backward` adds the
  // gradient of their sum.
  void run(const RowBatch& batch, const Dataset& from, bool backward) {
    // What a pair's tokens weigh is known only when all of them have their losses.
    if (options.prefers() || !backward)
      executor.forward_loss(batch.view(), cross_entropy(batch, false));
    if (options.prefers()) weighed = weigh_pairs(options, batch, losses, reference(from));
    if (backward) executor.train(batch.view(), cross_entropy(batch, true));
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
      executor.forward_loss(batch.view(), cross_entropy(batch, false));
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

  // Gradient of the sum of the step's losses, as far as this process needs it, and that sum.
  double accumulate(StepResult& result) {
    need_reference(data);
    const auto [begin, end] = sharding.leaves();
    double loss = 0;
    std::array<int64_t, 2> tokens{};  // learned, inputs
    PreferenceTally tally;
    tree.start(begin, end, options.micro_batches);
    for (int64_t j = begin; j < end; ++j) {
      RowBatch batch;
      for (int64_t r = 0; r < options.rows; ++r)
        batch.append(data, row_at(state.position + static_cast<uint64_t>(j * options.rows + r),
                                  data.rows(), options.seed));
      executor.timed("zero the gradient", [&] { clear_gradient(); });
      run(batch, data, true);
      loss = 0;
      add_losses(loss);
      tokens[0] += static_cast<int64_t>(batch.targets.size());
      tokens[1] += static_cast<int64_t>(batch.ids.size());
      for (const PairLoss& pair : weighed.pairs) tally.add(pair);
      executor.timed("add micro-batches", [&] { tree.add(gradient.data(), loss); });
    }
    state.position += static_cast<uint64_t>(options.rows * options.micro_batches);
    sharding.add_gradients(tree, gradient.data());
    sharding.add_counts(tokens);
    sharding.add_counts(tally.counts);
    result.learned = tokens[0];
    result.inputs = tokens[1];
    if (options.prefers()) result.preference = tally.metrics();
    return sharding.add_losses(tree, loss);
  }

  double squared_norm() {
    std::vector<double> squares(graph.weights.size());
    for (int64_t w = sharding.weights().begin; w < sharding.weights().end; ++w)
      squares[w] = kernels::sum_squares(pool, gradient.data() + state.layout.offset[w],
                                        graph.weights[w].count());
    sharding.share_per_weight(squares.data());
    return std::accumulate(squares.begin(), squares.end(), 0.0);
  }

  std::string state_digest() {
    std::string digest = avocado::state_digest(graph, state, definition, pool, sharding.gather());
    broadcast(sharding.processes(), std::as_writable_bytes(std::span(digest)));
    return digest;
  }

  StepResult step() {
    if (state.step >= options.steps) fail_usage("the run of {} steps is finished", options.steps);
    StepResult result;
    result.lr = learning_rate(options, state.step);
    const double loss = accumulate(result);
    const auto count =
        static_cast<double>(options.prefers() ? result.preference.pairs : result.learned);
    double squares = 0;
    executor.timed("norm of the gradient", [&] { squares = squared_norm(); });
    result.loss = loss / count;
    result.grad_norm = std::sqrt(squares) / count;
    result.step = ++state.step;
    result.position = state.position;
    if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm))
      fail_input(
          "step {}: the loss is {} and the norm of its gradient {}; training has diverged, "
          "lower lr or lengthen the warm-up",
          result.step, result.loss, result.grad_norm);
    const double factor =
        options.clip > 0 && result.grad_norm > options.clip ? options.clip / result.grad_norm : 1.0;
    executor.timed("update", [&] {
      optimizer.update(own_weights, gradient.data(),
                       {.step = state.step, .lr = result.lr, .grad_scale = factor / count});
    });
    sharding.share_weights(state.params.data());
    network->refresh(pool);
    if (state.step % options.digest_every == 0 || state.step == options.steps)
      result.digest = state_digest();
    state.chain = next_chain(state.chain, result);
    result.chain = state.chain;
    return result;
  }
};

std::string next_chain(const std::string& former, const StepResult& result) {
  Sha256 hash;
  hash.update(former)
      .update(static_cast<uint64_t>(result.step))
      .update(result.position)
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
                 ThreadPool& pool, Processes& processes)
    : Trainer(config, options, data, {}, pool, processes) {}

Trainer::Trainer(const ModelConfig& config, const TrainOptions& options, const Dataset& data,
                 std::span<const float* const> initial, ThreadPool& pool, Processes& processes)
    : impl_(std::make_unique<Impl>(std::make_unique<Network>(config), config, options, data,
                                   initial, pool, processes)) {}

Trainer::Trainer(std::shared_ptr<const Model> base, const AdapterOptions& adapter,
                 const TrainOptions& options, const Dataset& data, ThreadPool& pool,
                 Processes& processes)
    : impl_(std::make_unique<Impl>(std::make_unique<Network>(base, adapter), base->config(),
                                   options, data, std::span<const float* const>(), pool,
                                   processes)) {}

Trainer::~Trainer() = default;

void Trainer::set_recompute(bool on) { impl_->configure(on); }
void Trainer::enable_profile() { impl_->executor.enable_profile(); }
std::map<std::string, double> Trainer::profile() const { return impl_->executor.profile(); }

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

double Trainer::evaluate_average(const Dataset& data, int64_t rows) {
  if (impl_->options.ema == 0) fail_usage("this run keeps no average of its weights");
  const std::vector<float*> averages = impl_->averaged_weights();
  impl_->exchange_weights(averages);
  const double loss = evaluate(data, rows);
  impl_->exchange_weights(averages);
  return loss;
}

std::vector<float> Trainer::next_logits(std::span<const int32_t> ids) {
  Impl& impl = *impl_;
  const auto count = static_cast<int64_t>(ids.size());
  if (count < 1 || count > impl.config.context)
    fail_usage("{} tokens to continue; from 1 to {} fit", count, impl.config.context);
  const graph::Sequence<float> sequence{.count = count};
  const auto last = static_cast<int32_t>(count - 1);
  const float* logits = impl.executor.forward_train({ids, {&sequence, 1}, {&last, 1}});
  return {logits, logits + impl.config.vocab};
}

bool Trainer::finished() const { return impl_->state.step >= impl_->options.steps; }
const ModelConfig& Trainer::config() const { return impl_->config; }
const TrainOptions& Trainer::options() const { return impl_->options; }
const graph::Graph& Trainer::graph() const { return impl_->graph; }
std::vector<const float*> Trainer::weights() const { return impl_->weights(); }
Adapter Trainer::adapter(const std::vector<const float*>& values) const {
  return impl_->network->adapter(values);
}
double Trainer::flops_per_token() const { return impl_->network->flops_per_token(); }
std::vector<const float*> Trainer::averaged_weights() const {
  const std::vector<float*> averages = impl_->averaged_weights();
  return {averages.begin(), averages.end()};
}
int64_t Trainer::completed_steps() const { return impl_->state.step; }
uint64_t Trainer::data_position() const { return impl_->state.position; }
const std::string& Trainer::definition_digest() const { return impl_->definition; }
const std::string& Trainer::definition_text() const { return impl_->definition_text; }
std::string Trainer::state_digest() const { return impl_->state_digest(); }
const std::string& Trainer::chain() const { return impl_->state.chain; }

void Trainer::save_checkpoint(const std::string& path) const {
  write_checkpoint(path, impl_->graph, impl_->state, impl_->definition, impl_->pool,
                   impl_->sharding.gather(), impl_->sharding.processes().leader());
}

void Trainer::load_checkpoint(const std::string& path) {
  read_checkpoint(path, impl_->graph, impl_->state, impl_->definition, impl_->pool);
  impl_->network->refresh(impl_->pool);
}

std::string Trainer::compare_checkpoint(const std::string& path) const {
  return avocado::compare_checkpoint(path, impl_->graph, impl_->state, impl_->definition,
                                     impl_->pool, impl_->sharding.gather());
}

}  // namespace avocado
