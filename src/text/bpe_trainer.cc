#include "text/bpe_trainer.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"

namespace avocado {
namespace {

struct Word {
  std::vector<int32_t> symbols;
  int64_t count = 0;
};

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return (static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32 |
            static_cast<uint32_t>(pair.second)) *
           0x9e3779b97f4a7c15;
  }
};

// The distinct words of the texts and how often each occurs, in order of first occurrence.
std::vector<Word> count_words(const std::vector<std::string_view>& texts,
                              const PreTokenizer& pre_tokenizer) {
  std::vector<Word> words;
  std::unordered_map<std::string_view, size_t> known;
  for (std::string_view text : texts) {
    pre_tokenizer.split(text, true, [&](std::string_view piece) {
      const auto [at, added] = known.try_emplace(piece, words.size());
      if (added) {
        words.emplace_back();
        for (char c : piece) words.back().symbols.push_back(static_cast<unsigned char>(c));
      }
      ++words[at->second].count;
    });
  }
  return words;
}

// Counts of neighbouring symbols, kept right while merges change the words.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word>& words) : words_(words) {
    for (size_t w = 0; w < words.size(); ++w) {
      const auto& symbols = words[w].symbols;
      for (size_t i = 1; i < symbols.size(); ++i)
        add({symbols[i - 1], symbols[i]}, words[w].count, w);
    }
    for (const auto& [pair, entry] : pairs_) queue_.push({entry.count, pair});
  }

  // The most frequent pair, of equal ones the lowest; false when no pair occurs twice.
  bool best(Pair& pair) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      const int64_t count = pairs_[top.pair].count;
      if (count == top.count) {
        pair = top.pair;
        return count >= 2;
      }
      // Counts of a queued pair only fall, or the pair was queued again: take it at its present
      // count.
      queue_.pop();
      if (count > 0 && count < top.count) queue_.push({count, top.pair});
    }
    return false;
  }

  // Never gives this pair as best(), unless a later merge makes it anew.
  void drop(Pair pair) { pairs_.erase(pair); }

  void merge(Pair pair, int32_t merged) {
    const std::vector<uint32_t> places = std::move(pairs_[pair].words);
    changed_.clear();
    for (uint32_t w : places) merge_in_word(w, pair, merged);
    pairs_.erase(pair);
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const Pair& grown : changed_)
      if (grown != pair) queue_.push({pairs_[grown].count, grown});
  }

 private:
  struct Entry {
    int64_t count = 0;
    std::vector<uint32_t> words;  // where the pair occurs, or occurred; may repeat
  };
  struct Candidate {
    int64_t count;
    Pair pair;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void add(Pair pair, int64_t count, size_t word) {
    Entry& entry = pairs_[pair];
    entry.count += count;
    const auto w = static_cast<uint32_t>(word);
    if (entry.words.empty() || entry.words.back() != w) entry.words.push_back(w);
  }

  void merge_in_word(uint32_t w, Pair pair, int32_t merged) {
    auto& symbols = words_[w].symbols;
    const int64_t count = words_[w].count;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++kept) {
      const bool match =
          i + 1 < symbols.size() && symbols[i] == pair.first && symbols[i + 1] == pair.second;
      if (!match) {
        symbols[kept] = symbols[i++];
        continue;
      }
      if (kept > 0) {
        const int32_t left = symbols[kept - 1];
        pairs_[{left, pair.first}].count -= count;
        add({left, merged}, count, w);
        changed_.push_back({left, merged});
      }
      if (i + 2 < symbols.size()) {
        const int32_t right = symbols[i + 2];
        pairs_[{pair.second, right}].count -= count;
        add({merged, right}, count, w);
        changed_.push_back({merged, right});
      }
      symbols[kept] = merged;
      i += 2;
    }
    symbols.resize(kept);
  }

  std::vector<Word>& words_;
  std::unordered_map<Pair, Entry, PairHash> pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<Pair> changed_;
};

}  // namespace

std::unique_ptr<Tokenizer> train_bpe(const std::vector<std::string_view>& texts,
                                     const BpeTrainerOptions& options) {
  const NamedPreTokenizer* named = find_pre_tokenizer(options.pre_tokenizer);
  if (!named) fail_usage("unknown pre-tokenizer \"{}\"", options.pre_tokenizer);
  const auto specials = static_cast<int32_t>(options.special_tokens.size());
  if (options.vocab_size < 256 + specials)
    fail_usage("a vocabulary of {} is too small: 256 bytes and {} special tokens need {}",
               options.vocab_size, specials, 256 + specials);

  TokenizerParts parts;
  parts.name = "trained tokenizer";
  parts.pre_tokenizer = make_pre_tokenizer(*named);
  parts.pre_name = named->name;
  std::vector<std::string> spellings;
  std::vector<int32_t> lengths(256, 1);  // in bytes
  for (int byte = 0; byte < 256; ++byte)
    spellings.emplace_back(byte_spelling(static_cast<uint8_t>(byte)));

  std::vector<Word> words = count_words(texts, parts.pre_tokenizer);
  PairCounts counts(words);
  std::vector<Merge> merges;
  std::unordered_set<std::string> known(spellings.begin(), spellings.end());
  known.insert(options.special_tokens.begin(), options.special_tokens.end());
  for (Pair pair; static_cast<int32_t>(spellings.size()) < options.vocab_size - specials &&
                  counts.best(pair);) {
    const auto id = static_cast<int32_t>(spellings.size());
    const std::string spelling =
        spellings[static_cast<size_t>(pair.first)] + spellings[static_cast<size_t>(pair.second)];
    const int32_t length =
        lengths[static_cast<size_t>(pair.first)] + lengths[static_cast<size_t>(pair.second)];
    // Too long, or the same bytes are a token by other merges.
    if ((options.max_token_bytes > 0 && length > options.max_token_bytes) ||
        !known.insert(spelling).second) {
      counts.drop(pair);
      continue;
    }
    spellings.push_back(spelling);
    lengths.push_back(length);
    merges.push_back({pair.first, pair.second, id, static_cast<uint32_t>(merges.size())});
    counts.merge(pair, id);
  }

  for (const std::string& spelling : spellings) parts.vocab.add(spelling, TokenKind::normal);
  for (const std::string& text : options.special_tokens) parts.vocab.add(text, TokenKind::control);
  parts.vocab.build_index(parts.name);
  parts.special = special_tokens_of(parts.vocab);
  const auto id_of = [&](const std::string& text) {
    if (text.empty()) return -1;
    if (std::find(options.special_tokens.begin(), options.special_tokens.end(), text) ==
        options.special_tokens.end())
      fail_usage("\"{}\" is not among the special tokens", text);
    return parts.vocab.text.find(text);
  };
  parts.bos = id_of(options.bos);
  parts.eos = id_of(options.eos);
  if (parts.bos >= 0) parts.prefix.push_back(parts.bos);
  return std::make_unique<BpeTokenizer>(std::move(parts), std::move(merges), named->ignore_merges);
}

}  // namespace avocado
