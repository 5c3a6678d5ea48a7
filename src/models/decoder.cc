#include "models/decoder.h"

#include <cmath>

#include "base/error.h"

namespace avocado {
namespace {

using graph::Builder;
using graph::Init;
using graph::kNone;
using graph::ValueId;
using graph::WeightId;

// One layer; its tensors are called blk.N.* in GGUF and model.layers.N.* in Hugging Face files.
class Layer {
 public:
  Layer(Builder& builder, const ModelConfig& config, int64_t index, bool permuted_in_hf)
      : b_(builder),
        c_(config),
        gguf_(fmt::format("blk.{}.", index)),
        hf_(fmt::format("model.layers.{}.", index)),
        permuted_(permuted_in_hf) {}

  ValueId attention(ValueId x) {
    const ValueId h = b_.rms_norm(x, vector("attn_norm", "input_layernorm", c_.width));
    ValueId q = projection(h, "attn_q", "self_attn.q_proj", c_.heads);
    ValueId k = projection(h, "attn_k", "self_attn.k_proj", c_.kv_heads);
    const ValueId v = linear(h, "attn_v", "self_attn.v_proj", c_.kv_heads * c_.head_dim, c_.width,
                             c_.attention_bias);
    if (c_.qk_norm) {
      q = b_.rms_norm(q, vector("attn_q_norm", "self_attn.q_norm", c_.head_dim), c_.heads);
      k = b_.rms_norm(k, vector("attn_k_norm", "self_attn.k_norm", c_.head_dim), c_.kv_heads);
    }
    const kernels::AttentionShape shape{.heads = c_.heads,
                                        .kv_heads = c_.kv_heads,
                                        .head_dim = c_.head_dim,
                                        .scale = 1.0 / std::sqrt(static_cast<double>(c_.head_dim)),
                                        .window = c_.window};
    const ValueId mixed = b_.attention(b_.rope(q, c_.heads), b_.rope(k, c_.kv_heads), v, shape);
    return b_.add(x, linear(mixed, "attn_output", "self_attn.o_proj", c_.width,
                            c_.heads * c_.head_dim, false, Init::normal_scaled));
  }

  ValueId mlp(ValueId x) {
    const ValueId h = b_.rms_norm(x, vector("ffn_norm", "post_attention_layernorm", c_.width));
    const ValueId gate = linear(h, "ffn_gate", "mlp.gate_proj", c_.ffn, c_.width);
    const ValueId up = linear(h, "ffn_up", "mlp.up_proj", c_.ffn, c_.width);
    return b_.add(x, linear(b_.swiglu(gate, up), "ffn_down", "mlp.down_proj", c_.width, c_.ffn,
                            false, Init::normal_scaled));
  }

 private:
  WeightId vector(const std::string& gguf, const std::string& hf, int64_t n, Init init = Init::ones,
                  const char* suffix = "weight", int64_t permuted_heads = 0) {
    return b_.weight({.name = gguf_ + gguf + "." + suffix,
                      .hf_name = hf_ + hf + "." + suffix,
                      .rows = 1,
                      .cols = n,
                      .init = init,
                      .permuted_heads = permuted_heads});
  }

  ValueId linear(ValueId x, const std::string& gguf, const std::string& hf, int64_t out, int64_t in,
                 bool bias = false, Init init = Init::normal, int64_t permuted_heads = 0) {
    const WeightId w = b_.weight({.name = gguf_ + gguf + ".weight",
                                  .hf_name = hf_ + hf + ".weight",
                                  .rows = out,
                                  .cols = in,
                                  .matrix = true,
                                  .init = init,
                                  .permuted_heads = permuted_heads});
    return b_.linear(x, w,
                     bias ? vector(gguf, hf, out, Init::zeros, "bias", permuted_heads) : kNone);
  }

  // A projection whose heads are turned by rope.
  ValueId projection(ValueId x, const std::string& gguf, const std::string& hf, int64_t heads) {
    return linear(x, gguf, hf, heads * c_.head_dim, c_.width, c_.attention_bias, Init::normal,
                  permuted_ ? heads : 0);
  }

  Builder& b_;
  const ModelConfig& c_;
  std::string gguf_, hf_;
  bool permuted_;
};

}  // namespace

void build_decoder(Builder& b, const ModelConfig& c, bool permuted_in_hf) {
  const WeightId table = b.weight({.name = "token_embd.weight",
                                   .hf_name = "model.embed_tokens.weight",
                                   .rows = c.vocab,
                                   .cols = c.width,
                                   .matrix = true});
  ValueId x = b.embed(table);
  for (int64_t i = 0; i < c.layers; ++i) {
    Layer layer(b, c, i, permuted_in_hf);
    x = layer.mlp(layer.attention(x));
  }
  const WeightId norm = b.weight({.name = "output_norm.weight",
                                  .hf_name = "model.norm.weight",
                                  .rows = 1,
                                  .cols = c.width,
                                  .init = Init::ones});
  x = b.rms_norm(b.select(x), norm);
  const WeightId head = c.tied ? table
                               : b.weight({.name = "output.weight",
                                           .hf_name = "lm_head.weight",
                                           .rows = c.vocab,
                                           .cols = c.width,
                                           .matrix = true});
  b.finish(b.linear(x, head));
}

}  // namespace avocado
