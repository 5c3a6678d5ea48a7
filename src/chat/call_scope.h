#pragma once
// What the reader of a call sees of an answer, and where it writes what it found.

#include <initializer_list>
#include <string>
#include <string_view>

#include "chat/answer_events.h"
#include "chat/tools.h"

namespace avocado::chat {

enum class Match { no, yes, more };  // more: it takes more text to tell

// Cut-independence: what a reader does may depend on bytes alone, never on how many of them are at
// hand. Whoever cannot tell yet takes nothing and asks for more.
class CallScope {
 public:
  CallScope(const AnswerOptions& options, CallIds ids, AnswerEvents& events)
      : options_(options), ids_(ids), events_(events) {}

  // The text that has not been taken yet.
  std::string_view rest() const { return text_.substr(at_); }
  // No text follows rest().
  bool ended() const { return ended_; }
  void take(size_t bytes);

  // Whether rest() begins with the mark, which then is taken. An empty mark is never there.
  Match match(std::string_view mark);
  // Takes white space. False: the text at hand has ended.
  bool skip_space();
  // Takes a name up to one of the characters `ends`, which stays. no: it is too long or has
  // characters that no name has.
  Match name(std::string_view ends, std::string& out);

  // A call. begin() is false when there is no such tool: then the reader fails.
  bool begin(std::string_view name, std::string_view id = {});
  void arguments(std::string_view json);
  void end();
  bool open() const { return open_; }
  size_t calls() const { return calls_; }  // ended ones in this scope
  const Tool* tool() const { return tool_; }

  // For the parser: the text at hand, and what was taken since the last call.
  void see(std::string_view text, bool ended);
  size_t taken() const { return at_; }
  std::string& source() { return source_; }
  void start(std::string source);
  void drop();

 private:
  const AnswerOptions& options_;
  CallIds ids_;
  AnswerEvents& events_;
  std::string_view text_;
  size_t at_ = 0;
  bool ended_ = false;
  std::string source_;
  bool open_ = false;
  size_t calls_ = 0;
  const Tool* tool_ = nullptr;
  int index_ = 0;      // of the call that is open, or comes next
  uint64_t made_ = 0;  // ids made so far
  AnswerEvent held_;   // the call so far, when calls are given out whole
  std::string held_arguments_;
};

enum class Reading {
  next,       // a step was made
  more,       // waits for text
  done,       // the calls are over, text follows
  failed,     // this is no call
  content,    // no call: content follows
  reasoning,  // no call: reasoning follows
};

// Reads the calls behind one opening mark, over as many pieces of text as they take.
class CallReader {
 public:
  virtual ~CallReader() = default;
  // Goes as far as the text at hand allows. Never returns next, nor more when the text has ended.
  Reading read(CallScope& scope) {
    Reading reading = Reading::next;
    while (reading == Reading::next) reading = step(scope);
    if (reading != Reading::more || !scope.ended()) return reading;
    return scope.open() || scope.calls() == 0 ? Reading::failed : Reading::done;
  }

 protected:
  virtual Reading step(CallScope& scope) = 0;
};

}  // namespace avocado::chat
