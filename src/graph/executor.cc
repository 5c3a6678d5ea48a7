#include "graph/executor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/philox.h"
#include "graph/memory_plan.h"
#include "graph/op.h"
#include "graph/schedule.h"
#include "graph/steps.h"
#include "kernels/add/add.h"
#include "kernels/implementations.h"
#include "kernels/math/math.h"
#include "tensor/buffer.h"

namespace avocado::graph {
namespace {

// Rows are padded so that every value starts on a cache line whatever the batch.
constexpr int64_t kRowPadding = 16;

int64_t padded(int64_t rows) { return (rows + kRowPadding - 1) / kRowPadding * kRowPadding; }

}  // namespace

// About 128 MiB of floats, but enough rows that reading and writing the head's gradient for each
// block takes less time than the products. Even: bf16 products go in pairs of rows.
int64_t head_rows(int64_t vocab) {
  constexpr int64_t kFloats = int64_t{1} << 25, kLeast = 256, kMost = 4096, kMultiple = 64;
  return std::clamp(kFloats / vocab / kMultiple * kMultiple, kLeast, kMost);
}

template <class T>
struct Executor<T>::Impl {
  const Graph& graph;
  std::vector<WeightRef<T>> weights;
  ThreadPool& pool;
  ThreadPool alone{1};
  std::vector<Step> inference_steps;
  MemoryPlan inference_plan;
  TrainingMode mode;
  std::vector<Visit> visits;  // empty until training begins
  MemoryPlan training_plan;

  Buffer<T> token_memory, wanted_memory, cos_sin, scratch, logits;
  Buffer<std::byte> page_memory;  // training: the pages of one layer
  std::vector<int32_t> positions, positions_of_cos_sin;
  std::vector<std::vector<std::byte*>> page_tables;  // training: one table per sequence
  std::vector<kernels::AttentionSequence> kernel_sequences;
  kernels::QuantizedInput rounded;
  bool profiling = false;
  std::map<std::string, double> profile;

  Impl(const Graph& g, std::vector<WeightRef<T>> w, ThreadPool& p)
      : graph(g),
        weights(std::move(w)),
        pool(p),
        inference_steps(plan_steps(g)),
        inference_plan(plan_inference_memory(g, inference_steps)) {
    if (weights.size() != graph.weights.size())
      fail_usage("executor: {} weights for a graph that declares {}", weights.size(),
                 graph.weights.size());
  }

  void check(const Batch<T>& batch, bool training) const {
    int64_t tokens = 0;
    for (const Sequence<T>& s : batch.sequences) {
      if (s.count <= 0 || s.start < 0 || (training ? s.start != 0 : s.pages == nullptr))
        fail_usage("executor: a sequence of {} tokens at {} cannot be run", s.count, s.start);
      tokens += s.count;
    }
    if (tokens != static_cast<int64_t>(batch.ids.size()))
      fail_usage("executor: {} ids for sequences of {} tokens", batch.ids.size(), tokens);
    const int64_t known = graph.weights[graph.nodes[0].weights[0]].rows;
    for (int32_t id : batch.ids)
      if (id < 0 || id >= known)
        fail_usage("token id {} is outside the vocabulary of {}", id, known);
    int64_t previous = -1;
    for (int32_t row : batch.wanted) {
      if (row <= previous || row >= tokens)
        fail_usage("executor: wanted row {} of {}", row, tokens);
      previous = row;
    }
  }

  // Angles depend on positions only: one table serves all layers, and the next batch if it has the
  // same positions.
  void prepare_positions(const Batch<T>& batch) {
    positions.clear();
    for (const Sequence<T>& s : batch.sequences)
      for (int64_t i = 0; i < s.count; ++i) positions.push_back(static_cast<int32_t>(s.start + i));
    if (positions == positions_of_cos_sin) return;
    const int64_t half = graph.rope.dim / 2, n = static_cast<int64_t>(positions.size());
    cos_sin.reserve(static_cast<size_t>(n * half * 2));
    kernels::rope_angles(pool, positions.data(), graph.rope.frequencies.data(), cos_sin.data(), n,
                         half, graph.rope.magnitude);
    positions_of_cos_sin = positions;
  }

