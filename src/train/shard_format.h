#pragma once
// The layout of a token shard (docs/formats/run.md), shared by its reader and its writers.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace avocado {

static_assert(std::endian::native == std::endian::little, "shards are mapped as they are");

inline constexpr std::string_view kShardMagic = "AVOROWS1";

// The start of a shard; the table of rows, the table of sequences and the words follow it.
struct ShardHeader {
  std::array<char, 8> magic;
  uint64_t row_tokens, vocab, rows, sequences, words;
  Digest digest;  // of everything else in the file
};
static_assert(sizeof(ShardHeader) == 80);

inline ShardHeader shard_header(int64_t row_tokens, int64_t vocab, uint64_t rows,
                                uint64_t sequences, uint64_t words) {
  ShardHeader header{.magic = {},
                     .row_tokens = static_cast<uint64_t>(row_tokens),
                     .vocab = static_cast<uint64_t>(vocab),
                     .rows = rows,
                     .sequences = sequences,
                     .words = words,
                     .digest = {}};
  std::memcpy(header.magic.data(), kShardMagic.data(), kShardMagic.size());
  return header;
}

// A digest that has taken in the header; the tables and the words come next.
inline Sha256 begin_shard_digest(const ShardHeader& header) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(&header, 1)).first(offsetof(ShardHeader, digest)));
  return hash;
}

}  // namespace avocado
