#include "models/config.h"

#include <cmath>

#include "base/error.h"

namespace avocado {
namespace {

void check_range(int64_t value, int64_t low, int64_t high, const char* field,
                 const std::string& source) {
  if (value < low || value > high)
    fail_input("{}: {} is {}, expected {} to {}", source, field, value, low, high);
}

void check_range(double value, double low, double high, const char* field,
                 const std::string& source) {
  if (!(value >= low && value <= high))
    fail_input("{}: {} is {}, expected {} to {}", source, field, value, low, high);
}

void check_divisors(const std::vector<float>& divisors, int64_t pairs, const char* field,
                    const std::string& source) {
  if (static_cast<int64_t>(divisors.size()) != pairs)
    fail_input("{}: {} {}s for {} pairs", source, divisors.size(), field, pairs);
  for (float divisor : divisors)
    check_range(static_cast<double>(divisor), 1e-6, 1e6, field, source);
}

void check_rope(const ModelConfig& c, const std::string& source) {
  check_range(c.rope_dim, 2, c.head_dim, "rotary dimension", source);
  if (c.rope_dim % 2 != 0) fail_input("{}: rotary dimension {} is odd", source, c.rope_dim);
  check_range(c.rope_base, 1.0, 1e12, "rotary base", source);
  check_range(c.rope_factor, 1e-3, 1e6, "rotary scaling factor", source);
  check_range(c.rope_attention, 1e-3, 1e3, "rotary attention factor", source);
  if (!c.rope_divisors.empty())
    check_divisors(c.rope_divisors, c.rope_dim / 2, "rotary divisor", source);
  if (c.rope_scaling == RopeScaling::yarn) {
    check_range(c.rope_base, 1.001, 1e12, "rotary base", source);
    check_range(c.rope_original_context, 1, int64_t{1} << 31, "original context", source);
    check_range(c.rope_beta_slow, 1e-3, 1e6, "YaRN's slow turns", source);
    check_range(c.rope_beta_fast, c.rope_beta_slow, 1e6, "YaRN's fast turns", source);
    check_range(c.rope_extrapolation, 0.0, 1.0, "YaRN's extrapolation factor", source);
  }
  if (c.rope_scaling == RopeScaling::dynamic) {
    check_range(c.rope_dim, 4, c.head_dim, "rotary dimension with dynamic scaling", source);
    check_range(c.rope_factor, 1.0, 1e6, "rotary scaling factor", source);
    check_range(c.rope_original_context, 1, int64_t{1} << 31, "original context", source);
  }
  if (c.rope_scaling == RopeScaling::longrope) {
    check_range(c.rope_original_context, 1, int64_t{1} << 31, "original context", source);
    check_divisors(c.rope_short, c.rope_dim / 2, "short rotary factor", source);
    check_divisors(c.rope_long, c.rope_dim / 2, "long rotary factor", source);
  }
}

}  // namespace

const char* rope_scaling_name(RopeScaling scaling) {
  for (const auto& [value, name] : kRopeScalings)
    if (value == scaling) return name;
  return "unknown";
}

void check_config(const ModelConfig& c, const std::string& source) {
  check_range(c.vocab, 1, int64_t{1} << 24, "vocabulary size", source);
  check_range(c.width, 1, int64_t{1} << 18, "hidden width", source);
  check_range(c.layers, 1, 4096, "number of layers", source);
  check_range(c.heads, 1, 4096, "number of attention heads", source);
  check_range(c.kv_heads, 1, c.heads, "number of key/value heads", source);
  check_range(c.head_dim, 2, 4096, "head dimension", source);
  check_range(c.ffn, 1, int64_t{1} << 20, "feed-forward width", source);
  check_range(c.context, 1, int64_t{1} << 30, "context length", source);
  check_range(c.window, 0, int64_t{1} << 30, "sliding window", source);
  check_range(c.norm_eps, 1e-12, 1.0, "norm epsilon", source);
  if (c.heads % c.kv_heads != 0)
    fail_input("{}: {} attention heads are not a multiple of {} key/value heads", source, c.heads,
               c.kv_heads);
  check_rope(c, source);
}

}  // namespace avocado
