#include "cli/default_model.h"

#include <fmt/ranges.h>

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "cli/user_folders.h"

namespace avocado::cli {

std::string find_demo_model() {
  namespace fs = std::filesystem;
  std::vector<std::string> places = {"avocado-demo.gguf", "build/avocado-demo.gguf"};
  if (const std::string data = data_folder(); !data.empty())
    places.push_back(data + "/avocado-demo.gguf");
  std::string newest;
  fs::file_time_type time;
  for (const std::string& place : places) {
    std::error_code missing;
    const fs::file_time_type written = fs::last_write_time(place, missing);
    if (missing || (!newest.empty() && written <= time)) continue;
    newest = place;
    time = written;
  }
  if (newest.empty())
    fail_usage(
        "no MODEL is named, and there is none in {}; name a GGUF file or a Hugging Face "
        "folder, or make a small model with `avocado demo`",
        fmt::join(places, ", "));
  return newest;
}

}  // namespace avocado::cli
