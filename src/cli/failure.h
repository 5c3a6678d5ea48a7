#pragma once
// What the user sees of an error, and the program's exit status.

#include <exception>
#include <string>

namespace avocado::cli {

// Prints its message on standard error, after `who` when something is given. Returns the status: 2
// for wrong usage, 130 for an interrupt, else 1.
int report_failure(const std::exception& error, const std::string& who = "");

}  // namespace avocado::cli
