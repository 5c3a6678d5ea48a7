#pragma once
// A file that only grows, by records: each is appended with one write, so that a killed process
// leaves at most the last one unfinished, and readers see whole ones while it is written.

#include <string>
#include <string_view>

namespace avocado {

class AppendFile {
 public:
  enum class Start { keep, empty };
  // Throws Error(resource), as append() does, naming file and cause (disk full, ...).
  explicit AppendFile(const std::string& path, Start start = Start::keep);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view record);

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace avocado
