#include "files/input_stream.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace avocado {

Compression compression_of(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::gzip;
  if (path.ends_with(".zst")) return Compression::zstd;
  return Compression::none;
}

// The open file.
class InputStream::Source {
 public:
  explicit Source(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) fail_input("{}: cannot open: {}", path, std::strerror(errno));
  }
  virtual ~Source() { ::close(fd_); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // At least one byte of content, or 0 at its end.
  virtual size_t read_some(std::span<char> out) = 0;
  uint64_t position() const { return position_; }

 protected:
  size_t read_file(std::span<char> buffer) {
    for (;;) {
      const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
      if (got >= 0) {
        position_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) fail_input("{}: cannot read: {}", path_, std::strerror(errno));
    }
  }
  [[noreturn]] void fail_cut_off(const char* kind) const {
    fail_input(
        "{}: ends in the middle of its {} data, at byte {}; the file is cut off, copy it again",
        path_, kind, position_);
  }
  [[noreturn]] void fail_damaged(const char* kind, const char* why) const {
    fail_input("{}: its {} data is damaged before byte {} ({})", path_, kind, position_, why);
  }

  std::string path_;

 private:
  int fd_ = -1;
  uint64_t position_ = 0;
};

class InputStream::Plain final : public Source {
 public:
  using Source::Source;
  size_t read_some(std::span<char> out) override { return read_file(out); }
};

// One or more gzip members, one after the other.
class InputStream::Gzip final : public Source {
 public:
  explicit Gzip(const std::string& path) : Source(path), input_(kInputBytes) {
    if (::inflateInit2(&stream_, 15 + 16) != Z_OK)  // the largest window, and a gzip header
      fail_resource("{}: no memory to decompress it", path);
  }
  ~Gzip() override { ::inflateEnd(&stream_); }

  size_t read_some(std::span<char> out) override {
    for (;;) {
      if (stream_.avail_in == 0) {
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(read_file(input_));
        if (stream_.avail_in == 0 && ended_) return 0;
      }
      if (ended_) ::inflateReset(&stream_);
      ended_ = false;
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      const bool starved = stream_.avail_in == 0;
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END)
        ended_ = true;
      else if (code != Z_OK && code != Z_BUF_ERROR)
        fail_damaged("gzip", stream_.msg ? stream_.msg : "not gzip");
      const size_t made = out.size() - stream_.avail_out;
      if (made > 0) return made;
      if (starved && !ended_) fail_cut_off("gzip");
    }
  }

 private:
  static constexpr size_t kInputBytes = 1 << 17;
  std::vector<char> input_;
  z_stream stream_ = {};
  bool ended_ = false;  // a member has ended and no other has begun
};

// One or more zstd frames, one after the other.
class InputStream::Zstd final : public Source {
 public:
  explicit Zstd(const std::string& path)
      : Source(path), input_(::ZSTD_DStreamInSize()), context_(::ZSTD_createDStream()) {
    if (!context_) fail_resource("{}: no memory to decompress it", path);
  }
  ~Zstd() override { ::ZSTD_freeDStream(context_); }

  size_t read_some(std::span<char> out) override {
    for (;;) {
      if (waiting_.pos == waiting_.size) {
        waiting_ = {input_.data(), read_file(input_), 0};
        if (waiting_.size == 0 && ended_) return 0;
      }
      ZSTD_outBuffer made{out.data(), out.size(), 0};
      const size_t before = waiting_.pos;
      const size_t code = ::ZSTD_decompressStream(context_, &made, &waiting_);
      if (::ZSTD_isError(code)) fail_damaged("zstd", ::ZSTD_getErrorName(code));
      ended_ = code == 0;
      if (made.pos > 0) return made.pos;
      if (waiting_.pos == before && waiting_.size == 0 && !ended_) fail_cut_off("zstd");
    }
  }

 private:
  std::vector<char> input_;
  ZSTD_DStream* context_;
  ZSTD_inBuffer waiting_ = {nullptr, 0, 0};
  bool ended_ = false;  // a frame has ended and no other has begun
};

InputStream::InputStream(const std::string& path, Compression compression) {
  switch (compression) {
    case Compression::gzip:
      source_ = std::make_unique<Gzip>(path);
      break;
    case Compression::zstd:
      source_ = std::make_unique<Zstd>(path);
      break;
    case Compression::none:
      source_ = std::make_unique<Plain>(path);
      break;
  }
}
InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;

size_t InputStream::read(std::span<char> buffer) {
  size_t filled = 0;
  while (filled < buffer.size()) {
    const size_t got = source_->read_some(buffer.subspan(filled));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

uint64_t InputStream::position() const { return source_->position(); }

}  // namespace avocado
