// Damages files in thousands of ways and gives them to every parser. A parser may refuse (an
// avocado::Error) or accept; it may not crash, take a second, or take more memory than the file's
// own size and 64 MiB. Run under AddressSanitizer and UndefinedBehaviorSanitizer to see silent
// faults too.
//
// AVOCADO_DAMAGE_COUNT sets the number of damaged files per parser: 2,000, or 20,000 with
// AVOCADO_SLOW_TESTS.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "allocation_watch.h"
#include "mutate.h"
#include "parsers.h"
#include "test_data.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace avocado::test {
namespace {

namespace fs = std::filesystem;

struct BaseFile {
  std::string name;
  std::vector<std::byte> bytes;
};

std::vector<std::byte> read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The kept corpus of a parser, in the order of the names.
std::vector<BaseFile> corpus(const std::string& parser) {
  std::vector<BaseFile> files;
  for (const auto& entry : fs::directory_iterator(fs::path(AVOCADO_FUZZ_CORPUS) / parser)) {
    files.push_back({entry.path().filename().string(), read_bytes(entry.path())});
  }
  std::sort(files.begin(), files.end(),
            [](const BaseFile& a, const BaseFile& b) { return a.name < b.name; });
  return files;
}

// Real files of moderate size, where they are present.
std::vector<BaseFile> real_files(const std::string& parser) {
  const std::vector<std::pair<std::string, std::string>> known = {
      {"gguf", "weights/stories260K/stories260K.gguf"},
      {"gguf", "weights/malformed-and-tiny-gguf/parser-empty.gguf"},
      {"gguf_tokenizer", "weights/stories260K/stories260K.gguf"},
      {"model", "weights/stories260K/stories260K.gguf"},
      {"safetensors", "weights/tiny/tiny_llama3/model.safetensors"},
      {"safetensors", "weights/safetensors/dtype-samples/overall.safetensors"},
      {"safetensors", "weights/safetensors/tiny-random-roberta.safetensors"},
      {"json", "weights/tiny/tiny_llama3/config.json"},
      {"tokenizer_json", "tokenizers/small/tiny_bpe_tokenizer.json"},
      {"tokenizer_json", "tokenizers/small/torchtitan_test_tokenizer.json"},
  };
  std::vector<BaseFile> files;
  for (const auto& [name, path] : known) {
    if (name == parser && fs::exists(data(path))) files.push_back({path, read_bytes(data(path))});
  }
  return files;
}

uint64_t wanted_count() {
  if (const char* count = std::getenv("AVOCADO_DAMAGE_COUNT"))
    return std::strtoull(count, nullptr, 10);
  return std::getenv("AVOCADO_SLOW_TESTS") ? 20'000 : 2'000;
}

// The damaged file at work, for the message of a crash.
struct Current {
  char text[256] = "";
} current;

void print_current() {
  const std::string_view text(current.text);
  if (!text.empty()) (void)!::write(STDERR_FILENO, text.data(), text.size());
}

void on_signal(int number) {
  print_current();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void name_crashes() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(print_current);
#endif
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM})
    std::signal(number, on_signal);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Parses within the bounds; returns whether the file was accepted.
bool attack(const Parser& parser, std::span<const std::byte> bytes, const std::string& label) {
  const auto end =
      fmt::format_to_n(current.text, sizeof current.text - 2, "\nwhile parsing {}\n", label);
  *end.out = '\0';
  ::alarm(60);  // a hang ends the program, which names the file
  watch_allocations();
  const double start = cpu_seconds();
  bool accepted = false;
  try {
    accepted = parser.parse(bytes);
  } catch (const std::exception& error) {
    ADD_FAILURE() << label << ": " << error.what();
  }
  const double seconds = cpu_seconds() - start;
  const uint64_t peak = watched_peak();
  ::alarm(0);
  EXPECT_LT(seconds, 1.0) << label;
  EXPECT_LE(peak, bytes.size() + (uint64_t{64} << 20)) << label;
  current.text[0] = '\0';
  return accepted;
}

class Damage : public testing::TestWithParam<Parser> {
 protected:
  void SetUp() override { name_crashes(); }
};

TEST_P(Damage, KeptCorpusIsHandled) {
  const std::vector<BaseFile> files = corpus(GetParam().name);
  EXPECT_FALSE(files.empty());
  for (const BaseFile& file : files) attack(GetParam(), file.bytes, file.name);
}

TEST_P(Damage, DamagedFilesAreRefusedOrReadWithinBounds) {
  const Parser& parser = GetParam();
  std::vector<BaseFile> files;
  for (auto& bytes : seeds(parser.name)) {
    files.push_back({fmt::format("seed {}", files.size()), std::move(bytes)});
    EXPECT_TRUE(attack(parser, files.back().bytes, files.back().name))
        << "an undamaged seed is refused";
  }
  for (auto& file : real_files(parser.name)) files.push_back(std::move(file));
  const std::vector<BaseFile> kept = corpus(parser.name);
  ASSERT_FALSE(kept.empty());

  // Three of four begin as a whole file, whose damage is met deeper in the parser.
  const uint64_t count = wanted_count();
  uint64_t accepted = 0;
  for (uint64_t number = 0; number < count && !HasFailure(); ++number) {
    const uint64_t turn = number / 4;
    const BaseFile& other = kept[turn % kept.size()];
    const BaseFile& file = number % 4 == 0 ? other : files[(number - turn) % files.size()];
    const std::vector<std::byte> damaged = mutate(file.bytes, other.bytes, number);
    accepted +=
        attack(parser, damaged, fmt::format("{}: {}, damage {}", parser.name, file.name, number));
  }
  RecordProperty("damaged", std::to_string(count));
  RecordProperty("accepted", std::to_string(accepted));
  fmt::print("{}: {} damaged files from {}, {} still acceptable\n", parser.name, count,
             files.size() + kept.size(), accepted);
  EXPECT_LT(accepted, count);
}

INSTANTIATE_TEST_SUITE_P(Parsers, Damage, testing::ValuesIn(parsers()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// The rulers themselves.
TEST(AllocationWatch, SeesThePeakAndTheFailedRequest) {
  watch_allocations();
  { std::vector<char> block(10 << 20); }
  EXPECT_GE(watched_peak(), uint64_t{10} << 20);
  EXPECT_LT(watched_peak(), uint64_t{11} << 20);
  watch_allocations();
  EXPECT_LT(watched_peak(), uint64_t{1} << 20);
  EXPECT_THROW(std::vector<char>(size_t{1} << 50), std::bad_alloc);
  EXPECT_GT(watched_peak(), uint64_t{1} << 50);
}

TEST(Mutate, IsAFunctionOfItsInputsAndChangesMostFiles) {
  const std::vector<std::byte> file(300, std::byte{7}), other(50, std::byte{9});
  int changed = 0;
  for (uint64_t number = 0; number < 1000; ++number) {
    const auto damaged = mutate(file, other, number);
    EXPECT_EQ(damaged, mutate(file, other, number));
    changed += damaged != file;
  }
  EXPECT_GT(changed, 900);
  for (uint64_t number = 0; number < 1000; ++number) mutate({}, {}, number);
}

}  // namespace
}  // namespace avocado::test
