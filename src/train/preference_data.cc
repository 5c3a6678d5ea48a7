#include "train/preference_data.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

const Json& field(const Json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end()) fail_input("{}: \"{}\" is missing", source, key);
  return *found;
}

std::string text_field(const Json& object, const char* key, const std::string& source) {
  const Json& value = field(object, key, source);
  if (!value.is_string()) fail_input("{}: \"{}\" must be a string", source, key);
  return value.get<std::string>();
}

Part turn(const Json& json, const std::string& source) {
  if (!json.is_object()) fail_input("{}: a message must be an object", source);
  Part part{text_field(json, "role", source), text_field(json, "content", source)};
  if (part.role != "system" && part.role != "user" && part.role != "assistant")
    fail_input("{}: role \"{}\"; system, user and assistant are known", source, part.role);
  return part;
}

// The assistant's turn that ends a conversation.
Part answer(const Json& object, const char* key, const std::string& source) {
  const Json& value = field(object, key, source);
  if (value.is_string()) return {"assistant", value.get<std::string>()};
  if (value.is_array() && value.size() == 1) {
    Part part = turn(value[0], source);
    if (part.role == "assistant") return part;
  }
  fail_input("{}: \"{}\" must be a string or a list of one message of the assistant", source, key);
}

// Unmarks all learned tokens but the last stretch of them.
void learn_last_answer(Document& document) {
  size_t i = document.learn.size();
  while (i > 0 && !document.learn[i - 1]) --i;
  while (i > 0 && document.learn[i - 1]) --i;
  std::fill_n(document.learn.begin(), i, uint8_t{0});
}

}  // namespace

PreferencePair parse_preference_pair(std::string_view line, const std::string& source) {
  Json json;
  try {
    json = Json::parse(line);
  } catch (const Json::exception& error) {
    fail_input("{}: not JSON: {}", source, error.what());
  }
  if (!json.is_object()) fail_input("{}: must be a JSON object", source);
  const Json& prompt = field(json, "prompt", source);
  PreferencePair pair;
  if (prompt.is_string()) {
    const Part before{"prompt", prompt.get<std::string>()};
    pair.chosen = {before, {"completion", text_field(json, "chosen", source)}};
    pair.rejected = {before, {"completion", text_field(json, "rejected", source)}};
    return pair;
  }
  if (!prompt.is_array() || prompt.empty())
    fail_input("{}: \"prompt\" must be a string or a list of {{\"role\", \"content\"}}", source);
  for (const Json& message : prompt) pair.chosen.push_back(turn(message, source));
  pair.rejected = pair.chosen;
  pair.chosen.push_back(answer(json, "chosen", source));
  pair.rejected.push_back(answer(json, "rejected", source));
  return pair;
}

std::vector<PreferencePair> read_preference_pairs(const std::string& path) {
  if (!path.ends_with(".jsonl"))
    fail_input("{}: pairs of answers are read from .jsonl files, one object per line", path);
  const std::string text = read_text_file(path);
  std::vector<PreferencePair> pairs;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    pairs.push_back(parse_preference_pair(line, fmt::format("{}:{}", path, number)));
  }
  return pairs;
}

DocumentPair encode_pair(const PreferencePair& pair, const Tokenizer& tokenizer,
                         const ChatTemplate* chat_template, const std::string& source) {
  const auto encode = [&](const SourceDocument& document) {
    std::vector<Document> documents = encode_document(document, tokenizer, chat_template, source);
    if (documents.empty()) return Document{};
    learn_last_answer(documents.back());
    return std::move(documents.back());
  };
  return {encode(pair.chosen), encode(pair.rejected)};
}

}  // namespace avocado
