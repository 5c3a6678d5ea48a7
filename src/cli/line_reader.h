#pragma once
// Lines that somebody types: edited, completed and remembered on a terminal, plain elsewhere.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace avocado::cli {

struct TypedLine {
  enum class Kind {
    line,
    cleared,  // Ctrl-C: what was typed counts for nothing
    end,      // Ctrl-D, or the end of the input
  };
  Kind kind = Kind::end;
  std::string text = {};
};

class LineReader {
 public:
  virtual ~LineReader() = default;
  virtual TypedLine read(const std::string& prompt) = 0;
  // Whether lines are kept for the next time.
  virtual void remember(bool) {}
};

// What the beginning of a line may become: whole lines. None: a name of a file is sought.
using Completer = std::function<std::vector<std::string>(std::string_view line)>;

// With standard input and output on a terminal, lines can be edited; those of earlier times are in
// `history`, a file with a line each that nobody else may read (empty: none). catch_interrupts()
// comes first.
std::unique_ptr<LineReader> make_line_reader(const std::string& history, Completer completer);

}  // namespace avocado::cli
