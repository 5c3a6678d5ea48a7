#include "train/documents.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "chat/learned_chat.h"
#include "files/json.h"
#include "text/unicode.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

bool is_plain(const std::string& role) {
  return role == "text" || role == "prompt" || role == "completion";
}

template <class... Args>
[[noreturn]] void fail_fields(fmt::format_string<Args...> format, Args&&... args) {
  throw LineError(LineProblem::fields, fmt::format(format, std::forward<Args>(args)...));
}

std::string string_field(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) fail_fields("\"{}\" must be a string", key);
  return found->get<std::string>();
}

// The same for a field that may be missing or null, which then is empty.
std::string optional_field(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? "" : string_field(object, key);
}

// What is learned must be something.
std::string learned_field(const Json& object, const char* key) {
  std::string text = string_field(object, key);
  if (text.empty()) throw LineError(LineProblem::empty, fmt::format("\"{}\" is empty", key));
  return text;
}

const Json& list_field(const Json& object, const char* key, const char* of) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array())
    fail_fields("\"{}\" must be a list of {}", key, of);
  if (found->empty()) throw LineError(LineProblem::empty, fmt::format("\"{}\" is empty", key));
  for (const Json& element : *found)
    if (!element.is_object()) fail_fields("\"{}\" must be a list of {}", key, of);
  return *found;
}

SourceDocument messages_of(const Json& object, const char* key) {
  SourceDocument document;
  for (const Json& message : list_field(object, key, "{\"role\", \"content\"}")) {
    Part part{string_field(message, "role"), string_field(message, "content")};
    if (part.role != "system" && part.role != "user" && part.role != "assistant")
      fail_fields("role \"{}\"; system, user and assistant are known", part.role);
    document.push_back(std::move(part));
  }
  return document;
}

SourceDocument with_system(const Json& object) {
  const std::string system = optional_field(object, "system");
  if (system.empty()) return {};
  return {{"system", system}};
}

SourceDocument sharegpt_of(const Json& object) {
  SourceDocument document = with_system(object);
  for (const Json& turn : list_field(object, "conversations", "{\"from\", \"value\"}")) {
    const std::string from = string_field(turn, "from");
    const char* role = from == "human" || from == "user"      ? "user"
                       : from == "gpt" || from == "assistant" ? "assistant"
                       : from == "system"                     ? "system"
                                                              : nullptr;
    if (!role) fail_fields("from \"{}\"; system, human, user, gpt and assistant are known", from);
    document.push_back({role, string_field(turn, "value")});
  }
  return document;
}

SourceDocument alpaca_of(const Json& object) {
  SourceDocument document = with_system(object);
  std::string question = string_field(object, "instruction");
  if (const std::string input = optional_field(object, "input"); !input.empty())
    question += (question.empty() ? "" : "\n\n") + input;
  document.push_back({"user", std::move(question)});
  document.push_back({"assistant", learned_field(object, "output")});
  return document;
}

DocumentFormat format_of(const Json& object) {
  const auto has = [&](const char* key) { return object.contains(key); };
  const bool pair = has("chosen") || has("rejected");
  std::vector<DocumentFormat> fits;
  if (has("text")) fits.push_back(DocumentFormat::text);
  if (!pair && (has("prompt") || has("completion"))) fits.push_back(DocumentFormat::completion);
  if (has("messages")) fits.push_back(DocumentFormat::messages);
  if (has("conversations")) fits.push_back(DocumentFormat::sharegpt);
  if (has("instruction") || has("output")) fits.push_back(DocumentFormat::alpaca);
  if (pair) fail_fields("is a pair for preference training (\"chosen\", \"rejected\")");
  if (fits.size() != 1)
    fail_fields(
        "must hold one of \"text\", \"prompt\" with \"completion\", \"messages\", "
        "\"conversations\", or \"instruction\" with \"output\"");
  return fits.front();
}

Json parse_object(std::string_view line) {
  static const std::string kName = "line";
  if (line.size() > kLongestLine)
    throw LineError(LineProblem::long_line, fmt::format("has {} bytes", line.size()));
  if (!unicode::is_valid_utf8(line)) throw LineError(LineProblem::utf8, "is not UTF-8");
  Json json;
  try {
    json = parse_json(line, kName, {.string_bytes = kLongestLine});
  } catch (const Error& error) {
    // Without the name in front, and what the parser's library says behind at length.
    const std::string message = std::string(error.what()).substr(kName.size() + 2);
    throw LineError(LineProblem::json, message.substr(0, message.find(": [")));
  }
  if (!json.is_object()) fail_fields("must be a JSON object");
  return json;
}

// One answer of a pair, behind its prompt.
SourceDocument answer_of(const Json& object, const char* key) {
  const auto prompt = object.find("prompt");
  const bool has_prompt = prompt != object.end() && !prompt->is_null();
  const auto answer = object.find(key);
  if (answer != object.end() && answer->is_string()) {
    if (!has_prompt) fail_fields("\"{}\" is a string, so it needs a \"prompt\"", key);
    if (prompt->is_string())
      return {{"prompt", prompt->get<std::string>()}, {"completion", learned_field(object, key)}};
    SourceDocument turns = messages_of(object, "prompt");
    turns.push_back({"assistant", learned_field(object, key)});
    return turns;
  }
  SourceDocument turns = messages_of(object, key);
  if (turns.front().role != "assistant") return turns;
  if (!has_prompt) fail_fields("\"{}\" begins with the assistant, so it needs a \"prompt\"", key);
  SourceDocument document;
  if (prompt->is_string())
    document = {{"user", prompt->get<std::string>()}};
  else
    document = messages_of(object, "prompt");
  document.insert(document.end(), turns.begin(), turns.end());
  return document;
}

