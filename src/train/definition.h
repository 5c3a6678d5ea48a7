#pragma once
// Model numbers as JSON, both ways, and the digest that names a run.

#include <nlohmann/json.hpp>
#include <string>

#include "models/config.h"
#include "train/options.h"

namespace avocado {

nlohmann::ordered_json config_to_json(const ModelConfig& config);
// Throws Error(input) naming `source` and the field when one is missing, unknown or of another
// type.
ModelConfig config_from_json(const nlohmann::ordered_json& json, const std::string& source);

// The compact JSON {"model", "train", "data", "initial"}: everything that enters the bits of a run.
// `data` is the digest of the dataset, `initial` that of the weights before the first step. Its
// SHA-256 is the definition that names the run.
std::string definition_text(const ModelConfig& config, const TrainOptions& options,
                            const std::string& data, const std::string& initial);

}  // namespace avocado
