#include "text/unicode.h"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/error.h"

namespace avocado::unicode {
namespace {

constexpr int kSpaceControl = 30, kNewlineControl = 31;

constexpr int ascii_category(int c) {
  if (c == '\r' || c == '\n') return kNewlineControl;
  if (c == '\t' || c == '\v' || c == '\f') return kSpaceControl;
  if (c < 0x20 || c == 0x7f) return UTF8PROC_CATEGORY_CC;
  if (c == ' ') return UTF8PROC_CATEGORY_ZS;
  if (c >= '0' && c <= '9') return UTF8PROC_CATEGORY_ND;
  if (c >= 'A' && c <= 'Z') return UTF8PROC_CATEGORY_LU;
  if (c >= 'a' && c <= 'z') return UTF8PROC_CATEGORY_LL;
  switch (c) {
    case '$':
      return UTF8PROC_CATEGORY_SC;
    case '+':
    case '<':
    case '=':
    case '>':
    case '|':
    case '~':
      return UTF8PROC_CATEGORY_SM;
    case '^':
    case '`':
      return UTF8PROC_CATEGORY_SK;
    case '-':
      return UTF8PROC_CATEGORY_PD;
    case '_':
      return UTF8PROC_CATEGORY_PC;
    case '(':
    case '[':
    case '{':
      return UTF8PROC_CATEGORY_PS;
    case ')':
    case ']':
    case '}':
      return UTF8PROC_CATEGORY_PE;
    default:
      return UTF8PROC_CATEGORY_PO;
  }
}

// Categories of all code points in blocks of 256, equal blocks stored once.
class CategoryTable {
 public:
  CategoryTable() {
    std::array<uint8_t, 256> block;
    for (uint32_t first = 0; first < 0x110000; first += 256) {
      for (uint32_t i = 0; i < 256; ++i) {
        const uint32_t c = first + i;
        block[i] =
            static_cast<uint8_t>(c < 0x80    ? ascii_category(static_cast<int>(c))
                                 : c == 0x85 ? kSpaceControl
                                             : utf8proc_category(static_cast<utf8proc_int32_t>(c)));
      }
      index_[first >> 8] = intern(block);
    }
  }
  int category(uint32_t c) const { return blocks_[index_[c >> 8]][c & 255]; }

 private:
  uint16_t intern(const std::array<uint8_t, 256>& block) {
    for (size_t i = blocks_.size(); i-- > 0;)
      if (blocks_[i] == block) return static_cast<uint16_t>(i);
    blocks_.push_back(block);
    return static_cast<uint16_t>(blocks_.size() - 1);
  }
  std::vector<std::array<uint8_t, 256>> blocks_;
  uint16_t index_[0x1100];
};

const CategoryTable& table() {
  static const CategoryTable instance;
  return instance;
}

constexpr std::array<ClassMask, 128> make_ascii() {
  std::array<ClassMask, 128> ascii{};
  for (int c = 0; c < 128; ++c) ascii[static_cast<size_t>(c)] = bit(ascii_category(c));
  return ascii;
}

std::string normalize_valid(std::string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE;
  switch (form) {
    case NormalForm::nfc:
      options |= UTF8PROC_COMPOSE;
      break;
    case NormalForm::nfd:
      options |= UTF8PROC_DECOMPOSE;
      break;
    case NormalForm::nfkc:
      options |= UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
      break;
    case NormalForm::nfkd:
      options |= UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
      break;
  }
  utf8proc_uint8_t* result = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                                   static_cast<utf8proc_option_t>(options));
  if (length < 0) fail_resource("Unicode normalization failed: {}", utf8proc_errmsg(length));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  return std::string(reinterpret_cast<const char*>(result), static_cast<size_t>(length));
}

}  // namespace

constinit const std::array<ClassMask, 128> kAsciiClass = make_ascii();

ClassMask class_of(uint32_t code_point) {
  return code_point < 0x110000 ? bit(table().category(code_point)) : bit(UTF8PROC_CATEGORY_CN);
}

Decoded decode(const char* p, const char* end) {
  if (p == end) return {0, 0, false};
  const auto byte = [&](int i) { return static_cast<unsigned char>(p[i]); };
  const auto tail = [&](int i) { return p + i < end && (byte(i) & 0xc0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  if (first >= 0xc2 && first < 0xe0 && tail(1))
    return {(first & 0x1f) << 6 | (byte(1) & 0x3fu), 2, true};
  if (first >= 0xe0 && first < 0xf0 && tail(1) && tail(2)) {
    const uint32_t c = (first & 0x0f) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
    if (c >= 0x800 && (c < 0xd800 || c > 0xdfff)) return {c, 3, true};
  }
  if (first >= 0xf0 && first < 0xf5 && tail(1) && tail(2) && tail(3)) {
    const uint32_t c =
        (first & 0x07) << 18 | (byte(1) & 0x3fu) << 12 | (byte(2) & 0x3fu) << 6 | (byte(3) & 0x3fu);
    if (c >= 0x10000 && c < 0x110000) return {c, 4, true};
  }
  return {0xfffd, 1, false};
}

void append_utf8(uint32_t c, std::string& out) {
  const auto push = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xc0 | c >> 6);
    push(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    push(0xe0 | c >> 12);
    push(0x80 | (c >> 6 & 0x3f));
    push(0x80 | (c & 0x3f));
  } else {
    push(0xf0 | c >> 18);
    push(0x80 | (c >> 12 & 0x3f));
    push(0x80 | (c >> 6 & 0x3f));
    push(0x80 | (c & 0x3f));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const Decoded d = decode(p, end);
    if (!d.valid) return false;
    p += d.length;
  }
  return true;
}

Peek peek_multibyte(const char* p, const char* end) {
  const Decoded d = decode(p, end);
  return {bit(table().category(d.code_point)), d.length};
}

std::string normalize(std::string_view text, NormalForm form) {
  std::string out;
  const char *p = text.data(), *end = p + text.size();
  while (p != end) {
    const char* stop = p;
    for (Decoded d = decode(stop, end); d.valid; d = decode(stop, end)) stop += d.length;
    if (stop != p) out += normalize_valid({p, static_cast<size_t>(stop - p)}, form);
    if (stop != end) out.push_back(*stop++);
    p = stop;
  }
  return out;
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const Decoded d = decode(p, end);
    if (!d.valid) {
      out.push_back(*p);
    } else if (d.code_point == 0x130) {
      out += "i\u0307";
    } else {
      append_utf8(
          static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(d.code_point))),
          out);
    }
    p += d.length;
  }
  return out;
}

std::string strip_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const Peek c = peek(p, end);
    if (!(c.cls & kNonspacingMark)) out.append(p, static_cast<size_t>(c.length));
    p += c.length;
  }
  return out;
}

}  // namespace avocado::unicode
