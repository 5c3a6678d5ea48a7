#include "chat/thinking.h"

#include <algorithm>

#include "chat/space.h"

namespace avocado::chat {
namespace {

constexpr std::string_view kSwitches[] = {"enable_thinking", "thinking", "reasoning",
                                          "reasoning_effort", "thinking_budget"};

bool in_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

// Calls use(name) for each variable that the expressions of one Jinja tag read.
template <class Use>
void for_each_variable(std::string_view tag, Use use) {
  std::string_view before;  // the word before, when only white space lies between
  char last = '\0';         // the last character that is no space
  for (size_t i = 0; i < tag.size();) {
    const char c = tag[i];
    if (c == '"' || c == '\'') {
      for (++i; i < tag.size() && tag[i] != c; ++i) {
        if (tag[i] == '\\') ++i;
      }
      ++i;
      last = c;
      before = "";
    } else if (in_word(c)) {
      const size_t begin = i;
      while (i < tag.size() && in_word(tag[i])) ++i;
      const std::string_view word = tag.substr(begin, i - begin);
      const size_t next = tag.find_first_not_of(" \n\t\r", i);
      const std::string_view after = next == std::string_view::npos ? "" : tag.substr(next);
      const bool assigned = after.starts_with('=') && !after.starts_with("==");
      if (last != '.' && !assigned && before != "macro" && before != "for") use(word);
      last = 'a';
      before = word;
    } else {
      if (!is_space(c)) {
        last = c;
        before = "";
      }
      ++i;
    }
  }
}

bool ends_with(const AnswerFormat& format, std::string_view rendered_prompt, const Marks& marks) {
  const std::string_view prompt =
      format.exact_space ? rendered_prompt : trim_space(rendered_prompt);
  return std::any_of(std::begin(marks), std::end(marks), [&](std::string_view mark) {
    return !mark.empty() && prompt.ends_with(mark);
  });
}

}  // namespace

bool prompt_opens_thinking(const AnswerFormat& format, std::string_view rendered_prompt) {
  return format.thinking.implicit || ends_with(format, rendered_prompt, format.thinking.open);
}

bool prompt_closes_thinking(const AnswerFormat& format, std::string_view rendered_prompt) {
  return ends_with(format, rendered_prompt, format.thinking.close);
}

bool template_thinks(const AnswerFormat& format, std::string_view chat_template) {
  const auto mentions = [&](const Marks& marks) {
    return std::any_of(std::begin(marks), std::end(marks), [&](std::string_view mark) {
      return !mark.empty() && chat_template.find(mark) != std::string_view::npos;
    });
  };
  return format.thinking.implicit || mentions(format.thinking.open) ||
         mentions(format.thinking.close);
}

std::vector<std::string> template_switches(std::string_view chat_template) {
  std::vector<bool> read(std::size(kSwitches));
  std::string_view rest = chat_template;
  while (true) {
    const size_t begin = rest.find('{');
    if (begin == std::string_view::npos || begin + 1 >= rest.size()) break;
    const char kind = rest[begin + 1];
    rest.remove_prefix(begin + 1);
    if (kind != '{' && kind != '%' && kind != '#') continue;
    const std::string_view close = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
    const std::string_view tag = rest.substr(1, rest.find(close) - 1);
    rest.remove_prefix(tag.size() + 1);
    if (kind == '#') continue;
    for_each_variable(tag, [&](std::string_view name) {
      for (size_t i = 0; i < read.size(); ++i) read[i] = read[i] || kSwitches[i] == name;
    });
  }
  std::vector<std::string> switches;
  for (size_t i = 0; i < read.size(); ++i) {
    if (read[i]) switches.emplace_back(kSwitches[i]);
  }
  return switches;
}

}  // namespace avocado::chat
