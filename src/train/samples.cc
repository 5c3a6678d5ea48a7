#include "train/samples.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "files/append_file.h"
#include "files/atomic_file.h"
#include "train/metrics.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// A text that ends within a character is made whole with U+FFFD.
std::string line_of(const TextSample& sample) {
  const Json json = {{"step", sample.step},
                     {"prompt", sample.prompt},
                     {"text", sample.text},
                     {"tokens", sample.tokens},
                     {"ended", sample.ended}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

TextSample parse_line(const std::string& line, const std::string& source) {
  const Json json = Json::parse(line);
  if (!json.is_object()) fail_input("{}: not an object", source);
  TextSample sample;
  sample.step = record_field<int64_t>(json, "step", source);
  sample.prompt = record_field<std::string>(json, "prompt", source);
  sample.text = record_field<std::string>(json, "text", source);
  sample.tokens = record_field<int64_t>(json, "tokens", source);
  sample.ended = json.value("ended", false);
  return sample;
}

}  // namespace

std::vector<TextSample> read_samples(const std::string& path) {
  std::vector<TextSample> samples;
  if (!std::filesystem::exists(path)) return samples;
  std::istringstream lines(read_text_file(path));
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    try {
      TextSample sample = parse_line(line, path);
      if (!samples.empty() && sample.step < samples.back().step) break;
      samples.push_back(std::move(sample));
    } catch (const nlohmann::json::exception&) {
      break;
    } catch (const Error&) {
      break;
    }
  }
  return samples;
}

void append_sample(const std::string& path, const TextSample& sample) {
  AppendFile(path).append(line_of(sample));
}

void cut_samples(const std::string& path, int64_t completed) {
  if (!std::filesystem::exists(path)) return;
  std::string kept;
  for (const TextSample& sample : read_samples(path))
    if (sample.step <= completed) kept += line_of(sample);
  write_file_atomically(path, kept);
}

}  // namespace avocado
