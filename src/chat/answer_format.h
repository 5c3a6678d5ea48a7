#pragma once
// How a family of models writes thinking and tool calls, as data. One file in chat/formats/ each;
// the table of them is in answer_format.cc. The parser that reads answers by it: answer_parser.h.
//
// Between marks there may be any white space.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace avocado::chat {

// As many as are needed; the others are empty.
using Marks = std::string_view[4];

struct Thinking {
  Marks open = {};   // any of these begins it, before anything else was said
  Marks close = {};  // any of these ends it
  // What to write when thinking has to end now (ThinkingBudget).
  std::string_view force = {};
  // Every answer begins with thinking; there is no mark.
  bool implicit = false;
  // A model may begin a call, or the next message, while it thinks: that ends the thinking.
  bool ended_by_calls = false;
};

// {"name": "f", "arguments": {...}}, one or a list of them, between marks or bare.
struct JsonCalls {
  struct Wrapper {
    std::string_view open;
    std::string_view close;       // may be empty
    std::string_view fence = {};  // may stand behind the opening mark: ```json
  };
  Wrapper wrappers[2] = {};
  bool bare = false;  // an answer may begin with the JSON itself
  std::string_view name_key = "name";
  std::string_view arguments_key = "arguments";
  bool list = false;         // written as [...] even for one call
  bool in_one = false;       // several calls stand between one pair of marks
  bool python_call = false;  // behind the mark may also stand tool.call(query="...")
};

// <begin>f<after_name>{...}: the name outside, JSON arguments.
struct NamedCalls {
  std::string_view section = {};       // before the first call; empty: each stands for itself
  std::string_view begin;              // before each name
  std::string_view before_name = {};   // behind `begin`, e.g. a type; may be missing
  std::string_view name_ends;          // characters that end a name
  std::string_view id_mark = {};       // begins an id after the name, where there is one
  std::string_view after_name = {};    // before the arguments
  Marks after_arguments = {};          // in any order, each may be missing
  std::string_view section_end = {};   // after the last call
  std::string_view content_name = {};  // no tool: what follows this name is content
  std::string_view prefix = {};        // cut off the name: "functions."
  bool numbered = false;               // the name with a number (functions.f:0) is the call's id
  bool json_too = false;               // the calls may also be JSON with the names inside
  bool at_start = false;               // the prompt ends with `begin`
};

// <function=f><parameter=key>value</parameter></function>: arguments as text between tags.
struct TaggedCalls {
  std::string_view section;     // before the call or calls
  std::string_view begin = {};  // before the name; empty: it follows the section mark
  std::string_view name_ends;   // characters that end the name
  std::string_view after_name = {};
  std::string_view parameter;         // before the name of a parameter
  std::string_view parameter_ends;    // characters that end the parameter's name
  Marks before_value = {};            // between the parameter's name and its value
  std::string_view before_json = {};  // instead of before_value, when the value is JSON
  std::string_view after_value;
  std::string_view end = {};  // after the last parameter; empty: section_end
  std::string_view section_end;
  bool one_each = false;   // several calls are several sections
  bool own_lines = false;  // a line break before and after the value is not part of it
};

// [f(key=1), g(key="x")]
struct PythonCalls {
  std::string_view open = {}, close = {};  // marks around the list, empty: none
  bool bare = false;                       // an answer may begin with the list itself
};

// gpt-oss: messages with a channel and a recipient.
struct HarmonyCalls {};

using CallSyntax =
    std::variant<std::monostate, JsonCalls, NamedCalls, TaggedCalls, PythonCalls, HarmonyCalls>;

enum class CallIds {
  letters24,  // call_ and 24 letters and digits
  letters9,   // nine letters and digits
};

struct AnswerFormat {
  const char* name;
  // Whether a chat template (Jinja text) speaks this format. The first in the table that says yes
  // is taken.
  bool (*recognises)(std::string_view chat_template);
  Thinking thinking;
  CallSyntax calls;
  // Marks around the content that are no part of it.
  Marks dropped = {};
  CallIds ids = CallIds::letters24;
  // Marks are special tokens, and white space beside them belongs to the text.
  bool exact_space = false;
};

// All formats; the generic one is the last and recognises everything.
const std::vector<const AnswerFormat*>& answer_formats();

// The format that a chat template speaks. Never fails: templates without tools get the generic.
const AnswerFormat& find_answer_format(std::string_view chat_template);

// By name; throws Error(usage) that lists the names.
const AnswerFormat& answer_format(std::string_view name);

}  // namespace avocado::chat
