#include "chat/jinja/print.h"

#include <fmt/format.h>

#include <cmath>

#include "chat/jinja/callable.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

// As str.isprintable(): everything but controls, unassigned ones and separators that are not a
// space.
bool is_printable(uint32_t c) {
  if (c < 0x7f) return c >= 0x20;
  return !(unicode::class_of(c) & (unicode::kOtherControl | unicode::kSpace));
}

void write_quoted(Memory& memory, TextBuilder& out, const Text& text) {
  memory.step(1 + text.size / 8);
  const bool single = text.view().find('\'') != std::string_view::npos &&
                      text.view().find('"') == std::string_view::npos;
  const char quote = single ? '"' : '\'';
  out.append(std::string_view(&quote, 1));
  OriginReader origins(text);
  for (size_t at = 0; at < text.size;) {
    const std::string_view bytes(text.data + at, char_bytes(text.data[at]));
    const Origin origin = origins.at(at);
    const uint32_t c = code_point_at(bytes.data());
    if (c == '\n') {
      out.append("\\n", origin);
    } else if (c == '\r') {
      out.append("\\r", origin);
    } else if (c == '\t') {
      out.append("\\t", origin);
    } else if (c == '\\' || c == static_cast<uint32_t>(quote)) {
      out.append("\\", origin);
      out.append(bytes, origin);
    } else if (is_printable(c)) {
      out.append(bytes, origin);
    } else if (c <= 0xff) {
      out.append(fmt::format("\\x{:02x}", c), origin);
    } else if (c <= 0xffff) {
      out.append(fmt::format("\\u{:04x}", c), origin);
    } else {
      out.append(fmt::format("\\U{:08x}", c), origin);
    }
    at += bytes.size();
  }
  out.append(std::string_view(&quote, 1));
}

void write_pairs(Memory& memory, TextBuilder& out, std::span<const Entry> entries) {
  out.append("{");
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out.append(", ");
    write_repr(memory, out, entries[i].key);
    out.append(": ");
    write_repr(memory, out, entries[i].value);
  }
  out.append("}");
}

void write_sequence(Memory& memory, TextBuilder& out, const List& list) {
  const auto items = [&](std::string_view open, std::string_view close) {
    out.append(open);
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out.append(", ");
      write_repr(memory, out, list.items[i]);
    }
    out.append(close);
  };
  switch (list.kind) {
    case List::Kind::list:
      return items("[", "]");
    case List::Kind::tuple:
      return items("(", list.items.size() == 1 ? ",)" : ")");
    case List::Kind::keys:
      return items("dict_keys([", "])");
    case List::Kind::values:
      return items("dict_values([", "])");
    case List::Kind::items:
      return items("dict_items([", "])");
    case List::Kind::range: {
      const auto size = list.items.size();
      const int64_t first = size ? list.items[0].integer() : 0;
      const int64_t step = size > 1 ? list.items[1].integer() - first : 1;
      const int64_t end = size ? list.items[size - 1].integer() + step : 0;
      return out.append(step == 1 ? fmt::format("range({}, {})", first, end)
                                  : fmt::format("range({}, {}, {})", first, end, step));
    }
    case List::Kind::generator:
      throw Failure("a generator is printed; put \"| list\" or \"| join\" after the filter");
  }
}

class JsonWriter {
 public:
  JsonWriter(Memory& memory, TextBuilder& out, const JsonStyle& style)
      : memory_(memory), out_(out), style_(style) {}

