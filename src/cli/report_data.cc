#include "cli/report_data.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "train/definition.h"
#include "train/run.h"
#include "train/samples.h"
#include "train/smoothed_loss.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kPoints = 1500;  // of one curve

// A process that trains holds the lock of the log.
bool is_training(const std::string& log) {
  const int fd = ::open(log.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

std::string text_of(const std::string& path) {
  return fs::exists(path) ? read_text_file(path) : "";
}

// The objects among the lines of a file that is for reading only.
Json objects_of(const std::string& path) {
  Json objects = Json::array();
  std::istringstream lines(text_of(path));
  for (std::string line; std::getline(lines, line);) {
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object()) objects.push_back(std::move(json));
  }
  return objects;
}

// One number of every step.
struct Series {
  std::string name;
  std::vector<double> values;
};

const std::set<std::string> kCounts = {"step", "position", "inputs", "learned", "pairs"};

// All numbers of the step records but those that only count.
std::vector<Series> read_series(const std::string& log, size_t steps) {
  std::vector<Series> all;
  std::istringstream lines(text_of(log));
  size_t step = 0;
  for (std::string line; step < steps && std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("kind", Json()) != "step") continue;
    for (const auto& item : json.items()) {
      const std::string& name = item.key();
      if (!item.value().is_number() || kCounts.contains(name)) continue;
      auto series = std::find_if(all.begin(), all.end(), [&](auto& s) { return s.name == name; });
      if (series == all.end()) series = all.insert(all.end(), {name, {}});
      series->values.resize(step, NAN);
      series->values.push_back(item.value().get<double>());
    }
    ++step;
  }
  for (Series& series : all) series.values.resize(steps, NAN);
  return all;
}

// A point has the last step of its stretch, and the mean, the least and the greatest of its values.
Json points_of(const std::vector<double>& values, int64_t stretch) {
  Json x = Json::array(), y = Json::array(), low = Json::array(), high = Json::array();
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t begin = 0; begin < count; begin += stretch) {
    const int64_t end = std::min(count, begin + stretch);
    double sum = 0, least = INFINITY, greatest = -INFINITY;
    for (int64_t i = begin; i < end; ++i) {
      const double value = values[static_cast<size_t>(i)];
      sum += value;
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
    x.push_back(end);
    y.push_back(sum / static_cast<double>(end - begin));
    low.push_back(least);
    high.push_back(greatest);
  }
  Json points = {{"x", std::move(x)}, {"y", std::move(y)}};
  if (stretch > 1) points.update({{"low", std::move(low)}, {"high", std::move(high)}});
  return points;
}

Json read_manifest(const std::string& folder) {
  const std::string path = folder + "/run.json";
  if (!Run::exists(folder))
    fail_input("{}: no such file; {} is not the folder of a run", path, folder);
  Json manifest = Json::parse(read_text_file(path, uint64_t{1} << 26), nullptr, false);
  for (const char* key : {"definition", "model", "train"})
    if (!manifest.is_object() || !manifest.contains(key))
      fail_input("{}: is damaged: no \"{}\"", path, key);
  if (!manifest["definition"].is_string()) fail_input("{}: \"definition\" must be a text", path);
  return manifest;
}

void add_curves(Json& data, const MetricsFile& log, const std::string& path) {
  const auto steps = static_cast<int64_t>(log.steps.size());
  const int64_t stretch = std::max<int64_t>(1, (steps + kPoints - 1) / kPoints);
  data["thinned"] = stretch;
  data["series"] = Json::object();
  if (steps > 0)
    for (const Series& series : read_series(path, log.steps.size()))
      data["series"][series.name] = points_of(series.values, stretch);
  SmoothedLoss smoothed;
  std::vector<double> values;
  for (const StepResult& step : log.steps) values.push_back(smoothed.add(step.loss));
  if (steps > 0) data["series"]["smoothed"] = points_of(values, stretch);
  data["eval"] = {{"x", Json::array()}, {"y", Json::array()}};
  for (const MetricsRecord& record : log.records) {
    if (record.kind != "eval") continue;
    data["eval"]["x"].push_back(record.step);
    data["eval"]["y"].push_back(record_field<double>(record.json, "loss", record.source));
  }
}

Json samples_of(const std::string& path) {
  Json samples = Json::array();
  for (const TextSample& sample : read_samples(path))
    samples.push_back({{"step", sample.step},
                       {"prompt", sample.prompt},
                       {"text", sample.text},
                       {"ended", sample.ended}});
  return samples;
}

}  // namespace

Json report_data(const std::string& folder) {
  const Json manifest = read_manifest(folder);
  const std::string source = folder + "/run.json";
  const std::string log_path = folder + "/metrics.jsonl";
  const MetricsFile log = read_metrics(log_path, manifest["definition"].get<std::string>());
  const ModelConfig config = config_from_json(manifest["model"], source + ": \"model\"");
  check_config(config, source);
  const TrainOptions options = options_from_json(manifest["train"], source + ": \"train\"");
  int64_t tokens = 0;
  for (const StepResult& step : log.steps) tokens += step.inputs;
  Json final_model = Json::object();
  for (const MetricsRecord& record : log.records)
    if (record.kind == "final") final_model = record.json;
  const auto done = static_cast<int64_t>(log.steps.size());
  const fs::path path = fs::weakly_canonical(folder);

  Json data = {{"name", path.filename().string()},
               {"folder", folder},
               {"state", is_training(log_path) ? "running"
                         : final_model.empty() ? "stopped"
                                               : "finished"},
               {"version", AVOCADO_VERSION},
               {"time", fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(std::time(nullptr)))},
               {"steps", options.steps},
               {"steps_done", done},
               {"tokens", tokens},
               {"parameters", build_graph(config).parameter_count()},
               {"problem", log.torn ? "" : log.problem},
               {"definition", manifest["definition"]},
               {"chain", done > 0 ? log.steps.back().chain : ""},
               {"final", final_model},
               {"sources", manifest.value("sources", Json::object())},
               {"model", manifest["model"]},
               {"train", manifest["train"]},
               {"adapter", manifest.value("adapter", Json())},
               {"recipe_text", text_of(folder + "/run.toml")},
               {"samples", samples_of(folder + "/samples.jsonl")},
               {"sessions", objects_of(folder + "/sessions.jsonl")}};
  const Json report = Json::parse(text_of(folder + "/data-report.json"), nullptr, false);
  if (report.is_object()) data["data_report"] = report;
  add_curves(data, log, log_path);
  return data;
}

}  // namespace avocado::cli
