#pragma once
// metrics.jsonl, the log of a run: one JSON object per line, appended with one write each
// (docs/formats/run.md). Numbers are the shortest decimals that read back as the same bits.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace avocado {

// A record that is not of kind "step".
struct MetricsRecord {
  std::string kind;  // "run", "eval", "checkpoint", "final" or "final-ema"
  int64_t step = 0;  // steps completed when it was written
  nlohmann::ordered_json json;
  std::string source;  // file and line, for messages
  uint64_t end = 0;    // offset of the byte after its newline
};

struct MetricsFile {
  std::vector<StepResult> steps;   // step i + 1 at [i]
  std::vector<uint64_t> step_end;  // as MetricsRecord::end
  std::vector<MetricsRecord> records;
  int64_t lines = 0;    // whole and in order
  std::string problem;  // what is wrong with the rest, with file and line; empty: nothing
  // When the problem is a step whose numbers and chain do not agree: that step, as it is written.
  std::optional<StepResult> broken;
  bool torn = false;  // the problem is a last line without its newline: a write was cut off

  // Offset of the end of everything written up to this step.
  uint64_t end_of(int64_t step) const;
};

// A field of a record; throws Error(input) when it is missing or of another type. T is std::string,
// int64_t, uint64_t or double.
template <class T>
T record_field(const nlohmann::ordered_json& json, const char* key, const std::string& source);

// Checks that every line is exactly what the writer would write, that it starts with the "run"
// record of `definition`, that steps ascend by one and that their chain of digests holds. Stops at
// the first line that fails; where the chain breaks, the next line tells whether it is the chain
// that was changed or a number. A missing file has no records.
MetricsFile read_metrics(const std::string& path, const std::string& definition);

nlohmann::ordered_json step_record(const StepResult& result, double tokens_per_s);

// Appends to the log. The file is locked while the object lives, so that two processes cannot train
// in one folder; throws Error(resource) when it is taken or cannot be written.
class MetricsLog {
 public:
  explicit MetricsLog(const std::string& path);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  void append(const nlohmann::ordered_json& record);
  void truncate(uint64_t size);
  void sync();

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace avocado
