// avocado run: answer a prompt, or chat.

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "cli/attachments.h"
#include "cli/chat_session.h"
#include "cli/default_model.h"
#include "cli/interrupts.h"
#include "cli/print_answer.h"
#include "cli/repl.h"
#include "cli/sampling.h"
#include "cli/structure.h"
#include "cli/verbs.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

struct Arguments : ChatArguments {
  std::optional<std::string> prompt;
  std::vector<std::string> files;
  bool verbose = false;
  ViewOptions view;
};

// Who waits for nothing should know why.
extern "C" void say_waiting(int) {
  static constexpr char text[] =
      "avocado: reading standard input, to its end; without any, add </dev/null\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
}

std::string read_input() {
  struct stat closed {};
  if (fstat(STDIN_FILENO, &closed) != 0) return "";
  std::signal(SIGALRM, say_waiting);
  alarm(3);
  std::string text;
  char buffer[4096];
  size_t n;
  while ((n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, n);
  alarm(0);
  if (std::ferror(stdin)) fail_input("standard input could not be read");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// Files and standard input come before the prompt, as what it speaks of.
std::string whole_prompt(const Arguments& arguments) {
  const bool terminal = isatty(STDIN_FILENO) != 0;
  // A base model without a prompt begins a text of its own.
  std::string input = terminal ? "" : read_input();
  if (!arguments.prompt) return input;
  std::vector<Attachment> files;
  for (const std::string& file : arguments.files) files.push_back(read_attachment(file));
  const std::string context = input.empty() ? "" : input + "\n\n";
  return with_attachments(files, context + *arguments.prompt);
}

void run(Arguments& arguments) {
  check_sampler(arguments.options.sampling);
  if (!arguments.prompt && !arguments.files.empty())
    fail_usage("--file goes with a PROMPT; in a chat, write the path in the message");
  if (arguments.model.empty()) {
    arguments.model = find_default_model();
    std::fprintf(stderr, "model: %s\n", printable(arguments.model).c_str());
  }
  ChatSession session(arguments);
  PrintOptions options{arguments.view, arguments.json, arguments.verbose};
  // A text that is gone on with stays as it stands.
  if (!session.chats()) options.view.markdown = options.view.word_wrap = false;
  if (!arguments.prompt && isatty(STDIN_FILENO) != 0 && session.chats()) {
    catch_interrupts(/*second_leaves=*/false);
    return run_repl(session, options);
  }
  const std::string prompt = whole_prompt(arguments);
  catch_interrupts(/*second_leaves=*/true);
  const Answered answer = print_answer(session, prompt, options);
  if (answer.completion.stop == StopReason::interrupted)
    throw Error(ErrorKind::interrupted, "interrupted");
}

}  // namespace

void add_run(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("run", "Answer a prompt, or chat on a terminal");
  add_inference_arguments(*verb, *arguments);
  verb->get_option("MODEL")->required(false)->description(
      "A GGUF file or a Hugging Face folder (default: the newest avocado-demo.gguf, here, in build "
      "or in the user's data folder; else avocado-nano, which comes with the program)");
  verb->add_option("PROMPT", arguments->prompt,
                   "What to answer. Standard input that is no terminal comes before it, with an "
                   "empty line between, as in: cat err.log | avocado run MODEL \"what is wrong?\" "
                   "(default: standard input alone, without its last line break; on a terminal, a "
                   "chat)");
  verb->add_option("--file", arguments->files,
                   "A text file that the prompt speaks of; may be given several times")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("-n", arguments->options.max_tokens,
                   "Most tokens of an answer; -1: until the model ends or the context is full")
      ->capture_default_str();
  verb->add_option("--ctx", arguments->context,
                   "Most tokens of prompt and answer together (default: the model's context)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--system", arguments->system, "The system message of the conversation");
  CLI::Option* raw = verb->add_flag(
      "--raw", arguments->raw,
      "Continue the text as it stands: no chat format, and markers such as <|im_start|> are read "
      "as tokens");
  verb->add_option("--template", arguments->template_file,
                   "A chat template (.jinja) in place of the model's own")
      ->excludes(raw);
  verb->add_flag("--verbose", arguments->verbose,
                 "Tell speed, context and guesses on standard error");
  verb->add_flag("--hide-thinking", arguments->view.hide_thinking, "Print the answer alone");
  verb->add_flag("!--no-markdown", arguments->view.markdown,
                 "On a terminal, print the answer's Markdown as it is written");
  verb->add_option("--now", arguments->now,
                   "The time for chat templates that tell the date, 2025-07-26T12:34:56 (default: "
                   "the clock's)");
  add_draft_arguments(*verb, arguments->draft);
  add_request_arguments(*verb, arguments->request, arguments->options);
  add_structure_arguments(*verb, arguments->structure);
  add_sampling_arguments(*verb, arguments->options);
  verb->callback([arguments] { run(*arguments); });
}

}  // namespace avocado::cli
