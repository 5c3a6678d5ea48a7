#include "cli/interrupts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace avocado::cli {
namespace {

volatile sig_atomic_t noted = 0;
bool second_one_leaves = false;
// A byte per Ctrl-C: the signal may come just before the waiting begins, or to another thread.
int wake[2];

extern "C" void on_interrupt(int) {
  if (noted > 0 && second_one_leaves) _exit(130);
  noted = 1;
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(wake[1], "", 1);
  errno = error;
}

}  // namespace

void catch_interrupts(bool second_leaves) {
  second_one_leaves = second_leaves;
  if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
    fail_resource("a pipe cannot be made: {}", std::strerror(errno));
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return noted > 0; }

void forget_interrupts() {
  char byte;
  while (read(wake[0], &byte, 1) == 1) {
  }
  noted = 0;
}

bool wait_for_input() {
  pollfd wait[] = {{STDIN_FILENO, POLLIN, 0}, {wake[0], POLLIN, 0}};
  while (poll(wait, 2, -1) < 0 && errno == EINTR) {
  }
  return wait[1].revents == 0;
}

}  // namespace avocado::cli
