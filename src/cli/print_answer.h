#pragma once
// One answer, printed as it comes, and what is told of it afterwards.

#include "cli/answer_view.h"
#include "cli/chat_session.h"

namespace avocado::cli {

struct PrintOptions {
  ViewOptions view;
  bool json = false;     // one object when the answer is whole, and nothing before
  bool verbose = false;  // speed, context and guesses to standard error
};

// Throws as ChatSession::answer() does.
Answered print_answer(ChatSession& session, const std::string& prompt, const PrintOptions& options);

}  // namespace avocado::cli
