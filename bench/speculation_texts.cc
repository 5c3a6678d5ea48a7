#include "speculation_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/philox.h"
#include "corpus/corpus.h"

namespace avocado::bench {
namespace {

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Whole lines or sentences from a random place on.
size_t begin_of(const std::string& source, const std::string& end, size_t bytes,
                const Random& random) {
  if (source.size() < 2 * bytes)
    fail_usage("{} bytes of text are too few; give files of at least {}", source.size(), 2 * bytes);
  const size_t at = random.below(0, source.size() - 2 * bytes + 1);
  const size_t found = source.find(end, at);
  return found == std::string::npos || found > at + bytes / 2 ? at : found + end.size();
}

std::vector<std::string_view> names_of(std::string_view code) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < code.size();) {
    size_t n = 0;
    while (i + n < code.size() && in_name(code[i + n])) ++n;
    if (n > 0 && !std::isdigit(static_cast<unsigned char>(code[i])))
      names.push_back(code.substr(i, n));
    i += std::max<size_t>(n, 1);
  }
  return names;
}

// The name of at least four letters that stands most often in the code.
std::string frequent_name(const std::string& code) {
  static const std::vector<std::string_view> kWords = {
      "const", "return", "auto",    "static_cast", "size_t", "void",     "else",     "while",
      "float", "double", "int64_t", "uint64_t",    "char",   "template", "namespace"};
  std::map<std::string_view, int> counts;
  for (const std::string_view name : names_of(code))
    if (name.size() >= 4 && std::find(kWords.begin(), kWords.end(), name) == kWords.end())
      ++counts[name];
  if (counts.empty()) return "value";
  return std::string(std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) {
                       return a.second < b.second;
                     })->first);
}

std::string renamed(const std::string& code, const std::string& name, const std::string& to) {
  std::string out;
  for (size_t i = 0; i < code.size();) {
    const bool whole = code.compare(i, name.size(), name) == 0 &&
                       (i == 0 || !in_name(code[i - 1])) &&
                       (i + name.size() == code.size() || !in_name(code[i + name.size()]));
    out += whole ? to : std::string(1, code[i]);
    i += whole ? name.size() : 1;
  }
  return out;
}

Sample continuation(const std::string& prose, size_t bytes, const Random& random) {
  const size_t begin = begin_of(prose, ". ", bytes, random);
  const size_t end = prose.find(' ', begin + bytes);
  return {prose.substr(begin, end - begin), prose.substr(end, bytes)};
}

Sample editing(const std::string& source, size_t bytes, const Random& random) {
  const size_t begin = begin_of(source, "\n\n", bytes, random);
  const std::string code = source.substr(begin, source.find('\n', begin + bytes) + 1 - begin);
  const std::string name = frequent_name(code), to = "new_" + name;
  std::string answer = renamed(code, name, to);
  const size_t line = answer.find('\n', answer.size() / 3) + 1;
  answer.insert(line, fmt::format("  // {} says which one is meant.\n  check({});\n", to, to));
  return {fmt::format("```cpp\n{}```\nRename {} to {} everywhere, and check it where it is first "
                      "used. Write the whole file.\n```cpp\n",
                      code, name, to),
          answer + "```\n"};
}

Sample summary(const std::string& prose, size_t bytes, const Random& random) {
  const size_t begin = begin_of(prose, ". ", bytes, random);
  const std::string text = prose.substr(begin, prose.find(". ", begin + bytes) + 1 - begin);
  std::vector<std::string> sentences;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(". ", at), text.size() - 1) + 1;
    if (end - at > 30) sentences.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  static const char* kBridges[] = {
      "The text begins by saying this: ",        " Then it comes to its main point: ",
      " As an example it gives the following. ", " What matters most is said here: ",
      " Another remark deserves to be kept: ",   " At its end we read: "};
  std::string answer;
  constexpr size_t kQuotes = std::size(kBridges);
  for (size_t i = 0; i < kQuotes && !sentences.empty(); ++i)
    answer += kBridges[i] + ('"' + sentences[i * sentences.size() / kQuotes] + '"');
  return {text + "\n\nSum this up in quotations.\n\n", answer + "\n"};
}

}  // namespace

std::string made_prose(uint64_t seed, size_t bytes) {
  std::string text;
  for (uint64_t i = 0; text.size() < bytes; ++i) {
    const corpus::Item item =
        corpus::make_item("story", corpus::Language::english, corpus::Split::held_out, i, seed);
    text += item.question + "\n" + item.answer + "\n\n";
  }
  return text;
}

std::string made_code(uint64_t seed, size_t bytes) {
  static const char* kThings[] = {"order", "parcel", "ticket", "letter", "ship", "student"};
  static const char* kFields[] = {"price",  "weight",   "number", "length",
                                  "height", "distance", "count",  "speed"};
  static const char* kVerbs[] = {"sum", "largest", "smallest", "mean"};
  const Random random(seed, Purpose::test);
  uint64_t draw = 0;
  const auto one = [&](const auto& words) { return words[random.below(draw++, std::size(words))]; };
  std::string text;
  while (text.size() < bytes) {
    const char *thing = one(kThings), *field = one(kFields), *verb = one(kVerbs);
    const uint64_t first = random.below(draw++, 10), least = random.below(draw++, 100);
    text += fmt::format(
        "// The {0} of the {2}s of all {1}s; those without one are left out.\n"
        "double {0}_{2}_of_{1}s(const std::vector<{1}>& {1}s) {{\n"
        "  double {0} = {3};\n"
        "  int used = 0;\n"
        "  for (const {1}& each : {1}s) {{\n"
        "    if (!each.has_{2}()) continue;\n"
        "    if (each.{2}() < {4})\n"
        "      throw std::runtime_error(\"{1} \" + each.name() + \": {2} is below {4}\");\n"
        "    {0} = {0}_of({0}, each.{2}());\n"
        "    ++used;\n"
        "  }}\n"
        "  return used == 0 ? 0 : {0};\n"
        "}}\n\n",
        verb, thing, field, first, least);
  }
  return text;
}

Sample make_sample(const std::string& kind, const std::string& source, size_t bytes,
                   uint64_t seed) {
  const Random random(seed, Purpose::test);
  if (kind == kKinds[0]) return continuation(source, bytes, random);
  if (kind == kKinds[1]) return editing(source, bytes, random);
  return summary(source, bytes, random);
}

}  // namespace avocado::bench
