#include "grammar/token_trie.h"

#include <algorithm>
#include <atomic>

#include "text/unicode.h"

namespace avocado::grammar {
namespace {

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Where the string ends that the text continues from the beginning of a character: at which quote;
// npos when it does not end. `ok`: nothing before is impossible in a string.
size_t find_quote(std::string_view text, bool& ok) {
  ok = true;
  size_t at = 0;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (static_cast<uint8_t>(text[at]) < 0x20) return ok = false, text.npos;
    if (text[at] != '\\') continue;
    if (++at == text.size()) break;
    if (text[at] != 'u') {
      if (std::string_view("\"\\bfnrt").find(text[at]) == text.npos) ok = false;
      continue;
    }
    ok = false;  // which \u may come, a walk finds out
    return text.npos;
  }
  return at < text.size() ? at : text.npos;
}

// Whether one of the characters is in no slice though its bytes are.
bool has_separator(std::string_view text) {
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    const auto next = static_cast<uint8_t>(text[at + 1]);
    if (text[at] == '\xc2' && next >= 0x80 && next < 0xa0) return true;
    const std::string_view three = text.substr(at, 3);
    if (three == TokenTrie::kLineSeparator || three == TokenTrie::kParagraphSeparator) return true;
  }
  return false;
}

// Whether it is UTF-8 but for a last character that may be completed.
bool is_utf8_so_far(std::string_view text) {
  if (unicode::is_valid_utf8(text)) return true;
  for (size_t cut = 1; cut <= 3 && cut <= text.size(); ++cut) {
    const auto lead = static_cast<uint8_t>(text[text.size() - cut]);
    if (lead < 0xc2 || lead > 0xf4 || !unicode::is_valid_utf8(text.substr(0, text.size() - cut)))
      continue;
    // The smallest and the largest completion show whether there is any.
    for (const char fill : {'\x80', '\x90', '\xa0', '\xbf'}) {
      std::string whole(text.substr(text.size() - cut));
      whole.resize(lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, fill);
      if (whole.size() > cut && unicode::is_valid_utf8(whole)) return true;
    }
  }
  return false;
}

constexpr char kCode = '\xff';         // begins the code of a token
constexpr uint8_t kFirstDigit = 0xf5;  // and its eight digits
constexpr int kDigits = 7;

// Whether no UTF-8 text has this byte.
bool never_in_text(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte == 0xc0 || byte == 0xc1 || byte >= 0xf5;
}

}  // namespace

std::string token_code(int32_t token) {
  std::string code(1, kCode);
  for (int digit = kDigits; digit-- > 0;)
    code += static_cast<char>(kFirstDigit + (token >> 3 * digit & 7));
  return code;
}

Trie::Trie(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.token < b.token;
  });
  std::vector<uint32_t> open;  // the nodes on the way to the last entry
  std::string_view last;
  const auto close_to = [&](size_t depth) {
    while (open.size() > depth) {
      nodes_[open.back()].end = static_cast<uint32_t>(nodes_.size());
      open.pop_back();
    }
  };
  for (const Entry& entry : entries) {
    tokens_.push_back(entry.token);
    if (entry.bytes.empty()) {
      at_root_.push_back(entry.token);
      continue;
    }
    size_t shared = 0;
    while (shared < std::min(last.size(), entry.bytes.size()) &&
           last[shared] == entry.bytes[shared])
      ++shared;
    if (shared == last.size() && shared == entry.bytes.size()) {  // the entry before, once more
      ++nodes_.back().count;
      continue;
    }
    close_to(shared);
    for (size_t depth = shared; depth < entry.bytes.size(); ++depth) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back(
          {0, 0, 0, static_cast<uint16_t>(depth), static_cast<uint8_t>(entry.bytes[depth])});
    }
    nodes_.back().first = static_cast<uint32_t>(tokens_.size() - 1);
    nodes_.back().count = 1;
    depth_ = std::max(depth_, entry.bytes.size());
    last = entry.bytes;
  }
  close_to(0);
}

bool TokenTrie::in_slice(size_t number, uint8_t byte) {
  const bool lower = byte >= 'a' && byte <= 'z';
  const bool letter = lower || (byte >= 'A' && byte <= 'Z');
  switch (number) {
    case 0:
      return lower;
    case 1:
      return letter;
    case 2:
      return letter || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
    default:
      return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
  }
}

