#pragma once
// Weights in blocks of fewer bits.

#include <span>
#include <string>
#include <vector>

#include "models/model.h"

namespace avocado {

// Numbers as blocks of Q8_0 (tensor/blocks/q8_0.h), a multiple of 32 of them. Of each block
// d = max |x| / 127, and q = x * (1 / d) rounded to the nearest whole number, halves away from
// zero, all in float; d is then rounded to half precision. These are the bytes that other programs
// for GGUF files write. Throws Error(input) when a number is not finite, or above 127 * 65504.
std::vector<std::byte> encode_q8_0(std::span<const float> numbers);

// save_gguf with the matrices as Q8_0. A matrix whose rows are no multiple of 32, and what is no
// matrix, stays F32.
void save_gguf_q8_0(const std::string& path, const ModelConfig& config, const graph::Graph& graph,
                    const std::vector<const float*>& weights, const Tokenizer* tokenizer,
                    const std::string& chat_template);

}  // namespace avocado
