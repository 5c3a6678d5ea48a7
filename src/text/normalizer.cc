#include "text/normalizer.h"

namespace avocado {
namespace {

using unicode::Decoded;
using unicode::kSpace;

// Calls visit(character as decoded, its bytes) for each character.
template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const Decoded d = unicode::decode(p, end);
    visit(d, std::string_view(p, static_cast<size_t>(d.length)));
    p += d.length;
  }
}

std::string_view strip_left(std::string_view text) {
  const char *p = text.data(), *end = p + text.size();
  for (unicode::Peek c; (c = unicode::peek(p, end)).cls & kSpace;) p += c.length;
  return {p, static_cast<size_t>(end - p)};
}

std::string_view strip_right(std::string_view text) {
  size_t kept = 0, at = 0;
  each_character(text, [&](const Decoded& d, std::string_view bytes) {
    at += bytes.size();
    if (!(unicode::class_of(d.code_point) & kSpace)) kept = at;
  });
  return text.substr(0, kept);
}

std::string clean(std::string_view text) {
  std::string out;
  each_character(text, [&](const Decoded& d, std::string_view bytes) {
    const uint32_t c = d.code_point;
    const bool control =
        c == '\v' || c == '\f' || c == 0x85 || (unicode::class_of(c) & unicode::kOtherControl);
    if (c == 0 || c == 0xfffd || control) return;
    if (unicode::class_of(c) & kSpace) {
      out += ' ';
    } else {
      out += bytes;
    }
  });
  return out;
}

// The blocks BERT calls Chinese; 2B920 (not 2B820) is what tokenizers do.
bool is_chinese(uint32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
         (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

std::string space_around_chinese(std::string_view text) {
  std::string out;
  each_character(text, [&](const Decoded& d, std::string_view bytes) {
    const bool chinese = is_chinese(d.code_point);
    if (chinese) out += ' ';
    out += bytes;
    if (chinese) out += ' ';
  });
  return out;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  size_t done = 0;
  for (size_t at; (at = text.find(from, done)) != std::string_view::npos; done = at + from.size()) {
    out += text.substr(done, at - done);
    out += to;
  }
  out += text.substr(done);
  return out;
}

std::string replace_runs(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;
    while (text.substr(end).starts_with(from)) end += from.size();
    if (end - at >= 2 * from.size()) {
      out += to;
      at = end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string collapse_spaces(std::string_view text) {
  std::string out;
  bool pending = false;
  for (char c : text) {
    if (c == ' ') {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    out += c;
  }
  return out;
}

}  // namespace

std::string Normalizer::apply(std::string_view text, bool begins) const {
  std::string s(text);
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::nfc:
        s = unicode::normalize(s, unicode::NormalForm::nfc);
        break;
      case Kind::nfd:
        s = unicode::normalize(s, unicode::NormalForm::nfd);
        break;
      case Kind::nfkc:
        s = unicode::normalize(s, unicode::NormalForm::nfkc);
        break;
      case Kind::nfkd:
        s = unicode::normalize(s, unicode::NormalForm::nfkd);
        break;
      case Kind::lowercase:
        s = unicode::lowercase(s);
        break;
      case Kind::strip_left:
        s = std::string(strip_left(s));
        break;
      case Kind::strip_right:
        s = std::string(strip_right(s));
        break;
      case Kind::strip_accents:
        s = unicode::strip_marks(s);
        break;
      case Kind::clean:
        s = clean(s);
        break;
      case Kind::space_around_chinese:
        s = space_around_chinese(s);
        break;
      case Kind::replace:
        s = replace(s, step.from, step.to);
        break;
      case Kind::replace_runs:
        s = replace_runs(s, step.from, step.to);
        break;
      case Kind::collapse_spaces:
        s = collapse_spaces(s);
        break;
      case Kind::prepend:
        if (!s.empty()) s.insert(0, step.to);
        break;
      case Kind::append:
        if (!s.empty()) s += step.to;
        break;
      case Kind::prepend_first_unless_there:
        if (!begins) break;
        [[fallthrough]];
      case Kind::prepend_unless_there:
        if (!s.empty() && !s.starts_with(step.to)) s.insert(0, step.to);
        break;
      case Kind::charsmap:
        s = step.charsmap->apply(s);
        break;
    }
  }
  return s;
}

}  // namespace avocado
