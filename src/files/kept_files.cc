#include "files/kept_files.h"

#include <chrono>
#include <string>

namespace avocado {

namespace fs = std::filesystem;

bool is_abandoned(const fs::directory_entry& entry, std::string_view ending) {
  constexpr auto kAbandoned = std::chrono::hours(1);
  std::error_code error;
  const auto written = entry.last_write_time(error);
  return entry.path().filename().string().find(std::string(ending) + ".tmp-") !=
             std::string::npos &&
         !error && fs::file_time_type::clock::now() - written > kAbandoned;
}

void remove_abandoned(const fs::path& folder, std::string_view ending) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (is_abandoned(entry, ending)) fs::remove(entry.path(), ignored);
}

bool has_room(const fs::path& folder, uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return !error && bytes <= space.available / 2;
}

}  // namespace avocado
