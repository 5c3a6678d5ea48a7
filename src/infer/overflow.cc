#include "infer/overflow.h"

#include <algorithm>

#include "base/error.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

bool fits(const std::vector<int32_t>& prompt, const Room& room) {
  return room.context == 0 || static_cast<int64_t>(prompt.size()) <= room.context;
}

// Messages without the `turns` oldest turns; `starts` are those of all turns.
Json without(const Json& messages, const std::vector<size_t>& starts, size_t turns) {
  Json left = Json::array();
  for (size_t i = 0; i < messages.size(); ++i)
    if (i < starts[0] || i >= starts[turns]) left.push_back(messages[i]);
  return left;
}

}  // namespace

Overflow overflow_of(std::string_view name) {
  if (name == "refuse") return Overflow::refuse;
  if (name == "drop-oldest") return Overflow::drop_oldest;
  if (name == "cut-middle") return Overflow::cut_middle;
  fail_usage("overflow is {}; it can be refuse, drop-oldest or cut-middle", name);
}

int64_t Room::cut_to() const {
  const int64_t quarter = std::max<int64_t>(context / 4, 1);
  return std::max<int64_t>(context - (answer < 0 ? quarter : std::min(answer, quarter)), 1);
}

Dropped fit_text(std::vector<int32_t>& prompt, const Room& room) {
  if (room.overflow == Overflow::drop_oldest)
    fail_usage("overflow is drop-oldest, but a text has no turns; take cut-middle");
  if (room.overflow == Overflow::refuse || fits(prompt, room)) return {};
  const int64_t cut = static_cast<int64_t>(prompt.size()) - room.cut_to();
  const auto from = prompt.begin() + (room.cut_to() + 1) / 2;
  prompt.erase(from, from + cut);
  return {.tokens = cut};
}

Dropped fit_turns(Json& messages, std::vector<int32_t>& prompt, const Room& room,
                  const std::function<std::vector<int32_t>(const Json&)>& render) {
  if (room.overflow == Overflow::cut_middle)
    fail_usage(
        "overflow is cut-middle, which would cut a conversation's messages; take drop-oldest");
  if (room.overflow == Overflow::refuse || fits(prompt, room)) return {};
  std::vector<size_t> starts;
  for (size_t i = 0; i < messages.size(); ++i)
    if (messages[i].value("role", "") == "user") starts.push_back(i);
  if (starts.size() < 2) return {};
  // The fewest that suffice: between `few`, which do not, and `most`, which do.
  const auto limit = static_cast<size_t>(room.cut_to());
  size_t few = 0, most = starts.size() - 1;
  std::vector<int32_t> shortest = render(without(messages, starts, most));
  if (!fits(shortest, room)) return {};
  while (shortest.size() <= limit && most - few > 1) {
    const size_t middle = (few + most) / 2;
    std::vector<int32_t> tried = render(without(messages, starts, middle));
    if (tried.size() <= limit) {
      most = middle;
      shortest = std::move(tried);
    } else {
      few = middle;
    }
  }
  const Dropped dropped{.turns = static_cast<int64_t>(most),
                        .messages = static_cast<int64_t>(starts[most] - starts[0]),
                        .tokens = static_cast<int64_t>(prompt.size() - shortest.size())};
  messages = without(messages, starts, most);
  prompt = std::move(shortest);
  return dropped;
}

}  // namespace avocado
