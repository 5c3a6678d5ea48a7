#include "train/metrics.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// Checks one line against what came before it, and appends it.
class Checker {
 public:
  Checker(MetricsFile& file, const std::string& definition)
      : file_(file), definition_(definition), chain_(definition) {}

  void add(const std::string& line, uint64_t end, const std::string& source) {
    MetricsRecord record;
    record.source = source;
    record.end = end;
    try {
      record.json = Json::parse(line);
    } catch (const nlohmann::json::exception&) {
      fail_input("{}: not JSON", source);
    }
    if (!record.json.is_object() || record.json.dump() != line)
      fail_input("{}: not as it was written", source);
    record.kind = record_field<std::string>(record.json, "kind", source);
    if ((file_.lines == 0) != (record.kind == "run"))
      fail_input("{}: the first record, and only that, must be of kind \"run\"", source);
    if (record.kind == "step") {
      add_step(record);
    } else {
      check_other(record);
      file_.records.push_back(std::move(record));
    }
    ++file_.lines;
  }

  // What was changed in the broken step: the first step of `rest`, the text after it, was chained
  // to what stood there when it was written. Empty when that step does not tell.
  std::string blame(const std::string& rest) const {
    std::istringstream lines(rest);
    for (std::string line; std::getline(lines, line);) {
      MetricsRecord record;
      record.json = Json::parse(line, nullptr, false);
      if (!record.json.is_object()) return {};
      if (record.json.value("kind", Json()) != "step") continue;
      try {
        const StepResult next = step_from_record(record);
        if (next_chain(chain_, next) == next.chain)
          return "; by the next step the numbers are as they were and the chain was changed";
        if (next_chain(file_.broken->chain, next) == next.chain)
          return "; by the next step the chain is as it was and a number was changed";
      } catch (const Error&) {
        // Damaged as well: it tells nothing.
      }
      return {};
    }
    return {};
  }

 private:
  void add_step(const MetricsRecord& record) {
    StepResult result = step_from_record(record);
    const auto done = static_cast<int64_t>(file_.steps.size());
    if (result.step != done + 1)
      fail_input("{}: step {} after step {}", record.source, result.step, done);
    chain_ = next_chain(chain_, result);
    if (chain_ != result.chain) {
      file_.broken = result;
      fail_input("{}: step {}: the numbers do not agree with their chain of digests", record.source,
                 result.step);
    }
    file_.steps.push_back(std::move(result));
    file_.step_end.push_back(record.end);
  }

  void check_other(MetricsRecord& record) {
    if (record.kind == "run") {
      const auto definition = record_field<std::string>(record.json, "definition", record.source);
      if (definition != definition_)
        fail_input("{}: the log belongs to another run (definition {})", record.source, definition);
      return;
    }
    record.step = record_field<int64_t>(record.json, "step", record.source);
    if (record.step != static_cast<int64_t>(file_.steps.size()))
      fail_input("{}: a record of step {} after step {}", record.source, record.step,
                 file_.steps.size());
  }

  static StepResult step_from_record(const MetricsRecord& record) {
    const Json& json = record.json;
    const std::string& source = record.source;
    StepResult result;
    result.step = record_field<int64_t>(json, "step", source);
    result.position = record_field<uint64_t>(json, "position", source);
    result.loss = record_field<double>(json, "loss", source);
    result.grad_norm = record_field<double>(json, "grad_norm", source);
    result.lr = record_field<double>(json, "lr", source);
    result.learned = record_field<int64_t>(json, "learned", source);
    result.inputs = record_field<int64_t>(json, "inputs", source);
    const bool pairs = json.contains("pairs");
    if (pairs) {
      PreferenceMetrics& p = result.preference;
      p.pairs = record_field<int64_t>(json, "pairs", source);
      p.accuracy = record_field<double>(json, "accuracy", source);
      p.chosen_reward = record_field<double>(json, "chosen_reward", source);
      p.rejected_reward = record_field<double>(json, "rejected_reward", source);
    }
    const bool digest = json.contains("digest");
    if (digest) result.digest = record_field<std::string>(json, "digest", source);
    result.chain = record_field<std::string>(json, "chain", source);
    record_field<double>(json, "tokens_per_s", source);
    if (json.size() != (digest ? 11u : 10u) + (pairs ? 4u : 0u))
      fail_input("{}: a step with unknown fields", source);
    return result;
  }

