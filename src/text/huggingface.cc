// tokenizer.json (https://huggingface.co/docs/tokenizers), with tokenizer_config.json for BOS and
// EOS.

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "files/json.h"
#include "files/mapped_file.h"
#include "files/printable.h"
#include "text/bpe.h"
#include "text/huggingface_pipeline.h"
#include "text/json_cursor.h"
#include "text/merge_rules.h"
#include "text/spm.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace avocado {
namespace {

// A value as its text, and where in the document it begins.
struct Raw {
  std::string_view text = "null";
  size_t begin = 0;
};

// The members of an object, each as its text.
class Section {
 public:
  Section(Raw raw, const std::string& name) : name_(name) {
    JsonCursor cursor(raw.text, name, raw.begin);
    cursor.object([&](std::string_view key) {
      Raw value;
      value.text = cursor.skip(value.begin);
      if (!members_.emplace(key, value).second)
        cursor.fail(fmt::format("\"{}\" occurs twice", printable(key)));
    });
    cursor.finish();
  }
  void allow_only(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : members_)
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        fail_input("{}: the setting \"{}\" is not known", name_, printable(key));
  }
  bool has(std::string_view key) const {
    return members_.count(std::string(key)) > 0 && raw(key).text != "null";
  }
  Raw raw(std::string_view key) const {
    const auto at = members_.find(std::string(key));
    return at == members_.end() ? Raw{} : at->second;
  }
  JsonCursor cursor(std::string_view key) const {
    return JsonCursor(raw(key).text, name_, raw(key).begin);
  }
  bool boolean(std::string_view key, bool fallback) const {
    if (!has(key)) return fallback;
    if (raw(key).text != "true" && raw(key).text != "false")
      cursor(key).fail(fmt::format("\"{}\" is not true or false", key));
    return raw(key).text == "true";
  }
  int64_t integer(std::string_view key, int64_t fallback) const {
    return has(key) ? cursor(key).integer() : fallback;
  }
  std::string string(std::string_view key) const {
    if (!has(key)) return {};
    std::string scratch;
    return std::string(cursor(key).string(scratch));
  }
  // A small section as a document.
  nlohmann::json json(std::string_view key) const {
    constexpr uint64_t kMemory = uint64_t{16} << 20;
    return parse_json(raw(key).text, fmt::format("{}: {}", name_, key), {.memory = kMemory});
  }

 private:
  const std::string& name_;
  std::map<std::string, Raw> members_;
};

struct AddedToken {
  SpecialToken token;
  bool normalized = true;
};

std::vector<AddedToken> read_added_tokens(const Section& document, const std::string& name) {
  std::vector<AddedToken> added;
  if (!document.has("added_tokens")) return added;
  JsonCursor cursor = document.cursor("added_tokens");
  cursor.array([&] {
    Raw raw;
    raw.text = cursor.skip(raw.begin);
    const Section entry(raw, name);
    entry.allow_only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    const int64_t id = entry.integer("id", -1);
    AddedToken token;
    token.token.text = entry.string("content");
    if (id < 0 || id > INT32_MAX || token.token.text.empty())
      cursor.fail("an added token needs an id and a content");
    token.token.id = static_cast<int32_t>(id);
    token.token.control = entry.boolean("special", false);
    token.token.strip_left = entry.boolean("lstrip", false);
    token.token.strip_right = entry.boolean("rstrip", false);
    token.token.single_word = entry.boolean("single_word", false);
    token.normalized = entry.boolean("normalized", !token.token.control);
    added.push_back(std::move(token));
  });
  return added;
}

// The model's tokens as the file lists them, with their ids.
struct Listed {
  StringTable texts;
  std::vector<int64_t> ids;
  std::vector<double> scores;  // unigram only
};

Listed read_vocab(const Section& model) {
  Listed listed;
  JsonCursor cursor = model.cursor("vocab");
  std::string scratch;
  if (cursor.next_is('[')) {  // unigram: [[token, score], ...], the id being the place
    cursor.array([&] {
      int part = 0;
      cursor.array([&] {
        if (part == 0) {
          listed.texts.add(cursor.string(scratch));
        } else if (part == 1) {
          listed.scores.push_back(cursor.number());
        }
        ++part;
      });
      if (part != 2) cursor.fail("a token is not a pair of text and score");
      listed.ids.push_back(static_cast<int64_t>(listed.ids.size()));
    });
  } else {
    cursor.object([&](std::string_view key) {
      listed.texts.add(key);
      listed.ids.push_back(cursor.integer());
    });
  }
  return listed;
}