  void prepare_training_pages(const Batch<T>& batch) {
    const int64_t page = graph.template page_bytes<T>({});
    int64_t pages = 0;
    for (const Sequence<T>& s : batch.sequences)
      pages += (s.count + kernels::kTile - 1) / kernels::kTile;
    page_memory.reserve(static_cast<size_t>(pages * page));
    page_tables.resize(batch.sequences.size());
    std::byte* next = page_memory.data();
    for (size_t i = 0; i < batch.sequences.size(); ++i) {
      page_tables[i].clear();
      for (int64_t p = 0; p < batch.sequences[i].count; p += kernels::kTile, next += page)
        page_tables[i].push_back(next);
    }
  }

  void point_sequences(const Batch<T>& batch, int layer) {
    kernel_sequences.clear();
    int64_t row = 0;
    for (size_t i = 0; i < batch.sequences.size(); ++i) {
      const Sequence<T>& s = batch.sequences[i];
      std::byte* const* pages =
          s.pages ? s.pages + layer * s.pages_per_layer : page_tables[i].data();
      kernel_sequences.push_back(
          {.first_row = row, .count = s.count, .start = s.start, .pages = pages});
      row += s.count;
    }
  }

  struct Memory {
    const MemoryPlan& plan;
    int64_t token_rows, wanted_rows;
    T *token, *wanted;
    T* at(bool selected, int64_t offset) const {
      return selected ? wanted + offset * wanted_rows : token + offset * token_rows;
    }
  };

  Memory reserve(const Batch<T>& batch, const MemoryPlan& plan) {
    const int64_t tokens = padded(static_cast<int64_t>(batch.ids.size())),
                  wanted = padded(static_cast<int64_t>(batch.wanted.size()));
    token_memory.reserve(static_cast<size_t>(plan.token_width * tokens));
    wanted_memory.reserve(static_cast<size_t>(plan.wanted_width * wanted));
    return {plan, tokens, wanted, token_memory.data(), wanted_memory.data()};
  }

  OpContext<T> context(const Batch<T>& batch, const Memory& memory, Visit visit) {
    const Node& node = graph.nodes[visit.node];
    const MemoryPlan& plan = memory.plan;
    const bool forward = visit.pass == Pass::forward;
    const std::vector<int64_t>& offset = forward ? plan.value_offset : plan.kept_offset;
    OpContext<T> c{.pool = &pool,
                   .graph = graph,
                   .node = node,
                   .weights = weights,
                   .batch = batch,
                   .tokens = static_cast<int64_t>(batch.ids.size()),
                   .bf16 = mode.bf16 && &plan == &training_plan,
                   .cos_sin = cos_sin.data(),
                   .sequences = {},
                   .in = {},
                   .rounded = &rounded,
                   .din = {},
                   .din_add = {}};
    c.rows = graph.values[node.out].selected ? static_cast<int64_t>(batch.wanted.size()) : c.tokens;
    for (ValueId v : node.in) c.in.push_back(memory.at(graph.values[v].selected, offset[v]));
    if (offset[node.out] >= 0) c.out = memory.at(graph.values[node.out].selected, offset[node.out]);
    if (!plan.saved_offset.empty() && plan.saved_offset[visit.node] >= 0 &&
        !(forward && plan.recomputed[visit.node]))
      c.saved = memory.at(graph.values[node.out].selected, plan.saved_offset[visit.node]);
    if (node.op == OpKind::attention) {
      point_sequences(batch, node.layer);
      c.sequences = kernel_sequences;
    }
    return c;
  }

