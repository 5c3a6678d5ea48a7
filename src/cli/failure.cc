#include "cli/failure.h"

#include <cstdio>
#include <new>

#include "base/error.h"

namespace avocado::cli {
namespace {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return 2;
    case ErrorKind::interrupted:
      return 130;
    default:
      return 1;
  }
}

// A message may quote a damaged or hostile file: nothing in it may steer the terminal.
std::string harmless(std::string message) {
  for (size_t i = 0; i < message.size(); ++i) {
    const auto c = static_cast<unsigned char>(message[i]);
    const bool c1 = c == 0xC2 && i + 1 < message.size() &&
                    static_cast<unsigned char>(message[i + 1]) < 0xA0;  // U+0080 to U+009F
    if (c1) message.erase(i + 1, 1);
    if (c1 || c == 0x7F || (c < 0x20 && c != '\n')) message[i] = '?';
  }
  return message;
}

}  // namespace

int report_failure(const std::exception& error, const std::string& who) {
  const std::string prefix = who.empty() ? "" : who + ": ";
  if (dynamic_cast<const std::bad_alloc*>(&error)) {
    std::fprintf(stderr, "avocado: %sout of memory\n", prefix.c_str());
    return 1;
  }
  std::fprintf(stderr, "avocado: %s%s\n", prefix.c_str(), harmless(error.what()).c_str());
  const auto* known = dynamic_cast<const Error*>(&error);
  return known ? exit_code(known->kind()) : 1;
}

}  // namespace avocado::cli
