#include "cli/markdown.h"

#include <algorithm>

namespace avocado::cli {
namespace {

constexpr int kMostNested = 4;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool in_word(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }
bool is_mark(char c) {
  return std::string_view("\\`*_#~|>-+.!{}").find(c) != std::string_view::npos;
}

// How often the first character is repeated.
size_t run_of(std::string_view text) {
  return std::min(text.find_first_not_of(text[0]), text.size());
}

// Whether a run of stars or underscores between these two bytes can open or close. As in
// CommonMark; but stars between two letters or digits are products, not emphasis.
bool opens(char mark, char before, char after) {
  return !is_blank(after) && !(in_word(before) && (mark == '_' || in_word(after)));
}
bool closes(char mark, char before, char after) {
  return !is_blank(before) && !(in_word(after) && (mark == '_' || in_word(before)));
}

// Where the run that closes an emphasis of `run` marks ends; npos: nowhere in this text. Its last
// byte counts as followed by a blank.
size_t end_of_emphasis(std::string_view text, size_t run) {
  const char mark = text[0];
  for (size_t i = run; i < text.size() && text[i] != '\n';) {
    if (text[i] == '\\') {
      i += 2;
    } else if (text[i] == '`') {
      const size_t ticks = run_of(text.substr(i));
      const size_t close = text.find(text.substr(i, ticks), i + ticks);
      i = close == std::string_view::npos ? i + ticks : close + ticks;
    } else if (text[i] == mark) {
      const size_t length = run_of(text.substr(i));
      const char after = i + length < text.size() ? text[i + length] : '\n';
      if ((length == run || length == 3) && length >= run && closes(mark, text[i - 1], after))
        return i + length;
      i += length;
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

void Markdown::push(std::string_view bytes) {
  // One at a time: what is decided then depends on the bytes so far and not on how they came.
  for (const char byte : bytes) {
    characters_.push({&byte, 1});
    buffer_ += characters_.take();
    while (at_ < buffer_.size() && step()) {
    }
    if (at_ == buffer_.size()) {
      buffer_.clear();
      at_ = 0;
    }
  }
}

void Markdown::finish() {
  buffer_ += characters_.finish();
  ended_ = true;
  while (at_ < buffer_.size() && step()) {
  }
}

bool Markdown::step() {
  size_t used = 0;
  if (place_ == Place::line_start) {
    used = line_start_step();
    if (place_ != Place::line_start) {
      at_ += used;
      return true;
    }
  } else if (place_ == Place::line) {
    const bool whole = ended_ || held().size() > kMostHeld || held().back() == '\n';
    used = inline_step(held(), whole, line_, 0);
  } else {
    used = code_step();
  }
  at_ += used;
  return used > 0;
}

size_t Markdown::say(std::string_view text, const Style& style) {
  out_.put(text, style);
  if (!text.empty()) before_ = text.back();
  return text.size();
}

// Decides what the line is; shows its mark.
size_t Markdown::line_start_step() {
  const std::string_view text = held();
  const bool whole = ended_ || text.size() > kMostHeld || text.back() == '\n';
  const size_t indent = std::min(text.find_first_not_of(" \t"), text.size());
  const std::string_view rest = text.substr(indent);
  if (rest.empty() && !whole) return 0;
  line_ = {};
  const char first = rest.empty() ? '\n' : rest[0];
  const size_t run = rest.empty() ? 0 : run_of(rest);
  if (run == rest.size() && !whole && std::string_view("#`~-+*").find(first) != std::string::npos)
    return 0;
  place_ = Place::line;
  if ((first == '`' || first == '~') && run >= 3) {
    const std::string_view info = rest.substr(run);
    const bool fence = first == '~' || info.find('`') == std::string_view::npos;
    if (fence && !whole) {
      place_ = Place::line_start;
      return 0;
    }
    if (fence && text.size() <= kMostHeld) {
      fence_ = rest.substr(0, run);
      place_ = Place::code;
      out_.wrap(false);
      return say(text, {.dim = true});
    }
  } else if (first == '#' && run <= 6 && run < rest.size() && rest[run] == ' ') {
    line_ = {.bold = true, .underline = run == 1};
    return indent + run + 1;
  } else if ((first == '-' || first == '+' || first == '*') && run == 1 && rest.size() > 1 &&
             rest[1] == ' ') {
    say(text.substr(0, indent), {});
    say("• ", {});
    out_.indent(static_cast<int>(std::min<size_t>(indent, 16)) + 2);
    return indent + 2;
  }
  return say(text.substr(0, indent), {});
}

// Code as it stands, up to the fence that closes it.
size_t Markdown::code_step() {
  const std::string_view text = held();
  if (place_ == Place::code_line) {
    const size_t end = text.find('\n');
    if (end != std::string_view::npos) place_ = Place::code;
    return say(text.substr(0, end == std::string_view::npos ? end : end + 1), {.code = true});
  }
  const size_t indent = std::min(text.find_first_not_of(" \t"), text.size());
  const std::string_view rest = text.substr(indent);
  const size_t run = rest.empty() || rest[0] != fence_[0] ? 0 : run_of(rest);
  const bool only_fence = rest.find_first_not_of(" \t\n", run) == std::string_view::npos;
  const bool may_be_fence = only_fence && (run > 0 || rest.empty()) && text.size() <= kMostHeld;
  if (may_be_fence && text.back() != '\n' && !ended_) return 0;
  if (may_be_fence && run >= fence_.size()) {
    place_ = Place::line_start;
    say(text.substr(0, text.size() - (text.back() == '\n')), {.dim = true});
    if (text.back() == '\n') say("\n", {});
    out_.wrap(true);
    return text.size();
  }
  place_ = Place::code_line;
  return code_step();
}

// Shows what can be judged at the beginning of `text` and says how many bytes that is; 0: more has
// to come first. `whole`: nothing more of the line will.
size_t Markdown::inline_step(std::string_view text, bool whole, const Style& style, int depth) {
  const char c = text[0];
  if (c == '\n') {
    place_ = Place::line_start;
    return say("\n", {});
  }
  if (c == '\\') {
    if (text.size() == 1 && !whole) return 0;
    if (text.size() == 1 || !is_mark(text[1])) return say("\\", style);
    say(text.substr(1, 1), style);
    return 2;
  }
  if (c == '`') return code_span(text, whole, style);
  if (c == '*' || c == '_') return emphasis(text, whole, style, depth);
  const size_t plain = std::min(text.find_first_of("\n\\`*_"), text.size());
  return say(text.substr(0, plain), style);
}

size_t Markdown::code_span(std::string_view text, bool whole, const Style& style) {
  const size_t run = run_of(text);
  if (run == text.size() && !whole) return 0;
  for (size_t i = run; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] != '`') continue;
    const size_t length = run_of(text.substr(i));
    if (i + length == text.size() && !whole) return 0;
    if (length == run) {
      Style code = style;
      code.code = true;
      // Without colours the marks are what tells code from text.
      const size_t marks = out_.colours() ? run : 0;
      say(text.substr(marks, i + run - 2 * marks), code);
      return i + run;
    }
    i += length - 1;
  }
  return whole ? say(text.substr(0, run), style) : 0;
}

size_t Markdown::emphasis(std::string_view text, bool whole, const Style& style, int depth) {
  const size_t run = run_of(text);
  if (run == text.size() && !whole) return 0;
  const char after = run < text.size() ? text[run] : '\n';
  // Two underscores are part of a name (__init__) more often than bold.
  const bool name = text[0] == '_' && run > 1;
  if (run > 3 || name || depth == kMostNested || !opens(text[0], before_, after))
    return say(text.substr(0, run), style);
  const size_t end = end_of_emphasis(text, run);
  // What comes next may lengthen the run that closes.
  if (end == text.size() && !whole) return 0;
  if (end == std::string_view::npos) return whole ? say(text.substr(0, run), style) : 0;
  Style inner = style;
  inner.bold = inner.bold || run >= 2;
  inner.italic = inner.italic || run != 2;
  std::string_view rest = text.substr(run, end - 2 * run);
  before_ = text[0];
  while (!rest.empty()) rest.remove_prefix(inline_step(rest, true, inner, depth + 1));
  before_ = text[0];
  return end;
}

}  // namespace avocado::cli