class Encoder {
 public:
  explicit Encoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(std::string_view text, EncodeOptions options, bool learn) {
    for (int32_t id : tokenizer_.encode(text, options)) add(id, learn);
  }
  void add(int32_t id, bool learn) {
    document_.ids.push_back(id);
    document_.learn.push_back(learn);
  }
  void end() {
    const int32_t eos = tokenizer_.eos();
    if (eos >= 0 && (document_.ids.empty() || document_.ids.back() != eos)) add(eos, true);
  }
  Document take() { return std::move(document_); }

 private:
  const Tokenizer& tokenizer_;
  Document document_;
};

}  // namespace

SourceDocument parse_document(std::string_view line, DocumentFormat format) {
  const Json json = parse_object(line);
  switch (format == DocumentFormat::jsonl ? format_of(json) : format) {
    case DocumentFormat::completion:
      return {{"prompt", string_field(json, "prompt")},
              {"completion", learned_field(json, "completion")}};
    case DocumentFormat::messages:
      return messages_of(json, "messages");
    case DocumentFormat::sharegpt:
      return sharegpt_of(json);
    case DocumentFormat::alpaca:
      return alpaca_of(json);
    default:
      return {{"text", learned_field(json, "text")}};
  }
}

DocumentFormat resolve_format(const std::string& path, DocumentFormat format) {
  if (format != DocumentFormat::automatic) return format;
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".zst")) name.remove_suffix(4);
  return name.ends_with(".jsonl") ? DocumentFormat::jsonl : DocumentFormat::plain;
}

PreferencePair parse_preference(std::string_view line) {
  const Json json = parse_object(line);
  return {answer_of(json, "chosen"), answer_of(json, "rejected")};
}

void parse_block(const TextBlock& block, DocumentFormat format, LineReport& report,
                 const std::function<void(int64_t, std::span<const SourceDocument>)>& visit) {
  const auto attempt = [&](int64_t number, std::string_view text) {
    ++report.lines;
    try {
      if (format == DocumentFormat::preference) {
        PreferencePair pair = parse_preference(text);
        visit(number, std::array{std::move(pair.chosen), std::move(pair.rejected)});
      } else {
        visit(number, std::array{format == DocumentFormat::plain
                                     ? SourceDocument{{"text", std::string(text)}}
                                     : parse_document(text, format)});
      }
    } catch (const LineError& error) {
      report.add(error.problem(), number, error.what());
    }
  };
  if (block.too_long) {
    ++report.lines;
    report.add(LineProblem::long_line, block.first_line, "is longer than 8 MiB");
  } else if (format == DocumentFormat::plain) {
    attempt(block.first_line, block.text);
  } else {
    for_each_line(block, attempt);
  }
}

DocumentHashes document_hashes(const SourceDocument& document) {
  return document_hashes(std::span(&document, 1));
}

DocumentHashes document_hashes(std::span<const SourceDocument> pair) {
  Sha256 hash;
  for (const SourceDocument& document : pair)
    for (const Part& part : document)
      hash.update(part.role.size())
          .update(part.role)
          .update(part.content.size())
          .update(part.content);
  const Digest digest = hash.digest();
  const auto number = [&](size_t i) {
    uint64_t value = 0;
    for (size_t byte = 0; byte < 8; ++byte)
      value |= static_cast<uint64_t>(digest[8 * i + byte]) << (8 * byte);
    return value;
  };
  return {number(0), number(1), number(2)};
}

bool in_share(uint64_t hash, double share) {
  return share >= 1 || hash < static_cast<uint64_t>(std::ldexp(share, 64));
}

bool is_chat(const SourceDocument& document) {
  return !document.empty() && !is_plain(document.front().role);
}

std::vector<Document> encode_document(const SourceDocument& document, const Tokenizer& tokenizer,
                                      const ChatTemplate* chat_template,
                                      const std::string& source) {
  if (document.empty()) return {};
  if (!is_chat(document)) {
    Encoder encoder(tokenizer);
    for (const Part& part : document)
      encoder.add(part.content, {.bos = &part == &document.front()}, part.role != "prompt");
    encoder.end();
    return {encoder.take()};
  }
  if (!chat_template)
    fail_input(
        "{}: a conversation needs a model with a chat template; use \"prompt\" and \"completion\" "
        "instead",
        source);
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const Part& part : document)
    messages.push_back({{"role", part.role}, {"content", part.content}});
  std::vector<Document> documents;
  try {
    for (LearnedChat& chat : learned_chats(*chat_template, messages, tokenizer))
      documents.push_back({std::move(chat.ids), std::move(chat.learn)});
  } catch (const Error& error) {
    fail_input("{}: {}", source, error.what());
  }
  return documents;
}

Document encode_answer(const SourceDocument& document, const Tokenizer& tokenizer,
                       const ChatTemplate* chat_template, const std::string& source) {
  std::vector<Document> documents = encode_document(document, tokenizer, chat_template, source);
  if (documents.empty()) return {};
  Document& answer = documents.back();
  // All but the last stretch of learned tokens is unmarked.
  size_t i = answer.learn.size();
  while (i > 0 && !answer.learn[i - 1]) --i;
  while (i > 0 && answer.learn[i - 1]) --i;
  std::fill_n(answer.learn.begin(), i, uint8_t{0});
  return std::move(answer);
}

}  // namespace avocado
