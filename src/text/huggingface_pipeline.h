#pragma once
// The parts of a tokenizer.json around its model.

#include <nlohmann/json.hpp>
#include <string>

#include "text/basic_tokenizer.h"

namespace avocado {

// Each reads one section into `parts`; an unknown type or setting throws Error(input) naming it.
// `where` names file and section.
void read_normalizer(const nlohmann::json& json, const std::string& where, Normalizer& normalizer);

struct PreTokenizerSummary {
  bool byte_level = false;
  // The isolated patterns in order, when the steps are nothing else.
  std::vector<std::string> patterns;
  bool only_patterns = true;
};
PreTokenizerSummary read_pre_tokenizer(const nlohmann::json& json, const std::string& where,
                                       PreTokenizer& pre_tokenizer);

// What stands before and after a single text; ids are checked against `vocab_size`.
void read_post_processor(const nlohmann::json& json, const std::string& where, int32_t vocab_size,
                         std::vector<int32_t>& prefix, std::vector<int32_t>& suffix);

// Whether decoding drops a leading space.
bool decoder_strips_first_space(const nlohmann::json& json, const std::string& where);

}  // namespace avocado
