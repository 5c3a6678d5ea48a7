#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cli/units.h"

namespace avocado::cli {
namespace {

constexpr int kDefaultWidth = 80;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{30};

// A bar of `width` characters, to an eighth of a character.
std::string bar(double part, int width) {
  static constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(part, 0.0, 1.0) * width * 8);
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[static_cast<size_t>(eighths % 8)];
  for (int i = (eighths + 7) / 8; i < width; ++i) text += " ";
  return text;
}

// Braille patterns: U+2800 and one bit per dot, two columns of four.
std::string braille(unsigned dots) {
  const unsigned code = 0x2800 + dots;
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

constexpr unsigned kDot[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

}  // namespace

int terminal_width(int terminal) {
  winsize size{};
  if (ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

Progress::Progress(int64_t total, int64_t done)
    : total_(total),
      done_(done),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      drawn_(start_ - kPlainLine) {}

Progress::~Progress() { finish(); }

std::vector<std::string> Progress::speed() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto made = static_cast<double>(step_ - done_);
  return {
      fmt::format("{} tok/s", count_text(static_cast<double>(tokens_) / std::max(seconds, 1e-9))),
      fmt::format("{} left", duration_text(seconds / std::max(made, 1.0) *
                                           static_cast<double>(total_ - step_)))};
}

void Progress::draw() {
  constexpr int kLeastBar = 8;  // with its ends and spaces
  const std::string count =
      fmt::format("step {:>{}}/{}", step_, std::to_string(total_).size(), total_);
  std::vector<std::string> figures = speed();
  if (!figures_.empty()) {
    figures.insert(figures.begin(), figures_.front());
    figures.insert(figures.end(), figures_.begin() + 1, figures_.end());
  }
  if (terminal_) {
    int room = terminal_width() - static_cast<int>(count.size()) - 1;
    std::string text;
    for (const std::string& figure : figures) {
      const int length = static_cast<int>(figure.size()) + 2;
      if (!text.empty() && room - length < kLeastBar) break;
      text += "  " + figure;
      room -= length;
    }
    const double part = static_cast<double>(step_) / static_cast<double>(total_);
    const std::string middle =
        room >= kLeastBar ? fmt::format(" ▕{}▏", bar(part, std::min(room - 3, 40))) : "";
    fmt::print(stderr, "\r\033[K{}{}{}", count, middle, text);
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}  {}\n", count, fmt::join(figures, "  "));
  }
  std::fflush(stderr);
}

void Progress::step(int64_t step, std::vector<std::string> figures, int64_t tokens) {
  tokens_ += tokens;
  step_ = step;
  figures_ = std::move(figures);
  const auto now = Clock::now();
  const auto wait = terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine);
  if (now - drawn_ < wait && step != total_) return;
  drawn_ = now;
  draw();
}

void Progress::step(int64_t step, double loss, int64_t tokens) {
  this->step(step, {fmt::format("loss {:.4f}", loss)}, tokens);
}

void Progress::say(const std::string& text) {
  fmt::print(stderr, "{}{}\n", line_open_ ? "\r\033[K" : "", text);
  if (line_open_) draw();
}

void Progress::finish() {
  if (line_open_) fmt::print(stderr, "\n");
  line_open_ = false;
}

std::string draw_curve(std::span<const double> values, int width, int height) {
  constexpr int kLabel = 8;  // "123.456 " before the axis
  const int columns = 2 * (width - kLabel - 1), dots = 4 * height;
  if (values.empty() || columns < 2 || height < 2) return {};
  const auto [low_at, high_at] = std::minmax_element(values.begin(), values.end());
  const double low = *low_at, high = *high_at;
  if (!std::isfinite(low) || !std::isfinite(high)) return {};
  const double scale = high > low ? (dots - 1) / (high - low) : 0;
  const auto row = [&](double value) {
    return static_cast<int>(std::lround((high - value) * scale));
  };

  std::vector<std::vector<unsigned>> cells(static_cast<size_t>(height),
                                           std::vector<unsigned>(static_cast<size_t>(columns / 2)));
  const auto count = static_cast<int64_t>(values.size());
  int former = row(values[0]);
  for (int x = 0; x < columns; ++x) {
    const int64_t begin = x * count / columns;
    const int64_t end = std::max(begin + 1, (x + 1) * count / columns);
    // A column joins on to the one before it, so that the curve has no gaps.
    int top = former, bottom = former;
    for (int64_t i = begin; i < end; ++i) {
      former = row(values[static_cast<size_t>(i)]);
      top = std::min(top, former);
      bottom = std::max(bottom, former);
    }
    for (int y = top; y <= bottom; ++y)
      cells[static_cast<size_t>(y / 4)][static_cast<size_t>(x / 2)] |= kDot[y % 4][x % 2];
  }
  std::string text;
  for (int y = 0; y < height; ++y) {
    const bool labelled = y == 0 || y == height - 1;
    text += labelled ? fmt::format("{:>7.3f} ┤", y == 0 ? high : low) : fmt::format("{:>9}", "│");
    for (unsigned cell : cells[static_cast<size_t>(y)]) text += cell ? braille(cell) : " ";
    text += "\n";
  }
  const std::string last = std::to_string(count);
  text += fmt::format("{:>9}", "└");
  for (int x = 0; x < columns / 2; ++x) text += "─";
  text += fmt::format("\n{:{}}1{:>{}}\n", "", kLabel + 1, last, columns / 2 - 1);
  return text;
}

}  // namespace avocado::cli
