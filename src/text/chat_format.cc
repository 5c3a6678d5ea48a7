#include "text/chat_format.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"

namespace avocado {

const std::vector<std::string> kLlama3SpecialTokens = {"<|begin_of_text|>", "<|end_of_text|>",
                                                       "<|start_header_id|>", "<|end_header_id|>",
                                                       "<|eot_id|>"};

const std::string_view kLlama3Template =
    "{{- bos_token }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] "
    "| trim + "
    "'<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' "
    "}}{%- endif %}";

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// White space as Python's str.strip (and so Jinja's trim) knows it, as UTF-8.
constexpr std::array<std::string_view, 29> kSpaces = {
    " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",
    "\x1e",   "\x1f",   "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
    "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

std::string_view trim(std::string_view text) {
  const auto strip = [&text](bool front) {
    for (std::string_view space : kSpaces) {
      if (front ? text.starts_with(space) : text.ends_with(space)) {
        if (front)
          text.remove_prefix(space.size());
        else
          text.remove_suffix(space.size());
        return true;
      }
    }
    return false;
  };
  while (strip(true)) {
  }
  while (strip(false)) {
  }
  return text;
}

// Collects markers and text. Text between two markers is one piece to the tokenizer, as it is when
// a template's output is read.
class Writer {
 public:
  explicit Writer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  Writer& bos() {
    if (tokenizer_.bos() >= 0) token(tokenizer_.bos());
    return *this;
  }
  Writer& eos() {
    if (tokenizer_.eos() < 0)
      fail_input("the chat template ends answers with EOS, but the tokenizer names no such token");
    token(tokenizer_.eos());
    return *this;
  }
  Writer& marker(std::string_view name) {
    const int32_t id = tokenizer_.find(name);
    if (id < 0)
      fail_input("the chat template uses {}, but the tokenizer has no such token; try --raw", name);
    token(id);
    return *this;
  }
  // A marker that older tokenizers spell as plain text.
  Writer& marker_or_text(std::string_view name) {
    const int32_t id = tokenizer_.find(name);
    return id >= 0 && tokenizer_.kind(id) != TokenKind::normal ? marker(name) : text(name);
  }
  Writer& text(std::string_view text) {
    text_ += text;
    return *this;
  }
  // What follows is said by the assistant, or no longer.
  Writer& answer(bool begins) {
    if (begins)
      answer_at_ = text_.size();
    else
      answer_end_ = text_.size();
    answering_ = begins;
    return *this;
  }
  ChatTokens finish() {
    flush();
    return std::move(tokens_);
  }

 private:
  void token(int32_t id) {
    flush();
    tokens_.ids.push_back(id);
    tokens_.answer.push_back(answering_);
  }

  // Text before and within an answer is one piece to the tokenizer; its tokens are told apart by
  // their bytes, counted from the end because some tokenizers put a space in front.
  void flush() {
    const std::vector<int32_t> ids =
        text_.empty() ? std::vector<int32_t>() : tokenizer_.encode(text_);
    const size_t first = tokens_.ids.size();
    tokens_.ids.insert(tokens_.ids.end(), ids.begin(), ids.end());
    tokens_.answer.resize(tokens_.ids.size(), 0);
    const size_t end = answering_ ? text_.size() : std::min(answer_end_, text_.size());
    size_t at = text_.size();
    for (size_t i = ids.size(); i-- > 0;) {
      const size_t begin = at - std::min(at, tokenizer_.token_bytes(ids[i]).size());
      tokens_.answer[first + i] = at > answer_at_ && begin < end;
      at = begin;
    }
    text_.clear();
    answer_at_ = answering_ ? 0 : kNowhere;
    answer_end_ = kNowhere;
  }

  static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

  const Tokenizer& tokenizer_;
  ChatTokens tokens_;
  std::string text_;
  bool answering_ = false;
  size_t answer_at_ = kNowhere, answer_end_ = kNowhere;  // in text_
};

// Llama 3: <|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>
void llama3_message(Writer& out, std::string_view role, std::string_view content) {
  out.marker("<|start_header_id|>")
      .text(role)
      .marker("<|end_header_id|>")
      .text("\n\n")
      .answer(role == "assistant")
      .text(content)
      .marker("<|eot_id|>")
      .answer(false);
}

bool wants_answer(const std::vector<ChatMessage>& messages) {
  return messages.empty() || messages.back().role != "assistant";
}

// Llama 3.1 to 3.3 always have a system message that states dates; without a clock their templates
// say this one.
constexpr std::string_view kLlama31Dates =
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";

ChatTokens render_llama3(const Tokenizer& tokenizer, std::string_view chat_template,
                         const std::vector<ChatMessage>& messages) {
  Writer out(tokenizer);
  if (has(chat_template, "bos_token")) out.bos();
  auto message = messages.begin();
  if (has(chat_template, "Cutting Knowledge Date")) {
    std::string system(kLlama31Dates);
    if (message != messages.end() && message->role == "system")
      system += trim((message++)->content);
    llama3_message(out, "system", system);
  }
  for (; message != messages.end(); ++message)
    llama3_message(out, message->role, trim(message->content));
  if (wants_answer(messages))
    out.marker("<|start_header_id|>").text("assistant").marker("<|end_header_id|>").text("\n\n");
  return out.finish();
}

// ChatML: <|im_start|>role\ncontent<|im_end|>\n
//
// Some templates put a system message of their own before a conversation without one; it stands in
// the template in one piece, unlike the place that inserts the user's.
std::string_view chatml_default_system(std::string_view chat_template) {
  for (std::string_view begin : {"<|im_start|>system\\n", "<|im_start|>system\n"}) {
    for (size_t at = chat_template.find(begin); at != std::string_view::npos;
         at = chat_template.find(begin, at + 1)) {
      const std::string_view rest = chat_template.substr(at + begin.size());
      const std::string_view content = rest.substr(0, rest.find("<|im_end|>"));
      if (!content.empty() && content.size() < rest.size() &&
          content.find_first_of("'\"{}") == std::string_view::npos) {
        return content;
      }
    }
  }
  return {};
}

ChatTokens render_chatml(const Tokenizer& tokenizer, std::string_view chat_template,
                         const std::vector<ChatMessage>& messages) {
  Writer out(tokenizer);
  const auto say = [&out](std::string_view role, std::string_view content) {
    out.marker("<|im_start|>").text(role).text("\n").answer(role == "assistant");
    out.text(content).marker("<|im_end|>").answer(false).text("\n");
  };
  if (has(chat_template, "bos_token")) out.bos();
  const std::string_view system = chatml_default_system(chat_template);
  if (!system.empty() && (messages.empty() || messages.front().role != "system"))
    say("system", system);
  for (const ChatMessage& message : messages) {
    std::string_view content = message.content;
    // Qwen 3: what the model thought before an earlier answer is not shown to it again.
    if (const size_t thought = content.rfind("</think>"); message.role == "assistant" &&
                                                          has(chat_template, "</think>") &&
                                                          thought != std::string_view::npos) {
      content.remove_prefix(thought + std::string_view("</think>").size());
      content.remove_prefix(std::min(content.find_first_not_of('\n'), content.size()));
    }
    say(message.role, content);
  }
  if (wants_answer(messages)) out.marker("<|im_start|>").text("assistant\n");
  return out.finish();
}

// Llama 2: <s>[INST] <<SYS>>\nsystem\n<</SYS>>\n\nuser [/INST] answer </s><s>[INST] ...
ChatTokens render_llama2(const Tokenizer& tokenizer, std::string_view,
                         const std::vector<ChatMessage>& messages) {
  Writer out(tokenizer);
  std::string system;
  for (const ChatMessage& message : messages) {
    if (message.role == "system") {
      system = "<<SYS>>\n" + message.content + "\n<</SYS>>\n\n";
    } else if (message.role == "user") {
      out.bos().text("[INST] ").text(trim(system + message.content)).text(" [/INST]");
      system.clear();
    } else {
      out.answer(true).text(" ").text(trim(message.content)).text(" ").eos().answer(false);
    }
  }
  return out.finish();
}

// Mistral: <s>[INST] user [/INST]answer</s>[INST] ...; the spaces differ between versions and stand
// in the template. The system message goes in front of the last question.
ChatTokens render_mistral(const Tokenizer& tokenizer, std::string_view chat_template,
                          const std::vector<ChatMessage>& messages) {
  const bool space_before = has(chat_template, "[INST] "),
             space_after = has(chat_template, " [/INST]");
  const bool space_answer = has(chat_template, "\" \" + message[\"content\"]");
  Writer out(tokenizer);
  out.bos();
  std::string_view system;
  for (const ChatMessage& message : messages) {
    if (message.role == "system") {
      system = message.content;
    } else if (message.role == "user") {
      out.marker_or_text("[INST]").text(space_before ? " " : "");
      if (!system.empty() && &message == &messages.back()) out.text(system).text("\n\n");
      out.text(message.content).text(space_after ? " " : "").marker_or_text("[/INST]");
    } else {
      out.answer(true).text(space_answer ? " " : "").text(message.content).eos().answer(false);
    }
  }
  return out.finish();
}

// Templates that share the markers but say more than the plain conversation are not these formats.
bool recognises_llama3(std::string_view t) {
  return has(t, "<|start_header_id|>") && has(t, "<|end_header_id|>") && has(t, "<|eot_id|>") &&
         !has(t, "functools") && !has(t, "has_code_interpreter") && !has(t, "recipient");
}
bool recognises_chatml(std::string_view t) {
  return has(t, "<|im_start|>") && has(t, "<|im_end|>") && !has(t, "function calling AI model") &&
         !has(t, "Knowledge Cutoff") && !has(t, "truncate_history_thinking") &&
         !has(t, "<think>\\n' }}") && !has(t, "<think>\\n\" }}");
}
bool recognises_llama2(std::string_view t) { return has(t, "[INST]") && has(t, "<<SYS>>"); }
bool recognises_mistral(std::string_view t) {
  return has(t, "[INST]") && has(t, "[/INST]") && !has(t, "<<SYS>>") && !has(t, "[SYSTEM_PROMPT]");
}

}  // namespace

const std::vector<ChatFormat>& chat_formats() {
  static const std::vector<ChatFormat> formats = {
      {"llama3", "<|eot_id|>", recognises_llama3, render_llama3},
      {"chatml", "<|im_end|>", recognises_chatml, render_chatml},
      {"llama2", nullptr, recognises_llama2, render_llama2},
      {"mistral", nullptr, recognises_mistral, render_mistral},
  };
  return formats;
}

const ChatFormat* find_chat_format(std::string_view chat_template) {
  if (chat_template.empty()) return nullptr;
  for (const ChatFormat& format : chat_formats()) {
    if (format.recognises(chat_template)) return &format;
  }
  std::string known;
  for (const ChatFormat& format : chat_formats())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", format.name);
  fail_input(
      "the model's chat template is not one this program knows ({}); use --raw to give the model "
      "plain text, written the "
      "way it expects",
      known);
}

namespace {

void check_roles(const std::vector<ChatMessage>& messages) {
  std::string_view expected = "user";
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string& role = messages[i].role;
    if (i == 0 && role == "system") continue;
    if (role != expected) {
      fail_usage(
          "message {} of the conversation is by '{}'; expected {} (an optional system message, "
          "then user and assistant in turn)",
          i + 1, role, expected);
    }
    expected = expected == "user" ? "assistant" : "user";
  }
}

}  // namespace

std::vector<int32_t> render_chat(const ChatFormat& format, const Tokenizer& tokenizer,
                                 std::string_view chat_template,
                                 const std::vector<ChatMessage>& messages) {
  check_roles(messages);
  if (messages.empty() || messages.back().role != "user")
    fail_usage("the conversation must end with a message of the user");
  return format.render(tokenizer, chat_template, messages).ids;
}

ChatTokens render_chat_to_learn(const ChatFormat& format, const Tokenizer& tokenizer,
                                std::string_view chat_template,
                                const std::vector<ChatMessage>& messages) {
  check_roles(messages);
  return format.render(tokenizer, chat_template, messages);
}

}  // namespace avocado
