#include "text/huggingface_pipeline.h"

#include <cmath>

#include "base/error.h"
#include "files/printable.h"
#include "text/patterns.h"
#include "text/spm.h"
#include "text/wordpiece.h"

namespace avocado {
namespace {

using Json = nlohmann::json;
using Kind = Normalizer::Kind;

std::string shown(const Json& json) {
  return printable(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

[[noreturn]] void refuse(const std::string& where, const Json& json) {
  fail_input("{}: {} is not supported", where, shown(json));
}

const Json& member(const Json& json, const char* key, const std::string& where) {
  if (!json.is_object() || !json.contains(key))
    fail_input("{}: {} has no \"{}\"", where, shown(json), key);
  return json[key];
}

std::string string_of(const Json& json, const char* key, const std::string& where) {
  const Json& value = member(json, key, where);
  if (!value.is_string()) fail_input("{}: \"{}\" is {}, not a string", where, key, shown(value));
  return value.get<std::string>();
}

bool bool_of(const Json& json, const char* key, bool fallback, const std::string& where) {
  if (!json.contains(key) || json[key].is_null()) return fallback;
  if (!json[key].is_boolean())
    fail_input("{}: \"{}\" is {}, not true or false", where, key, shown(json[key]));
  return json[key].get<bool>();
}

const Json& list_of(const Json& json, const char* key, const std::string& where) {
  const Json& value = member(json, key, where);
  if (!value.is_array()) fail_input("{}: \"{}\" is not a list", where, key);
  return value;
}

std::string decode_base64(std::string_view text, const std::string& where) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (c == '=') break;
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos)
      fail_input("{}: precompiled_charsmap is not base64", where);
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  return out;
}

// A pattern that matches just this string.
std::string literal_pattern(std::string_view text) {
  std::string pattern;
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    pattern += fmt::format("\\x{{{:x}}}", d.code_point);
    p += d.length;
  }
  return pattern;
}

void read_replace(const Json& json, const std::string& where, Normalizer& normalizer) {
  const Json& pattern = member(json, "pattern", where);
  const std::string content = string_of(json, "content", where);
  if (pattern.is_object() && pattern.contains("String")) {
    const std::string from = string_of(pattern, "String", where);
    if (from.empty()) refuse(where, json);
    return normalizer.add({Kind::replace, from, content});
  }
  // Of regular expressions only runs of one plain character.
  const std::string regex = string_of(pattern, "Regex", where);
  constexpr std::string_view kRun = "{2,}";
  if (regex.size() != 1 + kRun.size() || !regex.ends_with(kRun) ||
      std::string_view("\\.[](){}*+?^$|").find(regex[0]) != std::string_view::npos)
    refuse(where, json);
  normalizer.add({Kind::replace_runs, regex.substr(0, 1), content});
}

void read_metaspace(const Json& json, const std::string& where, bool first_step,
                    PreTokenizer& pre_tokenizer) {
  const std::string mark = string_of(json, "replacement", where);
  std::string scheme =
      json.contains("prepend_scheme") ? string_of(json, "prepend_scheme", where) : "always";
  if (!bool_of(json, "add_prefix_space", true, where)) scheme = "never";
  Normalizer rewrite;
  rewrite.add({Kind::replace, " ", mark});
  if (scheme == "always") {
    rewrite.add({Kind::prepend_unless_there, "", mark});
  } else if (scheme == "first" && first_step) {
    rewrite.add({Kind::prepend_first_unless_there, "", mark});
  } else if (scheme != "never") {
    refuse(where, json);
  }
  pre_tokenizer.add_rewrite(std::move(rewrite));
  if (bool_of(json, "split", true, where))
    pre_tokenizer.add_split(literal_pattern(mark), where, SplitBehavior::merged_with_next);
}

SplitBehavior read_behavior(const Json& json, const std::string& where, const char* fallback) {
  const std::string name =
      json.contains("behavior") ? string_of(json, "behavior", where) : fallback;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  refuse(where, json);
}

void read_step(const Json& json, const std::string& where, PreTokenizerSummary& summary,
               PreTokenizer& pre_tokenizer, int depth) {
  const std::string type = string_of(json, "type", where);
  if (summary.byte_level)
    fail_input("{}: the step {} after ByteLevel is not supported", where, printable(type));
  const bool first_step = pre_tokenizer.empty();
  const auto split = [&](std::string_view pattern, SplitBehavior behavior, bool invert) {
    pre_tokenizer.add_split(pattern, where, behavior, invert);
    summary.only_patterns = summary.only_patterns && behavior == SplitBehavior::isolated && !invert;
    summary.patterns.emplace_back(pattern);
  };
  if (type == "Sequence") {
    if (depth > 4) refuse(where, json);
    for (const Json& step : list_of(json, "pretokenizers", where))
      read_step(step, where, summary, pre_tokenizer, depth + 1);
  } else if (type == "Split") {
    const Json& pattern = member(json, "pattern", where);
    const bool literal = pattern.is_object() && pattern.contains("String");
    const std::string text = literal ? literal_pattern(string_of(pattern, "String", where))
                                     : string_of(pattern, "Regex", where);
    if (!literal && !is_known_pattern(text)) require_portable_regex(text, where);
    split(text, read_behavior(json, where, ""), bool_of(json, "invert", false, where));
  } else if (type == "ByteLevel") {
    if (bool_of(json, "add_prefix_space", true, where)) {
      if (!first_step)
        fail_input("{}: ByteLevel with add_prefix_space after another step is not supported",
                   where);
      Normalizer rewrite;
      rewrite.add({Kind::prepend_unless_there, "", " "});
      pre_tokenizer.add_rewrite(std::move(rewrite));
      summary.only_patterns = false;
    }
    if (bool_of(json, "use_regex", true, where))
      split(patterns::kGpt2, SplitBehavior::isolated, false);
    summary.byte_level = true;
  } else if (type == "Digits") {
    split(bool_of(json, "individual_digits", false, where) ? patterns::kNumber : patterns::kNumbers,
          SplitBehavior::isolated, false);
  } else if (type == "Punctuation") {
    split(patterns::kPunctuation, read_behavior(json, where, "Isolated"), false);
  } else if (type == "WhitespaceSplit") {
    split(patterns::kWhiteSpace, SplitBehavior::removed, false);
  } else if (type == "Whitespace") {
    split(patterns::kWordsAndSymbols, SplitBehavior::removed, true);
  } else if (type == "BertPreTokenizer") {
    add_bert_splits(pre_tokenizer);
    summary.only_patterns = false;
  } else if (type == "Metaspace") {
    read_metaspace(json, where, first_step, pre_tokenizer);
    summary.only_patterns = false;
  } else {
    refuse(where, json);
  }
}

}  // namespace

