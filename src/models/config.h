#pragma once
// The numbers of a model, whatever file they came from.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace avocado {

enum class RopeScaling { none, linear, llama3, yarn, dynamic, longrope };

// The words of files and flags.
inline constexpr std::pair<RopeScaling, const char*> kRopeScalings[] = {
    {RopeScaling::none, "none"},       {RopeScaling::linear, "linear"},
    {RopeScaling::llama3, "llama3"},   {RopeScaling::yarn, "yarn"},
    {RopeScaling::dynamic, "dynamic"}, {RopeScaling::longrope, "longrope"},
};
const char* rope_scaling_name(RopeScaling scaling);

struct ModelConfig {
  std::string architecture;  // a name of the registry (models/registry.h): "llama", "qwen2", ...
  std::string name;          // general.name; free text
  int64_t vocab = 0;
  int64_t width = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn = 0;
  int64_t context = 0;  // positions the model was made for
  int64_t window = 0;   // sliding window in keys, 0: none
  double norm_eps = 1e-5;
  bool tied = false;            // the head uses the embedding table
  bool attention_bias = false;  // q, k, v have biases
  bool qk_norm = false;         // RMSNorm on each query and key head

  double rope_base = 10000;
  int64_t rope_dim = 0;  // elements of a head that are turned
  // How frequencies are changed for a longer context; the formulas are in rope_frequencies.h.
  RopeScaling rope_scaling = RopeScaling::none;
  double rope_factor = 1;
  // Llama 3.1: frequencies below / above these wave numbers are divided / kept (see rope.cc).
  double rope_low = 1, rope_high = 4;
  int64_t rope_original_context = 0;  // positions of the training before it was made longer
  // YaRN: pairs that turn more often than `fast` times in the original context are kept, those
  // below `slow` divided by rope_factor. `extrapolation` is how much of what is kept is kept.
  double rope_beta_fast = 32, rope_beta_slow = 1, rope_extrapolation = 1;
  double rope_attention = 1;  // queries and keys are multiplied by it, beside YaRN's own factor
  // dynamic, longrope: the positions a sequence was asked to hold, on which the frequencies of all
  // positions depend; 0: `context`.
  int64_t rope_asked_context = 0;
  std::vector<float> rope_short{}, rope_long{};  // longrope: divisors of each pair
  // Per-pair divisors from a GGUF tensor rope_freqs.weight; empty when the file has none.
  std::vector<float> rope_divisors{};

  bool operator==(const ModelConfig&) const = default;
};

// Throws Error(input) with `source` and the field when a number is missing, absurd or inconsistent.
void check_config(const ModelConfig& config, const std::string& source);

}  // namespace avocado
