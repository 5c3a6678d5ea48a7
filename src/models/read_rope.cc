#include "models/read_rope.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/math/math.h"
#include "models/rope_frequencies.h"

namespace avocado {
namespace {

RopeScaling scaling_named(const std::string& name, const std::string& source,
                          const std::string& field) {
  std::string known;
  for (const auto& [scaling, word] : kRopeScalings) {
    if (name == word) return scaling;
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  fail_input("{}: {} '{}' is not supported; this build knows {}", source, field, name, known);
}

// As GGUF keeps it, so that both formats give the same bits.
double as_float(double x) { return static_cast<double>(static_cast<float>(x)); }

}  // namespace

void read_rope(const GgufFile& file, const std::string& architecture, ModelConfig& c) {
  const auto key = [&](const char* name) { return architecture + ".rope." + name; };
  c.rope_dim = file.get_int(key("dimension_count"), c.head_dim);
  c.rope_base = file.get_float(key("freq_base"), 10000);
  if (const TensorView* divisors = file.tensor(kRopeDivisors)) c.rope_divisors = to_f32(*divisors);

  const std::string name(file.get_string(key("scaling.type"), "none"));
  c.rope_scaling = scaling_named(name, file.path(), key("scaling.type"));
  // Phi-3 files have the factors and say nothing else.
  if (file.tensor(kRopeLong) || file.tensor(kRopeShort)) c.rope_scaling = RopeScaling::longrope;
  if (c.rope_scaling == RopeScaling::none) return;
  if (c.rope_scaling == RopeScaling::llama3)
    fail_input("{}: {} llama3: GGUF files hold this as a tensor {}", file.path(),
               key("scaling.type"), kRopeDivisors);

  if (c.rope_scaling != RopeScaling::linear)
    c.rope_original_context = file.get_int(key("scaling.original_context_length"), c.context);
  c.rope_attention = file.get_float(key("scaling.attn_factor"), 1);
  if (c.rope_scaling != RopeScaling::longrope)
    c.rope_factor = file.get_float(key("scaling.factor"));
  if (c.rope_scaling == RopeScaling::yarn) {
    c.rope_extrapolation = file.get_float(key("scaling.yarn_ext_factor"), 1);
    c.rope_beta_fast = file.get_float(key("scaling.yarn_beta_fast"), 32);
    c.rope_beta_slow = file.get_float(key("scaling.yarn_beta_slow"), 1);
  }
  if (c.rope_scaling == RopeScaling::longrope) {
    for (const auto& [tensor, factors] :
         {std::pair(kRopeShort, &c.rope_short), std::pair(kRopeLong, &c.rope_long)}) {
      const TensorView* found = file.tensor(tensor);
      if (!found) fail_input("{}: longrope needs a tensor {}", file.path(), tensor);
      *factors = to_f32(*found);
    }
  }
}

namespace {

// attention_factor is the whole factor, and replaces the usual one; mscale and mscale_all_dim
// change both factors of which it is the quotient (DeepSeek).
double yarn_attention(const HfReader& scaling, double factor) {
  const double logarithm = 0.1 * kernels::log(std::max(factor, 1.0)), usual = 1 + logarithm;
  double wanted = usual;
  if (scaling.has("mscale") && scaling.has("mscale_all_dim"))
    wanted = (1 + scaling.number("mscale") * logarithm) /
             (1 + scaling.number("mscale_all_dim") * logarithm);
  if (scaling.has("attention_factor")) wanted = scaling.number("attention_factor");
  return as_float(wanted / usual);
}

void read_yarn(const HfReader& scaling, ModelConfig& c) {
  if (!scaling.flag("truncate", true))
    fail_input("{}: truncate false is not supported", scaling.source());
  c.rope_factor = scaling.number("factor");
  c.rope_beta_fast = scaling.number("beta_fast", 32);
  c.rope_beta_slow = scaling.number("beta_slow", 1);
  c.rope_attention = yarn_attention(scaling, c.rope_factor);
}

void read_llama3(const HfReader& scaling, ModelConfig& c) {
  c.rope_factor = scaling.number("factor");
  c.rope_low = scaling.number("low_freq_factor");
  c.rope_high = scaling.number("high_freq_factor");
  c.rope_original_context = scaling.integer("original_max_position_embeddings");
  if (!(c.rope_low > 0 && c.rope_high > c.rope_low && c.rope_original_context > 0))
    fail_input(
        "{}: 0 < low_freq_factor < high_freq_factor and a positive "
        "original_max_position_embeddings are needed",
        scaling.source());
}

// Without a factor of its own, attention is sharpened by how much longer the context became, which
// `factor` says only where the original length is not told.
void read_longrope(const HfReader& scaling, bool original_is_told, ModelConfig& c) {
  for (const char* field : {"short_mscale", "long_mscale"})
    if (scaling.has(field)) fail_input("{}: {} is not supported", scaling.source(), field);
  c.rope_short = scaling.floats("short_factor");
  c.rope_long = scaling.floats("long_factor");
  const double original = static_cast<double>(c.rope_original_context);
  const double longer = original_is_told || !scaling.has("factor")
                            ? static_cast<double>(c.context) / original
                            : scaling.number("factor");
  double attention = 1;
  if (longer > 1 && original > 1)
    attention = std::sqrt(1 + kernels::log(longer) / kernels::log(original));
  c.rope_attention = as_float(scaling.number("attention_factor", attention));
}

void read_scaling(const HfReader& in, const HfReader& scaling, ModelConfig& c) {
  std::string type = scaling.has("rope_type") ? scaling.text("rope_type") : scaling.text("type");
  if (type == "default") return;
  if (type == "su") type = "longrope";  // as the first Phi-3 files call it
  c.rope_scaling = scaling_named(type, scaling.source(), "type");
  // Phi-3 has it outside.
  constexpr const char* kOriginal = "original_max_position_embeddings";
  const bool inside = scaling.has(kOriginal), outside = in.has(kOriginal);
  const int64_t original = inside    ? scaling.integer(kOriginal)
                           : outside ? in.integer(kOriginal)
                                     : c.context;
  if (c.rope_scaling != RopeScaling::linear) c.rope_original_context = original;
  switch (c.rope_scaling) {
    case RopeScaling::none:
      return;
    case RopeScaling::linear:
    case RopeScaling::dynamic:
      c.rope_factor = scaling.number("factor");
      return;
    case RopeScaling::yarn:
      return read_yarn(scaling, c);
    case RopeScaling::llama3:
      return read_llama3(scaling, c);
    case RopeScaling::longrope:
      return read_longrope(scaling, inside || outside, c);
  }
}

}  // namespace

void read_rope(const HfReader& in, ModelConfig& c) {
  c.rope_dim = c.head_dim;
  c.rope_base = in.number("rope_theta", 10000);
  double turned = in.number("partial_rotary_factor", 1);
  // Newer files gather the rotary fields in rope_parameters.
  if (in.has("rope_parameters")) {
    const HfReader gathered = in.object("rope_parameters");
    if (gathered.has_objects())
      fail_input("{}: frequencies that differ between layers are not supported", gathered.source());
    c.rope_base = gathered.number("rope_theta", 10000);
    turned = gathered.number("partial_rotary_factor", turned);
    if (gathered.has("rope_type")) read_scaling(in, gathered, c);
  }
  if (turned != 1)
    fail_input("{}: partial_rotary_factor {}: heads turned in part are not supported", in.source(),
               turned);
  if (in.has("rope_scaling")) read_scaling(in, in.object("rope_scaling"), c);
}

}  // namespace avocado