  void write(const Value& value) {
    memory_.step();
    const Nested nested(memory_);
    switch (value.type()) {
      case Type::none:
      case Type::boolean:
      case Type::integer:
      case Type::real:
        return out_.append(scalar(value));
      case Type::text:
        return write_text(value.text());
      case Type::dict:
        return write_dict(value.dict());
      case Type::list:
        if (value.list().kind <= List::Kind::tuple) return write_list(value.list());
        [[fallthrough]];
      default:
        throw Failure(fmt::format("tojson: a value of type {} cannot be JSON", type_name(value)));
    }
  }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is(Type::boolean)) return value.integer() ? "true" : "false";
    if (value.is(Type::integer)) return fmt::format("{}", value.integer());
    if (std::isnan(value.real())) return "NaN";
    if (std::isinf(value.real())) return value.real() > 0 ? "Infinity" : "-Infinity";
    return print_float(value.real());
  }

  void new_line() {
    if (!style_.indent) return;
    out_.append("\n");
    for (int i = 0; i < level_; ++i) out_.append(*style_.indent);
  }

  template <class Range, class Write>
  void write_between(const Range& range, char open, char close, Write write) {
    out_.append(std::string_view(&open, 1));
    ++level_;
    bool first = true;
    for (const auto& item : range) {
      if (!first) out_.append(style_.between);
      first = false;
      new_line();
      write(item);
    }
    --level_;
    if (!first) new_line();
    out_.append(std::string_view(&close, 1));
  }

  void write_list(const List& list) {
    write_between(list.items, '[', ']', [this](const Value& v) { write(v); });
  }

  void write_dict(const Dict& dict) {
    std::vector<Entry> entries(dict.entries.begin(), dict.entries.end());
    memory_.charge(entries.size() * sizeof(Entry));
    if (style_.sort_keys) sort_by_key(memory_, entries);
    write_between(entries, '{', '}', [this](const Entry& entry) {
      write_key(entry.key);
      out_.append(style_.colon);
      write(entry.value);
    });
  }

  void write_key(const Value& key) {
    if (key.is_text()) return write_text(key.text());
    if (!key.is_none() && !key.is_number())
      throw Failure(fmt::format("tojson: a key of type {} cannot be JSON", type_name(key)));
    out_.append("\"");
    out_.append(scalar(key));
    out_.append("\"");
  }

  void write_text(const Text& text) {
    memory_.step(1 + text.size / 8);
    out_.append("\"");
    OriginReader origins(text);
    for (size_t at = 0; at < text.size;) {
      const std::string_view bytes(text.data + at, char_bytes(text.data[at]));
      write_character(bytes, origins.at(at));
      at += bytes.size();
    }
    out_.append("\"");
  }

  void write_character(std::string_view bytes, Origin origin) {
    static constexpr std::string_view kSpecial = "\"\\\n\r\t\b\f", kNames = "\"\\nrtbf";
    const uint32_t c = code_point_at(bytes.data());
    const size_t special = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
    if (special != std::string_view::npos) {
      const char escape[] = {'\\', kNames[special]};
      out_.append(std::string_view(escape, 2), origin);
    } else if (c < 0x20 || (style_.ascii && c > 0x7e && c <= 0xffff)) {
      out_.append(fmt::format("\\u{:04x}", c), origin);
    } else if (style_.ascii && c > 0xffff) {
      out_.append(fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((c - 0x10000) >> 10),
                              0xdc00 + ((c - 0x10000) & 0x3ff)),
                  origin);
    } else {
      out_.append(bytes, origin);
    }
  }

  Memory& memory_;
  TextBuilder& out_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

std::string print_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void write_str(Memory& memory, TextBuilder& out, const Value& value) {
  if (value.is_text()) {
    out.append(value.text());
  } else if (!value.is_undefined()) {
    write_repr(memory, out, value);
  }
}

void write_repr(Memory& memory, TextBuilder& out, const Value& value) {
  memory.step();
  const Nested nested(memory);
  switch (value.type()) {
    case Type::undefined:
      return out.append("Undefined");
    case Type::none:
      return out.append("None");
    case Type::boolean:
      return out.append(value.integer() ? "True" : "False");
    case Type::integer:
      return out.append(fmt::format("{}", value.integer()));
    case Type::real:
      return out.append(print_float(value.real()));
    case Type::text:
      return write_quoted(memory, out, value.text());
    case Type::list:
      return write_sequence(memory, out, value.list());
    case Type::dict:
      return write_pairs(memory, out, value.dict().entries);
    case Type::names: {
      std::vector<Entry> entries;
      const Variables& variables = value.names().variables;
      for (uint32_t i = 0; i < variables.size; ++i)
        entries.push_back({make_text(memory, variables.data[i].name), variables.data[i].value});
      out.append("<Namespace ");
      write_pairs(memory, out, entries);
      return out.append(">");
    }
    case Type::callable:
      return out.append(value.callable().macro
                            ? fmt::format("<Macro '{}'>", value.callable().name)
                            : fmt::format("<function {}>", value.callable().name));
    case Type::loop:
      return out.append("<LoopContext>");
  }
}

Text to_text(Memory& memory, const Value& value) {
  if (value.is_text()) return value.text();
  TextBuilder out(memory);
  write_str(memory, out, value);
  return out.finish();
}

void write_json(Memory& memory, TextBuilder& out, const Value& value, const JsonStyle& style) {
  JsonWriter(memory, out, style).write(value);
}

}  // namespace avocado::jinja
