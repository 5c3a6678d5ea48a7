#pragma once
// Reads JSON in place, value by value: for vocabularies of a hundred thousand entries, of which a
// document tree would take many times the file's size. Strict (RFC 8259, UTF-8), nested at most 64
// levels deep; whatever is wrong throws Error(input) naming the file and the byte.

#include <cstdint>
#include <string>
#include <string_view>

namespace avocado {

class JsonCursor {
 public:
  // `text` is a part of the document that begins at byte `base`; both must outlive the cursor.
  JsonCursor(std::string_view text, const std::string& name, size_t base = 0)
      : text_(text), name_(name), base_(base) {}

  // Reads an object: member(key) must read the value. The key is valid until then.
  template <class Member>
  void object(Member&& member) {
    if (!open('{', '}')) return;
    std::string scratch;
    do {
      const std::string_view key = string(scratch);
      expect(':');
      member(key);
    } while (more('}'));
  }
  // Reads an array: element() must read the value.
  template <class Element>
  void array(Element&& element) {
    if (!open('[', ']')) return;
    do {
      element();
    } while (more(']'));
  }
  // A string; the result points into the text or into `scratch`.
  std::string_view string(std::string& scratch);
  double number();
  int64_t integer();
  // Whether the next value begins with this character ('"', '{', '[', ...).
  bool next_is(char c);
  // Reads any value and gives its text, where it begins being the base for another cursor.
  std::string_view skip(size_t& begin);
  // Nothing but white space may remain.
  void finish();

  [[noreturn]] void fail(std::string_view what) const;

 private:
  static constexpr int kDeepest = 64;
  void white_space();
  void expect(char c);
  bool open(char opening, char closing);
  bool more(char closing);
  std::string_view number_text();
  uint32_t hex4();

  std::string_view text_;
  const std::string& name_;
  size_t base_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace avocado
