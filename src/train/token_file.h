#pragma once
// The documents of one source as tokens, in a file of their own (docs/formats/run.md): what is kept
// between runs, and what shards are packed from.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "train/data_report.h"

namespace avocado {

// One document in a token file.
struct TokenDocument {
  uint64_t line = 0;                // of the source, where it begins
  uint64_t split = 0, copies = 0;   // hashes of its content, for eval_share and for weights
  std::span<const uint32_t> words;  // token ids, with Dataset::kLearn where they are learned
};

// Appends a document as the file holds it.
void append_document(std::vector<std::byte>& bytes, const TokenDocument& document);

class TokenFileWriter {
 public:
  using Write = std::function<void(std::span<const std::byte>)>;
  // `write` takes the bytes of the file in order. `identity` is a digest of everything the tokens
  // depend on.
  TokenFileWriter(Write write, const Digest& identity);
  // Documents made by append_document.
  void add(std::span<const std::byte> documents);
  // `source` is the path they are from, for people.
  void finish(const std::string& source, const LineReport& lines);

 private:
  void put(std::span<const std::byte> bytes);

  Write write_;
  Digest identity_;
  Sha256 hash_;
  uint64_t bytes_ = 0;  // of documents
};

class TokenFile {
 public:
  // Checks all but the documents. Throws Error(input) naming the file.
  static TokenFile open(const std::string& path);
  // The same of an open file, which is closed with the last copy of the object.
  static TokenFile open(int fd, const std::string& name);

  const Digest& identity() const { return identity_; }
  const std::string& source() const { return source_; }
  const LineReport& lines() const { return lines_; }
  // Reads the whole file; throws Error(input) when it is not what was written.
  void check_contents() const;

 private:
  friend class TokenReader;
  struct Handle;

  std::string path_;
  std::shared_ptr<const Handle> handle_;  // open, so that the file stays even when it is removed
  uint64_t size_ = 0, end_ = 0;           // of the file; of its documents
  Digest identity_ = {}, sha256_ = {};
  std::string source_;
  LineReport lines_;
};

// The documents of a file, one after the other, in little memory.
class TokenReader {
 public:
  explicit TokenReader(const TokenFile& file);
  // False at the end; what `document` refers to stays until the next call. Throws Error(input) when
  // the file is damaged.
  bool next(TokenDocument& document);

 private:
  const std::byte* take(uint64_t size);

  const TokenFile& file_;
  uint64_t at_;  // in the file, behind the buffer
  std::vector<std::byte> buffer_;
  size_t used_ = 0;
};

}  // namespace avocado