// Puts listed and added tokens in order of their ids, which must leave no gap.
Vocab order_vocab(const Listed& listed, const std::vector<AddedToken>& added,
                  const std::string& name) {
  const int64_t most = listed.texts.size() + static_cast<int64_t>(added.size());
  std::vector<int64_t> source(static_cast<size_t>(most),
                              -1);  // number in `listed`, or after them in `added`
  int64_t count = 0;
  const auto place = [&](int64_t id, int64_t from) {
    if (id < 0 || id >= most)
      fail_input("{}: a token has the id {}, but there are at most {} tokens", name, id, most);
    if (source[static_cast<size_t>(id)] >= 0) fail_input("{}: two tokens have the id {}", name, id);
    source[static_cast<size_t>(id)] = from;
    count = std::max(count, id + 1);
  };
  for (int32_t i = 0; i < listed.texts.size(); ++i) place(listed.ids[static_cast<size_t>(i)], i);
  for (size_t i = 0; i < added.size(); ++i) {
    const SpecialToken& token = added[i].token;
    // An added token may also stand in the model's vocabulary, with the same id.
    const int64_t from = token.id < most ? source[static_cast<size_t>(token.id)] : -1;
    const bool listed_too = from >= 0 && from < listed.texts.size() &&
                            listed.texts[static_cast<int32_t>(from)] == token.text;
    if (!listed_too) place(token.id, listed.texts.size() + static_cast<int64_t>(i));
  }
  Vocab vocab;
  for (int64_t id = 0; id < count; ++id) {
    const int64_t from = source[static_cast<size_t>(id)];
    if (from < 0)
      fail_input("{}: no token has the id {}, but {} tokens come after it", name, id,
                 count - id - 1);
    const bool is_listed = from < listed.texts.size();
    vocab.add(is_listed ? listed.texts[static_cast<int32_t>(from)]
                        : std::string_view(
                              added[static_cast<size_t>(from - listed.texts.size())].token.text),
              TokenKind::normal);
  }
  for (const AddedToken& token : added)
    vocab.kinds[static_cast<size_t>(token.token.id)] =
        token.token.control ? TokenKind::control : TokenKind::user_defined;
  vocab.build_index(name);
  return vocab;
}

bool is_merge(const Vocab& vocab, std::string_view left, std::string_view right,
              std::string& scratch) {
  scratch.assign(left).append(right);
  return vocab.text.find(left) >= 0 && vocab.text.find(right) >= 0 && vocab.text.find(scratch) >= 0;
}

std::vector<Merge> read_merges(const Section& model, const Vocab& vocab, const std::string& name) {
  std::vector<Merge> merges;
  if (!model.has("merges")) return merges;
  JsonCursor cursor = model.cursor("merges");
  std::string first, second, scratch;
  cursor.array([&] {
    std::string_view left, right;
    if (cursor.next_is('[')) {
      int part = 0;
      cursor.array([&] {
        if (part > 1) cursor.fail("a merge is not a pair of tokens");
        (part == 0 ? left : right) = cursor.string(part == 0 ? first : second);
        ++part;
      });
    } else {
      const std::string_view text = cursor.string(first);
      for (size_t space = text.find(' '); space != std::string_view::npos;
           space = text.find(' ', space + 1)) {
        const std::string_view a = text.substr(0, space), b = text.substr(space + 1);
        const bool only = text.find(' ') == text.rfind(' ');
        // Tokens may hold spaces too: of several, the one that stands between two tokens counts.
        if (!only && !is_merge(vocab, a, b, scratch)) continue;
        if (!left.empty()) cursor.fail("a merge can be read in two ways");
        left = a;
        right = b;
      }
    }
    if (left.empty() || right.empty()) cursor.fail("a merge is not a pair of tokens");
    merges.push_back(
        make_merge(vocab, left, right, static_cast<uint32_t>(merges.size()), scratch, name));
  });
  return merges;
}

// A token that tokenizer_config.json names, as a string or as an object; -1 when it names none.
int32_t read_config_token(const Section& config, std::string_view key, const Vocab& vocab,
                          const std::string& name) {
  if (!config.has(key)) return -1;
  const nlohmann::json json = config.json(key);
  const nlohmann::json text = json.is_object() && json.contains("content") ? json["content"] : json;
  if (!text.is_string()) fail_input("{}: {} in tokenizer_config.json is not a token", name, key);
  const int32_t id = vocab.text.find(text.get<std::string>());
  if (id < 0)
    fail_input("{}: {} is \"{}\", which is not in the vocabulary", name, key,
               printable(text.get<std::string>()));
  return id;
}

