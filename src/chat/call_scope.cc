#include "chat/call_scope.h"

#include "base/sha256.h"
#include "chat/space.h"
#include "chat/utf8_check.h"

namespace avocado::chat {
namespace {

constexpr size_t kMaxName = 256;

// What no function, parameter or id is called.
bool ends_any_name(unsigned char c) { return c < 0x20 || c == 0x7f || c == '"' || c == '\\'; }

}  // namespace

void AnswerEvents::add(AnswerEvent::Kind kind, std::string_view text, int call) {
  if (text.empty()) return;
  if (!events_.empty() && events_.back().kind == kind && events_.back().call == call) {
    events_.back().text += text;
  } else {
    events_.push_back({kind, std::string(text), call});
  }
}

void CallScope::take(size_t bytes) {
  source_.append(text_, at_, bytes);
  at_ += bytes;
}

Match CallScope::match(std::string_view mark) {
  if (mark.empty()) return Match::no;
  const std::string_view here = rest().substr(0, mark.size());
  if (here.size() < mark.size()) return mark.starts_with(here) && !ended_ ? Match::more : Match::no;
  if (here != mark) return Match::no;
  take(mark.size());
  return Match::yes;
}

bool CallScope::skip_space() {
  const std::string_view text = rest();
  size_t spaces = 0;
  while (spaces < text.size() && is_space(text[spaces])) ++spaces;
  take(spaces);
  return spaces < text.size();
}

Match CallScope::name(std::string_view ends, std::string& out) {
  const std::string_view text = rest();
  for (size_t i = 0; i < text.size() && i <= kMaxName; ++i) {
    if (ends.find(text[i]) != std::string_view::npos) {
      out = trim_space(text.substr(0, i));
      if (out.empty() || !is_utf8(out)) return Match::no;
      take(i);
      return Match::yes;
    }
    if (ends_any_name(static_cast<unsigned char>(text[i]))) return Match::no;
  }
  return text.size() > kMaxName || ended_ ? Match::no : Match::more;
}

bool CallScope::begin(std::string_view name, std::string_view id) {
  if (options_.calls == AnswerOptions::Calls::none) return false;
  tool_ = find_tool(options_.tools, name);
  if (tool_ == nullptr && options_.calls != AnswerOptions::Calls::any) return false;
  open_ = true;
  held_ = {AnswerEvent::Kind::call_begin, "", index_, std::string(id), std::string(name)};
  if (id.empty()) held_.id = make_call_id(ids_, options_.id_seed, made_++);
  held_arguments_.clear();
  if (!options_.whole_calls) events_.add(held_);
  return true;
}

void CallScope::arguments(std::string_view json) {
  if (options_.whole_calls) {
    held_arguments_ += json;
  } else {
    events_.add(AnswerEvent::Kind::arguments, json, index_);
  }
}

void CallScope::end() {
  if (options_.whole_calls) {
    events_.add(held_);
    events_.add(AnswerEvent::Kind::arguments, held_arguments_, index_);
  }
  events_.add({AnswerEvent::Kind::call_end, std::move(source_), index_});
  source_.clear();
  open_ = false;
  ++calls_;
  ++index_;
}

void CallScope::see(std::string_view text, bool ended) {
  text_ = text;
  at_ = 0;
  ended_ = ended;
}

void CallScope::start(std::string source) {
  source_ = std::move(source);
  calls_ = 0;
}

void CallScope::drop() {
  if (open_ && !options_.whole_calls) events_.add({AnswerEvent::Kind::call_dropped, "", index_});
  open_ = false;
}

std::string make_call_id(CallIds style, uint64_t seed, uint64_t number) {
  static constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const bool nine = style == CallIds::letters9;
  // 256 is no multiple of 62, which ids need not mind.
  const Digest digest = Sha256().update(seed).update(number).digest();
  std::string id = nine ? "" : "call_";
  for (size_t letter = 0; letter < (nine ? 9 : 24); ++letter)
    id += kLetters[static_cast<size_t>(digest[letter]) % kLetters.size()];
  return id;
}

}  // namespace avocado::chat
