#pragma once
// Strings of a template. They are UTF-8, count in code points as Python's do, and know for every
// byte where it comes from: what people wrote stays plain text however a template trims, cuts,
// joins or quotes it, and only what the template itself says may become a special token.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/memory.h"

namespace avocado::jinja {

// Bits. None: the template's own words.
using Origin = uint8_t;
inline constexpr Origin kWritten = 1;  // comes from the conversation
inline constexpr Origin kSaid = 2;     // rendered inside {% generation %}: the assistant says it

// Bytes [begin, end) of a text. Those of a text are in order, do not touch with equal origins, and
// leave out origin 0.
struct Span {
  size_t begin, end;
  Origin origin;
};

// Well-formed UTF-8 that others own: a render's Memory, its template, its conversation.
struct Text {
  const char* data = "";
  size_t size = 0;
  std::span<const Span> spans = {};
  mutable int64_t length = -1;  // code points; -1: not counted yet
  bool markup = false;          // | safe: what is added to it with + is escaped first

  std::string_view view() const { return {data, size}; }
};

// Bytes of the code point that begins with `lead`.
inline size_t char_bytes(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}
uint32_t code_point_at(const char* p);

int64_t length(Memory& memory, const Text& text);
// The byte at which code point `index` begins; 0 <= index <= length.
size_t byte_of(Memory& memory, const Text& text, int64_t index);
// Bytes [begin, end), sharing memory.
Text slice(Memory& memory, const Text& text, size_t begin, size_t end);

// The first or last place of `part` in `text` from byte `from` on; npos when there is none. Takes
// time in proportion to the text, whatever stands in it.
size_t find(Memory& memory, std::string_view text, std::string_view part, size_t from = 0);
size_t find_last(Memory& memory, std::string_view text, std::string_view part);

// & < > ' " as entities of HTML, except in markup; the result is markup.
Text escape(Memory& memory, const Text& text);

// As str.isspace() and the regular expression \s have it.
bool is_space(uint32_t code_point);
// Strips from the ends what `chars` holds, or white space when null.
Text strip(Memory& memory, const Text& text, const Text* chars, bool left, bool right);

// Makes a text. Bytes are charged as they come.
class TextBuilder {
 public:
  explicit TextBuilder(Memory& memory) : memory_(memory) {}

  void append(std::string_view bytes, Origin origin = 0);
  void append(const Text& text, Origin also = 0);
  void append(uint32_t code_point, Origin origin);
  void append_times(const Text& text, int64_t count);  // none when count <= 0

  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  const std::vector<Span>& spans() const { return spans_; }
  Text finish();

 private:
  void mark(size_t begin, size_t end, Origin origin);

  Memory& memory_;
  std::string bytes_;
  std::vector<Span> spans_;
};

// The origin of a byte; texts are walked from front to back.
class OriginReader {
 public:
  explicit OriginReader(const Text& text) : spans_(text.spans) {}
  Origin at(size_t byte) {
    while (next_ < spans_.size() && spans_[next_].end <= byte) ++next_;
    return next_ < spans_.size() && spans_[next_].begin <= byte ? spans_[next_].origin : 0;
  }

 private:
  std::span<const Span> spans_;
  size_t next_ = 0;
};

}  // namespace avocado::jinja
