#pragma once
// The one error type of the library. A message names what was wrong (file, field, value) and how
// to mend it; the library never prints and never aborts on bad input.

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace avocado {

enum class ErrorKind {
  usage,        // the caller asked for something that makes no sense (wrong flag, unknown name)
  input,        // a file or text from outside is damaged, hostile or not supported
  resource,     // memory, disk or another machine limit
  interrupted,  // the user asked to stop
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// fail_input("{}: tensor {} has type {}", path, name, type) and its siblings throw Error.
template <class... Args>
[[noreturn]] void fail_input(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::input, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::usage, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void fail_resource(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::resource, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace avocado
