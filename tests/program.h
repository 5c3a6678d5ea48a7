#pragma once
// Runs the built program as a user would.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "temp_folder.h"

namespace avocado::test {

struct ProgramResult {
  int code = -1;  // exit status, or 128 + signal
  std::string out, err;
};

inline int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] inline void exec_command(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

inline std::vector<std::string> program_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), AVOCADO_PROGRAM);
  return arguments;
}

[[noreturn]] inline void exec_program(const std::vector<std::string>& arguments) {
  exec_command(program_command(arguments));
}

struct ProgramOptions {
  std::string input = "";         // standard input
  std::string isa = "";           // AVOCADO_ISA
  std::string out = "";           // where standard output goes instead of the result
  int interrupt_after_bytes = 0;  // SIGINT once standard output has this many
};

// The first word is the path of what is run.
inline ProgramResult run_command(const std::vector<std::string>& words,
                                 const ProgramOptions& options = {}) {
  const TempFolder folder;
  std::ofstream(folder.file("in")) << options.input;
  const std::string out = options.out.empty() ? folder.file("out") : options.out;
  const pid_t child = fork();
  if (child == 0) {
    const auto redirect = [](const std::string& path, int flags, int to) {
      const int fd = open(path.c_str(), flags, 0600);
      if (fd < 0 || dup2(fd, to) < 0) _exit(126);
    };
    redirect(folder.file("in"), O_RDONLY, STDIN_FILENO);
    redirect(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(folder.file("err"), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (!options.isa.empty()) setenv("AVOCADO_ISA", options.isa.c_str(), 1);
    exec_command(words);
  }
  if (options.interrupt_after_bytes > 0) {
    std::error_code ignored;
    for (int i = 0; i < 2000; ++i) {
      const auto size = std::filesystem::file_size(out, ignored);
      if (!ignored && size >= static_cast<uintmax_t>(options.interrupt_after_bytes)) break;
      usleep(5000);
    }
    kill(child, SIGINT);
  }
  const auto contents = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  ProgramResult result;
  result.code = wait_for(child);
  if (options.out.empty()) result.out = contents(out);
  result.err = contents(folder.file("err"));
  return result;
}

inline ProgramResult run_program(const std::vector<std::string>& arguments,
                                 const ProgramOptions& options = {}) {
  return run_command(program_command(arguments), options);
}

// The program on a terminal of its own.
class TerminalProgram {
 public:
  // The user's files are in `home`, the working folder too.
  TerminalProgram(const std::vector<std::string>& arguments, const std::string& home) {
    child_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ != 0) return;
    for (const char* name : {"XDG_STATE_HOME", "XDG_DATA_HOME", "LANG", "LC_ALL", "NO_COLOR"})
      unsetenv(name);
    setenv("HOME", home.c_str(), 1);
    setenv("TERM", "xterm", 1);
    if (chdir(home.c_str()) != 0) _exit(126);
    exec_program(arguments);
  }
  ~TerminalProgram() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      wait_for(child_);
    }
    close(terminal_);
  }
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  void type(const std::string& text) {
    EXPECT_EQ(write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // What is shown up to and with `text`; everything when the program ends first. A minute of
  // silence is a failure.
  std::string read_until(const std::string& text) {
    std::string shown;
    while (!shown.ends_with(text) && read_character(shown)) {
    }
    return shown;
  }
  // The same with a prompt, and until the program reads keys: a line editor shows its prompt before
  // it takes the terminal, and what is typed in between is not what it would be after.
  std::string read_prompt(const std::string& prompt) {
    std::string shown = read_until(prompt);
    termios mode{};
    for (int i = 0; i < 60000 && !silent_; ++i, usleep(1000))
      if (tcgetattr(terminal_, &mode) != 0 || (mode.c_lflag & ICANON) == 0) return shown;
    ADD_FAILURE() << "keys are not read after: " << shown;
    return shown;
  }
  // Waits until anything is shown.
  void read_something() {
    std::string shown;
    read_character(shown);
  }
  int finish() {
    read_until("\x01 nothing prints this");
    if (silent_) kill(child_, SIGKILL);
    const int code = wait_for(child_);
    child_ = -1;
    return code;
  }

 private:
  bool read_character(std::string& shown) {
    pollfd wait = {terminal_, POLLIN, 0};
    if (silent_ || poll(&wait, 1, 60000) == 0) {
      if (!silent_) ADD_FAILURE() << "nothing came for a minute after: " << shown;
      silent_ = true;
      return false;
    }
    char c;
    if (read(terminal_, &c, 1) != 1) return false;
    shown += c;
    return true;
  }

  pid_t child_ = -1;
  int terminal_ = -1;
  bool silent_ = false;
};

}  // namespace avocado::test
