#include "infer/answer_text.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace avocado {

namespace {

constexpr size_t kMaxBytes = 1024;
constexpr size_t kMaxStrings = 4096;

}  // namespace

AnswerText::AnswerText(const Tokenizer* tokenizer, std::span<const int32_t> prompt,
                       std::span<const std::string> stops, std::span<const std::string> banned,
                       std::span<const int32_t> shown)
    : tokenizer_(tokenizer), shown_(shown.begin(), shown.end()) {
  std::sort(shown_.begin(), shown_.end());
  watch(stops, false);
  watch(banned, true);
  if (tokenizer_ == nullptr) return;
  for (const int32_t id : prompt) {
    const std::string bytes = bytes_of(id);
    begun_ = begun_ || first_token_.has_value();
    first_token_.reset();
    characters_.push(bytes);
  }
}

void AnswerText::watch(std::span<const std::string> strings, bool banned) {
  const char* kind = banned ? "banned" : "stop";
  if (strings.size() > kMaxStrings)
    fail_usage("{} {} strings were given; at most {} can be", strings.size(), kind, kMaxStrings);
  if (!strings.empty() && tokenizer_ == nullptr)
    fail_usage("{} strings need a model with a tokenizer", kind);
  for (size_t i = 0; i < strings.size(); ++i) {
    if (strings[i].empty() || strings[i].size() > kMaxBytes)
      fail_usage("{} string {} has {} bytes; it must have from 1 to {}", kind, i + 1,
                 strings[i].size(), kMaxBytes);
    watched_.push_back({strings[i], banned, i});
    longest_ = std::max(longest_, strings[i].size());
  }
}

// Models may have rows for tokens that their tokenizer does not know (padding).
std::string AnswerText::bytes_of(int32_t id) {
  if (id >= tokenizer_->vocab_size()) return {};
  const bool special = std::binary_search(shown_.begin(), shown_.end(), id);
  std::string bytes = tokenizer_->token_bytes(id, special);
  if (bytes.empty() || begun_ || first_token_) return bytes;
  first_token_ = starts_.size();
  return tokenizer_->decode({&id, 1}, special);
}

size_t AnswerText::token_at(size_t byte) const {
  return std::upper_bound(starts_.begin(), starts_.end(), byte) - starts_.begin() - 1;
}

std::optional<AnswerText::Match> AnswerText::push(int32_t id) {
  const size_t from = bytes_.size();
  if (tokenizer_ != nullptr) bytes_ += bytes_of(id);
  starts_.push_back(from);
  const std::string_view text = bytes_;
  for (size_t end = from + 1; end <= text.size(); ++end) {
    const Watched* found = nullptr;
    for (const Watched& w : watched_) {
      if (!text.substr(0, end).ends_with(w.text)) continue;
      // Stop strings come first in the list.
      if (found == nullptr || (found->banned == w.banned && w.text.size() > found->text.size()))
        found = &w;
    }
    if (found == nullptr) continue;
    const size_t begin = end - found->text.size();
    return Match{found->banned, found->index, begin, token_at(begin)};
  }
  return std::nullopt;
}

void AnswerText::rewind(size_t tokens) {
  if (tokens >= starts_.size()) return;
  bytes_.resize(starts_[tokens]);
  starts_.resize(tokens);
  if (first_token_ && *first_token_ >= tokens) first_token_.reset();
}

size_t AnswerText::cut(size_t end) {
  const size_t tokens = std::lower_bound(starts_.begin(), starts_.end(), end) - starts_.begin();
  bytes_.resize(end);
  starts_.resize(tokens);
  return tokens;
}

// Where the first end of the text begins that is the beginning of a string; the end if there is
// none. What is the beginning of a banned string may be taken back, so that the text ends before
// its token, and other strings may have begun there.
size_t AnswerText::safe_end() const {
  const std::string_view text = bytes_;
  const size_t untaken = given_ < starts_.size() ? starts_[given_] : text.size();
  const size_t reach = longest_ == 0 ? 0 : longest_ - 1;
  size_t safe = text.size();
  std::set<size_t> ends = {text.size()};
  while (!ends.empty()) {
    const size_t end = *ends.rbegin();
    ends.erase(end);
    for (size_t at = std::max(untaken, end - std::min(end, reach)); at < end; ++at) {
      const std::string_view begun = text.substr(at, end - at);
      for (const Watched& w : watched_) {
        if (!std::string_view(w.text).starts_with(begun)) continue;
        safe = std::min(safe, at);
        if (w.banned) ends.insert(starts_[token_at(at)]);
      }
    }
  }
  return safe;
}

std::string AnswerText::take() {
  const size_t safe = safe_end();
  const size_t from = given_ < starts_.size() ? starts_[given_] : bytes_.size();
  given_ = safe == bytes_.size() ? starts_.size() : token_at(safe);
  const size_t to = given_ < starts_.size() ? starts_[given_] : bytes_.size();
  return characters_.push(std::string_view(bytes_).substr(from, to - from));
}

std::string AnswerText::finish() {
  std::string rest;
  if (given_ < starts_.size()) rest = bytes_.substr(starts_[given_]);
  given_ = starts_.size();
  std::string text = characters_.push(rest);
  return text += characters_.finish();
}

}  // namespace avocado
