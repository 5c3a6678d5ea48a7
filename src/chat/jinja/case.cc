#include "chat/jinja/case.h"

#include <utf8proc.h>

#include <algorithm>

#include "chat/jinja/special_case.h"
#include "text/unicode.h"

namespace avocado::jinja {
namespace {

constexpr uint32_t kCapitalSigma = 0x3a3, kSigma = 0x3c3, kFinalSigma = 0x3c2;
constexpr uint32_t kCapitalIWithDot = 0x130;

const SpecialCase* special_case(uint32_t c) {
  const auto* at = std::lower_bound(
      std::begin(kSpecialCases), std::end(kSpecialCases), c,
      [](const SpecialCase& special, uint32_t b) { return special.code_point < b; });
  return at != std::end(kSpecialCases) && at->code_point == c ? at : nullptr;
}

// A mark or the like, which a word may have inside.
bool is_ignorable(uint32_t c) {
  if (unicode::class_of(c) & (unicode::kNonspacingMark | unicode::bit(8) | unicode::bit(26) |
                              unicode::kModifierLetter | unicode::bit(21)))
    return true;
  return c == '\'' || c == '.' || c == ':' || c == 0xb7 || c == 0x2018 || c == 0x2019;
}

// A text as code points with their origins, and what is made of it.
class Mapper {
 public:
  Mapper(Memory& memory, const Text& text) : memory_(memory), out_(memory) {
    memory.step(1 + text.size / 4);
    memory.charge(text.size * sizeof(uint32_t));
    OriginReader origins(text);
    for (size_t at = 0; at < text.size; at += char_bytes(text.data[at])) {
      points_.push_back(code_point_at(text.data + at));
      origins_.push_back(origins.at(at));
    }
  }

  size_t size() const { return points_.size(); }
  uint32_t operator[](size_t i) const { return points_[i]; }

  void upper(size_t i) {
    const SpecialCase* special = special_case(points_[i]);
    if (special) return out_.append(special->upper, origins_[i]);
    put(i, utf8proc_toupper(static_cast<int32_t>(points_[i])));
  }
  void title(size_t i) {
    const SpecialCase* special = special_case(points_[i]);
    if (special) return out_.append(special->title, origins_[i]);
    put(i, utf8proc_totitle(static_cast<int32_t>(points_[i])));
  }
  void lower(size_t i) {
    const uint32_t c = points_[i];
    if (c == kCapitalIWithDot) return out_.append("i\u0307", origins_[i]);
    if (c == kCapitalSigma) return out_.append(ends_word(i) ? kFinalSigma : kSigma, origins_[i]);
    put(i, utf8proc_tolower(static_cast<int32_t>(c)));
  }
  void keep(size_t i) { out_.append(points_[i], origins_[i]); }

  Text finish() { return out_.finish(); }

 private:
  void put(size_t i, int32_t c) { out_.append(static_cast<uint32_t>(c), origins_[i]); }

  // A cased letter before and none behind.
  bool ends_word(size_t i) const {
    size_t before = i;
    while (before > 0 && is_ignorable(points_[before - 1])) --before;
    if (before == 0 || !is_cased(points_[before - 1])) return false;
    size_t behind = i + 1;
    while (behind < points_.size() && is_ignorable(points_[behind])) ++behind;
    memory_.scan(behind - before);
    return behind == points_.size() || !is_cased(points_[behind]);
  }

  Memory& memory_;
  TextBuilder out_;
  std::vector<uint32_t> points_;
  std::vector<Origin> origins_;
};

template <class Map>
Text map_each(Memory& memory, const Text& text, Map map) {
  Mapper mapper(memory, text);
  for (size_t i = 0; i < mapper.size(); ++i) map(mapper, i);
  Text mapped = mapper.finish();
  mapped.markup = text.markup;
  return mapped;
}

}  // namespace

bool is_upper(uint32_t c) {
  return (unicode::class_of(c) & unicode::kUpper) || (c >= 0x2160 && c <= 0x216f) ||
         (c >= 0x24b6 && c <= 0x24cf);
}

bool is_lower(uint32_t c) {
  return (unicode::class_of(c) & unicode::kLower) || c == 0xaa || c == 0xba ||
         (c >= 0x2170 && c <= 0x217f) || (c >= 0x24d0 && c <= 0x24e9);
}

bool is_cased(uint32_t c) {
  return is_upper(c) || is_lower(c) || (unicode::class_of(c) & unicode::kTitle);
}

Text upper(Memory& memory, const Text& text) {
  return map_each(memory, text, [](Mapper& m, size_t i) { m.upper(i); });
}

Text lower(Memory& memory, const Text& text) {
  return map_each(memory, text, [](Mapper& m, size_t i) { m.lower(i); });
}

Text swap_case(Memory& memory, const Text& text) {
  return map_each(memory, text, [](Mapper& m, size_t i) {
    if (is_upper(m[i])) {
      m.lower(i);
    } else if (is_lower(m[i])) {
      m.upper(i);
    } else {
      m.keep(i);
    }
  });
}

Text capitalize(Memory& memory, const Text& text) {
  return map_each(memory, text, [](Mapper& m, size_t i) { i == 0 ? m.title(i) : m.lower(i); });
}

Text title(Memory& memory, const Text& text) {
  return map_each(memory, text, [](Mapper& m, size_t i) {
    i > 0 && is_cased(m[i - 1]) ? m.lower(i) : m.title(i);
  });
}

}  // namespace avocado::jinja
