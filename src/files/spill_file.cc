#include "files/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace avocado {
namespace {

constexpr size_t kBuffer = size_t{1} << 20;

}  // namespace

SpillFile::SpillFile(const std::string& folder) : folder_(folder) {
  std::string name = folder + "/spill.tmp-XXXXXX";
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) fail_resource("{}: cannot make a file: {}", folder, std::strerror(errno));
  ::unlink(name.c_str());
  buffer_.reserve(kBuffer);
}

SpillFile::~SpillFile() {
  if (fd_ >= 0) ::close(fd_);
}

int SpillFile::release() {
  flush();
  return std::exchange(fd_, -1);
}

void SpillFile::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void SpillFile::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      fail_resource(
          "{}: cannot write a temporary file: {}; free some space or choose another place", folder_,
          std::strerror(errno));
    done += static_cast<size_t>(written);
  }
  written_ += buffer_.size();
  buffer_.clear();
}

void SpillFile::read(const std::function<void(std::span<const std::byte>)>& visit) {
  flush();
  std::vector<std::byte> piece(kBuffer);
  for (uint64_t at = 0; at < written_;) {
    const ssize_t got = ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      fail_resource("{}: cannot read a temporary file: {}", folder_,
                    got < 0 ? std::strerror(errno) : "it is shorter than what was written");
    visit(std::span(piece).first(static_cast<size_t>(got)));
    at += static_cast<uint64_t>(got);
  }
}

}  // namespace avocado
