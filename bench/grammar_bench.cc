// Structured output: how many real schemas are handled, and what schemas, grammars, patterns and
// lists of choices (grammar_cases.h) cost on one thread.
//   grammar_bench [--each] [--slow MICROSECONDS] [SCHEMA_FOLDER VOCABULARY.gguf]
// A folder holds files as MaskBench has them: {"schema": ..., "tests": [{"valid": ..., "data":
// ...}]}. A schema is handled when it compiles, every valid instance can be written and no invalid
// one. Each token of an instance's own encoding counts as one mask.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "grammar/matcher.h"
#include "grammar_cases.h"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using namespace avocado::grammar;

// CPU time of this thread, in microseconds: what others do on the machine is left out.
double now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

struct Figures {
  std::vector<double> values = {};
  void print(const char* name, const char* unit) {
    if (values.empty()) return;
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += value;
    const auto at = [&](double part) {
      return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
    };
    fmt::print(
        "{:<10} {:8} average {:9.1f}  p50 {:9.1f}  p90 {:9.1f}  p99 {:9.1f}  max {:9.1f} {}\n",
        name, values.size(), sum / static_cast<double>(values.size()), at(0.5), at(0.9), at(0.99),
        values.back(), unit);
  }
};

double slow = 1e9;  // masks that take longer are shown, in microseconds

// Walks the text token by token; whether it can be written.
bool writes(Matcher matcher, const avocado::Tokenizer& tokenizer, const std::string& text,
            std::vector<uint32_t>& bits, Figures& masks) {
  std::string done;
  for (const int32_t id : tokenizer.encode(text)) {
    const double start = now();
    matcher.mask(bits);
    masks.values.push_back((now() - start));
    if (masks.values.back() > slow) {
      fmt::print("{:.0f} us after {}\n", masks.values.back(),
                 done.substr(done.size() > 60 ? done.size() - 60 : 0));
    }
    done += tokenizer.token_bytes(id);
    const bool allowed = bits[static_cast<size_t>(id) / 32] >> id % 32 & 1;
    if (matcher.accept(id) != allowed) fmt::print("mask and accept differ\n");
    if (!allowed) return false;
  }
  return matcher.complete();
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path data = AVOCADO_TEST_DATA;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool each = !arguments.empty() && arguments[0] == "--each";
  if (each) arguments.erase(arguments.begin());
  if (arguments.size() > 1 && arguments[0] == "--slow") {
    slow = std::stod(arguments[1]);
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  const fs::path folder = arguments.size() > 0 ? fs::path(arguments[0]) : data / "maskbench-sample";
  const fs::path vocabulary = arguments.size() > 1
                                  ? fs::path(arguments[1])
                                  : data / "tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf";
  if (!fs::exists(folder) || !fs::exists(vocabulary)) {
    fmt::print("skipped: {} or {} is not here\n", folder.string(), vocabulary.string());
    return 0;
  }
  const auto tokenizer =
      avocado::Tokenizer::from_gguf(avocado::GgufFile::open(vocabulary.string()));
  const double trie_start = now();
  const auto trie = std::make_shared<TokenTrie>(*tokenizer);
  fmt::print("trie: {:.1f} ms, {:.1f} MB\n", (now() - trie_start) / 1000,
             static_cast<double>(trie->memory()) / 1e6);

  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<uint32_t> bits(trie->mask_words());
  Figures compiles, masks, memory;
  size_t handled = 0, refused = 0, too_strict = 0, too_loose = 0;
  std::vector<std::string> samples;  // valid objects, for grammars of JSON
  for (const fs::path& path : files) {
    const Json file = Json::parse(std::ifstream(path));
    const std::string schema = file.at("schema").dump();
    std::shared_ptr<const Constraint> constraint;
    const double start = now();
    try {
      constraint = Constraint::from_json_schema(schema);
    } catch (const avocado::Error& error) {
      ++refused;
      fmt::print("refused: {}: {}\n", path.filename().string(), error.what());
      continue;
    }
    compiles.values.push_back((now() - start));
    Figures own;
    bool good = true;
    for (const Json& test : file.at("tests")) {
      bool wrote = false;
      const bool valid = test.at("valid");
      const std::string text = test.at("data").dump();
      if (valid && test.at("data").is_object() && samples.size() < 60) samples.push_back(text);
      try {
        wrote = writes(Matcher(constraint, trie), *tokenizer, text, bits, own);
      } catch (const avocado::Error& error) {
        fmt::print("error: {}: {}\n", path.filename().string(), error.what());
      }
      if (wrote == valid) continue;
      good = false;
      ++(wrote ? too_loose : too_strict);
      fmt::print("{}: {}: {}\n", wrote ? "invalid but accepted" : "valid but not reachable",
                 path.filename().string(), text.substr(0, 300));
    }
    handled += good;
    memory.values.push_back(static_cast<double>(constraint->memory()) / 1000);
    masks.values.insert(masks.values.end(), own.values.begin(), own.values.end());
    if (each) {
      fmt::print("{} {:.1f} us, {:.0f} kB\n", path.filename().string(), compiles.values.back(),
                 memory.values.back());
      own.print("  masks", "us");
    }
  }
  fmt::print(
      "{} of {} handled ({:.1f} %), {} refused; instances: {} valid not reachable, {} invalid "
      "accepted\n",
      handled, files.size(),
      100.0 * static_cast<double>(handled) / static_cast<double>(files.size()), refused, too_strict,
      too_loose);
  compiles.print("compile", "us");
  masks.print("mask", "us");
  memory.print("memory", "kB");
  for (const avocado::GrammarCase& one : avocado::grammar_cases()) {
    Figures times, own;
    std::shared_ptr<const Constraint> constraint;
    for (int i = 0; i < 5; ++i) {
      const double start = now();
      constraint = one.make();
      times.values.push_back(now() - start);
    }
    for (const std::string& text : one.texts.empty() ? samples : one.texts)
      if (!writes(Matcher(constraint, trie), *tokenizer, text, bits, own))
        fmt::print("valid but not reachable: {}: {}\n", one.name, text.substr(0, 300));
    fmt::print("{}: {:.0f} kB\n", one.name, static_cast<double>(constraint->memory()) / 1000);
    times.print("  compile", "us");
    own.print("  mask", "us");
  }
}