namespace {
std::atomic<uint64_t> tries{0};
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer)
    : serial_(++tries), vocab_size_(tokenizer.vocab_size()) {
  std::vector<Trie::Entry> all, closers, in_no_slice, rest, long_text, after_quote, name_ends,
      undecided;
  std::array<std::vector<Trie::Entry>, kSlices> in_slices;
  bytes_.resize(static_cast<size_t>(vocab_size_));
  free_text_.assign(mask_words(), 0);
  const auto set = [](std::vector<uint32_t>& mask, int32_t id) {
    mask[static_cast<size_t>(id) / 32] |= 1u << id % 32;
  };
  for (Slice& slice : slices_)
    for (auto& mask : slice.upto) mask.assign(mask_words(), 0);
  constexpr size_t kLongest = 60'000;  // Node::depth
  for (int32_t id = 0; id < vocab_size_; ++id) {
    const bool end = tokenizer.is_end(id);
    if (end) ends_.push_back(id);
    const TokenKind kind = tokenizer.kind(id);
    std::string& bytes = bytes_[static_cast<size_t>(id)];
    if (!end && kind != TokenKind::control && kind != TokenKind::unknown &&
        kind != TokenKind::unused)
      bytes = tokenizer.token_bytes(id);
    if (bytes.empty() || bytes.size() > kLongest ||
        std::any_of(bytes.begin(), bytes.end(), never_in_text)) {
      bytes = token_code(id);
      all.push_back({bytes, id});
      continue;
    }
    all.push_back({bytes, id});
    if (bytes.find_first_of("}]\"") < bytes.size() - 1) closers.push_back({bytes, id});
    const size_t characters = count_characters(bytes);
    size_t number = 0;
    while (number < kSlices && !std::all_of(bytes.begin(), bytes.end(), [&](char c) {
             return in_slice(number, static_cast<uint8_t>(c));
           }))
      ++number;
    if (number < kSlices && !has_separator(bytes) && unicode::is_valid_utf8(bytes)) {
      (characters > kSliceChars ? long_text : in_slices[number]).push_back({bytes, id});
      for (size_t n = std::min<size_t>(characters, kUnlimited); n <= kUnlimited; ++n)
        set(slices_[number].upto[n], id);
      set(free_text_, id);
      continue;
    }
    in_no_slice.push_back({bytes, id});
    bool ok;
    const size_t quote = find_quote(bytes, ok);
    const size_t control =
        static_cast<size_t>(std::find_if(bytes.begin(), bytes.end(),
                                         [](char c) { return static_cast<uint8_t>(c) < 0x20; }) -
                            bytes.begin());
    if (control < std::min(bytes.find('"'), bytes.size())) continue;  // never inside a string
    rest.push_back({bytes, id});
    const std::string_view inside = std::string_view(bytes).substr(0, quote);
    if (!ok || !is_utf8_so_far(inside)) {
      undecided.push_back({bytes, id});
    } else if (quote == bytes.npos) {
      set(free_text_, id);
    } else if (unicode::is_valid_utf8(inside)) {
      after_quote.push_back({std::string_view(bytes).substr(quote + 1), id});
      if (quote + 1 == bytes.size() || bytes[quote + 1] == ':') name_ends.push_back({bytes, id});
    }
  }
  all_ = Trie(std::move(all));
  closers_ = Trie(std::move(closers));
  in_no_slice_ = Trie(std::move(in_no_slice));
  rest_ = Trie(std::move(rest));
  long_text_ = Trie(std::move(long_text));
  after_quote_ = Trie(std::move(after_quote));
  name_ends_ = Trie(std::move(name_ends));
  undecided_ = Trie(std::move(undecided));
  for (size_t i = 0; i < kSlices; ++i) slices_[i].trie = Trie(std::move(in_slices[i]));
}

bool TokenTrie::is_end(int32_t token) const {
  return std::find(ends_.begin(), ends_.end(), token) != ends_.end();
}

size_t TokenTrie::memory() const {
  size_t bytes = all_.memory() + closers_.memory() + in_no_slice_.memory() + rest_.memory() +
                 long_text_.memory() + after_quote_.memory() + name_ends_.memory() +
                 undecided_.memory();
  for (const std::string& text : bytes_)
    bytes += sizeof(text) + (text.size() > 15 ? text.size() : 0);
  for (const Slice& slice : slices_)
    bytes += slice.trie.memory() + slice.upto.size() * mask_words() * sizeof(uint32_t);
  return bytes;
}

}  // namespace avocado::grammar
