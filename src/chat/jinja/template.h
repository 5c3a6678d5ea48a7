#pragma once
// A Jinja template, read once and rendered many times. What it is given decides the result: there
// is no file, network, clock or chance. docs/formats/chat_template.md says what is supported.

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/jinja/text.h"

namespace avocado::jinja {

// A template called raise_exception(); what() adds where.
class Refusal : public Error {
 public:
  Refusal(const std::string& message, std::string reason)
      : Error(ErrorKind::input, message), reason_(std::move(reason)) {}
  // The template's own words.
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

// raise_exception() on its way to Template::render.
class Raised : public Failure {
 public:
  using Failure::Failure;
};

// A variable for a template. Its strings have this origin, save where `own` says that one is the
// template's own word.
struct Variable {
  std::string name;
  const nlohmann::ordered_json* value;
  Origin origin = kWritten;
};

struct Rendered {
  std::string text;
  std::vector<Span> spans;  // where its bytes come from
};

class Template {
 public:
  // `name` is used in messages. Throws Error(input) for what is not a template.
  Template(std::string_view source, std::string name);
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  // `now` is what strftime_now() formats. May be called from several threads. Throws Refusal when
  // the template raises, Error(input) for any other failure, the bounds among them; both name the
  // line.
  Rendered render(const std::vector<Variable>& variables,
                  const std::optional<std::tm>& now = {}) const;

 private:
  std::string name_;
  std::unique_ptr<const struct Tree> tree_;
};

}  // namespace avocado::jinja
