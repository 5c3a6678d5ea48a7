#include "train/dataset.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "files/mapped_file.h"

namespace avocado {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are mapped as they are");

constexpr std::string_view kMagic = "AVOROWS1";
constexpr size_t kDigestBytes = 32;

// The start of a shard; the tables and the words follow it.
struct Header {
  std::array<char, 8> magic;
  uint64_t row_tokens, vocab, rows, sequences, words;
  std::array<uint8_t, kDigestBytes> digest;
};
static_assert(sizeof(Header) == 80);

std::array<uint8_t, kDigestBytes> from_hex(const std::string& hex) {
  std::array<uint8_t, kDigestBytes> bytes;
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

bool fits_id(uint32_t word, int64_t vocab) {
  return static_cast<int64_t>(word & ~Dataset::kLearn) < vocab;
}

void check_document(const Document& document, int64_t vocab, const std::string& name) {
  if (!document.learn.empty() && document.learn.size() != document.ids.size())
    fail_input("{}: {} tokens but {} marks of what to learn", name, document.ids.size(),
               document.learn.size());
  for (int32_t id : document.ids)
    if (id < 0 || id >= vocab)
      fail_input("{}: token {} is outside the vocabulary of {}", name, id, vocab);
}

// Of a sequence: its first token is no target. Without marks all are learned.
bool anything_learned(size_t tokens, std::span<const uint8_t> marks) {
  if (marks.empty()) return tokens > 1;
  return std::any_of(marks.begin() + 1, marks.end(), [](uint8_t learn) { return learn != 0; });
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
  }
  Sha256 hash;
  hash.update(kMagic);
  for (int64_t n : {row_tokens_, vocab_, rows(), static_cast<int64_t>(sequences),
                    static_cast<int64_t>(words_.size())})
    hash.update(static_cast<uint64_t>(n));
  hash.update_array(row_begin_).update_array(sequence_begin_).update_array(words_);
  digest_ = hash.hex();
}

// Fills rows in order; the next row begins where something does not fit.
class Dataset::Packer {
 public:
  Packer(int64_t row_tokens, int64_t vocab) : row_tokens_(row_tokens), vocab_(vocab) {
    if (row_tokens < 1) fail_input("rows of {} tokens; a row has at least 1", row_tokens);
    storage_->row_begin = {0};
    storage_->sequence_begin = {0};
  }

  // What is added next, up to `inputs`, comes into one row.
  void keep_together(int64_t inputs) {
    if (inputs <= room_) return;
    if (!storage_->words.empty())
      storage_->row_begin.push_back(storage_->sequence_begin.size() - 1);
    room_ = row_tokens_;
  }

  void add(std::span<const int32_t> ids, std::span<const uint8_t> learn) {
    const auto inputs = static_cast<int64_t>(ids.size()) - 1;
    keep_together(inputs);
    room_ -= inputs;
    for (size_t i = 0; i < ids.size(); ++i)
      storage_->words.push_back(static_cast<uint32_t>(ids[i]) |
                                (learn.empty() || learn[i] ? kLearn : 0));
    storage_->sequence_begin.push_back(storage_->words.size());
  }

  bool empty() const { return storage_->words.empty(); }

  Dataset finish() {
    storage_->row_begin.push_back(storage_->sequence_begin.size() - 1);
    Dataset dataset;
    dataset.row_tokens_ = row_tokens_;
    dataset.vocab_ = vocab_;
    dataset.row_begin_ = storage_->row_begin;
    dataset.sequence_begin_ = storage_->sequence_begin;
    dataset.words_ = storage_->words;
    dataset.storage_ = std::move(storage_);
    dataset.check("the packed data");
    return dataset;
  }

 private:
  int64_t row_tokens_, vocab_;
  int64_t room_ = 0;  // inputs that the last row can still take
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
};

Dataset Dataset::pack(std::span<const Document> documents, int64_t row_tokens, int64_t vocab) {
  Packer packer(row_tokens, vocab);
  for (size_t d = 0; d < documents.size(); ++d) {
    check_document(documents[d], vocab, fmt::format("document {}", d));
    const std::span<const int32_t> ids = documents[d].ids;
    const std::span<const uint8_t> learn = documents[d].learn;
    // Pieces share the token at the cut: the target of one's last input, the next one's first
    // input.
    for (size_t begin = 0; begin + 1 < ids.size(); begin += static_cast<size_t>(row_tokens)) {
      const size_t count = std::min(ids.size() - begin, static_cast<size_t>(row_tokens) + 1);
      const std::span<const uint8_t> marks = learn.empty() ? learn : learn.subspan(begin, count);
      if (anything_learned(count, marks)) packer.add(ids.subspan(begin, count), marks);
    }
  }
  if (packer.empty())
    fail_input(
        "the data holds nothing to learn: {} documents, none with two tokens of which the "
        "second is learned",
        documents.size());
  return packer.finish();
}

Dataset Dataset::pack_pairs(std::span<const DocumentPair> pairs, int64_t row_tokens, int64_t vocab,
                            int64_t& left_out) {
  Packer packer(row_tokens, vocab);
  left_out = 0;
  for (size_t p = 0; p < pairs.size(); ++p) {
    int64_t inputs = 0;
    bool usable = true;
    for (const Document* answer : {&pairs[p].chosen, &pairs[p].rejected}) {
      check_document(*answer, vocab, fmt::format("pair {}", p));
      usable &= anything_learned(answer->ids.size(), answer->learn);
      inputs += static_cast<int64_t>(answer->ids.size()) - 1;
    }
    if (!usable || inputs > row_tokens) {
      ++left_out;
      continue;
    }
    packer.keep_together(inputs);
    packer.add(pairs[p].chosen.ids, pairs[p].chosen.learn);
    packer.add(pairs[p].rejected.ids, pairs[p].rejected.learn);
  }
  if (packer.empty())
    fail_input(
        "the data holds nothing to learn: of {} pairs none has two answers that fit into a row of "
        "{} tokens together",
        pairs.size(), row_tokens);
  return packer.finish();
}

Dataset Dataset::open(const std::string& path) {
  auto storage = std::make_shared<Storage>();
  storage->file.emplace(path);
  const std::span<const std::byte> bytes = storage->file->bytes();
  Header header;
  if (bytes.size() < sizeof header)
    fail_input("{}: {} bytes are too few for a token shard", path, bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic)
    fail_input("{}: not a token shard (it does not start with {})", path, kMagic);
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
  if (from_hex(dataset.digest_) != header.digest)
    fail_input("{}: the content does not agree with its SHA-256; it is damaged, make it again",
               path);
  return dataset;
}

void Dataset::save(const std::string& path) const {
  Header header;
  std::memcpy(header.magic.data(), kMagic.data(), kMagic.size());
  header.row_tokens = static_cast<uint64_t>(row_tokens_);
  header.vocab = static_cast<uint64_t>(vocab_);
  header.rows = row_begin_.size() - 1;
  header.sequences = sequence_begin_.size() - 1;
  header.words = words_.size();
  header.digest = from_hex(digest_);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
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
