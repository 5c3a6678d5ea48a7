#pragma once
// Counts what operator new gives out. Linking allocation_watch.cc replaces it for the whole
// program.

#include <cstdint>

namespace avocado::test {

// From here on, the most bytes that were ever held at one time above what is held now, failed
// requests included.
void watch_allocations();
uint64_t watched_peak();

}  // namespace avocado::test
