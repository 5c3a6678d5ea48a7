#pragma once
// A model as a flat list of nodes. The list is written once by the architecture (models/arch) and
// walked by everything else: inference and training run it (executor.h), loading and saving walk
// its weights, memory estimates walk its values.
//
// Every value is a matrix [rows, width] of activations, one row per token of the batch, or, after
// `select`, one row per token whose logits are wanted.

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/rope/rope.h"

namespace avocado::graph {

using ValueId = int;
using WeightId = int;
inline constexpr int kNone = -1;

enum class OpKind {
  embed,
  rms_norm,
  linear,
  rope,
  attention,
  swiglu,
  add,
  select,
  add_scaled,  // a + scale * b: the sum of a product and an adapter's
  dora,        // the same with rows of the weights brought to learned lengths
};

enum class Init {
  ones,           // norm weights
  zeros,          // biases
  normal,         // N(0, s^2) with s = 0.64 / sqrt(cols)
  normal_scaled,  // N(0, s^2 / (2 * layers)): projections back into the residual stream (GPT-2)
};

// One parameter tensor, [rows, cols] row-major; vectors have rows = 1.
struct Weight {
  std::string name;     // as GGUF spells it
  std::string hf_name;  // as Hugging Face spells it
  int64_t rows = 0;
  int64_t cols = 0;
  bool matrix = false;  // weight decay and quantization apply to matrices only
  Init init = Init::normal;
  // Rows of query and key projections come in another order in Hugging Face files when the
  // architecture turns adjacent pairs (RopeStyle::pairs): heads here, 0 where nothing is permuted.
  int64_t permuted_heads = 0;

  int64_t count() const { return rows * cols; }
};

struct Value {
  int64_t width = 0;
  bool selected = false;  // rows are the wanted tokens only
  int producer = kNone;   // index into nodes
};

struct Node {
  OpKind op;
  std::vector<ValueId> in;
  std::vector<WeightId> weights;
  ValueId out = kNone;
  int layer = kNone;  // attention only: which cache it reads
  int64_t heads =
      0;  // rope: heads in the row; rms_norm: groups normalised apart (1 = the whole row)
  double scale = 1;  // add_scaled and dora: of the second input
  kernels::AttentionShape attention{};
};

struct Rope {
  kernels::RopeStyle style = kernels::RopeStyle::halves;
  int64_t dim = 0;                  // elements of a head that are turned
  std::vector<double> frequencies;  // dim / 2
  double magnitude = 1;
};

struct Graph {
  std::vector<Weight> weights;
  std::vector<Value> values;
  std::vector<Node> nodes;
  ValueId logits = kNone;
  Rope rope;
  double norm_eps = 1e-5;
  int layers = 0;

  int64_t parameter_count() const;
  WeightId find_weight(const std::string& name) const;  // kNone when absent
  int64_t vocab() const { return values[logits].width; }
  // Bytes of one page of one layer's cache (kernels/attention) for activations of type T.
  template <class T>
  int64_t page_bytes(kernels::CacheTypes types) const;
  // Floating-point operations of the matrix products for one token, forward (training costs three
  // times that), and of attention per token and visible key.
  double flops_per_token() const;
  double flops_per_token_and_key() const;
};

// Appends nodes and checks widths. Weight shapes follow from the call.
class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(graph) {}

  WeightId weight(Weight weight);

  ValueId embed(WeightId table);
  ValueId rms_norm(ValueId x, WeightId w, int64_t groups = 1);
  ValueId linear(ValueId x, WeightId w, WeightId bias = kNone);
  ValueId rope(ValueId x, int64_t heads);
  ValueId attention(ValueId q, ValueId k, ValueId v, const kernels::AttentionShape& shape);
  ValueId swiglu(ValueId gate, ValueId up);
  ValueId add(ValueId a, ValueId b);
  ValueId select(ValueId x);
  ValueId add_scaled(ValueId a, ValueId b, double scale);  // a + scale * b
  // DoRA (kernels/adapters): `product` is x times w without a bias, `adapted` is x times b a.
  struct Dora {
    WeightId magnitude, w, a, b, bias = kNone;
  };
  ValueId dora(ValueId product, ValueId adapted, const Dora& weights, double scale);
  void finish(ValueId logits) { graph_.logits = logits; }

 private:
  ValueId emit(Node node, int64_t width, bool selected);
  Graph& graph_;
  std::unordered_set<std::string> names_;
};

}  // namespace avocado::graph
