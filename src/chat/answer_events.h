#pragma once
// An answer as a stream of events.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/answer_format.h"
#include "chat/tools.h"

namespace avocado::chat {

struct AnswerEvent {
  enum class Kind {
    content,     // text: more of the content
    reasoning,   // text: more of the reasoning
    call_begin,  // call, id, name; `text` is empty
    arguments,   // call; text: more of the arguments, as JSON text
    call_end,  // call; its arguments are a whole JSON object. text: the call as the model wrote it
    call_dropped,  // call: it could not be read to its end; forget it. What the model wrote of it
                   // follows as content
    markup,        // text: marks and the white space beside them, nobody needs to see it
  };
  Kind kind;
  std::string text = {};
  int call = -1;
  std::string id = {};
  std::string name = {};

  bool operator==(const AnswerEvent&) const = default;
};
// The texts of all events but arguments, joined, are the answer, byte for byte.

struct AnswerOptions {
  enum class Reasoning {
    separate,  // as the format says
    none,      // thinking is content, with its marks
  };
  enum class Calls {
    known,  // of `tools`
    any,    // of any name
    none,   // everything is text
  };
  std::vector<Tool> tools = {};
  Reasoning reasoning = Reasoning::separate;
  Calls calls = Calls::known;
  bool starts_in_thinking = false;  // prompt_opens_thinking()
  // Give out a call only when it is whole; no call is ever dropped then.
  bool whole_calls = false;
  uint64_t id_seed = 0;                     // ids of calls follow from it and from their order
  size_t max_call_bytes = size_t{4} << 20;  // a longer call is text
};

// The id of call `number` of an answer, a function of its arguments.
std::string make_call_id(CallIds style, uint64_t seed, uint64_t number);

// Collects events; deltas of the same kind become one.
class AnswerEvents {
 public:
  void add(AnswerEvent::Kind kind, std::string_view text, int call = -1);
  void add(AnswerEvent event) { events_.push_back(std::move(event)); }
  std::vector<AnswerEvent> take() { return std::exchange(events_, {}); }

 private:
  std::vector<AnswerEvent> events_;
};

}  // namespace avocado::chat
