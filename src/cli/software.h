#pragma once
// Which program this is, for receipts.

#include "train/receipt.h"

namespace avocado::cli {

// Digest of the source files this program was built from. Its definition is made by
// cmake/source_digest.cmake.
extern const char* const kSourceDigest;

inline Software this_software() { return {AVOCADO_VERSION, kSourceDigest}; }

}  // namespace avocado::cli
