#include "text/pre_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/patterns.h"

namespace avocado {
namespace {

using Span = Regex::Span;

// A name, the names of equal ones, and what they mean. Sources: the tokenizer.json of each model
// and the names llama.cpp's converter gives to them.
struct Family {
  std::vector<std::string_view> names;
  std::vector<std::string_view> patterns;
  bool ignore_merges = false;
  bool add_bos = false;
};

const std::vector<NamedPreTokenizer>& named_pre_tokenizers() {
  using namespace patterns;
  static const std::vector<NamedPreTokenizer> all = [] {
    const std::vector<Family> families = {
        {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
         {kLlama3},
         true,
         true},
        {{"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, {kLlama3}},
        {{"gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "a.x-4.0", "mellum", "exaone4",
          "trillion", "granite-docling"},
         {kGpt2}},
        {{"qwen2", "stablelm2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan",
          "solar-open", "grok-2"},
         {kQwen2}},
        {{"qwen35"}, {kQwen35}},
        {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
          "mellum2"},
         {kNumber, kGpt2}},
        {{"deepseek-llm"},
         {kNewlineEach, kDeepseekWords, kDeepseekPunctuation, kTrailingSpace, kChinese, kNumbers}},
        {{"deepseek-coder"},
         {kNewlineEach, kSpaceAndLetters, kSpaceAndPunctuation, kChinese, kNumber}},
        {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
         {kNumbers3, kChineseAndKana, kDeepseekV3}},
        {{"falcon"}, {kFalconPunctuation, kGpt2, kDigitTriples}},
        {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, {kGpt4o}},
        {{"tekken"}, {kTekken}, true, true},
        {{"poro-chat", "bloom", "gpt3-finnish"}, {kBloom}},
        {{"viking"}, {kBloom, kNumber}},
        {{"bailingmoe", "bailingmoe2", "llada-moe"}, {kBailing}},
        {{"seed-coder"}, {kSeedCoder}},
        {{"superbpe"}, {kNumbers, kTripletsFromTheRight}},
        {{"minicpm5"}, {kNumbers3, kLlama3AnyNumber}, true},
        {{"default"}, {kDefaultPunctuation, kGpt2, kNumbers, kDigitTriples}},
    };
    std::vector<NamedPreTokenizer> list;
    for (const Family& family : families)
      for (std::string_view name : family.names)
        list.push_back({name, family.patterns, family.ignore_merges, family.add_bos});
    return list;
  }();
  return all;
}

}  // namespace

void PreTokenizer::add_split(std::string_view pattern, const std::string& where,
                             SplitBehavior behavior, bool invert) {
  Step step{.behavior = behavior, .invert = invert};
  if (behavior == SplitBehavior::isolated) step.scanner = find_scanner(pattern);
  if (!step.scanner) step.regex = std::make_shared<Regex>(pattern, where);
  steps_.push_back(std::move(step));
}

std::vector<std::string_view> PreTokenizer::split_by_regex(const Step& step,
                                                           std::string_view text) {
  std::vector<Span> spans = step.regex->find_all(text);
  std::vector<Span> pieces;
  const auto take = [&](Span& span) { span.matched ^= step.invert; };
  std::for_each(spans.begin(), spans.end(), take);
  switch (step.behavior) {
    case SplitBehavior::isolated:
      pieces = std::move(spans);
      break;
    case SplitBehavior::removed:
      std::copy_if(spans.begin(), spans.end(), std::back_inserter(pieces),
                   [](const Span& s) { return !s.matched; });
      break;
    case SplitBehavior::contiguous:
      for (const Span& span : spans) {
        if (!pieces.empty() && pieces.back().matched == span.matched) {
          pieces.back().end = span.end;
        } else {
          pieces.push_back(span);
        }
      }
      break;
    case SplitBehavior::merged_with_previous: {
      bool previous_matched = false;
      for (const Span& span : spans) {
        if (span.matched && !previous_matched && !pieces.empty()) {
          pieces.back().end = span.end;
        } else {
          pieces.push_back(span);
        }
        previous_matched = span.matched;
      }
      break;
    }
    case SplitBehavior::merged_with_next: {
      bool previous_matched = false;
      for (size_t i = 0; i < spans.size(); ++i) {
        // A match joins what follows it, unless that is a match too.
        if (!pieces.empty() && previous_matched && !spans[i].matched) {
          pieces.back().end = spans[i].end;
        } else {
          pieces.push_back(spans[i]);
        }
        previous_matched = spans[i].matched;
      }
      break;
    }
  }
  std::vector<std::string_view> result;
  for (const Span& piece : pieces)
    if (piece.end > piece.begin)
      result.push_back(text.substr(piece.begin, piece.end - piece.begin));
  return result;
}

const NamedPreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const NamedPreTokenizer& named : named_pre_tokenizers())
    if (named.name == name) return &named;
  return nullptr;
}

std::string_view name_of_patterns(const std::vector<std::string>& patterns, bool ignore_merges) {
  for (const NamedPreTokenizer& named : named_pre_tokenizers())
    if (named.ignore_merges == ignore_merges &&
        std::equal(named.patterns.begin(), named.patterns.end(), patterns.begin(), patterns.end()))
      return named.name;
  return {};
}

bool is_known_pattern(std::string_view pattern) {
  for (const NamedPreTokenizer& named : named_pre_tokenizers())
    if (std::find(named.patterns.begin(), named.patterns.end(), pattern) != named.patterns.end())
      return true;
  return false;
}

PreTokenizer make_pre_tokenizer(const NamedPreTokenizer& named) {
  PreTokenizer result;
  for (std::string_view pattern : named.patterns)
    result.add_split(pattern, fmt::format("pre-tokenizer {}", named.name));
  return result;
}

}  // namespace avocado