void require_absent(const Section& model, std::string_view key, const std::string& name) {
  if (model.has(key) && !model.string(key).empty())
    fail_input("{}: model: {} = \"{}\" is not supported", name, key, printable(model.string(key)));
}

int32_t find_unknown(const Section& model, const Vocab& vocab, const std::string& name) {
  if (!model.has("unk_token")) return -1;
  const std::string text = model.string("unk_token");
  const int32_t id = vocab.text.find(text);
  if (id < 0)
    fail_input("{}: unk_token is \"{}\", which is not in the vocabulary", name, printable(text));
  return id;
}

void mark_bytes(Vocab& vocab) {
  for (int byte = 0; byte < 256; ++byte)
    if (const int32_t id = vocab.text.find(hex_token(byte)); id >= 0)
      vocab.kinds[static_cast<size_t>(id)] = TokenKind::byte;
}

std::unique_ptr<Tokenizer> make_bpe(const Section& model, TokenizerParts parts,
                                    const PreTokenizerSummary& summary) {
  model.allow_only({"type", "dropout", "unk_token", "continuing_subword_prefix",
                    "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab",
                    "merges"});
  require_absent(model, "continuing_subword_prefix", parts.name);
  require_absent(model, "end_of_word_suffix", parts.name);
  if (model.has("dropout") && model.cursor("dropout").number() != 0)
    fail_input("{}: model: dropout is not supported", parts.name);
  const bool byte_fallback = model.boolean("byte_fallback", false),
             ignore_merges = model.boolean("ignore_merges", false);
  std::vector<Merge> merges = read_merges(model, parts.vocab, parts.name);
  const int32_t unknown = find_unknown(model, parts.vocab, parts.name);
  if (!summary.byte_level) {
    parts.unknown = unknown;
    if (unknown >= 0) parts.vocab.kinds[static_cast<size_t>(unknown)] = TokenKind::unknown;
    if (byte_fallback) mark_bytes(parts.vocab);
    return SpmTokenizer::from_merges(std::move(parts), std::move(merges),
                                     model.boolean("fuse_unk", false), byte_fallback,
                                     ignore_merges);
  }
  bool all_bytes = true;
  for (int byte = 0; byte < 256; ++byte)
    all_bytes = all_bytes && parts.vocab.text.find(byte_spelling(static_cast<uint8_t>(byte))) >= 0;
  if (!all_bytes) {
    if (byte_fallback)
      fail_input("{}: byte_fallback together with ByteLevel is not supported", parts.name);
    parts.unknown = unknown;
  }
  // What tokenizer.ggml.* can say needs no copy of the JSON.
  const auto plain = [](const SpecialToken& t) {
    return !t.strip_left && !t.strip_right && !t.single_word;
  };
  const auto only = [](const std::vector<int32_t>& ids, int32_t id) {
    return ids.empty() || ids == std::vector{id};
  };
  if (summary.only_patterns) parts.pre_name = name_of_patterns(summary.patterns, ignore_merges);
  if (!parts.pre_name.empty() && parts.normalizer.empty() && parts.unknown < 0 &&
      only(parts.prefix, parts.bos) && only(parts.suffix, parts.eos) &&
      std::all_of(parts.special.begin(), parts.special.end(), plain) &&
      std::all_of(parts.normalized_special.begin(), parts.normalized_special.end(), plain)) {
    parts.json.clear();
    parts.config_json.clear();
  }
  return std::make_unique<BpeTokenizer>(std::move(parts), std::move(merges), ignore_merges);
}

std::unique_ptr<Tokenizer> make_unigram(const Section& model, TokenizerParts parts,
                                        std::vector<double> scores) {
  model.allow_only({"type", "unk_id", "vocab", "byte_fallback"});
  const int64_t unknown = model.integer("unk_id", -1);
  if (unknown < 0 || unknown >= static_cast<int64_t>(scores.size()))
    fail_input("{}: model: unk_id is {}, but there are {} tokens", parts.name, unknown,
               scores.size());
  parts.unknown = static_cast<int32_t>(unknown);
  parts.vocab.kinds[static_cast<size_t>(unknown)] = TokenKind::unknown;
  scores.resize(static_cast<size_t>(parts.vocab.size()));
  parts.vocab.scores.assign(scores.begin(), scores.end());
  const bool byte_fallback = model.boolean("byte_fallback", false);
  if (byte_fallback) mark_bytes(parts.vocab);
  return std::make_unique<UnigramTokenizer>(std::move(parts), std::move(scores), byte_fallback);
}

