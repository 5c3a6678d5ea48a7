#include "train/shard_writer.h"

#include <filesystem>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/spill_file.h"
#include "train/row_packer.h"
#include "train/shard_format.h"

namespace avocado {
namespace {

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void append_number(SpillFile& file, uint64_t number) {
  file.append(std::as_bytes(std::span(&number, 1)));
}

}  // namespace

struct ShardWriter::Impl {
  std::string path;
  int64_t row_tokens, vocab;
  RowPacker packer;
  SpillFile row_begin, sequence_begin, words;
  uint64_t rows = 0, sequences = 0, count = 0;  // count: words

  Impl(const std::string& target, int64_t tokens, int64_t vocabulary)
      : path(target),
        row_tokens(tokens),
        vocab(vocabulary),
        packer(tokens),
        row_begin(folder_of(target)),
        sequence_begin(folder_of(target)),
        words(folder_of(target)) {}

  void check(std::span<const uint32_t> document) const {
    for (const uint32_t word : document)
      if (static_cast<int64_t>(word & ~Dataset::kLearn) >= vocab)
        fail_input("token {} is outside the vocabulary of {}", word & ~Dataset::kLearn, vocab);
  }

  void add_piece(bool begins_row, std::span<const uint32_t> piece) {
    if (begins_row) {
      append_number(row_begin, sequences);
      ++rows;
    }
    append_number(sequence_begin, count);
    ++sequences;
    count += piece.size();
    words.append(std::as_bytes(piece));
  }
};

ShardWriter::ShardWriter(const std::string& path, int64_t row_tokens, int64_t vocab) {
  if (row_tokens < 1) fail_input("rows of {} tokens; a row has at least 1", row_tokens);
  impl_ = std::make_unique<Impl>(path, row_tokens, vocab);
}
ShardWriter::~ShardWriter() = default;

void ShardWriter::add(std::span<const uint32_t> words) {
  impl_->check(words);
  impl_->packer.add(words, Dataset::kLearn, [&](bool begins_row, std::span<const uint32_t> piece) {
    impl_->add_piece(begins_row, piece);
  });
}

void ShardWriter::add_pair(std::span<const uint32_t> chosen, std::span<const uint32_t> rejected) {
  impl_->check(chosen);
  impl_->check(rejected);
  impl_->packer.add_pair(chosen, rejected, [&](bool begins_row, std::span<const uint32_t> piece) {
    impl_->add_piece(begins_row, piece);
  });
}

int64_t ShardWriter::row_tokens() const { return impl_->row_tokens; }
int64_t ShardWriter::rows() const { return static_cast<int64_t>(impl_->rows); }

void ShardWriter::commit() {
  Impl& impl = *impl_;
  append_number(impl.row_begin, impl.sequences);
  append_number(impl.sequence_begin, impl.count);
  ShardHeader header =
      shard_header(impl.row_tokens, impl.vocab, impl.rows, impl.sequences, impl.count);
  // The digest stands before what it is of, so this is read twice.
  Sha256 hash = begin_shard_digest(header);
  for (SpillFile* part : {&impl.row_begin, &impl.sequence_begin, &impl.words})
    part->read([&](std::span<const std::byte> bytes) { hash.update(bytes); });
  header.digest = hash.digest();
  AtomicFile file(impl.path);
  file.write(std::as_bytes(std::span(&header, 1)));
  for (SpillFile* part : {&impl.row_begin, &impl.sequence_begin, &impl.words})
    part->read([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace avocado
