#include "text/special_tokens.h"

#include <tuple>

#include "text/unicode.h"

namespace avocado {
namespace {

// The character that ends at text[end].
unicode::Decoded before(std::string_view text, size_t end) {
  size_t begin = end;
  do {
    --begin;
  } while (begin > 0 && end - begin < 4 &&
           (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80);
  const unicode::Decoded d = unicode::decode(text.data() + begin, text.data() + end);
  return static_cast<size_t>(d.length) == end - begin ? d : unicode::Decoded{0xfffd, 1, false};
}

bool is_word(uint32_t c) {
  return unicode::class_of(c) & (unicode::kLetter | unicode::kMark | unicode::kDecimalDigit |
                                 unicode::kConnectorPunctuation);
}

}  // namespace

SpecialTokens::SpecialTokens(std::vector<SpecialToken> tokens)
    : tokens_(std::make_move_iterator(tokens.begin()), std::make_move_iterator(tokens.end())) {
  std::vector<std::pair<std::string_view, int32_t>> all, user_defined;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    all.emplace_back(tokens_[i].text, static_cast<int32_t>(i));
    if (!tokens_[i].control) user_defined.push_back(all.back());
  }
  all_ = PrefixIndex(std::move(all));
  user_defined_ = PrefixIndex(std::move(user_defined));
}

bool SpecialTokens::find(const PrefixIndex& index, std::string_view text, size_t at, size_t done,
                         std::span<const TextRange> plain, Match& match) const {
  size_t length = 0;
  int32_t number = -1;
  std::tie(length, number) = index.longest_prefix(text.substr(at));
  if (length == 0) return false;
  const bool meets_plain = !plain.empty() && plain.front().begin < at + length;
  if (meets_plain && tokens_[static_cast<size_t>(number)].control) {
    // The longest token that ends before the plain text, or one that is found everywhere.
    length = 0;
    index.each_prefix(text.substr(at), [&](size_t bytes, int32_t candidate) {
      const bool clear = at + bytes <= plain.front().begin;
      if (!clear && tokens_[static_cast<size_t>(candidate)].control) return;
      length = bytes;
      number = candidate;
    });
    if (length == 0) return false;
  }
  const SpecialToken& token = tokens_[static_cast<size_t>(number)];
  match = {at, at + length, token.id};
  const char* end = text.data() + text.size();
  if (token.single_word) {
    if (at > 0 && is_word(before(text, at).code_point)) return false;
    const unicode::Decoded next = unicode::decode(text.data() + match.end, end);
    if (next.length > 0 && is_word(next.code_point)) return false;
  }
  if (token.strip_left) {
    while (match.begin > done) {
      const unicode::Decoded d = before(text, match.begin);
      if (!(unicode::class_of(d.code_point) & unicode::kSpace)) break;
      match.begin -= static_cast<size_t>(d.length);
    }
  }
  if (token.strip_right) {
    for (unicode::Peek c; (c = unicode::peek(text.data() + match.end, end)).cls & unicode::kSpace;)
      match.end += static_cast<size_t>(c.length);
  }
  return true;
}

}  // namespace avocado
