// avocado run: answer a prompt, or chat.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "chat/chat_template.h"
#include "cli/drafting.h"
#include "cli/inference.h"
#include "cli/sampling.h"
#include "cli/structure.h"
#include "cli/verbs.h"
#include "infer/generate.h"

namespace avocado::cli {
namespace {

struct Arguments : InferenceArguments {
  std::optional<std::string> prompt;
  std::string system;
  std::string now;  // for templates that tell the date
  bool raw = false, verbose = false;
  DraftArguments draft;
  StructureArguments structure;
  GenerateOptions options;
};

volatile sig_atomic_t interrupts = 0;
int interrupt_pipe[2];  // a byte per Ctrl-C, to wake who waits for a line

// The first Ctrl-C ends the answer between two tokens, a second one leaves at once.
extern "C" void on_interrupt(int) {
  if (interrupts > 0) _exit(130);
  interrupts = 1;
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(interrupt_pipe[1], "", 1);
  errno = error;
}

void catch_interrupts() {
  if (pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    fail_resource("a pipe cannot be made: {}", std::strerror(errno));
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

void forget_interrupts() {
  char byte;
  while (read(interrupt_pipe[0], &byte, 1) == 1) {
  }
  interrupts = 0;
}

std::string read_input() {
  std::string text;
  char buffer[4096];
  size_t n;
  while ((n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, n);
  if (std::ferror(stdin)) fail_input("standard input could not be read");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// A line from the terminal; nothing at its end or on Ctrl-C. The signal may come just before the
// waiting begins, or to another thread: hence the pipe.
std::optional<std::string> read_line() {
  std::fputs("> ", stdout);
  std::fflush(stdout);
  pollfd wake[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_pipe[0], POLLIN, 0}};
  while (poll(wake, 2, -1) < 0 && errno == EINTR) {
  }
  if (wake[1].revents != 0) return std::nullopt;
  char* line = nullptr;
  size_t capacity = 0;
  const ssize_t length = getline(&line, &capacity, stdin);
  std::optional<std::string> text;
  if (length >= 0) text.emplace(line, static_cast<size_t>(length));
  std::free(line);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

// What a model writes must not steer the terminal: control characters other than line breaks and
// tabs are left out (C1 ones are 0xc2 0x80 to 0xc2 0x9f in UTF-8).
std::string harmless(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    if (!c1 && ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t')) out += text[i];
  }
  return out;
}

std::string clock_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", std::localtime(&now));
  return text;
}

struct Answer {
  Completion completion;
  size_t prompt_tokens = 0;
  double prompt_seconds = 0, answer_seconds = 0;
};

// One object per token: its own log-probability, and those of the likeliest.
nlohmann::json probabilities_json(const Tokenizer& tokenizer, const Completion& completion) {
  const auto one = [&](const TokenProbability& t) -> nlohmann::json {
    const bool known = t.id < tokenizer.vocab_size();
    return {{"id", t.id},
            {"token", known ? tokenizer.token_bytes(t.id, true) : std::string()},
            {"logprob", t.logprob}};
  };
  nlohmann::json all = nlohmann::json::array();
  for (const TokenProbabilities& p : completion.probabilities) {
    nlohmann::json token = one(p.chosen);
    token["top_logprobs"] = nlohmann::json::array();
    for (const TokenProbability& t : p.top) token["top_logprobs"].push_back(one(t));
    all.push_back(std::move(token));
  }
  return all;
}

class Runner {
 public:
  explicit Runner(const Arguments& arguments)
      : arguments_(arguments),
        loaded_(arguments),
        tokenizer_(loaded_.tokenizer()),
        engine_(loaded_.engine(arguments.context)),
        sequence_(engine_),
        options_(arguments.options) {
    const std::string& source = loaded_.model().chat_template();
    const auto spelling = [&](int32_t id) {
      return id < 0 ? std::string() : std::string(tokenizer_.token_text(id));
    };
    if (!arguments.raw && !source.empty())
      template_.emplace(source, spelling(tokenizer_.bos()), spelling(tokenizer_.eos()),
                        arguments.model);
    if (!chats() && !arguments.system.empty())
      fail_usage("--system needs a model with a chat template, and no --raw");
    if (!arguments.system.empty()) say("system", arguments.system);
    set_constraint(arguments.structure, tokenizer_, options_);
    drafting_.emplace(arguments.draft, arguments, tokenizer_, options_.sampling);
    options_.speculation = drafting_->speculation();
  }

  bool chats() const { return template_.has_value(); }

  // The answer is printed as it comes unless JSON is wanted.
  Answer answer(const std::string& prompt) {
    using Clock = std::chrono::steady_clock;
    std::vector<int32_t> ids;
    if (chats()) {
      say("user", prompt);
      ids = tokens_of(rendered(), tokenizer_);
    } else {
      ids = tokenizer_.encode(prompt, {.bos = true, .special = arguments_.raw});
    }
    Answer result;
    result.prompt_tokens = ids.size();
    const auto start = Clock::now();
    auto prompt_end = start;
    GenerateHooks hooks;
    hooks.text = [&](const std::string& piece) {
      if (arguments_.json) return;
      print_text(terminal_ ? harmless(piece) : piece);
      finish_output();
    };
    hooks.interrupted = [] { return interrupts > 0; };
    hooks.prompt_done = [&] { prompt_end = Clock::now(); };
    try {
      result.completion = generate(engine_, sequence_, ids, options_, hooks);
    } catch (...) {
      if (chats()) messages_.erase(messages_.size() - 1);
      throw;
    }
    result.prompt_seconds = std::chrono::duration<double>(prompt_end - start).count();
    result.answer_seconds = std::chrono::duration<double>(Clock::now() - prompt_end).count();
    if (chats()) say("assistant", result.completion.text);
    return result;
  }

  void report(const Answer& answer) const {
    const size_t count = answer.completion.ids.size();
    if (arguments_.json) {
      Sha256 hash;
      hash.update_array(std::span<const int32_t>(answer.completion.ids));
      nlohmann::json json = {{"text", answer.completion.text},
                             {"ids", answer.completion.ids},
                             {"stop", stop_reason_name(answer.completion.stop)},
                             {"prompt_tokens", answer.prompt_tokens},
                             {"answer_tokens", count},
                             {"prompt_seconds", answer.prompt_seconds},
                             {"answer_seconds", answer.answer_seconds},
                             {"guessed", answer.completion.drafted},
                             {"guessed_right", answer.completion.drafted_right},
                             {"seed", options_.sampling.seed},
                             {"digest", hash.hex()}};
      if (answer.completion.stop == StopReason::stop_string)
        json["stop_string"] = answer.completion.stop_string;
      if (options_.sampling.n_probs > 0)
        json["probabilities"] = probabilities_json(tokenizer_, answer.completion);
      print_json(json);
    } else {
      print_text("\n");
    }
    finish_output();
    if (arguments_.verbose) {
      std::fprintf(
          stderr,
          "prompt: %zu tokens in %.3f s (%.1f/s); answer: %zu tokens in %.3f s (%.1f/s); %s; "
          "%lld of %lld guessed tokens were right\n",
          answer.prompt_tokens, answer.prompt_seconds,
          static_cast<double>(answer.prompt_tokens) / answer.prompt_seconds, count,
          answer.answer_seconds, static_cast<double>(count) / answer.answer_seconds,
          stop_reason_name(answer.completion.stop),
          static_cast<long long>(answer.completion.drafted_right),
          static_cast<long long>(answer.completion.drafted));
    }
  }

 private:
  void say(const char* role, const std::string& content) {
    messages_.push_back({{"role", role}, {"content", content}});
  }
  // The last message leaves with the error when the template refuses the conversation.
  Prompt rendered() {
    try {
      return template_->render(
          {{"messages", messages_}, {"add_generation_prompt", true}, {"now", now_}});
    } catch (const Error& error) {
      messages_.erase(messages_.size() - 1);
      throw Error(error.kind(), std::string(error.what()) + "; --raw does without the template");
    }
  }

  const Arguments& arguments_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  const std::string now_ = arguments_.now.empty() ? clock_now() : arguments_.now;
  LoadedModel loaded_;
  const Tokenizer& tokenizer_;
  std::optional<ChatTemplate> template_;
  Engine engine_;
  ScopedSequence sequence_;
  GenerateOptions options_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
  std::optional<Drafting> drafting_;
};

void chat(Runner& runner) {
  std::fputs("Type a message; Ctrl-C stops an answer, Ctrl-D leaves.\n", stderr);
  while (true) {
    forget_interrupts();
    const std::optional<std::string> line = read_line();
    if (!line) break;
    if (line->empty()) continue;
    try {
      runner.report(runner.answer(*line));
    } catch (const Error& error) {
      // The conversation has outgrown the context, or the template refuses it.
      if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::input) throw;
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  print_text("\n");
  finish_output();
}

void run(const Arguments& arguments) {
  check_sampler(arguments.options.sampling);
  Runner runner(arguments);
  catch_interrupts();
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (!arguments.prompt && terminal && runner.chats()) return chat(runner);
  // A base model without a prompt begins a text of its own.
  const std::string prompt = arguments.prompt ? *arguments.prompt : terminal ? "" : read_input();
  const Answer answer = runner.answer(prompt);
  runner.report(answer);
  if (answer.completion.stop == StopReason::interrupted)
    throw Error(ErrorKind::interrupted, "interrupted");
}

}  // namespace

void add_run(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("run", "Answer a prompt, or chat on a terminal");
  add_inference_arguments(*verb, *arguments);
  verb->add_option("PROMPT", arguments->prompt,
                   "What to answer (default: standard input, without its last line break; on a "
                   "terminal, a chat)");
  verb->add_option("-n", arguments->options.max_tokens,
                   "Most tokens of an answer; -1: until the model ends or the context is full")
      ->capture_default_str();
  verb->add_option("--ctx", arguments->context,
                   "Most tokens of prompt and answer together (default: the model's context)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--system", arguments->system, "The system message of the conversation");
  verb->add_flag("--raw", arguments->raw,
                 "Continue the text as it stands: no chat format, and markers such as <|im_start|> "
                 "are read as tokens");
  verb->add_flag("--verbose", arguments->verbose, "Print tokens per second to standard error");
  verb->add_option("--now", arguments->now,
                   "The time for chat templates that tell the date, 2025-07-26T12:34:56 (default: "
                   "the clock's)");
  add_draft_arguments(*verb, arguments->draft);
  add_structure_arguments(*verb, arguments->structure);
  add_sampling_arguments(*verb, arguments->options);
  verb->callback([arguments] { run(*arguments); });
}

}  // namespace avocado::cli
