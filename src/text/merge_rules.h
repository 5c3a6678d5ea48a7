#pragma once
// Makes merges of their spellings; shared by the GGUF and tokenizer.json loaders.

#include "text/basic_tokenizer.h"
#include "text/merges.h"

namespace avocado {

// Merge number `rank`, of tokens spelled `left` and `right`. Throws Error(input) naming `name` when
// one of them, or both together, are not in the vocabulary.
Merge make_merge(const Vocab& vocab, std::string_view left, std::string_view right, uint32_t rank,
                 std::string& scratch, const std::string& name);

}  // namespace avocado
