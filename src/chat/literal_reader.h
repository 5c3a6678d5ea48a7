#pragma once
// Reads one JSON value or Python literal as its text arrives, and writes it as JSON.
//
// Models write JSON with small faults, and some write Python. So beside JSON this takes: strings
// in single quotes, Python's escapes, raw line breaks in strings, True, False and None, tuples, and
// a comma before a closing bracket. White space between values is kept as it came.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/utf8_check.h"

namespace avocado::chat {

class LiteralReader {
 public:
  enum class State { open, done, failed };

  // Takes what belongs to the value from the front of `text` and appends it to `out` as JSON.
  // Returns the number of bytes taken. When the value failed, the byte after them is the fault. A
  // number ends before the first byte that is no part of it.
  size_t read(std::string_view text, std::string& out);
  // The text has ended: a number or a word is whole now, everything else has failed.
  State finish(std::string& out);
  State state() const { return state_; }
  // The first byte of the value as written; '\0' before it.
  char opening() const { return opening_; }

 private:
  enum class Place { value, first_value, first_key, key, colon, after, string, number, word };
  enum class Number { minus, zero, digits, dot, fraction, exponent, sign, power };

  bool step(unsigned char c, std::string& out);  // false: c is not taken
  bool begin_value(unsigned char c, std::string& out);
  bool in_string(unsigned char c, std::string& out);
  bool in_escape(unsigned char c, std::string& out);
  bool in_number(unsigned char c);
  bool close(std::string& out);
  void end_value();
  bool end_number();
  bool end_word(std::string& out);
  void put_separator(std::string& out);
  void put_code_point(uint32_t code, std::string& out);
  void put_lone_surrogate(std::string& out);
  bool fail();

  State state_ = State::open;
  Place place_ = Place::value;
  char opening_ = '\0';
  std::string closers_;    // of the open brackets, as written
  std::string separator_;  // a comma and the white space after it, until a value follows
  // In a string.
  char quote_ = '"';
  bool is_key_ = false;
  bool escaped_ = false;
  int hex_left_ = 0;
  uint32_t hex_ = 0;
  uint32_t high_ = 0;  // the first half of a surrogate pair
  Utf8Check utf8_;
  Number number_ = Number::minus;
  std::string word_;
};

// Appends the inside of a JSON string.
void append_escaped(std::string& out, unsigned char c);

// The whole of `text`, without the white space around it, as JSON; empty when it is no literal.
std::string literal_to_json(std::string_view text);

}  // namespace avocado::chat
