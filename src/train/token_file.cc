#include "train/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/json.h"

namespace avocado {
namespace {

static_assert(std::endian::native == std::endian::little, "files are read as they are");

constexpr std::string_view kMagic = "AVOTOKS1";
constexpr size_t kPiece = size_t{1} << 20;         // read at a time
constexpr uint64_t kMostText = uint64_t{1} << 20;  // of the report

// Before the tokens of each document.
struct DocumentHeader {
  uint64_t line, split, copies, count;
};

// The end of the file; the report stands before it.
struct Trailer {
  uint64_t documents, report;  // bytes of each
  Digest identity;
  Digest sha256;  // of everything before
};
static_assert(sizeof(Trailer) == 80);

}  // namespace

void append_document(std::vector<std::byte>& bytes, const TokenDocument& document) {
  const DocumentHeader header{document.line, document.split, document.copies,
                              document.words.size()};
  const auto head = std::as_bytes(std::span(&header, 1)), tokens = std::as_bytes(document.words);
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), tokens.begin(), tokens.end());
}

TokenFileWriter::TokenFileWriter(Write write, const Digest& identity)
    : write_(std::move(write)), identity_(identity) {
  put(std::as_bytes(std::span(kMagic)));
}

void TokenFileWriter::put(std::span<const std::byte> bytes) {
  hash_.update(bytes);
  write_(bytes);
}

void TokenFileWriter::add(std::span<const std::byte> documents) {
  put(documents);
  bytes_ += documents.size();
}

void TokenFileWriter::finish(const std::string& source, const LineReport& lines) {
  const nlohmann::ordered_json json = {{"source", source}, {"lines", line_report_to_json(lines)}};
  const std::string text =
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  put(std::as_bytes(std::span(text)));
  Trailer trailer{bytes_, text.size(), identity_, {}};
  put(std::as_bytes(std::span(&trailer, 1)).first(offsetof(Trailer, sha256)));
  trailer.sha256 = hash_.digest();
  write_(trailer.sha256);
}

struct TokenFile::Handle {
  explicit Handle(int open_fd) : fd(open_fd) {}
  ~Handle() { ::close(fd); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void read(const std::string& path, uint64_t at, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        fail_input("{}: cannot read: {}", path, got < 0 ? std::strerror(errno) : "it was cut off");
      bytes = bytes.subspan(static_cast<size_t>(got));
      at += static_cast<uint64_t>(got);
    }
  }

  int fd;
};

TokenFile TokenFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail_input("{}: cannot open: {}", path, std::strerror(errno));
  return open(fd, path);
}

TokenFile TokenFile::open(int fd, const std::string& path) {
  TokenFile file;
  file.path_ = path;
  file.handle_ = std::make_shared<const Handle>(fd);
  struct stat info {};
  if (::fstat(file.handle_->fd, &info) != 0 || !S_ISREG(info.st_mode) ||
      static_cast<uint64_t>(info.st_size) < kMagic.size() + sizeof(Trailer))
    fail_input("{}: is no token file", path);
  file.size_ = static_cast<uint64_t>(info.st_size);
  std::string magic(kMagic.size(), '\0');
  file.handle_->read(path, 0, std::as_writable_bytes(std::span(magic)));
  if (magic != kMagic) fail_input("{}: is no token file (it does not start with {})", path, kMagic);
  Trailer trailer;
  file.handle_->read(path, file.size_ - sizeof trailer,
                     std::as_writable_bytes(std::span(&trailer, 1)));
  const uint64_t between = file.size_ - kMagic.size() - sizeof trailer;
  if (trailer.report > kMostText || trailer.report > between ||
      trailer.documents != between - trailer.report)
    fail_input("{}: its parts do not fill it; the file is damaged", path);
  file.end_ = kMagic.size() + trailer.documents;
  file.identity_ = trailer.identity;
  file.sha256_ = trailer.sha256;
  std::string text(trailer.report, '\0');
  file.handle_->read(path, file.end_, std::as_writable_bytes(std::span(text)));
  const nlohmann::json json = parse_json(text, path);
  if (!json.is_object() || !json.contains("source") || !json["source"].is_string() ||
      !json.contains("lines"))
    fail_input("{}: its report has no \"source\" or no \"lines\"", path);
  file.source_ = json["source"].get<std::string>();
  file.lines_ = line_report_from_json(json["lines"], path);
  return file;
}

void TokenFile::check_contents() const {
  Sha256 hash;
  std::vector<std::byte> piece(kPiece);
  const uint64_t end = size_ - sizeof(Digest);
  for (uint64_t at = 0; at < end; at += kPiece) {
    const auto part = std::span(piece).first(std::min<uint64_t>(kPiece, end - at));
    handle_->read(path_, at, part);
    hash.update(part);
  }
  if (hash.digest() != sha256_)
    fail_input("{}: does not agree with its SHA-256; the file is damaged", path_);
}

TokenReader::TokenReader(const TokenFile& file) : file_(file), at_(kMagic.size()) {}

// The next bytes, all in the buffer.
const std::byte* TokenReader::take(uint64_t size) {
  if (size > buffer_.size() - used_) {
    const uint64_t missing = size - (buffer_.size() - used_), left = file_.end_ - at_;
    if (missing > left) fail_input("{}: a document ends behind the file's end", file_.path_);
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(used_));
    used_ = 0;
    const size_t kept = buffer_.size(), more = std::min<uint64_t>(std::max(missing, kPiece), left);
    buffer_.resize(kept + more);
    file_.handle_->read(file_.path_, at_, std::span(buffer_).subspan(kept));
    at_ += more;
  }
  const std::byte* bytes = buffer_.data() + used_;
  used_ += size;
  return bytes;
}

bool TokenReader::next(TokenDocument& document) {
  if (at_ == file_.end_ && used_ == buffer_.size()) return false;
  DocumentHeader header;
  std::memcpy(&header, take(sizeof header), sizeof header);
  if (header.count > file_.size_ / sizeof(uint32_t))
    fail_input("{}: a document of {} tokens is larger than the file", file_.path_, header.count);
  // Documents begin at multiples of four bytes, in the file and in the buffer.
  const auto* words = reinterpret_cast<const uint32_t*>(take(header.count * sizeof(uint32_t)));
  document = {header.line, header.split, header.copies, {words, header.count}};
  return true;
}

}  // namespace avocado
