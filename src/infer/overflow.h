#pragma once
// What becomes of a prompt that is longer than the context. Nothing is cut unless it was asked for,
// and what was cut is told.

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace avocado {

enum class Overflow {
  refuse,       // generate() throws Error(usage) with the numbers
  drop_oldest,  // whole turns of a conversation
  cut_middle,   // tokens of a text
};
// "refuse", "drop-oldest" or "cut-middle"; throws Error(usage) for another.
Overflow overflow_of(std::string_view name);

struct Room {
  int64_t context = 0;  // most tokens of a prompt; 0: any number
  int64_t answer = -1;  // tokens the answer may have (GenerateOptions::max_tokens)
  Overflow overflow = Overflow::refuse;

  // A prompt that has to be cut is cut to this, so that the answer has room: what it may have, but
  // at most a quarter of the context.
  int64_t cut_to() const;
};

struct Dropped {
  int64_t turns = 0, messages = 0;
  int64_t tokens = 0;  // by which the prompt became shorter
};

// Cuts out the middle of the prompt, for Overflow::cut_middle. Throws Error(usage) for drop_oldest,
// which needs a conversation.
Dropped fit_text(std::vector<int32_t>& prompt, const Room& room);

// For Overflow::drop_oldest. A turn is a message of the user with all that follows it up to the
// next one; what stands before the first (system, developer) and the last turn stay. As few turns
// as possible go from `messages`; when even the last one is too long nothing goes. `render` gives
// the prompt of messages. Throws Error(usage) for cut_middle, which needs a text.
Dropped fit_turns(nlohmann::ordered_json& messages, std::vector<int32_t>& prompt, const Room& room,
                  const std::function<std::vector<int32_t>(const nlohmann::ordered_json&)>& render);

}  // namespace avocado