  template <class Run>
  void timed(const std::function<std::string()>& name, const Run& run) {
    if (!profiling) return run();
    const auto start = std::chrono::steady_clock::now();
    run();
    profile[name()] +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  // Rows [begin, end) of what c sees, for one thread.
  OpContext<T> part(const OpContext<T>& c, int64_t begin, int64_t end) {
    OpContext<T> p = c;
    p.pool = &alone;
    p.first_row = begin;
    p.rows = end - begin;
    for (size_t k = 0; k < p.in.size(); ++k) {
      const Value& value = graph.values[c.node.in[k]];
      if (value.selected == graph.values[c.node.out].selected) p.in[k] += begin * value.width;
    }
    p.out += begin * c.width();
    const auto saved_width = op<T>(c.node.op).traits.saved_width;
    if (p.saved && saved_width) p.saved += begin * saved_width(c.node);
    return p;
  }

  void run_step(const Batch<T>& batch, const Memory& memory, const Step& step, Pass pass) {
    std::vector<OpContext<T>> contexts;
    for (int i = step.begin; i < step.end; ++i)
      contexts.push_back(context(batch, memory, {i, pass}));
    run_contexts(contexts, step.main - step.begin);
  }

  // A chain on rows, then from contexts[main] on nodes that run together (steps.h).
  void run_contexts(std::vector<OpContext<T>>& contexts, int main_at) {
    int64_t width = 1;
    for (size_t i = 0; i < contexts.size(); ++i) {
      const Node& node = contexts[i].node;
      width = std::max(width, graph.values[node.in.empty() ? node.out : node.in[0]].width);
      if (static_cast<int>(i) < main_at) width = std::max(width, graph.values[node.out].width);
    }
    const int64_t rows = contexts[0].rows;
    if (rows == 0) return;
    const std::span<OpContext<T>> together =
        std::span(contexts).subspan(static_cast<size_t>(main_at));
    const Op<T>* main = together.empty() ? nullptr : &op<T>(together[0].node.op);
    if (main && main->start) main->start(together);
    pool.run_chunks(rows, kernels::rows_per_task(width), [&](int64_t begin, int64_t end) {
      for (const OpContext<T>& c : contexts) {
        OpContext<T> p = part(c, begin, end);
        op<T>(c.node.op).rows(p);
      }
    });
    if (main) main->finish(together);
  }

  T* forward(const Batch<T>& batch) {
    check(batch, false);
    prepare_positions(batch);
    const Memory memory = reserve(batch, inference_plan);
    for (const Step& step : inference_steps)
      timed([&] { return step_name(graph, step); },
            [&] { run_step(batch, memory, step, Pass::forward); });
    return memory.at(graph.values[graph.logits].selected, memory.plan.value_offset[graph.logits]);
  }

  void plan(const TrainingMode& wanted) {
    if (wanted.bf16 && !std::is_same_v<T, float>)
      fail_usage("executor: products in bf16 are of float only");
    mode = wanted;
    visits = plan_training(graph, mode.recompute);
    training_plan = plan_training_memory(graph, visits);
  }

  int head() const { return static_cast<int>(graph.nodes.size()) - 1; }

  // Everything before the head.
  Memory begin_training(const Batch<T>& batch) {
    if (visits.empty()) plan({});
    check(batch, true);
    prepare_positions(batch);
    prepare_training_pages(batch);
    const Memory memory = reserve(batch, training_plan);
    for (const Visit& visit : visits)
      if (visit.pass == Pass::forward) run_again(batch, memory, visit);
    return memory;
  }

  void run_again(const Batch<T>& batch, const Memory& memory, Visit visit) {
    const Step step = single_step(graph, visit.node);
    timed([&] { return (visit.pass == Pass::recompute ? "again " : "") + step_name(graph, step); },
          [&] { run_step(batch, memory, step, visit.pass); });
  }

  int64_t head_total(const Batch<T>& batch) const {
    return static_cast<int64_t>(graph.values[graph.logits].selected ? batch.wanted.size()
                                                                    : batch.ids.size());
  }

  // Rows [first, first + rows) of the head, whose logits lie at `block`.
  OpContext<T> head_context(const Batch<T>& batch, const Memory& memory, int64_t first,
                            int64_t rows, T* block) {
    OpContext<T> c = context(batch, memory, {head(), Pass::head});
    const Value& input = graph.values[c.node.in[0]];
    c.rows = rows;
    c.in[0] += first * input.width;
    c.out = block;
    c.dout = block;
    c.din = {gradient(memory, c.node.in[0]) + first * input.width};
    c.din_add = {false};
    return c;
  }

  void head_forward(OpContext<T> c) {
    const Step step = single_step(graph, head());
    std::vector<OpContext<T>> one = {std::move(c)};
    timed([&] { return step_name(graph, step); }, [&] { run_contexts(one, 0); });
  }

  void head_backward(OpContext<T> c) {
    timed([&] { return "backward " + step_name(graph, single_step(graph, head())); },
          [&] { op<T>(c.node.op).backward(c); });
  }

  void run_head(const Batch<T>& batch, const Memory& memory, const Loss& loss, bool gradients) {
    const int64_t total = head_total(batch), block = std::min(total, head_rows(graph.vocab()));
    logits.reserve(static_cast<size_t>(block * graph.vocab()));
    for (int64_t first = 0; first < total; first += block) {
      const int64_t rows = std::min(block, total - first);
      const OpContext<T> c = head_context(batch, memory, first, rows, logits.data());
      head_forward(c);
      timed([] { return std::string("loss"); }, [&] { loss(logits.data(), first, rows); });
      if (gradients) head_backward(c);
    }
  }

  void backward(const Batch<T>& batch, const Memory& memory) {
    std::vector<bool> written(graph.values.size(), false);
    written[graph.nodes[head()].in[0]] = true;
    for (const Visit& visit : visits) {
      if (visit.pass == Pass::recompute) run_again(batch, memory, visit);
      if (visit.pass == Pass::backward) run_backward(batch, memory, visit, written);
    }
  }

  void run_backward(const Batch<T>& batch, const Memory& memory, Visit visit,
                    std::vector<bool>& written) {
    const Node& node = graph.nodes[visit.node];
    const Op<T>& operation = op<T>(node.op);
    OpContext<T> c = context(batch, memory, visit);
    c.dout = gradient(memory, node.out);
    // An input that already holds a gradient gets this one added: by the operation where it can,
    // else through scratch memory.
    std::vector<size_t> through_scratch;
    for (size_t k = 0; k < node.in.size(); ++k) {
      const ValueId v = node.in[k];
      c.din.push_back(gradient(memory, v));
      c.din_add.push_back(written[v]);
      if (written[v] && !operation.traits.adds_gradient) through_scratch.push_back(k);
      written[v] = true;
    }
    const int64_t rows = c.tokens;
    if (!through_scratch.empty()) {
      int64_t width = 0;
      for (size_t k : through_scratch) width += graph.values[node.in[k]].width;
      scratch.reserve(static_cast<size_t>(width * rows));
      T* next = scratch.data();
      for (size_t k : through_scratch) {
        c.din[k] = next;
        next += graph.values[node.in[k]].width * rows;
      }
    }
    if (c.rows > 0 || node.op == OpKind::select)
      timed([&] { return "backward " + step_name(graph, single_step(graph, visit.node)); },
            [&] { operation.backward(c); });
    for (size_t k : through_scratch) {
      const Value& value = graph.values[node.in[k]];
      T* sum = gradient(memory, node.in[k]);
      kernels::add(
          pool, static_cast<const T*>(sum), static_cast<const T*>(c.din[k]), sum,
          value.width * (value.selected ? static_cast<int64_t>(batch.wanted.size()) : rows));
    }
  }

  T* gradient(const Memory& memory, ValueId v) const {
    return memory.at(graph.values[v].selected, memory.plan.grad_offset[v]);
  }
};

template <class T>
Executor<T>::Executor(const Graph& graph, std::vector<WeightRef<T>> weights, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(graph, std::move(weights), pool)) {}
template <class T>
Executor<T>::~Executor() = default;
template <class T>
Executor<T>::Executor(Executor&&) noexcept = default;

template <class T>
T* Executor<T>::forward(const Batch<T>& batch) {
  return impl_->forward(batch);
}

template <class T>
void Executor<T>::configure_training(const TrainingMode& mode) {
  impl_->plan(mode);
}

template <class T>
void Executor<T>::forward_loss(const Batch<T>& batch, const Loss& loss) {
  impl_->run_head(batch, impl_->begin_training(batch), loss, false);
}

template <class T>
void Executor<T>::train(const Batch<T>& batch, const Loss& loss) {
  const auto memory = impl_->begin_training(batch);
  impl_->run_head(batch, memory, loss, true);
  impl_->backward(batch, memory);
}

template <class T>
T* Executor<T>::forward_train(const Batch<T>& batch) {
  const auto memory = impl_->begin_training(batch);
  const int64_t rows = impl_->head_total(batch);
  impl_->logits.reserve(static_cast<size_t>(rows * impl_->graph.vocab()));
  T* logits = impl_->logits.data();
  impl_->head_forward(impl_->head_context(batch, memory, 0, rows, logits));
  return logits;
}

template <class T>
void Executor<T>::backward(const Batch<T>& batch, T* dlogits) {
  const auto memory = impl_->reserve(batch, impl_->training_plan);
  const int64_t rows = impl_->head_total(batch);
  if (rows > 0) impl_->head_backward(impl_->head_context(batch, memory, 0, rows, dlogits));
  impl_->backward(batch, memory);
}

template <class T>
size_t Executor<T>::activation_bytes(int64_t tokens, int64_t wanted) const {
  const MemoryPlan& plan = impl_->inference_plan;
  return sizeof(T) * static_cast<size_t>(plan.token_width * padded(tokens) +
                                         plan.wanted_width * padded(wanted));
}

template <class T>
void Executor<T>::enable_profile() {
  impl_->profiling = true;
  impl_->profile.clear();
}

template <class T>
const std::map<std::string, double>& Executor<T>::profile() const {
  return impl_->profile;
}

template <class T>
void Executor<T>::timed(const char* name, const std::function<void()>& work) {
  impl_->timed([&] { return std::string(name); }, work);
}

size_t training_bytes(const Graph& graph, const TrainingMode& mode, const BatchSize& batch) {
  const MemoryPlan plan = plan_training_memory(graph, plan_training(graph, mode.recompute));
  const int64_t floats = plan.token_width * padded(batch.tokens) +
                         plan.wanted_width * padded(batch.wanted) +
                         std::min(batch.wanted, head_rows(graph.vocab())) * graph.vocab() +
                         batch.tokens * graph.rope.dim;
  return sizeof(float) * static_cast<size_t>(floats) +
         static_cast<size_t>(batch.pages * graph.page_bytes<float>({}));
}

template class Executor<float>;
template class Executor<double>;

void initialise(const Graph& graph, uint64_t seed, std::span<float* const> weights) {
  for (size_t w = 0; w < graph.weights.size(); ++w) {
    const Weight& weight = graph.weights[w];
    if (weight.init == Init::ones || weight.init == Init::zeros) {
      std::fill_n(weights[w], weight.count(), weight.init == Init::ones ? 1.0f : 0.0f);
      continue;
    }
    // The usual 0.02 at a width of 1024, more for narrow models: products keep their size.
    double deviation = 0.64 / std::sqrt(static_cast<double>(weight.cols));
    if (weight.init == Init::normal_scaled) deviation /= std::sqrt(2.0 * std::max(1, graph.layers));
    const Random random(seed, Purpose::weight_init, static_cast<uint32_t>(w));
    for (int64_t i = 0; i < weight.count(); ++i) {
      // Box and Muller (1958): two uniform numbers to one normal; u is in (0, 1].
      const PhiloxBlock b = random.block(static_cast<uint64_t>(i));
      const double u = (static_cast<double>(b[0]) + 1.0) * 0x1p-32;
      const double turn = static_cast<double>(b[1]) * 0x1p-32;
      const double z =
          std::sqrt(-2.0 * kernels::log(u)) * kernels::cos(2.0 * std::numbers::pi * turn);
      weights[w][i] = static_cast<float>(z * deviation);
    }
  }
}

}  // namespace avocado::graph
