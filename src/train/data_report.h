#pragma once
// What became of the documents of a run: how many there are, what was left out and why.

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/data_options.h"

namespace avocado {

// Why a line is not used.
enum class LineProblem {
  long_line,  // above kLongestLine
  utf8,
  json,
  fields,         // not those of the format
  empty,          // nothing stands where the learned text should be
  refused,        // by the model's chat template
  unlearned,      // no token of it is learned: a chat without an answer
  long_document,  // does not fit into a row, and the recipe drops such ones
};
struct LineProblemName {
  LineProblem problem;
  const char* key;    // in data-report.json
  const char* words;  // behind a number of lines
};
inline constexpr std::array<LineProblemName, 8> kLineProblems = {{
    {LineProblem::long_line, "long_line", "longer than 8 MiB"},
    {LineProblem::utf8, "utf8", "not UTF-8"},
    {LineProblem::json, "json", "not JSON"},
    {LineProblem::fields, "fields", "with wrong fields"},
    {LineProblem::empty, "empty", "empty"},
    {LineProblem::refused, "refused", "refused by the chat template"},
    {LineProblem::unlearned, "unlearned", "with nothing to learn"},
    {LineProblem::long_document, "long_document", "too long for a row"},
}};

inline constexpr size_t kLongestLine = size_t{8} << 20;  // bytes

// A line that is not used.
struct BadLine {
  int64_t line = 0;
  std::string text;  // what is wrong with it
};

// What was found in one file.
struct LineReport {
  static constexpr size_t kExamples = 10;
  struct Problem {
    int64_t count = 0;
    std::vector<BadLine> first;  // at most kExamples, ascending
  };

  int64_t lines = 0;      // but for blank ones; 1 for a text
  int64_t documents = 0;  // of use
  int64_t tokens = 0;
  int64_t learned = 0;                                 // tokens
  std::array<Problem, kLineProblems.size()> problems;  // by LineProblem

  Problem& of(LineProblem problem) { return problems[static_cast<size_t>(problem)]; }
  void add(LineProblem problem, int64_t line, std::string text);
  // Adds the report of lines that follow.
  void append(const LineReport& later);
  int64_t dropped() const;
  // The first bad line of all; null when there is none.
  const BadLine* first_bad() const;
};

// Throws Error(input) that names the first bad line, when there is one.
void refuse_bad_lines(const LineReport& report, const std::string& path);
// Throws Error(input) when no document is of use.
void require_documents(const LineReport& report, const std::string& path);

// As in data-report.json. The second throws Error(input) naming `source` and the field.
nlohmann::ordered_json line_report_to_json(const LineReport& report);
LineReport line_report_from_json(const nlohmann::json& json, const std::string& source);

struct SourceReport {
  DataSource source;
  bool eval = false;  // a file of [data] eval
  std::string sha256;
  uint64_t bytes = 0;          // as stored
  bool found = false;          // its tokens were kept from an earlier run
  int64_t held_out = 0;        // documents that eval_share took
  int64_t long_documents = 0;  // cut, because they are longer than a row
  LineReport lines;
};

struct ShardReport {
  int64_t documents = 0;  // as often as they are seen
  int64_t rows = 0, inputs = 0, learned = 0;
};

struct DataReport {
  std::vector<SourceReport> sources;
  ShardReport train;
  std::optional<ShardReport> eval;
};

// data-report.json (docs/formats/run.md).
nlohmann::ordered_json data_report_to_json(const DataReport& report);
// The same for people, one line each: every file, and what was left out of it, with its line.
std::vector<std::string> data_report_lines(const DataReport& report);

}  // namespace avocado
