#include "graph/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "graph/op.h"

namespace avocado::graph {
namespace {

// A piece of memory and the time it is in use: from step `begin` to step `end`, both included.
struct Storage {
  int64_t width = 0;
  bool selected = false;
  int begin = 0;
  int end = 0;
  int64_t offset = 0;
};

// Lowest offsets first: each storage goes where no storage alive at the same time lies.
int64_t place(std::vector<Storage*> storages) {
  std::sort(storages.begin(), storages.end(), [](const Storage* a, const Storage* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->width > b->width;
  });
  int64_t total = 0;
  for (size_t i = 0; i < storages.size(); ++i) {
    Storage& s = *storages[i];
    std::vector<const Storage*> alive;
    for (size_t j = 0; j < i; ++j)
      if (storages[j]->end >= s.begin) alive.push_back(storages[j]);
    std::sort(alive.begin(), alive.end(),
              [](const Storage* a, const Storage* b) { return a->offset < b->offset; });
    s.offset = 0;
    for (const Storage* other : alive) {
      if (other->offset >= s.offset + s.width) break;
      s.offset = std::max(s.offset, other->offset + other->width);
    }
    total = std::max(total, s.offset + s.width);
  }
  return total;
}

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Step>& steps, bool training)
      : graph_(graph), training_(training), nodes_(static_cast<int>(graph.nodes.size())) {
    for (size_t s = 0; s < steps.size(); ++s)
      step_of_.insert(step_of_.end(), static_cast<size_t>(steps[s].end - steps[s].begin),
                      static_cast<int>(s));
    consumers_.resize(graph.values.size());
    for (int i = 0; i < nodes_; ++i)
      for (ValueId v : graph.nodes[i].in) consumers_[v].push_back(i);
  }

  MemoryPlan plan() {
    plan_values();
    if (training_) plan_gradients();
    MemoryPlan plan;
    plan.token_width = place(region(false));
    plan.wanted_width = place(region(true));
    for (int s : value_storage_) plan.value_offset.push_back(storages_[s].offset);
    for (int s : grad_storage_) plan.grad_offset.push_back(s < 0 ? -1 : storages_[s].offset);
    plan.saved_offset.assign(graph_.nodes.size(), -1);
    for (int i = 0; training_ && i < nodes_; ++i) {
      const Node& node = graph_.nodes[i];
      const auto saved_width = op<float>(node.op).traits.saved_width;
      if (!saved_width) continue;
      int64_t& end = graph_.values[node.out].selected ? plan.wanted_width : plan.token_width;
      plan.saved_offset[i] = end;
      end += saved_width(node);
    }
    return plan;
  }

 private:
  // Time is counted in nodes: in training the backward of each follows the forward of all. Memory
  // is needed in whole steps.
  int backward_step(int node) const { return 2 * nodes_ - 1 - node; }
  int step_at(int time) const { return time < nodes_ ? step_of_[static_cast<size_t>(time)] : time; }

  const OpTraits& traits(int node) const { return op<float>(graph_.nodes[node].op).traits; }

  // When the value is read last.
  int last_read(ValueId v) const {
    const int producer = graph_.values[v].producer;
    int last = producer;
    for (int c : consumers_[v]) {
      last = std::max(last, c);
      if (training_ && traits(c).keeps_inputs) last = std::max(last, backward_step(c));
    }
    if (training_ && traits(producer).keeps_output) last = std::max(last, backward_step(producer));
    // The caller reads the logits, and in training writes their gradient over them.
    if (v == graph_.logits) last = training_ ? backward_step(producer) : nodes_;
    return last;
  }

  int new_storage(ValueId v, int begin, int end) {
    storages_.push_back(
        {graph_.values[v].width, graph_.values[v].selected, step_at(begin), step_at(end), 0});
    return static_cast<int>(storages_.size()) - 1;
  }

  void plan_values() {
    value_storage_.assign(graph_.values.size(), -1);
    for (ValueId v = 0; v < static_cast<ValueId>(graph_.values.size()); ++v) {
      const int producer = graph_.values[v].producer;
      const Node& node = graph_.nodes[producer];
      const bool in_place = traits(producer).in_place && !node.in.empty() &&
                            last_read(node.in[0]) == producer &&
                            std::count(node.in.begin(), node.in.end(), node.in[0]) == 1;
      if (in_place) {
        value_storage_[v] = value_storage_[node.in[0]];
        storages_[value_storage_[v]].end = step_at(last_read(v));
      } else {
        value_storage_[v] = new_storage(v, producer, last_read(v));
      }
    }
  }

  // A gradient lives from the first consumer's backward to the producer's backward. The two sides
  // of a residual add have the gradient of its result as theirs: they share its memory when nobody
  // writes to it while another still reads.
  void plan_gradients() {
    grad_storage_.assign(graph_.values.size(), -1);
    for (int i = nodes_ - 1; i >= 0; --i) {
      const Node& node = graph_.nodes[i];
      for (ValueId v : node.in) {
        if (grad_storage_[v] >= 0) continue;
        const int end = backward_step(graph_.values[v].producer);
        const int shared = grad_storage_[node.out];
        if (node.op == OpKind::add && node.in[0] != node.in[1] && shared >= 0 && may_share(i, v)) {
          grad_storage_[v] = shared;
          storages_[shared].end = std::max(storages_[shared].end, end);
        } else {
          grad_storage_[v] = new_storage(v, backward_step(i), end);
        }
      }
    }
  }

  // May side v of the add at node i share the gradient memory of the sum? The other side may share
  // it too. After step i, v's gradient is written again by v's earlier consumers; by then the other
  // side's gradient must have been used up, that is, its producer must come after those consumers.
  bool may_share(int i, ValueId v) const {
    const Node& node = graph_.nodes[i];
    const ValueId other = node.in[0] == v ? node.in[1] : node.in[0];
    const auto quiet = [&](ValueId written, ValueId read) {
      for (int c : consumers_[written])
        if (c < i && c >= graph_.values[read].producer) return false;
      return true;
    };
    return consumers_[v].back() == i && consumers_[other].back() == i && quiet(v, other) &&
           quiet(other, v);
  }

  std::vector<Storage*> region(bool selected) {
    std::vector<Storage*> list;
    for (Storage& s : storages_)
      if (s.selected == selected) list.push_back(&s);
    return list;
  }

  const Graph& graph_;
  bool training_;
  int nodes_;
  std::vector<int> step_of_;
  std::vector<std::vector<int>> consumers_;
  std::vector<Storage> storages_;
  std::vector<int> value_storage_, grad_storage_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const std::vector<Step>& steps, bool training) {
  return Planner(graph, steps, training).plan();
}

}  // namespace avocado::graph
