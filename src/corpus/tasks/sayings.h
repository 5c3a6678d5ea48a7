#pragma once
// Tasks that are a table: what people may say, in several wordings, and the one answer to it. What
// is held out is the combination of saying, wording and what comes before.

#include <array>
#include <span>

#include "corpus/tasks/openings.h"

namespace avocado::corpus {

// Not kOpenings: few of those go before a greeting.
inline constexpr Words kBefore[] = {
    {"", ""},           {"Well, ", "あの、"},
    {"Oh! ", "ああ、"}, {"By the way: ", "ところで、"},
    {"Hi! ", "やあ。"}, {"Hello. ", "こんにちは。"},
};

struct Saying {
  std::array<Words, 4> wordings;
  Words answer;
};

inline Draft draw_saying(Dice& dice, Language language, std::string_view kind,
                         std::span<const Saying> sayings) {
  const int number = dice.below(static_cast<int>(sayings.size())), wording = dice.below(4);
  // Half of them say nothing before.
  const int before = dice.below(2) == 0 ? 0 : dice.below(static_cast<int>(std::size(kBefore)));
  const Saying& saying = sayings[static_cast<size_t>(number)];
  const std::string answer(saying.answer.in(language));
  return {key_of(kind, {number, wording, before}),
          casually(dice, language,
                   std::string(kBefore[before].in(language)) +
                       std::string(saying.wordings[static_cast<size_t>(wording)].in(language))),
          answer, answer};
}

}  // namespace avocado::corpus
