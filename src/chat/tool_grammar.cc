#include "chat/tool_grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "chat/marks.h"

namespace avocado::chat {
namespace {

using Json = nlohmann::ordered_json;

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += byte;
    } else if (byte >= 0xc0) {
      out += byte & (byte < 0xe0 ? 0x1f : byte < 0xf0 ? 0x0f : 0x07);
    } else {
      out.back() = out.back() << 6 | (byte & 0x3f);
    }
  }
  return out;
}

std::string in_class(char32_t c) {
  if (c == '\n') return "\\n";
  if (c >= 0x80) return fmt::format("\\u{:04X}", static_cast<uint32_t>(c));
  return std::string(c == ']' || c == '[' || c == '^' || c == '-' || c == '\\' ? "\\" : "") +
         static_cast<char>(c);
}

bool is_required(const Tool& tool, const std::string& parameter) {
  const auto found = tool.parameters.find("required");
  return found != tool.parameters.end() && found->is_array() &&
         std::find(found->begin(), found->end(), parameter) != found->end();
}

// The parameters of a tool, required ones first.
std::vector<std::pair<std::string, Json>> parameters_of(const Tool& tool) {
  std::vector<std::pair<std::string, Json>> out;
  const auto found = tool.parameters.find("properties");
  if (found == tool.parameters.end() || !found->is_object()) return out;
  for (const bool required : {true, false}) {
    for (const auto& [name, schema] : found->items()) {
      if (is_required(tool, name) == required) out.emplace_back(name, schema);
    }
  }
  return out;
}

class Writer {
 public:
  Writer(const std::vector<const Tool*>& tools, bool several, const Tokenizer* tokenizer)
      : tools_(tools), several_(several), tokenizer_(tokenizer) {}

  ToolGrammar write(const CallSyntax& syntax) {
    const std::string root =
        std::visit([this](const auto& calls) { return rule_of(calls); }, syntax);
    ToolGrammar grammar;
    grammar.gbnf = fmt::format("root ::= {}\nws ::= [ \\n\\t]{{0,20}}\n{}", root, rules_);
    grammar.holes = std::move(holes_);
    grammar.triggers = std::move(triggers_);
    return grammar;
  }

 private:
  // Text as it is, and marks, which the vocabulary may have tokens for.
  static std::string literal(std::string_view text) { return mark_gbnf(nullptr, text); }
  std::string mark(std::string_view text) const { return mark_gbnf(tokenizer_, text); }
  void trigger(std::string_view text) {
    if (!text.empty()) triggers_.emplace_back(text);
  }
  std::string hole(const std::string& name, const Json& schema) {
    holes_.push_back({name, schema});
    return name + " ";
  }
  std::string arguments(size_t tool) {
    Json schema = tools_[tool]->parameters;
    schema["type"] = "object";
    return hole(fmt::format("arguments-{}", tool), schema);
  }
  void rule(const std::string& name, const std::string& body) {
    rules_ += name + " ::= " + body + "\n";
  }
  // One alternative per tool.
  template <class Body>
  void call_rule(Body body) {
    std::string any;
    for (size_t i = 0; i < tools_.size(); ++i) {
      rule(fmt::format("call-{}", i), body(i));
      any += fmt::format("{}call-{}", i == 0 ? "" : " | ", i);
    }
    rule("call", any);
  }
  std::string more(const std::string& text) const {
    return several_ ? fmt::format("({})* ", text) : "";
  }

  std::string rule_of(const std::monostate&) { return "call"; }

