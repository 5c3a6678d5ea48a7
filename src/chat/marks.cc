#include "chat/marks.h"

#include <fmt/format.h>

#include <algorithm>

#include "grammar/token_trie.h"

namespace avocado::chat {
namespace {

struct Piece {
  int32_t token;  // -1: text
  std::string_view text;
};

bool is_control(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.kind(id) == TokenKind::control || tokenizer.is_end(id);
}

// The longest control token that `text` begins with; -1.
Piece control_at(const Tokenizer* tokenizer, std::string_view text) {
  for (size_t length = tokenizer == nullptr ? 0 : text.size(); length > 1; --length) {
    const int32_t id = tokenizer->find(text.substr(0, length));
    if (id >= 0 && is_control(*tokenizer, id)) return {id, text.substr(0, length)};
  }
  return {-1, ""};
}

std::vector<Piece> split(const Tokenizer* tokenizer, std::string_view mark) {
  std::vector<Piece> pieces;
  size_t from = 0, at = 0;
  const auto flush = [&] {
    if (at > from) pieces.push_back({-1, mark.substr(from, at - from)});
  };
  while (at < mark.size()) {
    const Piece control = control_at(tokenizer, mark.substr(at));
    if (control.token < 0) {
      ++at;
      continue;
    }
    flush();
    pieces.push_back(control);
    from = at += control.text.size();
  }
  flush();
  return pieces;
}

std::vector<std::string_view> marks_of(const AnswerFormat& format) {
  std::vector<std::string_view> marks = {format.thinking.force};
  const auto add = [&](const auto&... more) { (marks.emplace_back(more), ...); };
  const auto add_all = [&](const Marks& more) {
    marks.insert(marks.end(), std::begin(more), std::end(more));
  };
  add_all(format.thinking.open);
  add_all(format.thinking.close);
  add_all(format.dropped);
  if (const auto* json = std::get_if<JsonCalls>(&format.calls)) {
    for (const JsonCalls::Wrapper& w : json->wrappers) add(w.open, w.close, w.fence);
  } else if (const auto* named = std::get_if<NamedCalls>(&format.calls)) {
    add(named->section, named->begin, named->before_name, named->id_mark, named->after_name,
        named->section_end);
    add_all(named->after_arguments);
  } else if (const auto* tagged = std::get_if<TaggedCalls>(&format.calls)) {
    add(tagged->section, tagged->begin, tagged->after_name, tagged->parameter, tagged->before_json,
        tagged->after_value, tagged->end, tagged->section_end);
    add_all(tagged->before_value);
  } else if (const auto* python = std::get_if<PythonCalls>(&format.calls)) {
    add(python->open, python->close);
  } else if (std::holds_alternative<HarmonyCalls>(format.calls)) {
    add("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|call|>", "<|return|>");
  }
  return marks;
}

std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\" ";
}

}  // namespace

std::vector<int32_t> mark_tokens(const Tokenizer& tokenizer, const AnswerFormat& format) {
  std::vector<int32_t> tokens;
  for (const std::string_view mark : marks_of(format))
    for (const Piece& piece : split(&tokenizer, mark))
      if (piece.token >= 0) tokens.push_back(piece.token);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

std::string mark_bytes(const Tokenizer& tokenizer, std::string_view mark) {
  std::string bytes;
  for (const Piece& piece : split(&tokenizer, mark)) {
    if (piece.token >= 0)
      bytes += grammar::token_code(piece.token);
    else
      bytes += piece.text;
  }
  return bytes;
}

std::string mark_gbnf(const Tokenizer* tokenizer, std::string_view mark) {
  std::string gbnf;
  for (const Piece& piece : split(tokenizer, mark))
    gbnf += piece.token >= 0 ? fmt::format("<[{}]> ", piece.token) : literal(piece.text);
  return gbnf;
}

}  // namespace avocado::chat
