#pragma once
// Text files that a message brings along.

#include <string>
#include <string_view>
#include <vector>

namespace avocado::cli {

struct Attachment {
  std::string name;  // as it was given
  std::string text;
};

inline constexpr size_t kMostAttached = size_t{512} << 10;  // bytes of a file, and of all together

// Throws Error(input) for what is no text file in UTF-8, and for what is too large.
Attachment read_attachment(const std::string& path);

// The files named in a line: words that begin with ./, ../, / or ~/ and are the path of a file. A
// blank in a path has a backslash before it, or the path stands in quotes; a full stop, comma or
// the like behind it does not count. Throws as read_attachment() does.
std::vector<Attachment> find_attachments(std::string_view line);

// The message with its files before it, each in a fenced block under its name.
std::string with_attachments(const std::vector<Attachment>& files, const std::string& message);

}  // namespace avocado::cli
