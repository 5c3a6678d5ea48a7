#pragma once
// A receipt: what a finished training run was made of and what came out, in one JSON file that its
// maker may sign (docs/formats/receipt.md). It lets somebody who has only the weights learn what
// they are said to be, and somebody who has the run check that.

#include <cstdint>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "train/run.h"
#include "train/signature.h"

namespace avocado {

struct ReceiptFile {
  std::string name;  // relative to the run's folder
  int64_t bytes = 0;
  std::string sha256;
  bool operator==(const ReceiptFile&) const = default;
};

struct ReceiptSource {
  std::string name;  // as in the recipe
  std::string sha256;
  bool operator==(const ReceiptSource&) const = default;
};

// All digests are 64 hex digits.
struct Receipt {
  std::string issued;   // when, in UTC: "2026-11-22T13:05:00Z"
  std::string version;  // of the program that wrote it
  std::string source;   // digest of that program's source files

  std::string definition;              // SHA-256 of `defines`
  std::string defines;                 // all that enters the bits of the run, as JSON text
  std::string recipe;                  // run.toml as it was written; may be empty
  std::string data, eval, tokenizer;   // digests as in run.json; the last two may be empty
  std::vector<ReceiptSource> sources;  // what the data was made from

  int64_t parameters = 0;
  int64_t steps = 0;
  int64_t rows = 0, inputs = 0, learned = 0;  // rows of data, tokens fed, tokens in the loss
  std::string chain, state;                   // after the last step
  std::string weights;                        // digest, as `avocado show` prints it
  std::vector<ReceiptFile> files;             // of the run's folder, checkpoints left out

  std::string public_key, signature;  // Ed25519, hex digits; both empty: not signed
};

struct Software {
  std::string version, source;  // as in Receipt
};

// What a receipt of this run says, unsigned, issued now. Throws Error(input) when the run is not
// finished, or when its log or final file is damaged.
Receipt describe_run(const Run& run, const Software& software, ThreadPool& pool);

// Throws Error(input) naming `source` and the field for what is not a receipt whose fields agree
// with each other. Does not look at the signature.
Receipt parse_receipt(const std::string& text, const std::string& source);
// Indented, with its members in the order of the struct.
std::string receipt_text(const Receipt& receipt);

void sign_receipt(Receipt& receipt, const SigningKey& key);
// False when it is not signed.
bool receipt_signature_holds(const Receipt& receipt);

// The first thing in which a run differs from its receipt, with both values; empty when nothing
// does. When it was issued and by which program does not matter.
std::string receipt_difference(const Receipt& receipt, const Receipt& run);

}  // namespace avocado
