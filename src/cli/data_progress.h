#pragma once
// How far the preparation of training data is, on standard error: a line redrawn in place on a
// terminal, a plain line now and then elsewhere. At the end, what was read and what was left out.

#include <atomic>

#include "train/prepare_data.h"

namespace avocado::cli {

// The observer throws Error(interrupted) once `stop` is true.
DataObserver show_data_progress(const std::atomic<bool>& stop);

}  // namespace avocado::cli
