#pragma once
// [adapter] of a recipe: fine-tuning by an adapter (models/adapter.h) on a model that stays as it
// is. Part of the definition of a run, beside TrainOptions.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/adapter.h"

namespace avocado {

struct AdapterOptions {
  std::string kind = "lora";  // "lora", "rslora" or "dora"
  int64_t rank = 8;
  double alpha = 16;
  // Patterns over the names of matrices, those of GGUF files ("attn_q", "blk.0.ffn_up") or of
  // Hugging Face ("q_proj"). A name is meant by itself and by every end of it after a point,
  // without its ".weight"; * stands for any characters.
  std::vector<std::string> targets = {"attn_*", "ffn_*"};
  uint64_t seed = 0;  // of the first values of A

  bool operator==(const AdapterOptions&) const = default;
};

// Throws Error(input) when a number or a kind is wrong; the message begins with where(field).
void check_adapter(const AdapterOptions& options,
                   const std::function<std::string(const char* field)>& where);

// The adapter before its first values: what it is on, its shapes and its scale, all zeros. Throws
// Error(input), beginning with `where`, for a pattern that means nothing.
Adapter plan_adapter(const AdapterOptions& options, const graph::Graph& model,
                     const std::string& where);

// As in run.json and in the definition of a run. The second throws Error(input) naming `source`.
nlohmann::ordered_json adapter_to_json(const AdapterOptions& options);
AdapterOptions adapter_from_json(const nlohmann::ordered_json& json, const std::string& source);

}  // namespace avocado
