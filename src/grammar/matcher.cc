#include "grammar/matcher.h"

#include <algorithm>

#include "base/error.h"
#include "grammar/walker.h"

namespace avocado::grammar {

Matcher::Matcher(std::shared_ptr<const Constraint> constraint,
                 std::shared_ptr<const TokenTrie> trie)
    : constraint_(std::move(constraint)), trie_(std::move(trie)), walker_(constraint_->start()) {}

Matcher::Matcher(const Matcher& other)
    : constraint_(other.constraint_),
      trie_(other.trie_),
      walker_(other.walker_->clone()),
      ended_(other.ended_) {}

Matcher& Matcher::operator=(const Matcher& other) {
  *this = Matcher(other);
  return *this;
}

Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

void Matcher::mask(std::span<uint32_t> bits) {
  if (bits.size() != trie_->mask_words())
    fail_usage("mask: {} words given, {} needed", bits.size(), trie_->mask_words());
  std::fill(bits.begin(), bits.end(), 0);
  if (ended_) return;
  walker_->mask(*trie_, bits);
  if (walker_->complete())
    for (const int32_t end : trie_->ends()) allow(bits, end);
}

bool Matcher::accept(int32_t token) {
  if (ended_ || token < 0 || token >= trie_->vocab_size()) return false;
  if (trie_->is_end(token) && walker_->complete() && walker_->push({})) return ended_ = true;
  return walker_->push(trie_->bytes(token));
}

bool Matcher::accept_bytes(std::string_view bytes) { return !ended_ && walker_->push(bytes); }

bool Matcher::complete() const { return walker_->complete(); }

void Matcher::rewind(size_t tokens) {
  if (tokens > walker_->pushes())
    fail_usage("rewind: {} tokens wanted, {} were accepted", tokens, walker_->pushes());
  if (tokens == 0) return;
  walker_->pop(tokens);
  ended_ = false;
}

std::string Matcher::forced_bytes() {
  constexpr size_t kMost = 256;
  std::string forced;
  size_t pushed = 0;
  while (!ended_ && forced.size() < kMost && !walker_->complete()) {
    const std::bitset<256> next = walker_->next_bytes();
    if (next.count() != 1 || next._Find_first() >= 0xf5) break;  // none, or a token's code
    forced.push_back(static_cast<char>(next._Find_first()));
    walker_->push({&forced.back(), 1});
    ++pushed;
  }
  walker_->pop(pushed);
  return forced;
}

}  // namespace avocado::grammar
