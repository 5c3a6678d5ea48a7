#include "graph/memory_plan.h"

#include <algorithm>
#include <utility>

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

constexpr int kNever = -1;

// When a node is visited, counted in nodes for inference and in visits for training.
struct Visits {
  int forward = kNever, recompute = kNever, backward = kNever;
};

class Planner {
 public:
  Planner(const Graph& graph, std::vector<Visits> visits, bool training)
      : graph_(graph), training_(training), visits_(std::move(visits)) {
    consumers_.resize(graph.values.size());
    for (int i = 0; i < nodes(); ++i)
      for (ValueId v : graph.nodes[i].in) consumers_[v].push_back(i);
  }

  // Memory is needed in whole steps: step_of[t] is that of time t.
  MemoryPlan plan(const std::vector<int>& step_of) {
    plan_values();
    if (training_) {
      plan_gradients();
      plan_saved();
    }
    for (Storage& s : storages_) {
      s.begin = step_of[static_cast<size_t>(s.begin)];
      s.end = step_of[static_cast<size_t>(s.end)];
    }
    MemoryPlan plan;
    plan.token_width = place(region(false));
    plan.wanted_width = place(region(true));
    plan.value_offset = offsets(value_storage_);
    plan.kept_offset = offsets(kept_storage_);
    plan.grad_offset = offsets(grad_storage_);
    plan.saved_offset = offsets(saved_storage_);
    for (const Visits& v : visits_) plan.recomputed.push_back(v.recompute != kNever);
    return plan;
  }

 private:
  int nodes() const { return static_cast<int>(graph_.nodes.size()); }
  const OpTraits& traits(int node) const { return op<float>(graph_.nodes[node].op).traits; }
  int producer(ValueId v) const { return graph_.values[v].producer; }
  bool recomputed(ValueId v) const { return visits_[producer(v)].recompute != kNever; }

  // The last read after the forward pass.
  int last_late_read(ValueId v) const {
    int last = kNever;
    for (int c : consumers_[v]) {
      last = std::max(last, visits_[c].recompute);
      if (traits(c).keeps_inputs) last = std::max(last, visits_[c].backward);
    }
    if (traits(producer(v)).keeps_output) last = std::max(last, visits_[producer(v)].backward);
    return last;
  }

  int last_read(ValueId v) const {
    int last = visits_[producer(v)].forward;
    for (int c : consumers_[v]) last = std::max(last, visits_[c].forward);
    if (training_ && !recomputed(v)) last = std::max(last, last_late_read(v));
    // The caller reads the logits.
    if (v == graph_.logits) last = nodes();
    return last;
  }

  // For a value that is computed again, and for all it is made from: the last read after that.
  int last_kept_read(ValueId v) const {
    return recomputed(v) ? std::max(visits_[producer(v)].recompute, last_late_read(v))
                         : last_read(v);
  }

  int new_storage(int64_t width, bool selected, int begin, int end) {
    storages_.push_back({width, selected, begin, end, 0});
    return static_cast<int>(storages_.size()) - 1;
  }

  int new_storage(ValueId v, int begin, int end) {
    return new_storage(graph_.values[v].width, graph_.values[v].selected, begin, end);
  }

  int take_over(int storage, int end) {
    storages_[storage].end = end;
    return storage;
  }

  // The input that the producer of v may write over after its last read; kNone when there is none.
  ValueId replaceable(ValueId v) const {
    const std::vector<ValueId>& in = graph_.nodes[producer(v)].in;
    const bool one = !in.empty() && std::count(in.begin(), in.end(), in[0]) == 1;
    return one && traits(producer(v)).in_place ? in[0] : kNone;
  }

