#include "chat/jinja/text.h"

#include <algorithm>
#include <cstring>

#include "text/unicode.h"

namespace avocado::jinja {

uint32_t code_point_at(const char* p) {
  const auto byte = [p](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
  switch (char_bytes(*p)) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3:
      return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 |
             (byte(3) & 0x3f);
  }
}

int64_t length(Memory& memory, const Text& text) {
  if (text.length < 0) {
    memory.scan(text.size);
    text.length = std::count_if(text.data, text.data + text.size, [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    });
  }
  return text.length;
}

size_t byte_of(Memory& memory, const Text& text, int64_t index) {
  if (length(memory, text) == static_cast<int64_t>(text.size)) return static_cast<size_t>(index);
  size_t at = 0;
  for (int64_t i = 0; i < index; ++i) at += char_bytes(text.data[at]);
  memory.scan(at);
  return at;
}

Text slice(Memory& memory, const Text& text, size_t begin, size_t end) {
  if (begin == 0 && end == text.size) return text;
  Text part{.data = text.data + begin, .size = end - begin, .markup = text.markup};
  if (text.length == static_cast<int64_t>(text.size)) part.length = static_cast<int64_t>(part.size);
  const auto first = std::partition_point(text.spans.begin(), text.spans.end(),
                                          [&](const Span& s) { return s.end <= begin; });
  const auto last =
      std::partition_point(first, text.spans.end(), [&](const Span& s) { return s.begin < end; });
  if (first == last || begin == end) return part;
  const auto count = static_cast<size_t>(last - first);
  Span* spans = memory.allocate<Span>(count);
  for (size_t i = 0; i < count; ++i) {
    const Span& s = first[static_cast<std::ptrdiff_t>(i)];
    spans[i] = {std::max(s.begin, begin) - begin, std::min(s.end, end) - begin, s.origin};
  }
  part.spans = {spans, count};
  return part;
}

size_t find(Memory& memory, std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  const size_t at = found ? static_cast<size_t>(static_cast<const char*>(found) - text.data())
                          : std::string_view::npos;
  // memmem is linear for long parts; for short ones it may compare all of the part at each place.
  memory.scan((std::min(at, text.size()) - from) * (1 + std::min<size_t>(part.size(), 256) / 16));
  return at;
}

size_t find_last(Memory& memory, std::string_view text, std::string_view part) {
  // Charged before: this may compare all of the part at each place.
  memory.scan(text.size() * (1 + part.size() / 16));
  return text.rfind(part);
}

Text escape(Memory& memory, const Text& text) {
  if (text.markup) return text;
  static constexpr std::string_view kSpecial = "&<>'\"";
  static constexpr std::string_view kEntities[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
  TextBuilder out(memory);
  memory.scan(text.size * 4);
  OriginReader origins(text);
  size_t done = 0;
  while (true) {
    const size_t at = std::min(text.view().find_first_of(kSpecial, done), text.size);
    out.append(slice(memory, text, done, at));
    if (at == text.size) break;
    out.append(kEntities[kSpecial.find(text.data[at])], origins.at(at));
    done = at + 1;
  }
  Text escaped = out.finish();
  escaped.markup = true;
  return escaped;
}

bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

Text strip(Memory& memory, const Text& text, const Text* chars, bool left, bool right) {
  const auto stripped = [&](const char* p) {
    memory.step(chars ? 1 + chars->size / 32 : 0);
    if (!chars) return is_space(code_point_at(p));
    // Well-formed UTF-8: a code point is found only where one begins.
    return chars->view().find(std::string_view(p, char_bytes(*p))) != std::string_view::npos;
  };
  size_t begin = 0, end = text.size;
  while (left && begin < end && stripped(text.data + begin)) begin += char_bytes(text.data[begin]);
  while (right && begin < end) {
    size_t last = end - 1;
    while ((static_cast<unsigned char>(text.data[last]) & 0xc0) == 0x80) --last;
    if (!stripped(text.data + last)) break;
    end = last;
  }
  memory.step((text.size - (end - begin)) / 8);
  return slice(memory, text, begin, end);
}

void TextBuilder::mark(size_t begin, size_t end, Origin origin) {
  if (origin == 0 || begin == end) return;
  if (!spans_.empty() && spans_.back().end == begin && spans_.back().origin == origin) {
    spans_.back().end = end;
    return;
  }
  memory_.charge(sizeof(Span));
  spans_.push_back({begin, end, origin});
}

void TextBuilder::append(std::string_view bytes, Origin origin) {
  memory_.charge(bytes.size());
  const size_t begin = bytes_.size();
  bytes_ += bytes;
  mark(begin, bytes_.size(), origin);
}

void TextBuilder::append(const Text& text, Origin also) {
  memory_.charge(text.size);
  const size_t start = bytes_.size();
  bytes_ += text.view();
  size_t done = 0;
  for (const Span& s : text.spans) {
    mark(start + done, start + s.begin, also);
    mark(start + s.begin, start + s.end, s.origin | also);
    done = s.end;
  }
  mark(start + done, bytes_.size(), also);
}

void TextBuilder::append(uint32_t code_point, Origin origin) {
  const size_t begin = bytes_.size();
  unicode::append_utf8(code_point, bytes_);
  memory_.charge(bytes_.size() - begin);
  mark(begin, bytes_.size(), origin);
}

void TextBuilder::append_times(const Text& text, int64_t count) {
  if (count <= 0 || text.size == 0) return;
  const auto times = static_cast<uint64_t>(count);
  // The whole is charged first, without overflow, so that nothing is made of what is too much.
  memory_.charge(times > UINT64_MAX / text.size ? UINT64_MAX : times * text.size);
  memory_.step(text.spans.empty() ? times / 8 : times * text.spans.size());
  bytes_.reserve(bytes_.size() + times * text.size);
  for (uint64_t i = 0; i < times; ++i) {
    const size_t start = bytes_.size();
    bytes_ += text.view();
    for (const Span& s : text.spans) mark(start + s.begin, start + s.end, s.origin);
  }
}

Text TextBuilder::finish() {
  char* data = memory_.allocate<char>(bytes_.size());
  std::memcpy(data, bytes_.data(), bytes_.size());
  const Text text{
      .data = data, .size = bytes_.size(), .spans = memory_.copy(std::span<const Span>(spans_))};
  bytes_ = {};
  spans_ = {};
  return text;
}

}  // namespace avocado::jinja