std::unique_ptr<Tokenizer> make_wordpiece(const Section& model, TokenizerParts parts) {
  model.allow_only(
      {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  if (model.has("continuing_subword_prefix") && model.string("continuing_subword_prefix") != "##")
    fail_input("{}: model: continuing_subword_prefix other than \"##\" is not supported",
               parts.name);
  const int64_t longest = model.integer("max_input_chars_per_word", 100);
  if (longest < 1) fail_input("{}: model: max_input_chars_per_word is {}", parts.name, longest);
  parts.unknown = find_unknown(model, parts.vocab, parts.name);
  parts.strip_first_space = true;
  return std::make_unique<WordPieceTokenizer>(std::move(parts), WordPieceTokenizer::kHuggingFace,
                                              static_cast<size_t>(longest));
}

// Old files do not say the type.
std::string type_of(const Section& model) {
  if (model.has("type")) return model.string("type");
  if (model.has("merges")) return "BPE";
  return model.cursor("vocab").next_is('[') ? "Unigram" : "WordPiece";
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::parse_huggingface(std::string_view tokenizer_json,
                                                        std::string_view tokenizer_config_json,
                                                        const std::string& name) {
  const Section document({tokenizer_json, 0}, name);
  // How to cut and fill batches says nothing about the tokens of one text.
  document.allow_only({"version", "truncation", "padding", "added_tokens", "normalizer",
                       "pre_tokenizer", "post_processor", "decoder", "model"});
  if (!document.has("model"))
    fail_input("{}: has no \"model\"; this is not a tokenizer.json", name);
  const Section model(document.raw("model"), name);
  const std::string type = type_of(model);
  if (type != "BPE" && type != "Unigram" && type != "WordPiece")
    fail_input(
        "{}: the model type \"{}\" is not supported; supported are BPE, Unigram and WordPiece",
        name, printable(type));
  if (!model.has("vocab")) fail_input("{}: the model has no \"vocab\"", name);

  TokenizerParts parts;
  parts.name = name;
  std::vector<AddedToken> added = read_added_tokens(document, name);
  Listed listed = read_vocab(model);
  if ((type == "Unigram") != (listed.scores.size() == listed.ids.size() && !listed.ids.empty()))
    fail_input("{}: the vocabulary has not the form of a {} model", name, type);
  parts.vocab = order_vocab(listed, added, name);
  read_normalizer(document.json("normalizer"), fmt::format("{}: normalizer", name),
                  parts.normalizer);
  const PreTokenizerSummary summary = read_pre_tokenizer(
      document.json("pre_tokenizer"), fmt::format("{}: pre_tokenizer", name), parts.pre_tokenizer);
  read_post_processor(document.json("post_processor"), fmt::format("{}: post_processor", name),
                      parts.vocab.size(), parts.prefix, parts.suffix);
  parts.strip_first_space =
      decoder_strips_first_space(document.json("decoder"), fmt::format("{}: decoder", name));
  for (AddedToken& token : added) {
    // Looked for in normalized text, a token is spelled as the normalizer leaves it.
    if (token.normalized) token.token.text = parts.normalizer.apply(token.token.text, false);
    (token.normalized ? parts.normalized_special : parts.special).push_back(std::move(token.token));
  }
  if (!tokenizer_config_json.empty()) {
    const std::string config_name = name + " (tokenizer_config.json)";
    const Section config({tokenizer_config_json, 0}, config_name);
    parts.bos = read_config_token(config, "bos_token", parts.vocab, name);
    parts.eos = read_config_token(config, "eos_token", parts.vocab, name);
  } else if (parts.prefix.size() == 1) {
    parts.bos = parts.prefix[0];
  }
  parts.json = tokenizer_json;
  parts.config_json = tokenizer_config_json;
  if (type == "BPE") return make_bpe(model, std::move(parts), summary);
  if (type == "Unigram") return make_unigram(model, std::move(parts), std::move(listed.scores));
  return make_wordpiece(model, std::move(parts));
}

std::unique_ptr<Tokenizer> Tokenizer::from_huggingface(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path file = fs::is_directory(path) ? fs::path(path) / "tokenizer.json" : fs::path(path);
  const auto text_of = [](const MappedFile& mapped) {
    return std::string_view(reinterpret_cast<const char*>(mapped.bytes().data()),
                            mapped.bytes().size());
  };
  const MappedFile json(file.string());
  const fs::path config = file.parent_path() / "tokenizer_config.json";
  if (!fs::exists(config)) return parse_huggingface(text_of(json), {}, file.string());
  const MappedFile config_json(config.string());
  return parse_huggingface(text_of(json), text_of(config_json), file.string());
}

}  // namespace avocado