void read_normalizer(const Json& json, const std::string& where, Normalizer& normalizer) {
  if (json.is_null()) return;
  const std::string type = string_of(json, "type", where);
  if (type == "Sequence") {
    for (const Json& step : list_of(json, "normalizers", where))
      read_normalizer(step, where, normalizer);
  } else if (type == "NFC") {
    normalizer.add({Kind::nfc});
  } else if (type == "NFD") {
    normalizer.add({Kind::nfd});
  } else if (type == "NFKC") {
    normalizer.add({Kind::nfkc});
  } else if (type == "NFKD") {
    normalizer.add({Kind::nfkd});
  } else if (type == "Lowercase") {
    normalizer.add({Kind::lowercase});
  } else if (type == "StripAccents") {
    normalizer.add({Kind::strip_accents});
  } else if (type == "Strip") {
    if (bool_of(json, "strip_left", true, where)) normalizer.add({Kind::strip_left});
    if (bool_of(json, "strip_right", true, where)) normalizer.add({Kind::strip_right});
  } else if (type == "Prepend") {
    normalizer.add({Kind::prepend, "", string_of(json, "prepend", where)});
  } else if (type == "Replace") {
    read_replace(json, where, normalizer);
  } else if (type == "BertNormalizer") {
    const bool lowercase = bool_of(json, "lowercase", true, where);
    add_bert_normalizer(normalizer, bool_of(json, "clean_text", true, where),
                        bool_of(json, "handle_chinese_chars", true, where),
                        bool_of(json, "strip_accents", lowercase, where), lowercase);
  } else if (type == "Precompiled") {
    const Json& map = member(json, "precompiled_charsmap", where);
    if (map.is_null()) return;
    const std::string blob = decode_base64(string_of(json, "precompiled_charsmap", where), where);
    if (!blob.empty())
      normalizer.add({Kind::charsmap, "", "", std::make_shared<Charsmap>(blob, where)});
  } else {
    refuse(where, json);
  }
}

