#pragma once
// What grammar_bench measures besides schemas: grammars, patterns and lists, each with texts that
// it allows.

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "grammar/matcher.h"

namespace avocado {

struct GrammarCase {
  std::string name;
  std::function<std::shared_ptr<const grammar::Constraint>()> make;
  std::vector<std::string> texts;  // empty: the valid JSON texts of the sample
};

inline const char* kJsonGrammar = R"gbnf(
# any JSON object
root    ::= object
value   ::= object | array | string | number | ("true" | "false" | "null") ws
object  ::= "{" ws (member ("," ws member)*)? "}" ws
member  ::= string ":" ws value
array   ::= "[" ws (value ("," ws value)*)? "]" ws
string  ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number  ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,3})? ws
ws      ::= | " " | "\n" [ \t]{0,20}
)gbnf";

inline const char* kCGrammar = R"gbnf(
root       ::= function+
function   ::= type " " name "(" (type " " name (", " type " " name)*)? ") " block
type       ::= "int" | "float" | "char" | "void"
block      ::= "{" nl (statement nl)* "}"
statement  ::= type " " name (" = " sum)? ";" | "return" (" " sum)? ";" | loop | branch
             | comment | name (" = " sum | call) ";"
loop       ::= "while (" condition ") " (block | statement)
branch     ::= "if (" condition ") " block (" else " block)?
condition  ::= sum (" " ("<" | ">" | "==" | "!=" | "<=" | ">=") " " sum)?
sum        ::= product (" " [-+] " " product)*
product    ::= factor (" " [*/%] " " factor)*
factor     ::= number | text | name call? | "-" factor | "(" sum ")"
call       ::= "(" (sum (", " sum)*)? ")"
name       ::= [a-zA-Z_] [a-zA-Z_0-9]*
number     ::= [0-9]+ ("." [0-9]+)?
text       ::= "\"" ([^"\\\n] | "\\" [nt"\\])* "\""
comment    ::= "// " [^\n]*
nl         ::= "\n" " "*
)gbnf";

inline const char* kListGrammar = R"gbnf(
root ::= item+
item ::= "- " [^\n\r\x0b\x0c\x85\u2028\u2029]+ "\n"
)gbnf";

inline const std::vector<std::string> kCTexts = {
    R"(int greatest_common_divisor(int first, int second) {
    // the remainder of one by the other, until nothing is left
    while (second != 0) {
        int remainder = first % second;
        first = second;
        second = remainder;
    }
    return first;
}void main() {
    char banner = "counting: \"one\", two, three\n";
    float total = 0.5 * (greatest_common_divisor(1071, 462) + offset) - 3;
    if (total > 10) {
        print(banner, total);
    } else {
        print("nothing to see here", -total);
    }
})"};

inline const std::vector<std::string> kListTexts = {
    "- two large eggs and a cup of flour\n- 250 g sugar, “fine” if you can get it\n- café au lait\n"
    "- 牛乳を200ml\n- x = 3 * (4 + y[\"key\"]) \\ 2\n"};

inline std::vector<GrammarCase> grammar_cases() {
  using grammar::Constraint;
  std::vector<GrammarCase> cases;
  const auto gbnf = [&](const char* name, const char* text, std::vector<std::string> texts) {
    cases.push_back({name, [text] { return Constraint::from_gbnf(text); }, std::move(texts)});
  };
  gbnf("GBNF: JSON", kJsonGrammar, {});
  gbnf("GBNF: C-like", kCGrammar, kCTexts);
  gbnf("GBNF: list", kListGrammar, kListTexts);
  const auto regex = [&](const char* name, const char* pattern, std::vector<std::string> texts) {
    cases.push_back({fmt::format("regex: {}", name),
                     [pattern] { return Constraint::from_regex(pattern); }, std::move(texts)});
  };
  regex("date", "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])", {"2026-11-22"});
  regex("e-mail", "[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+", {"jane.doe+list@mail.example.org"});
  regex("URL", "https?://[\\w.-]+(:\\d+)?(/[^\\s?#]*)?(\\?[^\\s#]*)?(#\\S*)?",
        {"https://www.example.org:8080/a/long/path/to/page.html?query=some+words&n=12#part-3"});
  regex("digits", "[0-9]+", {"31415926535897932384626433832795"});
  regex("words", "[A-Za-z]+( [A-Za-z]+)*[.!?]",
        {"The quick brown fox jumps over the lazy dog and runs away into the woods."});
  regex("free text", ".*",
        {"Anything at all, as long as it is one line: 100 % “free”, 日本語 too."});
  regex("at most 200", ".{1,200}",
        {"Anything at all, but no more than two hundred characters of it, which is a paragraph."});
  regex("code fence", "```python\\n([^`]|`[^`]|``[^`])*\\n```\\n",
        {"```python\ndef double(x):\n    \"\"\"Twice as much.\"\"\"\n    return 2 * x  # or x + "
         "x\n```"
         "\n"});
  regex("identifiers", "[a-z_][a-z0-9_]{0,30}(, [a-z_][a-z0-9_]{0,30})*",
        {"first_name, last_name, address_line_1, postal_code, country"});
  regex("Japanese", "[\\u3040-\\u30ff\\u4e00-\\u9fff、。ー]+",
        {"これは日本語の文章です。短い文をいくつか書きます。"});
  for (const size_t count : {10u, 1000u}) {
    std::vector<std::string> list;
    for (size_t i = 0; i < count; ++i)
      list.push_back(fmt::format("{} {} number {}", i % 3 ? "Option" : "Choice",
                                 i % 7 ? "with words" : "short", i * 7919 % 10007));
    cases.push_back({fmt::format("choices: {}", count),
                     [list] { return Constraint::from_choices(list); },
                     {list[0], list[count / 2], list[count - 1]}});
  }
  return cases;
}

}  // namespace avocado
