#include "grammar/token_trie.h"

#include <algorithm>

#include "text/unicode.h"

namespace avocado::grammar {
namespace {

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

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
    size_t shared = 0;
    while (shared < std::min(last.size(), entry.bytes.size()) && last[shared] == entry.bytes[shared])
      ++shared;
    if (shared == entry.bytes.size()) {  // the same bytes as the entry before
      int32_t end = nodes_[open.back()].token;
      for (int32_t next = end; next >= 0; next = twin(end)) end = next;
      twins_.push_back({end, entry.token});
      continue;
    }
    close_to(shared);
    for (size_t depth = shared; depth < entry.bytes.size(); ++depth) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({0, -1, static_cast<uint16_t>(depth), static_cast<uint8_t>(entry.bytes[depth])});
    }
    nodes_.back().token = entry.token;
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
      return byte >= 0x20 && byte != '"' && byte != '\\';
  }
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : vocab_size_(tokenizer.vocab_size()) {
  std::vector<Trie::Entry> all, rest;
  std::array<std::vector<Trie::Entry>, kSlices> in_slices;
  bytes_.resize(static_cast<size_t>(vocab_size_));
  for (Slice& slice : slices_)
    for (auto& mask : slice.upto) mask.assign(mask_words(), 0);
  constexpr size_t kLongest = 60'000;  // Node::depth
  for (int32_t id = 0; id < vocab_size_; ++id) {
    if (tokenizer.is_end(id)) {
      ends_.push_back(id);
      continue;
    }
    const TokenKind kind = tokenizer.kind(id);
    if (kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::unused)
      continue;
    std::string& bytes = bytes_[static_cast<size_t>(id)];
    bytes = tokenizer.token_bytes(id);
    if (bytes.empty() || bytes.size() > kLongest) continue;
    all.push_back({bytes, id});
    const size_t characters = count_characters(bytes);
    size_t number = 0;
    while (number < kSlices && !std::all_of(bytes.begin(), bytes.end(), [&](char c) {
      return in_slice(number, static_cast<uint8_t>(c));
    }))
      ++number;
    if (number == kSlices || characters > kSliceChars || !unicode::is_valid_utf8(bytes)) {
      rest.push_back({bytes, id});
      continue;
    }
    in_slices[number].push_back({bytes, id});
    for (size_t n = characters; n <= kSliceChars; ++n)
      slices_[number].upto[n][static_cast<size_t>(id) / 32] |= 1u << id % 32;
  }
  all_ = Trie(std::move(all));
  rest_ = Trie(std::move(rest));
  for (size_t i = 0; i < kSlices; ++i) slices_[i].trie = Trie(std::move(in_slices[i]));
}

bool TokenTrie::is_end(int32_t token) const {
  return std::find(ends_.begin(), ends_.end(), token) != ends_.end();
}

size_t TokenTrie::memory() const {
  size_t bytes = all_.memory() + rest_.memory();
  for (const std::string& text : bytes_) bytes += sizeof(text) + (text.size() > 15 ? text.size() : 0);
  for (const Slice& slice : slices_)
    bytes += slice.trie.memory() + slice.upto.size() * mask_words() * sizeof(uint32_t);
  return bytes;
}

}  // namespace avocado::grammar
