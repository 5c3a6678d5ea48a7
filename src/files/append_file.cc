#include "files/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace avocado {

AppendFile::AppendFile(const std::string& path, Start start) : path_(path) {
  const int fresh = start == Start::empty ? O_TRUNC : 0;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | fresh, 0666);
  if (fd_ < 0) fail_resource("{}: cannot be opened for writing: {}", path, std::strerror(errno));
}

AppendFile::~AppendFile() { ::close(fd_); }

void AppendFile::append(std::string_view record) {
  const ssize_t written = ::write(fd_, record.data(), record.size());
  if (written != static_cast<ssize_t>(record.size()))
    fail_resource("{}: cannot write: {}; free some space, then give the same command again", path_,
                  std::strerror(written < 0 ? errno : ENOSPC));
}

}  // namespace avocado
