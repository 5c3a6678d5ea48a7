// The official test suite of JSON Schema and a sample of MaskBench, token by token through the
// masks of Llama 3's vocabulary: what is valid can be written in every usual spacing, what is not
// valid cannot. Prints a table of what is handled and what is refused, by keyword.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "grammar/matcher.h"
#include "grammar/test_grammar.h"
#include "test_data.h"

namespace avocado::grammar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json read_json(const fs::path& path) { return Json::parse(std::ifstream(path)); }

std::vector<fs::path> json_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

const Tokenizer& llama() {
  static const auto tokenizer = Tokenizer::from_gguf(
      GgufFile::open(test::data("tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf").string()));
  return *tokenizer;
}

const std::shared_ptr<const TokenTrie>& llama_trie() {
  static const auto trie = std::make_shared<const TokenTrie>(llama());
  return trie;
}

size_t masks = 0;

bool has(const std::vector<uint32_t>& bits, int32_t id) {
  return bits[static_cast<size_t>(id) / 32] >> id % 32 & 1;
}

// Whether masks let every token of the text through, and then its end.
bool writes(Matcher matcher, const std::string& text) {
  std::vector<uint32_t> bits(llama_trie()->mask_words());
  for (const int32_t id : llama().encode(text)) {
    matcher.mask(bits);
    ++masks;
    const bool allowed = has(bits, id);
    EXPECT_EQ(matcher.accept(id), allowed) << text;
    if (!allowed) return false;
  }
  matcher.mask(bits);
  EXPECT_EQ(has(bits, llama_trie()->ends()[0]), matcher.complete());
  return matcher.complete();
}

// The keyword that a message about a schema names, or the message.
std::string keyword_of(const std::string& message) {
  const size_t begin = message.find(": ") + 2, end = message.find(" at ");
  return end == message.npos ? message.substr(0, 60) : message.substr(begin, end - begin);
}

struct Counts {
  int files = 0, schemas = 0, handled = 0, refused = 0;
  int valid = 0, reached = 0, invalid = 0, accepted = 0;  // instances, each in every spelling
  std::map<std::string, int> refused_for = {};

  int not_reached() const { return valid - reached; }
  void print(const char* name) const {
    fmt::print(
        "{:<9} {:4} files {:4} schemas {:4} handled {:3} refused | {:4} valid, {:4} reachable | "
        "{:4} invalid, {:2} accepted\n",
        name, files, schemas, handled, refused, valid, reached, invalid, accepted);
    for (const auto& [keyword, count] : refused_for)
      fmt::print("          refused for {}: {}\n", keyword, count);
  }
};

void run_schema(const std::string& name, const Json& group, const SchemaOptions& options,
                Counts& counts) {
  ++counts.schemas;
  std::shared_ptr<const Constraint> constraint;
  try {
    constraint = Constraint::from_parsed_schema(group.at("schema"), options);
  } catch (const Error& error) {
    // A schema that nothing satisfies is refused rightly.
    const bool none = std::string(error.what()).find("no value satisfies") != std::string::npos;
    for (const Json& test : group.at("tests"))
      EXPECT_FALSE(none && test.at("valid")) << group.at("schema").dump();
    ++(none ? counts.handled : counts.refused);
    if (none) return;
    ++counts.refused_for[keyword_of(error.what())];
    fmt::print("{} refused: {}\n", name, error.what());
    return;
  }
  bool good = true;
  for (const Json& test : group.at("tests")) {
    const bool valid = test.at("valid");
    SCOPED_TRACE(name + ": " + group.at("schema").dump());
    int wrote = 0;
    const std::vector<std::string> texts = test::spellings(test.at("data"));
    for (const std::string& text : texts) {
      const bool can = writes(Matcher(constraint, llama_trie()), text);
      wrote += can;
      if (can == valid) continue;
      good = false;
      fmt::print(
          "{} {}: {}: {}: {}\n", name, can ? "invalid but accepted" : "valid but not reachable",
          group.value("description", ""), test.value("description", ""), text.substr(0, 200));
      break;
    }
    ++(valid ? counts.valid : counts.invalid);
    if (valid) counts.reached += wrote == static_cast<int>(texts.size());
    if (!valid) counts.accepted += wrote > 0;
  }
  counts.handled += good;
}

