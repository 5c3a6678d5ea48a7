// Encoding speed on 10 MB of mixed English, Japanese and code, one thread:
//   tokenizer_bench [MODEL.gguf CORPORA_FOLDER SOURCE_FOLDER]
// Without arguments: the vocabulary and texts of the test data, and the project's own code.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "text/tokenizer.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// `text` repeated and cut to `size` bytes.
std::string fill(const std::string& text, size_t size) {
  std::string out;
  while (!text.empty() && out.size() < size) out += text;
  out.resize(size);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 1 && argc != 4) {
    fmt::print(stderr, "usage: tokenizer_bench [MODEL.gguf CORPORA_FOLDER SOURCE_FOLDER]\n");
    return 2;
  }
  const fs::path data = AVOCADO_TEST_DATA;
  const fs::path model =
      argc == 4 ? fs::path(argv[1]) : data / "tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf";
  const fs::path corpora = argc == 4 ? fs::path(argv[2]) : data / "corpora";
  const fs::path source_folder = argc == 4 ? argv[3] : AVOCADO_SOURCES;
  if (!fs::exists(model) || !fs::exists(corpora)) {
    fmt::print("skipped: {} or {} is not here\n", model.string(), corpora.string());
    return 0;
  }
  std::string code;
  std::vector<fs::path> sources;
  for (const auto& entry : fs::recursive_directory_iterator(source_folder))
    if (entry.path().extension() == ".cc" || entry.path().extension() == ".h")
      sources.push_back(entry.path());
  std::sort(sources.begin(), sources.end());
  for (const fs::path& source : sources) code += read(source);
  const std::string english = read(corpora / "tinyshakespeare.txt") +
                              read(corpora / "wikitext-test.txt") +
                              read(corpora / "tinystories_sample_2MB.txt");

  constexpr size_t kPart = 10'000'000 / 3;
  const std::string parts[] = {fill(english, kPart), fill(read(corpora / "neko.txt"), kPart),
                               fill(code, kPart)};
  std::string mixed;  // in turns of 4 kB
  for (size_t at = 0; at < kPart; at += 4096)
    for (const std::string& part : parts) mixed += part.substr(at, 4096);

  const auto load_start = std::chrono::steady_clock::now();
  const auto tokenizer = avocado::Tokenizer::from_gguf(avocado::GgufFile::open(model.string()));
  fmt::print("loading: {:.3f} s\n",
             std::chrono::duration<double>(std::chrono::steady_clock::now() - load_start).count());
  const std::pair<const char*, const std::string*> texts[] = {
      {"English", &parts[0]}, {"Japanese", &parts[1]}, {"code", &parts[2]}, {"mixed", &mixed}};
  for (const auto& [name, text] : texts) {
    double best = 1e9, best_cpu = 1e9;
    size_t ids = 0;
    for (int round = 0; round < 7; ++round) {
      const auto start = std::chrono::steady_clock::now();
      const std::clock_t cpu = std::clock();
      ids = tokenizer->encode(*text).size();
      best_cpu = std::min(best_cpu, static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
      best = std::min(
          best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    const double megabytes = static_cast<double>(text->size()) / 1e6;
    fmt::print("{:<10} {:6.2f} MB {:9} ids {:8.2f} MB/s ({:.2f} MB/s of CPU time), best of 7\n",
               name, megabytes, ids, megabytes / best, megabytes / best_cpu);
  }
}
