#include "grammar/free_text.h"

#include <array>

namespace avocado::grammar {

FreeTextAutomaton::FreeTextAutomaton(std::span<const std::string> without) {
  // A state is the longest end of the text that begins one of the strings.
  struct State {
    std::array<uint32_t, 256> next{};  // 0: not begun
    uint32_t shorter = 0;              // the longest state that is an end of this one
    bool ended = false;                // so does one of the strings
  };
  std::vector<State> states(1);
  for (const std::string& string : without) {
    uint32_t at = 0;
    for (const char c : string) {
      const auto byte = static_cast<uint8_t>(c);
      if (states[at].next[byte] == 0) {
        states[at].next[byte] = static_cast<uint32_t>(states.size());
        states.emplace_back();
      }
      at = states[at].next[byte];
    }
    if (at != 0) states[at].ended = true;
  }
  // Shorter states first, so that they know all their moves.
  std::vector<uint32_t> order = {0};
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t at = order[i];
    const uint32_t shorter = states[at].shorter;
    states[at].ended |= states[shorter].ended;
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t fallback = at == 0 ? 0 : states[shorter].next[byte];
      uint32_t& next = states[at].next[byte];
      if (next == 0) {
        next = fallback;
      } else {
        states[next].shorter = fallback;
        order.push_back(next);
      }
    }
  }
  // Numbers stay as they are: states that have ended are left without moves, and nobody goes there.
  moves_.resize(states.size());
  for (size_t at = 0; at < states.size(); ++at) {
    if (states[at].ended) continue;
    for (int byte = 0; byte < 256; ++byte) {
      const uint32_t to = states[at].next[static_cast<size_t>(byte)];
      if (states[to].ended) continue;
      std::vector<Move>& moves = moves_[at];
      if (!moves.empty() && moves.back().to == to && moves.back().high == byte - 1)
        moves.back().high = static_cast<uint8_t>(byte);
      else
        moves.push_back({static_cast<uint8_t>(byte), static_cast<uint8_t>(byte), to});
    }
  }
}

}  // namespace avocado::grammar
