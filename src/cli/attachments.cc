#include "cli/attachments.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "cli/user_folders.h"
#include "files/atomic_file.h"
#include "files/printable.h"
#include "text/unicode.h"

namespace avocado::cli {
namespace {

// Reading a pipe or a device might never end.
bool is_file(const std::string& path) {
  struct stat info {};
  return stat(with_home(path).c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool looks_like_path(std::string_view word) {
  return word.starts_with("./") || word.starts_with("../") || word.starts_with("~/") ||
         (word.starts_with('/') && word.size() > 1);
}

// The words of a line, with their quotes and backslashes resolved.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == ' ' || line[i] == '\t' || line[i] == '\n') {
      ++i;
      continue;
    }
    std::string word;
    const char quote = line[i] == '"' || line[i] == '\'' ? line[i] : '\0';
    if (quote != '\0') ++i;
    const auto ends = [&](char c) {
      return quote != '\0' ? c == quote : c == ' ' || c == '\t' || c == '\n';
    };
    for (; i < line.size() && !ends(line[i]); ++i) {
      if (line[i] == '\\' && quote == '\0' && i + 1 < line.size()) ++i;
      word += line[i];
    }
    if (quote != '\0') ++i;
    words.push_back(word);
  }
  return words;
}

// Longer than any run of ticks in the text.
std::string fence_for(std::string_view text) {
  size_t longest = 2, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

}  // namespace

Attachment read_attachment(const std::string& path) {
  const std::string shown = printable(path), file = with_home(path);
  if (!is_file(path)) fail_input("{}: is not a file that can be attached", shown);
  struct stat info {};
  if (stat(file.c_str(), &info) == 0 && static_cast<uint64_t>(info.st_size) > kMostAttached)
    fail_input("{}: has {} bytes; a file that goes with a message may have {}", shown, info.st_size,
               kMostAttached);
  std::string text = read_text_file(file, kMostAttached);
  if (text.find('\0') != std::string::npos || !unicode::is_valid_utf8(text))
    fail_input("{}: is not text in UTF-8, and nothing else can be attached", shown);
  return {path, std::move(text)};
}

std::vector<Attachment> find_attachments(std::string_view line) {
  std::vector<Attachment> files;
  size_t bytes = 0;
  for (std::string word : words_of(line)) {
    if (!looks_like_path(word)) continue;
    while (!word.empty() && !is_file(word) &&
           std::string_view(".,;:!?)]}\"'").find(word.back()) != std::string_view::npos)
      word.pop_back();
    const bool known = std::any_of(files.begin(), files.end(),
                                   [&](const Attachment& file) { return file.name == word; });
    if (known || !is_file(word)) continue;
    files.push_back(read_attachment(word));
    bytes += files.back().text.size();
    if (bytes > kMostAttached)
      fail_input("the files of one message may have {} bytes together", kMostAttached);
  }
  return files;
}

std::string with_attachments(const std::vector<Attachment>& files, const std::string& message) {
  std::string all;
  for (const Attachment& file : files) {
    const std::string fence = fence_for(file.text);
    const char* end = file.text.empty() || file.text.ends_with('\n') ? "" : "\n";
    all += file.name + ":\n" + fence + "\n" + file.text + end + fence + "\n\n";
  }
  return all + message;
}

}  // namespace avocado::cli