  MetricsFile& file_;
  const std::string& definition_;
  std::string chain_;
};

}  // namespace

template <class T>
T record_field(const Json& json, const char* key, const std::string& source) {
  constexpr bool kReal = std::is_same_v<T, double>, kCount = std::is_same_v<T, uint64_t>;
  constexpr bool kWhole = std::is_same_v<T, int64_t> || kCount;
  const auto found = json.find(key);
  const bool right = found != json.end() && (kReal    ? found->is_number_float()
                                             : kCount ? found->is_number_unsigned()
                                             : kWhole ? found->is_number_integer()
                                                      : found->is_string());
  if (!right)
    fail_input("{}: \"{}\" is missing or is not a {}", source, key,
               kReal    ? "decimal number"
               : kWhole ? "whole number"
                        : "string");
  return found->template get<T>();
}

template std::string record_field(const Json&, const char*, const std::string&);
template int64_t record_field(const Json&, const char*, const std::string&);
template uint64_t record_field(const Json&, const char*, const std::string&);
template double record_field(const Json&, const char*, const std::string&);

uint64_t MetricsFile::end_of(int64_t step) const {
  uint64_t end = step > 0 ? step_end[static_cast<size_t>(step) - 1] : 0;
  for (const MetricsRecord& record : records)
    if (record.step <= step) end = std::max(end, record.end);
  return end;
}

MetricsFile read_metrics(const std::string& path, const std::string& definition) {
  MetricsFile file;
  Checker checker(file, definition);
  if (!std::filesystem::exists(path) || std::filesystem::is_empty(path)) return file;
  const std::string text = read_text_file(path);
  for (size_t begin = 0; begin < text.size();) {
    const std::string source = fmt::format("{}:{}", path, file.lines + 1);
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) {
      file.problem = source + ": the last line is cut off";
      file.torn = true;
      return file;
    }
    try {
      checker.add(text.substr(begin, end - begin), end + 1, source);
    } catch (const Error& error) {
      file.problem = error.what();
      if (file.broken) file.problem += checker.blame(text.substr(end + 1));
      return file;
    }
    begin = end + 1;
  }
  return file;
}

Json step_record(const StepResult& result, double tokens_per_s) {
  Json json = {{"kind", "step"},
               {"step", result.step},
               {"position", result.position},
               {"loss", result.loss},
               {"grad_norm", result.grad_norm},
               {"lr", result.lr},
               {"learned", result.learned},
               {"inputs", result.inputs}};
  if (const PreferenceMetrics& p = result.preference; p.pairs > 0) {
    json["pairs"] = p.pairs;
    json["accuracy"] = p.accuracy;
    json["chosen_reward"] = p.chosen_reward;
    json["rejected_reward"] = p.rejected_reward;
  }
  if (!result.digest.empty()) json["digest"] = result.digest;
  json["chain"] = result.chain;
  json["tokens_per_s"] = tokens_per_s;
  return json;
}

MetricsLog::MetricsLog(const std::string& path) : path_(path) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_resource("{}: cannot be opened for writing: {}", path, std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd_);
    if (error == EWOULDBLOCK)
      fail_resource(
          "{}: another process is training in this folder; wait for it or choose another "
          "with --out",
          path);
    fail_resource("{}: cannot be locked: {}", path, std::strerror(error));
  }
}

MetricsLog::~MetricsLog() { ::close(fd_); }

void MetricsLog::append(const Json& record) {
  const std::string line = record.dump() + "\n";
  const ssize_t written = ::write(fd_, line.data(), line.size());
  // A record cut off by a full disk is removed when the run is resumed.
  if (written != static_cast<ssize_t>(line.size()))
    fail_resource("{}: cannot write: {}; free some space, then run the same command to resume",
                  path_, std::strerror(written < 0 ? errno : ENOSPC));
}

void MetricsLog::truncate(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
    fail_resource("{}: cannot be shortened: {}", path_, std::strerror(errno));
}

void MetricsLog::sync() {
  if (::fsync(fd_) != 0) fail_resource("{}: cannot be synced: {}", path_, std::strerror(errno));
}

}  // namespace avocado