  std::string rule_of(const JsonCalls& json) {
    call_rule([&](size_t i) {
      const auto member = [](std::string_view key) {
        return literal(fmt::format("\"{}\":", key)) + "ws ";
      };
      return literal("{") + "ws " + member(json.name_key) + literal(Json(tools_[i]->name).dump()) +
             "ws " + literal(",") + "ws " + member(json.arguments_key) + arguments(i) + "ws " +
             literal("}");
    });
    std::string list = fmt::format("\"[\" ws call {}ws \"]\" ", more("ws \",\" ws call "));
    if (json.bare) {
      // Only Llama, which has a token for its calls, separates objects without brackets.
      const bool bracketed = json.wrappers[0].close.empty() == false;
      return !bracketed ? fmt::format("call {}", more("\";\" ws call "))
             : several_ ? fmt::format("call | {}", list)
                        : "call";
    }
    const JsonCalls::Wrapper& wrapper = json.wrappers[0];
    trigger(wrapper.open);
    std::string head = mark(wrapper.open) + "ws ";
    if (!wrapper.fence.empty()) head += mark(wrapper.fence) + "ws ";
    const std::string tail = fmt::format("ws {}", mark(wrapper.close));
    if (json.list) return head + list + tail;
    if (json.in_one) return head + "call " + more("ws call ") + tail;
    return head + "call " + tail + more(fmt::format("ws {}call {}", head, tail));
  }

  std::string rule_of(const NamedCalls& named) {
    call_rule([&](size_t i) {
      std::string text = literal(std::string(named.prefix) + tools_[i]->name);
      if (named.numbered) text += "\":\" [0-9]{1,6} ";
      if (named.name_ends.starts_with('\n')) text += literal("\n");
      if (!named.id_mark.empty())
        text += fmt::format("({}[a-zA-Z0-9]{{9}})? ", mark(named.id_mark));
      text += mark(named.after_name) + "ws " + arguments(i);
      for (const std::string_view end : named.after_arguments) {
        if (!end.empty()) text += fmt::format("ws {}", mark(end));
      }
      return text;
    });
    trigger(named.section.empty() && !named.at_start ? named.begin : named.section);
    const std::string begin = mark(named.begin) + mark(named.before_name);
    const std::string first = (named.at_start ? "" : begin) + "call ";
    std::string all = first + more(fmt::format("ws {}call ", begin));
    if (named.section.empty()) return all;
    return mark(named.section) + "ws " + all + "ws " + mark(named.section_end);
  }

  // Text up to a mark and the mark itself, behind `line`: where all of it is text, the automaton of
  // Knuth, Morris and Pratt as rules.
  std::string text_until(std::string_view line, std::string_view after_value) {
    if (std::exchange(text_written_, true)) return "text-0 ";
    const std::string end = std::string(line) + std::string(after_value);
    if (mark(end) != literal(end)) {
      rule("text-0", ".* " + literal(line) + mark(after_value));
      return "text-0 ";
    }
    const std::u32string pattern = code_points(end);
    const std::set<char32_t> letters(pattern.begin(), pattern.end());
    for (size_t state = 0; state < pattern.size(); ++state) {
      std::string onward, body;  // letters that lead on; all others lead back to the beginning
      for (const char32_t letter : letters) {
        std::u32string seen = pattern.substr(0, state) + letter;
        while (!pattern.starts_with(seen)) seen.erase(0, 1);
        if (seen.empty()) continue;
        onward += in_class(letter);
        body += fmt::format("[{}] ", in_class(letter));
        if (seen.size() < pattern.size()) body += fmt::format("text-{} ", seen.size());
        body += "| ";
      }
      rule(fmt::format("text-{}", state), body + fmt::format("[^{}] text-0", onward));
    }
    return "text-0 ";
  }

