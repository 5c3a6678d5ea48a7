#include "cli/data_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/error.h"
#include "cli/progress.h"
#include "files/printable.h"

namespace avocado::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string minutes(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

class Display {
 public:
  explicit Display(const std::atomic<bool>& stop) : stop_(stop) {}

  void progress(const DataProgress& now) {
    if (stop_) {
      clear();
      throw Error(ErrorKind::interrupted, "stopped while the data was being prepared");
    }
    const auto wait = terminal_ ? Clock::duration(std::chrono::milliseconds(100))
                                : Clock::duration(std::chrono::seconds(30));
    const auto time = Clock::now();
    if (time - drawn_ < wait) return;
    drawn_ = time;
    const double seconds = std::max(std::chrono::duration<double>(time - start_).count(), 1e-9);
    const double done = static_cast<double>(now.bytes), total = static_cast<double>(now.total);
    const double left = done > 0 ? seconds * (total - done) / done : 0;
    const std::string line = fmt::format("data {:3.0f} %  {:.1f} MB/s  {:.0f}k tok/s  {} left  {}",
                                         total > 0 ? 100 * done / total : 0, done / seconds / 1e6,
                                         static_cast<double>(now.tokens) / seconds / 1e3,
                                         minutes(left), printable(now.source, 60));
    if (terminal_)
      fmt::print(stderr, "\r\033[K{}", line.substr(0, static_cast<size_t>(terminal_width() - 1)));
    else
      fmt::print(stderr, "{}\n", line);
    std::fflush(stderr);
  }

  void report(const DataReport& report) {
    clear();
    for (const std::string& line : data_report_lines(report)) fmt::print(stderr, "{}\n", line);
  }

 private:
  void clear() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

  const std::atomic<bool>& stop_;
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

}  // namespace

DataObserver show_data_progress(const std::atomic<bool>& stop) {
  const auto display = std::make_shared<Display>(stop);
  return {.on_progress = [display](const DataProgress& now) { display->progress(now); },
          .on_report = [display](const DataReport& report) { display->report(report); }};
}

}  // namespace avocado::cli
