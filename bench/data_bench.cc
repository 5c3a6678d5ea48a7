// Preparation of training data: JSONL of the given size, made in a folder and removed again,
// becomes a tokenizer, tokens and rows. Prints megabytes and tokens per second and the peak of
// memory, and fails when that is above 500 MB.
//   data_bench [megabytes = 200] [threads = all] [folder = $TMPDIR or /tmp]

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/philox.h"
#include "process_memory.h"
#include "train/prepare.h"

namespace {

using namespace avocado;
namespace fs = std::filesystem;

constexpr int64_t kMostMemory = 500;  // MB

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int64_t peak_mb() { return static_cast<int64_t>(status_bytes("VmHWM") / 1e6); }

// Made-up words, frequent ones short, as in a language.
std::string word(const Random& random, uint64_t number) {
  static constexpr std::array kSyllables = {"a",  "to",  "vo", "ca", "do", "ri", "pe", "gre",
                                            "en", "tre", "ka", "mi", "su", "no", "el", "ing"};
  std::string text;
  const uint64_t syllables =
      1 + static_cast<uint64_t>(std::log2(1.0 + static_cast<double>(number))) / 3;
  for (uint64_t s = 0; s < syllables; ++s)
    text += kSyllables[random.below(number * 8 + s, kSyllables.size())];
  return text;
}

void write_lines(const std::string& path, int64_t megabytes) {
  const Random random(1, Purpose::test);
  std::vector<std::string> words;
  for (uint64_t i = 0; i < 50'000; ++i) words.push_back(word(random, i));
  std::ofstream file(path, std::ios::binary);
  std::string text;
  uint64_t at = 0;
  for (int64_t bytes = 0; bytes < megabytes * 1'000'000;) {
    text = "{\"text\": \"";
    for (uint64_t i = 0, count = 20 + random.below(at++, 400); i < count; ++i)
      text += words[static_cast<size_t>(
                  std::exp(random.uniform64(at++) * std::log(static_cast<double>(words.size()))))] +
              " ";
    text += "\"}\n";
    file << text;
    bytes += static_cast<int64_t>(text.size());
  }
}

int run(int64_t megabytes, int threads, const fs::path& folder) {
  const std::string data = (folder / "data.jsonl").string();
  write_lines(data, megabytes);
  Recipe recipe;
  recipe.folder = folder.string();
  recipe.tokenizer_vocab = 16000;
  recipe.model.context = 1024;
  recipe.data.train = {{.path = "data.jsonl"}};
  recipe.data.eval_share = 0.01;
  ThreadPool pool(threads);
  double start = seconds();
  const RunBasis basis = read_basis(recipe, pool);
  fmt::print("tokenizer {:7.1f} s, peak {} MB\n", seconds() - start, peak_mb());
  for (const char* what : {"made", "kept"}) {
    start = seconds();
    double tokens_made = start;
    const PreparedData prepared = prepare_data(
        recipe, basis, (folder / "run").string(), pool,
        {.on_progress = [&](const DataProgress&) { tokens_made = seconds(); }, .on_report = {}});
    const double tokens = static_cast<double>(prepared.report.sources[0].lines.tokens);
    fmt::print(
        "tokens {}: {:5.1f} s, {:.1f} MB/s, {:.2f}M tokens/s; rows {:.1f} s; {:.0f}M tokens, {} "
        "rows, "
        "peak {} MB\n",
        what, tokens_made - start, static_cast<double>(megabytes) / (tokens_made - start),
        tokens / (tokens_made - start) / 1e6, seconds() - tokens_made, tokens / 1e6,
        prepared.train.rows(), peak_mb());
  }
  return peak_mb() > kMostMemory;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t megabytes = argc > 1 ? std::stoll(argv[1]) : 200;
  const int threads = argc > 2 ? std::stoi(argv[2]) : default_threads();
  const fs::path folder = (argc > 3 ? fs::path(argv[3]) : fs::temp_directory_path()) /
                          fmt::format("avocado-data-bench-{}", ::getpid());
  fs::create_directories(folder);
  setenv("AVOCADO_CACHE_DIR", (folder / "cache").c_str(), 1);
  int failed = 1;
  try {
    failed = run(megabytes, threads, folder);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
  fs::remove_all(folder);
  return failed;
}