  void plan_values() {
    for (ValueId v = 0; v < static_cast<ValueId>(graph_.values.size()); ++v) {
      if (training_ && v == graph_.logits) {
        value_storage_.push_back(kNever);
        kept_storage_.push_back(kNever);
        continue;
      }
      const Visits& visits = visits_[producer(v)];
      const ValueId input = replaceable(v);
      value_storage_.push_back(input != kNone && last_read(input) == visits.forward
                                   ? take_over(value_storage_[input], last_read(v))
                                   : new_storage(v, visits.forward, last_read(v)));
      if (!training_) continue;
      if (!recomputed(v))
        kept_storage_.push_back(value_storage_[v]);
      else if (input != kNone && last_kept_read(input) == visits.recompute)
        kept_storage_.push_back(take_over(kept_storage_[input], last_kept_read(v)));
      else
        kept_storage_.push_back(new_storage(v, visits.recompute, last_kept_read(v)));
    }
  }

  void plan_saved() {
    for (int i = 0; i < nodes(); ++i) {
      const Node& node = graph_.nodes[i];
      const auto width = traits(i).saved_width;
      const Visits& v = visits_[i];
      saved_storage_.push_back(width ? new_storage(width(node), graph_.values[node.out].selected,
                                                   v.recompute != kNever ? v.recompute : v.forward,
                                                   v.backward)
                                     : kNever);
    }
  }

  // A gradient lives from the first consumer's backward to the producer's backward. The two sides
  // of a residual add have the gradient of its result as theirs: they share its memory when nobody
  // writes to it while another still reads.
  void plan_gradients() {
    grad_storage_.assign(graph_.values.size(), kNever);
    for (int i = nodes() - 1; i >= 0; --i) {
      const Node& node = graph_.nodes[i];
      for (ValueId v : node.in) {
        if (grad_storage_[v] >= 0) continue;
        const int end = visits_[producer(v)].backward;
        const int shared = grad_storage_[node.out];
        if (node.op == OpKind::add && node.in[0] != node.in[1] && shared >= 0 && may_share(i, v)) {
          grad_storage_[v] = shared;
          storages_[shared].end = std::max(storages_[shared].end, end);
        } else {
          grad_storage_[v] = new_storage(v, visits_[i].backward, end);
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
        if (c < i && c >= producer(read)) return false;
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

  std::vector<int64_t> offsets(const std::vector<int>& storage) const {
    std::vector<int64_t> list;
    for (int s : storage) list.push_back(s == kNever ? -1 : storages_[s].offset);
    return list;
  }

  const Graph& graph_;
  bool training_;
  std::vector<Visits> visits_;  // per node
  std::vector<std::vector<int>> consumers_;
  std::vector<Storage> storages_;
  std::vector<int> value_storage_, kept_storage_, grad_storage_, saved_storage_;
};

}  // namespace

MemoryPlan plan_inference_memory(const Graph& graph, const std::vector<Step>& steps) {
  std::vector<Visits> visits(graph.nodes.size());
  std::vector<int> step_of;
  for (size_t s = 0; s < steps.size(); ++s)
    for (int i = steps[s].begin; i < steps[s].end; ++i) {
      visits[i].forward = i;
      step_of.push_back(static_cast<int>(s));
    }
  step_of.push_back(static_cast<int>(steps.size()));  // the caller's time
  return Planner(graph, std::move(visits), false).plan(step_of);
}

MemoryPlan plan_training_memory(const Graph& graph, const std::vector<Visit>& order) {
  std::vector<Visits> visits(graph.nodes.size());
  std::vector<int> step_of;
  for (int time = 0; time < static_cast<int>(order.size()); ++time) {
    Visits& v = visits[order[time].node];
    const Pass pass = order[time].pass;
    if (pass == Pass::forward || pass == Pass::head) v.forward = time;
    if (pass == Pass::recompute) v.recompute = time;
    if (pass == Pass::backward || pass == Pass::head) v.backward = time;
    step_of.push_back(time);
  }
  return Planner(graph, std::move(visits), true).plan(step_of);
}

}  // namespace avocado::graph
