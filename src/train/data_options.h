#pragma once
// [data] of a recipe: which files a model is trained on, and how they are read.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace avocado {

// How a file is divided into documents. All but the first two say what each line of the file, a
// JSON object, holds (documents.h). The last is for losses on pairs, and no other is.
enum class DocumentFormat {
  automatic,   // lines (`jsonl`) when the name ends in .jsonl, before a .gz or .zst, else `plain`
  plain,       // the text itself
  jsonl,       // each line is what its fields say
  text,        // {"text"}
  completion,  // {"prompt", "completion"}
  messages,    // {"messages": [{"role", "content"}]}
  sharegpt,    // {"conversations": [{"from", "value"}]}
  alpaca,      // {"instruction", "input", "output"}
  preference,  // {"prompt", "chosen", "rejected"}: two documents, the answers to one prompt
};
inline constexpr std::array<std::pair<DocumentFormat, const char*>, 9> kDocumentFormats = {{
    {DocumentFormat::automatic, "auto"},
    {DocumentFormat::plain, "plain"},
    {DocumentFormat::jsonl, "jsonl"},
    {DocumentFormat::text, "text"},
    {DocumentFormat::completion, "completion"},
    {DocumentFormat::messages, "messages"},
    {DocumentFormat::sharegpt, "sharegpt"},
    {DocumentFormat::alpaca, "alpaca"},
    {DocumentFormat::preference, "preference"},
}};
const char* format_name(DocumentFormat format);

struct DataSource {
  std::string path;   // as the recipe has it
  double weight = 1;  // how often a document is seen per epoch: 2.5 is twice, and half of them,
                      // chosen by a hash of their content, a third time; above 0, at most 1000
  DocumentFormat format = DocumentFormat::automatic;

  bool operator==(const DataSource&) const = default;
};

struct DataOptions {
  std::vector<DataSource> train;
  std::vector<std::string> eval;  // held-out files
  double eval_share = 0;          // of the documents of `train`, chosen by a hash of their content
  bool refuse_bad_lines = false;  // a line that cannot be used ends the preparation
  bool drop_long = false;         // documents longer than a row are left out instead of cut
  int64_t row_tokens = 0;         // 0: the model's context

  bool has_eval() const { return !eval.empty() || eval_share > 0; }
};

}  // namespace avocado
