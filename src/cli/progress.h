#pragma once
// How far a long job is, on standard error: one line redrawn in place on a terminal, a plain line
// now and then elsewhere. And the curve of a loss in characters.

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace avocado::cli {

// Columns of the terminal behind a file descriptor; 80 when there is none.
int terminal_width(int terminal = STDERR_FILENO);

class Progress {
 public:
  // `done` of `total` steps need not be made.
  Progress(int64_t total, int64_t done);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // After step `step`, which took in `tokens` tokens. Figures come in the order of their
  // importance; on a terminal the last ones are left out when the line is too short. Speed and the
  // time left stand behind the first.
  void step(int64_t step, std::vector<std::string> figures, int64_t tokens);
  // The same with the loss alone.
  void step(int64_t step, double loss, int64_t tokens);
  // A line of its own, above the bar.
  void say(const std::string& text);
  // Ends the line of the bar.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<std::string> speed() const;
  void draw();

  int64_t total_, done_;
  bool terminal_;
  Clock::time_point start_, drawn_;
  int64_t tokens_ = 0, step_ = 0;
  std::vector<std::string> figures_;  // of the last step
  bool line_open_ = false;
};

// The values from left to right, in Braille dots, `width` by `height` characters with axes and
// labels; each column of dots spans the values that fall on it. Empty when there is nothing to
// draw.
std::string draw_curve(std::span<const double> values, int width, int height);

}  // namespace avocado::cli
