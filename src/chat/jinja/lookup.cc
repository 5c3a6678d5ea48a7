#include "chat/jinja/lookup.h"

#include <algorithm>
#include <charconv>

#include "chat/jinja/access.h"
#include "chat/jinja/case.h"

namespace avocado::jinja {

Value look_up(Memory& memory, const Value& value, const Value& path, const Value* otherwise) {
  const auto part = [&](const Value& from, const Value& key) {
    const Value found = subscript(memory, from, key);
    return otherwise && found.is_undefined() ? *otherwise : found;
  };
  if (!path.is_text()) return part(value, path);
  Value found = value;
  const Text& text = path.text();
  for (size_t at = 0; at <= text.size;) {
    const size_t end = std::min(text.view().find('.', at), text.size);
    const Text name = slice(memory, text, at, end);
    int64_t index = 0;
    const auto read = std::from_chars(name.data, name.data + name.size, index);
    const bool is_index = name.size > 0 && name.data[0] != '-' && read.ec == std::errc() &&
                          read.ptr == name.data + name.size;
    found = part(found, is_index ? Value(index) : make_text(memory, name));
    at = end + 1;
  }
  return found;
}

Value sort_key(Memory& memory, const Value& value, const Value& path, bool case_sensitive) {
  const Value key = path.is_none() ? value : look_up(memory, value, path);
  return key.is_text() && !case_sensitive ? make_text(memory, lower(memory, key.text())) : key;
}

}  // namespace avocado::jinja
