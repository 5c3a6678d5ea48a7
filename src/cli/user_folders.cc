#include "cli/user_folders.h"

#include <cstdlib>
#include <filesystem>

namespace avocado::cli {
namespace {

namespace fs = std::filesystem;

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A relative path in the environment counts as none.
std::string folder(const char* name, const char* below_home) {
  const fs::path own = variable(name), home = variable("HOME");
  if (own.is_absolute()) return (own / "avocado").string();
  return home.is_absolute() ? (home / below_home / "avocado").string() : "";
}

}  // namespace

std::string state_folder() { return folder("XDG_STATE_HOME", ".local/state"); }
std::string data_folder() { return folder("XDG_DATA_HOME", ".local/share"); }

std::string with_home(const std::string& path) {
  const std::string home = variable("HOME").string();
  return !home.empty() && path.starts_with("~/") ? home + path.substr(1) : path;
}

}  // namespace avocado::cli
