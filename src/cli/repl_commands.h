#pragma once
// What begins with a slash in a chat. The table in repl_commands.cc is all there is to know of
// them: a new command is one entry.

#include <string>
#include <string_view>
#include <vector>

#include "cli/chat_session.h"
#include "cli/line_reader.h"
#include "cli/print_answer.h"

namespace avocado::cli {

// What commands can change.
struct Chat {
  ChatSession& session;
  LineReader& lines;
  PrintOptions print;
  bool leaving = false;
};

struct Command {
  std::string_view name;      // words, as "/set system"
  std::string_view argument;  // empty: takes none; in [ ]: may be missing
  std::string_view help;
  // Prints to standard output. Throws Error with nothing changed.
  void (*run)(Chat& chat, const std::string& argument);
  // What the first word of the argument may be; null: anything.
  std::vector<std::string> (*choices)() = nullptr;
};

const std::vector<Command>& commands();

struct CommandLine {
  const Command* command;
  std::string argument;  // without blanks around it
};

// Throws Error(usage) that names the nearest command, or says how this one is written.
CommandLine parse_command(std::string_view line);

// Whole lines that this one may become; none when it begins no command.
std::vector<std::string> complete_command(std::string_view line);

}  // namespace avocado::cli
