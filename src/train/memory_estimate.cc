#include "train/memory_estimate.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/machine.h"
#include "graph/executor.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/stored.h"
#include "models/model.h"
#include "models/registry.h"
#include "train/optimizer.h"
#include "train/sharding.h"
#include "train/trained_graph.h"

namespace avocado {
namespace {

// Measured: the program itself with a tokenizer of 1024 tokens, and a thread with its stack and
// scratch memory.
constexpr uint64_t kProgram = uint64_t{24} << 20, kThread = uint64_t{1} << 20;
constexpr uint64_t kFloat = sizeof(float);

// The most that `rows` rows of a shard can hold.
graph::BatchSize largest_batch(const Dataset& data, int64_t rows) {
  graph::BatchSize most;
  rows = std::min(rows, data.rows());
  for (int64_t r = 0; r < data.rows(); ++r) {
    graph::BatchSize size;
    for (int64_t s = data.first_sequence(r); s < data.last_sequence(r); ++s) {
      const std::span<const uint32_t> words = data.sequence(s);
      const auto count = static_cast<int64_t>(words.size()) - 1;
      size.tokens += count;
      size.pages += (count + kernels::kTile - 1) / kernels::kTile;
      for (uint32_t word : words.subspan(1)) size.wanted += (word & Dataset::kLearn) != 0;
    }
    most.tokens = std::max(most.tokens, size.tokens * rows);
    most.wanted = std::max(most.wanted, size.wanted * rows);
    most.pages = std::max(most.pages, size.pages * rows);
  }
  return most;
}

uint64_t shard_bytes(const Dataset& data) {
  const auto last = static_cast<uint64_t>(data.last_sequence(data.rows() - 1));
  return sizeof(uint32_t) * (static_cast<uint64_t>(data.inputs()) + last) +
         sizeof(uint64_t) * (static_cast<uint64_t>(data.rows()) + last + 2);
}

uint64_t product_bytes(const TrainedGraph& trained, int64_t tokens, bool bf16) {
  size_t most = 0;
  for (const graph::Node& node : trained.graph.nodes) {
    if (node.op != graph::OpKind::linear) continue;
    const graph::WeightId id = node.weights[0];
    const graph::Weight& w = trained.graph.weights[id];
    const bool stays = !trained.learn.empty() && !trained.learn[static_cast<size_t>(id)];
    most = std::max(most, stays ? kernels::linear_stored_scratch_bytes(tokens, w.rows, w.cols)
                                : kernels::linear_scratch_bytes(tokens, w.rows, w.cols, bf16));
  }
  return most;
}

// What is kept of the weights of this process, and what the largest of them takes meanwhile.
uint64_t optimizer_bytes(const MemoryRequest& request, const graph::Graph& graph) {
  const std::vector<int64_t> cuts = weight_cuts(WeightLayout(graph), request.processes);
  uint64_t kept = 0, scratch = 0;
  for (int64_t w = cuts[request.rank]; w < cuts[request.rank + 1]; ++w) {
    const int weight = static_cast<int>(w);
    for (const StateTensor& tensor : kept_tensors(graph, request.options, weight))
      kept += tensor.bytes();
    scratch = std::max<uint64_t>(scratch, update_scratch_bytes(graph, request.options, weight));
  }
  return kept + scratch;
}

uint64_t exchange_bytes(const MemoryRequest& request, const graph::Graph& graph) {
  if (request.processes == 1) return 0;
  const WeightLayout layout(graph);
  const uint64_t averages =
      request.options.ema > 0 ? static_cast<uint64_t>(layout.total) * kFloat : 0;
  return averages + sharding_bytes(layout, request.options.micro_batches, request.processes);
}

std::string size_text(uint64_t bytes) {
  constexpr uint64_t kMiB = uint64_t{1} << 20, kGiB = uint64_t{1} << 30;
  const auto amount = static_cast<double>(bytes);
  return bytes >= kGiB ? fmt::format("{:.2f} GiB", amount / static_cast<double>(kGiB))
                       : fmt::format("{:.1f} MiB", amount / static_cast<double>(kMiB));
}

// What would need less, with its size; empty when nothing would.
std::string advice(MemoryRequest request) {
  const uint64_t needed = estimate_memory(request).total();
  std::string text;
  const auto offer = [&](const std::string& change) {
    const uint64_t bytes = estimate_memory(request).total();
    if (bytes < needed) text += fmt::format("\n  {} would need {}", change, size_text(bytes));
  };
  if (!request.recompute) {
    request.recompute = true;
    offer("recompute = true (the same result, slower)");
  }
  if (request.options.rows > 1) {
    request.options.micro_batches *= request.options.rows;
    request.options.rows = 1;
    offer(fmt::format("{}rows = 1 with micro_batches = {}", text.empty() ? "" : "that and ",
                      request.options.micro_batches));
  }
  return text.empty() ? "\n  a smaller model or shorter rows would need less" : text;
}

}  // namespace

MemoryEstimate estimate_memory(const MemoryRequest& request) {
  const TrainedGraph trained = trained_graph(build_graph(request.config), request.adapter);
  const uint64_t weights = static_cast<uint64_t>(WeightLayout(trained.learned).total) * kFloat;
  const bool bf16 = request.options.precision == "bf16";
  graph::BatchSize batch = largest_batch(request.train, request.options.rows);
  MemoryEstimate estimate;
  estimate.data = shard_bytes(request.train);
  if (request.eval) {
    const graph::BatchSize eval = largest_batch(*request.eval, request.options.rows);
    batch.tokens = std::max(batch.tokens, eval.tokens);
    batch.wanted = std::max(batch.wanted, eval.wanted);
    batch.pages = std::max(batch.pages, eval.pages);
    estimate.data += shard_bytes(*request.eval);
  }
  estimate.weights = weights;
  if (request.adapter) estimate.base = Model::memory(request.base);
  estimate.gradient = weights;
  estimate.optimizer = optimizer_bytes(request, trained.learned);
  // One partial sum for every bit of the index of the last micro-batch.
  const std::vector<int64_t> cuts = leaf_cuts(request.options.micro_batches, request.processes);
  const int64_t leaves = std::max<int64_t>(cuts[request.rank + 1] - cuts[request.rank], 1);
  estimate.partials =
      weights * static_cast<uint64_t>(std::bit_width(static_cast<uint64_t>(leaves - 1)));
  estimate.exchange = exchange_bytes(request, trained.learned);
  estimate.activations =
      graph::training_bytes(trained.graph, trained.learn, {request.recompute, bf16}, batch);
  estimate.products = product_bytes(trained, batch.tokens, bf16);
  estimate.program = kProgram + kThread * static_cast<uint64_t>(request.threads);
  return estimate;
}

std::string describe_memory(const MemoryEstimate& e) {
  std::string text = size_text(e.total()) + ":";
  const char* comma = " ";
  for (const auto& [name, bytes] :
       std::initializer_list<std::pair<const char*, uint64_t>>{{"weights", e.weights},
                                                               {"base model", e.base},
                                                               {"gradient", e.gradient},
                                                               {"partial gradients", e.partials},
                                                               {"optimizer", e.optimizer},
                                                               {"activations", e.activations},
                                                               {"products", e.products},
                                                               {"exchange", e.exchange},
                                                               {"data", e.data},
                                                               {"program", e.program}}) {
    if (bytes == 0) continue;
    text += fmt::format("{}{} {}", std::exchange(comma, ", "), name, size_text(bytes));
  }
  return text;
}

uint64_t parse_memory(const std::string& text, const std::string& where) {
  constexpr std::pair<std::string_view, int> kUnits[] = {{"", 0},     {"B", 0},    {"KiB", 10},
                                                         {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  std::string_view unit(end, static_cast<size_t>(last - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, shift] : kUnits)
    if (error == std::errc() && unit == name && number > 0 && number <= UINT64_MAX >> shift)
      return number << shift;
  fail_input("{}: \"{}\" is not an amount of memory; write \"8GiB\" or \"500MiB\"", where, text);
}

void require_memory(const MemoryRequest& request, uint64_t allowed, uint64_t available) {
  const MemoryEstimate estimate = estimate_memory(request);
  const uint64_t needed = estimate.total();
  if (allowed > 0 && needed > allowed)
    fail_resource("training needs {}; [train] memory allows {}{}", describe_memory(estimate),
                  size_text(allowed), advice(request));
  if (available > 0 && needed > available)
    fail_resource("training needs {}; this machine has {} left{}", describe_memory(estimate),
                  size_text(available), advice(request));
}

uint64_t available_memory() {
  const Machine machine = read_machine();
  uint64_t available = machine.memory_available.value_or(0);
  if (machine.memory_limit)
    available = available == 0 ? *machine.memory_limit : std::min(available, *machine.memory_limit);
  return available;
}

}  // namespace avocado
