#include "cli/default_model.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "base/error.h"
#include "cli/user_folders.h"

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDemo = "avocado-demo.gguf";
constexpr const char* kShipped = "avocado-nano.gguf";

// Builds are this many folders below the source tree at most, as out/release/bin.
constexpr int kDeepest = 3;

// Empty when none is there.
std::string newest(const std::vector<std::string>& places) {
  std::string found;
  fs::file_time_type time;
  for (const std::string& place : places) {
    std::error_code missing;
    const fs::file_time_type written = fs::last_write_time(place, missing);
    if (missing || (!found.empty() && written <= time)) continue;
    found = place;
    time = written;
  }
  return found;
}

}  // namespace

std::vector<std::string> shipped_model_places(const std::string& program_folder) {
  fs::path folder = program_folder;
  std::vector<std::string> places = {
      (folder.parent_path() / "share/avocado/models" / kShipped).string()};
  for (int up = 0; up < kDeepest && folder.has_relative_path(); ++up) {
    folder = folder.parent_path();
    places.push_back((folder / "models" / kShipped).string());
  }
  return places;
}

std::string find_default_model() {
  std::vector<std::string> places = {kDemo, std::string("build/") + kDemo};
  if (const std::string data = data_folder(); !data.empty()) places.push_back(data + "/" + kDemo);
  if (std::string made = newest(places); !made.empty()) return made;
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  for (const std::string& place : shipped_model_places(program.parent_path().string()))
    if (fs::exists(place, unknown)) return place;
  fail_usage(
      "no MODEL is named, there is none in {}, and avocado-nano, which comes with the program, is "
      "missing; name a GGUF file or a Hugging Face folder, or make a small model with `avocado "
      "demo`",
      fmt::join(places, ", "));
}

}  // namespace avocado::cli
