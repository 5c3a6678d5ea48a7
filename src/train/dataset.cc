#include "train/dataset.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/philox.h"
#include "files/atomic_file.h"
#include "files/mapped_file.h"
#include "train/row_packer.h"
#include "train/shard_format.h"

namespace avocado {
namespace {

constexpr size_t kPart = size_t{4} << 20;  // words that are checked before their memory is released

std::string hex_of(const Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

bool fits_id(uint32_t word, int64_t vocab) {
  return static_cast<int64_t>(word & ~Dataset::kLearn) < vocab;
}

}  // namespace

struct Dataset::Storage {
  std::vector<uint64_t> row_begin, sequence_begin;
  std::vector<uint32_t> words;
  std::optional<MappedFile> file;
};

void Dataset::check(const std::string& source) {
  if (row_tokens_ < 1 || row_tokens_ > (int64_t{1} << 30))
    fail_input("{}: rows of {} tokens; a row has 1 to 2^30", source, row_tokens_);
  if (vocab_ < 1 || vocab_ >= int64_t{kLearn})
    fail_input("{}: a vocabulary of {} tokens; it must have 1 to 2^31 - 1", source, vocab_);
  const uint64_t sequences = sequence_begin_.size() - 1;
  if (row_begin_.front() != 0 || row_begin_.back() != sequences || sequence_begin_.front() != 0 ||
      sequence_begin_.back() != words_.size())
    fail_input("{}: the tables do not cover the tokens; make the shard again", source);
  // Starts are checked to ascend before any of them is used as an offset.
  for (size_t s = 0; s < sequences; ++s)
    if (sequence_begin_[s + 1] < sequence_begin_[s] + 2 || sequence_begin_[s + 1] > words_.size())
      fail_input("{}: sequence {} has a bad offset; make the shard again", source, s);
  Sha256 hash = begin_shard_digest(header());
  hash.update_array(row_begin_).update_array(sequence_begin_);
  size_t hashed = 0;  // words
  for (int64_t r = 0; r < rows(); ++r) {
    if (row_begin_[r + 1] <= row_begin_[r] || row_begin_[r + 1] > sequences)
      fail_input("{}: row {} has a bad offset; make the shard again", source, r);
    int64_t inputs = 0, learned = 0;
    for (int64_t s = first_sequence(r); s < last_sequence(r); ++s) {
      const std::span<const uint32_t> tokens = sequence(s);
      inputs += static_cast<int64_t>(tokens.size()) - 1;
      for (size_t i = 0; i < tokens.size(); ++i) {
        if (!fits_id(tokens[i], vocab_))
          fail_input("{}: token {} is outside the vocabulary of {}", source, tokens[i] & ~kLearn,
                     vocab_);
        learned += i > 0 && (tokens[i] & kLearn);
      }
    }
    if (inputs > row_tokens_ || learned == 0)
      fail_input(
          "{}: row {} has {} inputs, {} of them learned; at most {} and at least 1 are right",
          source, r, inputs, learned, row_tokens_);
    inputs_ += inputs;
    learned_ += learned;
    // A mapped shard is read here from end to end, and later row by row: it need not stay in
    // memory.
    const size_t end = sequence_begin_[row_begin_[r + 1]];
    if (end - hashed >= kPart || r + 1 == rows()) {
      const std::span<const uint32_t> part = words_.subspan(hashed, end - hashed);
      hash.update_array(part);
      if (storage_->file) release_pages(std::as_bytes(part));
      hashed = end;
    }
  }
  sha256_ = hash.digest();
  digest_ = hex_of(sha256_);
}

ShardHeader Dataset::header() const {
  return shard_header(row_tokens_, vocab_, row_begin_.size() - 1, sequence_begin_.size() - 1,
                      words_.size());
}

Dataset Dataset::pack(std::span<const Document> documents, int64_t row_tokens, int64_t vocab) {
  if (row_tokens < 1) fail_input("rows of {} tokens; a row has at least 1", row_tokens);
  auto storage = std::make_shared<Storage>();
  RowPacker packer(row_tokens);
  std::vector<uint32_t> words;
  for (size_t d = 0; d < documents.size(); ++d) {
    const Document& document = documents[d];
    if (!document.learn.empty() && document.learn.size() != document.ids.size())
      fail_input("document {}: {} tokens but {} marks of what to learn", d, document.ids.size(),
                 document.learn.size());
    words.clear();
    for (size_t i = 0; i < document.ids.size(); ++i) {
      const int32_t id = document.ids[i];
      if (id < 0 || id >= vocab)
        fail_input("document {}: token {} is outside the vocabulary of {}", d, id, vocab);
      const bool learned = document.learn.empty() || document.learn[i] != 0;
      words.push_back(static_cast<uint32_t>(id) | (learned ? kLearn : 0));
    }
    packer.add(words, kLearn, [&](bool begins_row, std::span<const uint32_t> piece) {
      if (begins_row) storage->row_begin.push_back(storage->sequence_begin.size());
      storage->sequence_begin.push_back(storage->words.size());
      storage->words.insert(storage->words.end(), piece.begin(), piece.end());
    });
  }
  if (storage->words.empty())
    fail_input(
        "the data holds nothing to learn: {} documents, none with two tokens of which the "
        "second is learned",
        documents.size());
  storage->row_begin.push_back(storage->sequence_begin.size());
  storage->sequence_begin.push_back(storage->words.size());

  Dataset dataset;
  dataset.row_tokens_ = row_tokens;
  dataset.vocab_ = vocab;
  dataset.row_begin_ = storage->row_begin;
  dataset.sequence_begin_ = storage->sequence_begin;
  dataset.words_ = storage->words;
  dataset.storage_ = std::move(storage);
  dataset.check("the packed data");
  return dataset;
}

Dataset Dataset::open(const std::string& path) {
  auto storage = std::make_shared<Storage>();
  storage->file.emplace(path);
  const std::span<const std::byte> bytes = storage->file->bytes();
  ShardHeader header;
  if (bytes.size() < sizeof header)
    fail_input("{}: {} bytes are too few for a token shard", path, bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != kShardMagic)
    fail_input("{}: not a token shard (it does not start with {})", path, kShardMagic);
  const uint64_t limit = bytes.size() / 4;  // no count can be above this, so sums below are safe
  if (header.rows < 1 || header.rows > limit || header.sequences > limit || header.words > limit ||
      sizeof header + 8 * (header.rows + 1) + 8 * (header.sequences + 1) + 4 * header.words !=
          bytes.size())
    fail_input(
        "{}: {} rows, {} sequences and {} tokens do not fill the file of {} bytes; it is "
        "damaged, make it again",
        path, header.rows, header.sequences, header.words, bytes.size());
  Dataset dataset;
  dataset.row_tokens_ = static_cast<int64_t>(header.row_tokens);
  dataset.vocab_ = static_cast<int64_t>(header.vocab);
  const auto* tables = reinterpret_cast<const uint64_t*>(bytes.data() + sizeof header);
  dataset.row_begin_ = {tables, header.rows + 1};
  dataset.sequence_begin_ = {tables + header.rows + 1, header.sequences + 1};
  dataset.words_ = {reinterpret_cast<const uint32_t*>(tables + header.rows + header.sequences + 2),
                    header.words};
  dataset.storage_ = std::move(storage);
  dataset.check(path);
  if (dataset.sha256_ != header.digest)
    fail_input("{}: the content does not agree with its SHA-256; it is damaged, make it again",
               path);
  return dataset;
}

void Dataset::save(const std::string& path) const {
  std::error_code ignored;
  if (storage_->file && std::filesystem::equivalent(path, storage_->file->path(), ignored)) return;
  ShardHeader stored = header();
  stored.digest = sha256_;
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&stored, 1)));
  file.write(std::as_bytes(row_begin_));
  file.write(std::as_bytes(sequence_begin_));
  file.write(std::as_bytes(words_));
  file.commit();
}

int64_t row_at(uint64_t position, int64_t rows, uint64_t seed) {
  const auto n = static_cast<uint64_t>(rows);
  return static_cast<int64_t>(permute(position % n, n, seed, static_cast<uint32_t>(position / n)));
}

void RowBatch::append(const Dataset& data, int64_t row) {
  for (int64_t s = data.first_sequence(row); s < data.last_sequence(row); ++s) {
    const std::span<const uint32_t> tokens = data.sequence(s);
    graph::Sequence<float> sequence;
    sequence.count = static_cast<int64_t>(tokens.size()) - 1;
    sequences.push_back(sequence);
    source.push_back(s);
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i + 1] & Dataset::kLearn) {
        wanted.push_back(static_cast<int32_t>(ids.size()));
        targets.push_back(static_cast<int32_t>(tokens[i + 1] & ~Dataset::kLearn));
      }
      ids.push_back(static_cast<int32_t>(tokens[i] & ~Dataset::kLearn));
    }
  }
}

}  // namespace avocado
