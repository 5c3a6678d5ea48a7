#include "chat/learned_chat.h"

#include <algorithm>
#include <span>

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

Json first_of(const Json& messages, size_t count) {
  Json first = Json::array();
  for (size_t i = 0; i < count; ++i) first.push_back(messages[i]);
  return first;
}

// Bytes [begins[i], begins[i + 1]) of the text are token i.
std::vector<size_t> token_begins(std::string_view text, const std::vector<int32_t>& ids,
                                 const Tokenizer& tokenizer) {
  std::vector<size_t> begins{0};
  for (const int32_t id : ids) {
    const std::string_view rest = text.substr(begins.back());
    const std::string bytes = tokenizer.token_bytes(id, true);
    std::string_view token = bytes;
    // SentencePiece puts a space before the text, and after each special token.
    if (!rest.starts_with(token) && token.starts_with(' ')) token.remove_prefix(1);
    if (!rest.starts_with(token))
      fail_input("the tokenizer changes the text, so that answers cannot be told from questions");
    begins.push_back(begins.back() + token.size());
  }
  return begins;
}

LearnedChat tokens_with(const Prompt& prompt, std::span<const TextRange> answers,
                        const Tokenizer& tokenizer) {
  LearnedChat chat{.ids = tokens_of(prompt, tokenizer), .learn = {}};
  chat.learn.resize(chat.ids.size());
  const std::vector<size_t> begins = token_begins(prompt.text, chat.ids, tokenizer);
  size_t i = 0;
  for (const TextRange& answer : answers) {
    while (i < chat.ids.size() && begins[i + 1] <= answer.begin) ++i;
    const size_t first = i;
    size_t end = i;  // behind the last token that ends a turn
    for (; i < chat.ids.size() && begins[i] < answer.end; ++i)
      if (tokenizer.is_end(chat.ids[i])) end = i + 1;
    std::fill(chat.learn.begin() + static_cast<ptrdiff_t>(first),
              chat.learn.begin() + static_cast<ptrdiff_t>(end > first ? end : i), 1);
  }
  return chat;
}

}  // namespace

std::vector<LearnedChat> learned_chats(const ChatTemplate& chat_template, const Json& messages,
                                       const Tokenizer& tokenizer) {
  const Prompt whole = chat_template.render({{"messages", messages}});
  if (!whole.assistant.empty()) return {tokens_with(whole, whole.assistant, tokenizer)};

  std::vector<Prompt> answered;    // the conversation up to each answer, and
  std::vector<TextRange> answers;  // where that stands in it
  bool stays = true;               // earlier answers stand in the whole as they were given
  for (size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].contains("role") || messages[i]["role"] != "assistant") continue;
    const Prompt asked = chat_template.render(
        {{"messages", first_of(messages, i)}, {"add_generation_prompt", true}});
    const bool last = i + 1 == messages.size();
    answered.push_back(last ? whole
                            : chat_template.render({{"messages", first_of(messages, i + 1)}}));
    const std::string& text = answered.back().text;
    const auto differs =
        std::mismatch(asked.text.begin(), asked.text.end(), text.begin(), text.end());
    answers.push_back({static_cast<size_t>(differs.second - text.begin()), text.size()});
    stays = stays && whole.text.starts_with(text);
  }
  if (stays) return {tokens_with(whole, answers, tokenizer)};
  std::vector<LearnedChat> chats;
  for (size_t i = 0; i < answered.size(); ++i)
    chats.push_back(tokens_with(answered[i], std::span(answers).subspan(i, 1), tokenizer));
  return chats;
}

}  // namespace avocado
