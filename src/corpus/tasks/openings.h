#pragma once
// How people begin before they come to their question. Where the contents of a task are few, the
// opening is part of the key, so that the contents are all learned and their combinations held out.

#include <string>

#include "corpus/task.h"

namespace avocado::corpus {

inline constexpr Words kOpenings[] = {
    {"", ""},
    {"Hello. ", "こんにちは。"},
    {"Tell me: ", "教えてください。"},
    {"I have a question. ", "質問があります。"},
    {"Hi! ", "やあ。"},
    {"One more thing. ", "もう一つ。"},
    {"Please answer: ", "答えてください。"},
};

// The opening and the number of the wording that was drawn.
struct Opening {
  int number;
  std::string_view text;
};

inline Opening draw_opening(Dice& dice, Language language) {
  // Most often there is none.
  constexpr int kCount = static_cast<int>(std::size(kOpenings)), kPlain = 3;
  const int drawn = dice.below(kCount + kPlain), number = drawn < kCount ? drawn : 0;
  return {number, kOpenings[number].in(language)};
}

// One question in four as people type in a hurry: small letters, and no mark at the end.
inline std::string casually(Dice& dice, Language language, std::string question) {
  if (dice.below(4) != 0) return question;
  if (language == Language::english)
    for (char& c : question)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const std::string_view mark : {"?", ".", "!", "。", "！"})
    if (question.ends_with(mark)) {
      question.resize(question.size() - mark.size());
      break;
    }
  return question;
}

}  // namespace avocado::corpus