PreTokenizerSummary read_pre_tokenizer(const Json& json, const std::string& where,
                                       PreTokenizer& pre_tokenizer) {
  PreTokenizerSummary summary;
  if (!json.is_null()) read_step(json, where, summary, pre_tokenizer, 0);
  return summary;
}

void read_post_processor(const Json& json, const std::string& where, int32_t vocab_size,
                         std::vector<int32_t>& prefix, std::vector<int32_t>& suffix) {
  if (json.is_null()) return;
  const auto checked = [&](const Json& id) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= static_cast<uint64_t>(vocab_size))
      fail_input("{}: the id {} is outside the vocabulary of {} tokens", where, shown(id),
                 vocab_size);
    return id.get<int32_t>();
  };
  const std::string type = string_of(json, "type", where);
  if (type == "Sequence") {
    for (const Json& step : list_of(json, "processors", where))
      read_post_processor(step, where, vocab_size, prefix, suffix);
  } else if (type == "TemplateProcessing") {
    bool before = true;
    for (const Json& item : list_of(json, "single", where)) {
      if (item.is_object() && item.contains("Sequence")) {
        if (!before) refuse(where, json);
        before = false;
        continue;
      }
      const std::string name = string_of(member(item, "SpecialToken", where), "id", where);
      const Json& token = member(member(json, "special_tokens", where), name.c_str(), where);
      for (const Json& id : list_of(token, "ids", where))
        (before ? prefix : suffix).push_back(checked(id));
    }
    if (before) refuse(where, json);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    const auto id = [&](const char* key) {
      const Json& pair = list_of(json, key, where);
      if (pair.size() != 2) refuse(where, json);
      return checked(pair[1]);
    };
    prefix.push_back(id("cls"));
    suffix.push_back(id("sep"));
  } else if (type != "ByteLevel") {
    refuse(where, json);
  }
}

bool decoder_strips_first_space(const Json& json, const std::string& where) {
  if (json.is_null()) return false;
  const std::string type = string_of(json, "type", where);
  if (type == "Sequence") {
    bool strips = false;
    for (const Json& step : list_of(json, "decoders", where))
      strips = decoder_strips_first_space(step, where) || strips;
    return strips;
  }
  if (type == "Metaspace")
    return bool_of(json, "add_prefix_space", true, where) &&
           (!json.contains("prepend_scheme") ||
            string_of(json, "prepend_scheme", where) != "never");
  if (type == "Strip") {
    const Json& start = member(json, "start", where);
    const Json& stop = member(json, "stop", where);
    if (string_of(json, "content", where) != " " || stop != 0 || (start != 0 && start != 1))
      refuse(where, json);
    return start == 1;
  }
  if (type == "Replace") {
    const Json& pattern = member(json, "pattern", where);
    if (!pattern.contains("String") || string_of(pattern, "String", where) != kSpaceMark ||
        string_of(json, "content", where) != " ")
      refuse(where, json);
    return false;
  }
  if (type == "WordPiece") return true;
  if (type == "ByteLevel" || type == "ByteFallback" || type == "Fuse") return false;
  refuse(where, json);
}

}  // namespace avocado
