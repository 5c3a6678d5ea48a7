#include <algorithm>
#include <limits>
#include <map>

#include "infer/samplers/stages.h"
#include "kernels/math/math.h"

namespace avocado::samplers {
namespace {

// matches[k]: how many tokens the text that ends k tokens before the end has in common, from its
// end backwards, with the whole text (the Z function of the reversed text; linear time).
std::vector<int64_t> common_ends(std::span<const int32_t> text) {
  const auto n = static_cast<int64_t>(text.size());
  const auto from_end = [&](int64_t i) { return text[static_cast<size_t>(n - 1 - i)]; };
  std::vector<int64_t> matches(text.size());
  int64_t left = 0, right = 0;  // the match that reaches furthest: [left, right)
  for (int64_t k = 1; k < n; ++k) {
    int64_t m = k < right ? std::min(right - k, matches[k - left]) : 0;
    while (k + m < n && from_end(m) == from_end(k + m)) ++m;
    matches[k] = m;
    if (k + m > right) left = k, right = k + m;
  }
  return matches;
}

std::string bytes_of(const Tokenizer& tokenizer, int32_t id) {
  return id < tokenizer.vocab_size() ? tokenizer.token_bytes(id, true) : std::string();
}

// How many whole tokens stand behind the last sequence breaker, which may be spread over several;
// `most` if it is not among the last `most`.
int64_t tokens_behind_breaker(const Context& context, int64_t most) {
  const auto& breakers = context.parameters.dry_sequence_breakers;
  if (context.tokenizer == nullptr || breakers.empty()) return most;
  size_t longest = 0;
  for (const std::string& b : breakers) longest = std::max(longest, b.size());

  // Backwards: the tokens in question, and before them as many bytes as a breaker may have there.
  std::vector<std::string> pieces;
  size_t before = 0;
  for (size_t i = context.history.size(); i-- > 0;) {
    if (static_cast<int64_t>(pieces.size()) >= most && before + 1 >= longest) break;
    pieces.push_back(bytes_of(*context.tokenizer, context.history[i]));
    if (static_cast<int64_t>(pieces.size()) > most) before += pieces.back().size();
  }
  std::string text;
  for (size_t i = pieces.size(); i-- > 0;) text += pieces[i];
  size_t end = 0;
  for (const std::string& b : breakers) {
    const size_t at = text.rfind(b);
    if (at != std::string::npos) end = std::max(end, at + b.size());
  }
  if (end == 0) return most;
  size_t behind = text.size() - end;
  int64_t tokens = 0;
  while (tokens < most && behind >= pieces[tokens].size()) behind -= pieces[tokens++].size();
  return tokens;
}

bool holds_breaker(const Context& context, int32_t id) {
  if (context.tokenizer == nullptr) return false;
  const std::string bytes = bytes_of(*context.tokenizer, id);
  return std::any_of(context.parameters.dry_sequence_breakers.begin(),
                     context.parameters.dry_sequence_breakers.end(),
                     [&](const std::string& b) { return bytes.find(b) != std::string::npos; });
}

}  // namespace

// "Don't repeat yourself": where the last `length` tokens, at least allowed_length, occurred
// before, the token that followed them there is less likely by multiplier * base^(length -
// allowed_length); the longest counts. A repetition does not reach over a sequence breaker, and a
// token with a breaker in it is free. The power is in double, the rest in float.
void dry(Candidates& candidates, const Context& context) {
  const SamplerParameters& p = context.parameters;
  const auto& history = context.history;
  const auto window = p.dry_penalty_last_n < 0
                          ? history
                          : history.last(std::min<size_t>(history.size(), p.dry_penalty_last_n));
  const std::vector<int64_t> matches = common_ends(window);
  const int64_t longest = matches.empty() ? 0 : *std::max_element(matches.begin(), matches.end());
  if (longest < p.dry_allowed_length) return;
  const int64_t limit = tokens_behind_breaker(context, longest);

  std::map<int32_t, int64_t> lengths;  // by the token that would go on
  for (size_t k = 1; k < matches.size(); ++k) {
    const int64_t length = std::min(matches[k], limit);
    if (length < p.dry_allowed_length) continue;
    int64_t& known = lengths[window[window.size() - k]];
    known = std::max(known, length);
  }
  std::vector<int32_t> ids;
  std::vector<float> cuts;
  constexpr float kMost = std::numeric_limits<float>::max();
  for (const auto& [id, length] : lengths) {
    if (holds_breaker(context, id)) continue;
    const double power = kernels::pow(static_cast<double>(p.dry_base),
                                      static_cast<double>(length - p.dry_allowed_length));
    ids.push_back(id);
    cuts.push_back(static_cast<float>(
        std::min(static_cast<double>(kMost), static_cast<double>(p.dry_multiplier) * power)));
  }
  candidates.change(ids, [&](size_t i, float logit) { return std::max(logit - cuts[i], -kMost); });
}

}  // namespace avocado::samplers
