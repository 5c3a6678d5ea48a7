#pragma once
// Files that programs keep in a folder to start sooner the next time (models/packed_cache.h,
// train/token_cache.h): what a killed writer left of them, and whether there is room for another.

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace avocado {

// A temporary file of a name with this ending that nobody wrote to for an hour: its process was
// killed.
bool is_abandoned(const std::filesystem::directory_entry& entry, std::string_view ending);
void remove_abandoned(const std::filesystem::path& folder, std::string_view ending);

// Keeping is a convenience, and the disk is the user's: at most half of what is free is taken.
bool has_room(const std::filesystem::path& folder, uint64_t bytes);

}  // namespace avocado
