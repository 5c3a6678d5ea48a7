#include "cli/repl.h"

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/attachments.h"
#include "cli/interrupts.h"
#include "cli/line_reader.h"
#include "cli/repl_commands.h"
#include "cli/user_folders.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

// A line, or the lines between """ and """ as one. The quotes begin the line, or the text of a
// command: /set system """
TypedLine read_text(LineReader& lines) {
  TypedLine typed = lines.read("> ");
  if (typed.kind != TypedLine::Kind::line) return typed;
  const size_t open = typed.text.find(kQuotes);
  const bool opens = open == 0 || (open != std::string::npos && typed.text.starts_with('/'));
  if (!opens) return typed;
  std::string text = typed.text.substr(open + kQuotes.size());
  while (!text.ends_with(kQuotes)) {
    TypedLine more = lines.read(". ");
    if (more.kind != TypedLine::Kind::line) return {TypedLine::Kind::cleared};
    text += '\n' + more.text;
  }
  text.resize(text.size() - kQuotes.size());
  // The quotes may have lines of their own.
  if (text.starts_with('\n')) text.erase(0, 1);
  if (text.ends_with('\n')) text.pop_back();
  return {TypedLine::Kind::line, typed.text.substr(0, open) + text};
}

// A path at the beginning is no command.
bool is_command(const std::string& text) {
  if (!text.starts_with('/')) return false;
  std::error_code error;
  return !std::filesystem::is_regular_file(text.substr(0, text.find_first_of(" \t\n")), error);
}

void answer(Chat& chat, const std::string& text) {
  const std::vector<Attachment> files = find_attachments(text);
  for (const Attachment& file : files)
    std::fprintf(stderr, "attached %s (%zu bytes)\n", printable(file.name).c_str(),
                 file.text.size());
  print_answer(chat.session, with_attachments(files, text), chat.print);
}

}  // namespace

void run_repl(ChatSession& session, const PrintOptions& options) {
  const std::string state = state_folder();
  const auto lines = make_line_reader(state.empty() ? "" : state + "/history", complete_command);
  Chat chat{session, *lines, options};
  std::fputs("Type a message; /? lists the commands, Ctrl-C stops an answer, Ctrl-D leaves.\n",
             stderr);
  while (!chat.leaving) {
    forget_interrupts();
    const TypedLine typed = read_text(*lines);
    if (typed.kind == TypedLine::Kind::end) {
      print_text("\n");
      break;
    }
    if (typed.kind == TypedLine::Kind::cleared ||
        typed.text.find_first_not_of(" \t\n") == std::string::npos)
      continue;
    forget_interrupts();
    try {
      if (is_command(typed.text)) {
        const CommandLine line = parse_command(typed.text);
        line.command->run(chat, line.argument);
      } else {
        answer(chat, typed.text);
      }
    } catch (const Error& error) {
      // A wrong command, a file that cannot be attached; or the conversation has outgrown the
      // context, or the template refuses it. The chat goes on.
      std::fprintf(stderr, "%s\n", harmless(error.what()).c_str());
    }
    finish_output();
  }
  finish_output();
}

}  // namespace avocado::cli
