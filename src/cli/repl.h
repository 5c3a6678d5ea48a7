#pragma once
// A conversation on a terminal.

#include "cli/chat_session.h"
#include "cli/print_answer.h"

namespace avocado::cli {

// Reads and answers until /bye or Ctrl-D. catch_interrupts() comes first.
void run_repl(ChatSession& session, const PrintOptions& options);

}  // namespace avocado::cli