  std::string rule_of(const TaggedCalls& tagged) {
    const std::string_view line = tagged.own_lines ? "\n" : "";
    const std::string end_of_value = literal(line) + mark(tagged.after_value);
    call_rule([&](size_t i) {
      std::string text = literal(tools_[i]->name) + mark(tagged.after_name);
      // Where no mark ends the name, only a line break may follow.
      text += tagged.after_name.empty() ? "\"\\n\"? " : "ws ";
      size_t number = 0;
      for (const auto& [name, schema] : parameters_of(*tools_[i])) {
        const uint32_t types = allowed_types(schema);
        const bool as_text = types == 0 || (types & kString);
        std::string value = mark(tagged.parameter) + literal(name);
        if (as_text || tagged.before_json.empty()) {
          for (const std::string_view before : tagged.before_value)
            value += before.empty() || before == tagged.before_value[0]
                         ? mark(before)
                         : fmt::format("ws {}", mark(before));
        } else {
          value += mark(tagged.before_json);
        }
        value += literal(line);
        const auto choices = schema.is_object() ? schema.find("enum") : schema.end();
        if (as_text && choices != schema.end() && choices->is_array()) {
          std::string any;
          for (const Json& choice : *choices)
            any += (any.empty() ? "" : "| ") +
                   literal(choice.is_string() ? choice.get<std::string>() : choice.dump());
          value += fmt::format("({}) {}", any, end_of_value);
        } else if (as_text) {
          value += text_until(line, tagged.after_value);
        } else {
          value += hole(fmt::format("value-{}-{}", i, number), schema) + end_of_value;
        }
        const std::string parameter = fmt::format("parameter-{}-{}", i, number++);
        rule(parameter, value + "ws");
        text += parameter + (is_required(*tools_[i], name) ? " " : "? ");
      }
      return text + mark(tagged.end);
    });
    trigger(tagged.section);
    const std::string head = mark(tagged.section) + "ws " + mark(tagged.begin);
    const std::string tail =
        fmt::format("{}{}", tagged.begin.empty() ? "" : "ws ", mark(tagged.section_end));
    if (tagged.one_each)
      return head + "call " + tail + more(fmt::format("ws {}call {}", head, tail));
    return head + "call " + more(fmt::format("ws {}call ", mark(tagged.begin))) + tail;
  }

  std::string rule_of(const PythonCalls& python) {
    call_rule([&](size_t i) {
      std::vector<std::string> required, optional;
      size_t number = 0;
      for (const auto& [name, schema] : parameters_of(*tools_[i])) {
        auto& list = is_required(*tools_[i], name) ? required : optional;
        list.push_back(literal(name + "=") + hole(fmt::format("value-{}-{}", i, number++), schema));
      }
      std::string text;
      for (const std::string& one : required) text += (text.empty() ? "" : "\", \" ") + one;
      // Without a required one, any optional one may be the first, which has no comma.
      const size_t firsts = required.empty() ? optional.size() : 1;
      std::string any;
      for (size_t first = 0; first < firsts; ++first) {
        std::string tail = required.empty() ? optional[first] : "";
        for (size_t k = required.empty() ? first + 1 : 0; k < optional.size(); ++k)
          tail += fmt::format("(\", \" {})? ", optional[k]);
        any += (any.empty() ? "" : "| ") + tail;
      }
      if (!any.empty()) text += required.empty() ? fmt::format("({})? ", any) : any;
      return literal(tools_[i]->name + "(") + text + literal(")");
    });
    std::string list = fmt::format("\"[\" call {}\"]\" ", more("\", \" call "));
    if (python.bare) return list;
    trigger(python.open);
    return mark(python.open) + list + mark(python.close);
  }

  std::string rule_of(const HarmonyCalls&) {
    call_rule([&](size_t i) {
      return literal(tools_[i]->name + " ") + mark("<|constrain|>") + literal("json") +
             mark("<|message|>") + arguments(i) + mark("<|call|>");
    });
    trigger("<|channel|>commentary to=functions.");
    return mark("<|channel|>") + literal("commentary to=functions.") + "call";
  }

  const std::vector<const Tool*>& tools_;
  const bool several_;
  const Tokenizer* tokenizer_;
  std::string rules_;
  bool text_written_ = false;
  std::vector<ToolGrammar::Hole> holes_;
  std::vector<std::string> triggers_;
};

}  // namespace

ToolGrammar tool_grammar(const AnswerFormat& format, const std::vector<Tool>& tools,
                         const ToolChoice& choice, const Tokenizer* tokenizer) {
  std::vector<const Tool*> chosen;
  for (const Tool& tool : tools) {
    if (choice.name.empty() || choice.name == tool.name) chosen.push_back(&tool);
  }
  if (chosen.empty()) {
    if (tools.empty()) fail_usage("tool_choice: a call is required, but there are no tools");
    fail_usage("tool_choice: there is no tool \"{}\"", choice.name);
  }
  return Writer(chosen, choice.several, tokenizer).write(format.calls);
}

}  // namespace avocado::chat
