#pragma once
// One reader per call syntax, and the marks that begin it.

#include <memory>

#include "chat/answer_format.h"
#include "chat/call_scope.h"
#include "chat/literal_reader.h"

namespace avocado::chat {

// `wrapper`: which of syntax.wrappers stood before; null: none, the JSON is bare.
std::unique_ptr<CallReader> read_json_calls(const JsonCalls& syntax,
                                            const JsonCalls::Wrapper* wrapper);
// JSON when it begins like JSON, otherwise what `other` reads.
std::unique_ptr<CallReader> read_json_or(std::string_view close, std::unique_ptr<CallReader> other);
// `at`: which mark stood before. `start`: none, the answer begins with a name.
enum class NamedAt { section, begin, start };
std::unique_ptr<CallReader> read_named_calls(const NamedCalls& syntax, NamedAt at);
// `in_section`: the section mark stood before; otherwise `begin`.
std::unique_ptr<CallReader> read_tagged_calls(const TaggedCalls& syntax, bool in_section);
// `close`: the mark that ends the list, may be empty.
std::unique_ptr<CallReader> read_python_calls(std::string_view close);
// One call without brackets around it, tool.call(...).
std::unique_ptr<CallReader> read_python_call();
// `mark`: the first mark of the header.
std::unique_ptr<CallReader> read_harmony_message(std::string_view mark);

// One JSON object of arguments; white space may stand before it.
class ArgumentsReader {
 public:
  // Passes the object on to scope.arguments(). done: it is whole.
  Reading read(CallScope& scope);

 private:
  LiteralReader literal_;
};

}  // namespace avocado::chat
