#include "train/documents.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "chat/learned_chat.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

bool is_plain(const std::string& role) {
  return role == "text" || role == "prompt" || role == "completion";
}

std::string string_field(const Json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string())
    fail_input("{}: \"{}\" must be a string", where, key);
  return found->get<std::string>();
}

SourceDocument parse_line(std::string_view line, const std::string& where) {
  Json json;
  try {
    json = Json::parse(line);
  } catch (const Json::exception& error) {
    fail_input("{}: not JSON: {}", where, error.what());
  }
  if (!json.is_object()) fail_input("{}: must be a JSON object", where);
  const int forms = static_cast<int>(json.contains("text")) +
                    static_cast<int>(json.contains("prompt") || json.contains("completion")) +
                    static_cast<int>(json.contains("messages"));
  if (forms != 1)
    fail_input("{}: must hold one of \"text\", \"prompt\" with \"completion\", or \"messages\"",
               where);
  if (json.contains("text")) return {{"text", string_field(json, "text", where)}};
  if (!json.contains("messages"))
    return {{"prompt", string_field(json, "prompt", where)},
            {"completion", string_field(json, "completion", where)}};
  const Json& messages = json["messages"];
  if (!messages.is_array() || messages.empty())
    fail_input("{}: \"messages\" must be a list of {{\"role\", \"content\"}}", where);
  SourceDocument document;
  for (const Json& message : messages) {
    if (!message.is_object()) fail_input("{}: a message must be an object", where);
    Part part{string_field(message, "role", where), string_field(message, "content", where)};
    if (part.role != "system" && part.role != "user" && part.role != "assistant")
      fail_input("{}: role \"{}\"; system, user and assistant are known", where, part.role);
    document.push_back(std::move(part));
  }
  return document;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
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

std::vector<SourceDocument> read_documents(const std::string& path) {
  const std::string text = read_text_file(path);
  if (!path.ends_with(".jsonl")) return {{{"text", text}}};
  std::vector<SourceDocument> documents;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = trimmed(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.empty()) documents.push_back(parse_line(line, fmt::format("{}:{}", path, number)));
  }
  return documents;
}

std::vector<Document> encode_document(const SourceDocument& document, const Tokenizer& tokenizer,
                                      const ChatTemplate* chat_template,
                                      const std::string& source) {
  if (document.empty()) return {};
  if (is_plain(document.front().role)) {
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

}  // namespace avocado