void run_file(const fs::path& path, const SchemaOptions& options, Counts& counts) {
  ++counts.files;
  for (const Json& group : read_json(path))
    run_schema(path.filename().string(), group, options, counts);
}

TEST(Suite, OfficialTestsOfDraft202012) {
  REQUIRE_TEST_DATA("json-schema-test-suite");
  const auto start = std::chrono::steady_clock::now();
  const fs::path suite = test::data("json-schema-test-suite");
  SchemaOptions options;
  const fs::path remotes = suite / "remotes";
  for (const auto& entry : fs::recursive_directory_iterator(remotes))
    if (entry.path().extension() == ".json")
      options.remotes["http://localhost:1234/" + fs::relative(entry.path(), remotes).string()] =
          read_json(entry.path());
  const fs::path tests = suite / "tests/draft2020-12";
  Counts required, optional, formats;
  for (const fs::path& path : json_files(tests)) {
    // By the standard a format is an annotation; that is what this file holds us to.
    options.assert_formats = path.stem() != "format";
    run_file(path, options, required);
  }
  options.assert_formats = true;
  for (const fs::path& path : json_files(tests / "optional")) run_file(path, options, optional);
  for (const fs::path& path : json_files(tests / "optional/format"))
    run_file(path, options, formats);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  required.print("required");
  optional.print("optional");
  formats.print("formats");
  fmt::print("{} masks, {:.1f} s\n", masks, time.count());
  EXPECT_GT(required.valid + required.invalid, 1200);
  EXPECT_EQ(required.accepted, 0);
  EXPECT_EQ(required.not_reached(), 0);
  EXPECT_EQ(optional.accepted, 0);
  EXPECT_EQ(formats.accepted, 0);
}

TEST(Suite, MaskBenchSample) {
  REQUIRE_TEST_DATA("maskbench-sample");
  Counts counts;
  for (const fs::path& path : json_files(test::data("maskbench-sample"))) {
    ++counts.files;
    run_schema(path.filename().string(), read_json(path), {}, counts);
  }
  counts.print("MaskBench");
  EXPECT_EQ(counts.handled, counts.files);
  EXPECT_EQ(counts.reached, counts.valid);
  EXPECT_EQ(counts.accepted, 0);
}

// The masks of Llama 3's vocabulary are what accepting each of its tokens would say.
TEST(Suite, MasksOfALargeVocabularySayWhatAcceptDoes) {
  REQUIRE_TEST_DATA("tokenizers");
  const std::pair<std::shared_ptr<const Constraint>, const char*> cases[] = {
      {Constraint::from_gbnf(R"gbnf(root ::= "[" (text ("," text)*)? "]"
text ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" ["\\bfnrt])* "\"")gbnf"),
       "[\"some text\\n"},
      {Constraint::from_gbnf("root ::= [a-z]{3,9} (\" \" [^\\n]{0,20} \"\\n\")*"), "abcde"},
      {Constraint::from_regex("(\\w+[ .,])*(日本|[à-ü]{2})?[^\\u2028]*"), "ab "},
      {Constraint::from_json_schema(R"({"items":{"type":"string","pattern":"^[A-Z].{3,30}$"}})"),
       "[\"The "},
      {Constraint::from_json_schema(R"({"properties":{"a":true,"b":{"maxLength":9}},
           "unevaluatedProperties":false})"),
       "{\"b\":\"x"}};
  std::vector<uint32_t> bits(llama_trie()->mask_words());
  for (const auto& [constraint, text] : cases) {
    Matcher matcher(constraint, llama_trie());
    for (const char* at = text;; ++at) {
      matcher.mask(bits);
      for (int32_t id = 0; id < llama_trie()->vocab_size(); ++id) {
        const bool accepted = matcher.accept(id);
        ASSERT_EQ(accepted, has(bits, id)) << text << " " << at << " " << llama().token_bytes(id);
        if (accepted) matcher.rewind(1);
      }
      if (*at == '\0') break;
      ASSERT_TRUE(matcher.accept_bytes({at, 1})) << text << " " << at;
    }
  }
}

}  // namespace
}  // namespace avocado::grammar
