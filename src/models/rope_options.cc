#include "models/rope_options.h"

#include <algorithm>

#include "base/error.h"

namespace avocado {
namespace {

int64_t times(int64_t context, double factor) {
  return static_cast<int64_t>(std::min(static_cast<double>(context) * factor, 0x1p30));
}

// Positions of the training before it was made longer.
int64_t original_context(const ModelConfig& c) {
  if (c.rope_scaling == RopeScaling::linear && c.rope_factor > 1)
    return std::max<int64_t>(times(c.context, 1 / c.rope_factor), 1);
  // That of Llama 3.1 belongs to its divisors.
  if (c.rope_scaling == RopeScaling::llama3 || c.rope_original_context == 0) return c.context;
  return c.rope_original_context;
}

void set_kind(const RopeOptions& o, ModelConfig& c, const std::string& source) {
  const bool own_numbers = c.rope_scaling == RopeScaling::llama3;  // its factor is in the divisors
  RopeScaling kind = own_numbers ? RopeScaling::none : c.rope_scaling;
  if (o.factor && kind == RopeScaling::none) kind = RopeScaling::linear;
  kind = o.scaling.value_or(kind);
  if (kind == RopeScaling::llama3 || (kind == RopeScaling::longrope && kind != c.rope_scaling))
    fail_usage("{}: rotary scaling '{}' needs numbers that only a model's file can give", source,
               rope_scaling_name(kind));
  if (kind == RopeScaling::longrope && o.factor)
    fail_usage(
        "{}: the model's longrope has a factor for each pair, and takes no other; choose a kind of "
        "scaling too",
        source);
  if (kind != c.rope_scaling) {
    const ModelConfig plain;
    c.rope_attention = plain.rope_attention;
    c.rope_beta_fast = plain.rope_beta_fast;
    c.rope_beta_slow = plain.rope_beta_slow;
    c.rope_extrapolation = plain.rope_extrapolation;
    c.rope_short.clear();
    c.rope_long.clear();
    if (own_numbers || kind == RopeScaling::none) c.rope_factor = 1;
  }
  c.rope_scaling = kind;
  c.rope_factor = o.factor.value_or(c.rope_factor);
}

void set_numbers(const RopeOptions& o, ModelConfig& c, const std::string& source) {
  if (c.rope_scaling == RopeScaling::none && o.original_context)
    fail_usage("{}: an original context was given, but no rotary scaling", source);
  const bool yarn = c.rope_scaling == RopeScaling::yarn;
  if (!yarn && (o.extrapolation || o.attention || o.beta_slow || o.beta_fast))
    fail_usage("{}: numbers of YaRN were given, but the rotary scaling is '{}'", source,
               rope_scaling_name(c.rope_scaling));
  c.rope_base = o.base.value_or(c.rope_base);
  c.rope_extrapolation = o.extrapolation.value_or(c.rope_extrapolation);
  c.rope_attention = o.attention.value_or(c.rope_attention);
  c.rope_beta_slow = o.beta_slow.value_or(c.rope_beta_slow);
  c.rope_beta_fast = o.beta_fast.value_or(c.rope_beta_fast);
}

void set_context(const RopeOptions& o, ModelConfig& c) {
  if (o.context > 0) {
    c.context = std::max(c.context, o.context);
  } else if ((o.scaling || o.factor || o.original_context) && c.rope_factor > 1 &&
             c.rope_scaling != RopeScaling::dynamic) {
    c.context = std::max(c.context, times(c.rope_original_context, c.rope_factor));
  }
}

}  // namespace

bool RopeOptions::change_the_model() const {
  return scaling || factor || base || original_context || extrapolation || attention || beta_slow ||
         beta_fast;
}

void apply(const RopeOptions& o, ModelConfig& c, const std::string& source) {
  if (o.change_the_model()) {
    const bool wants_factor = o.scaling && *o.scaling != RopeScaling::none && !o.factor;
    const int64_t original = original_context(c);
    set_kind(o, c, source);
    if (wants_factor && c.rope_scaling != RopeScaling::longrope && c.rope_factor == 1)
      fail_usage("{}: rotary scaling '{}' needs a factor, and the model has none; give one too",
                 source, rope_scaling_name(c.rope_scaling));
    set_numbers(o, c, source);
    c.rope_original_context = o.original_context.value_or(original);
    set_context(o, c);
    check_config(c, source);
  } else if (c.rope_scaling == RopeScaling::dynamic) {
    c.context =
        std::max(c.context, std::min(o.context, times(c.rope_original_context, c.rope_factor)));
  }
  c.rope_asked_context = std::min(o.context, c.context);
}

}  // namespace avocado
