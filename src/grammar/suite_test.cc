// The official test suite of JSON Schema and a sample of MaskBench: what is valid can be written in
// every usual spacing, what is not valid cannot.
#include <fmt/format.h>
#include <gtest/gtest.h>

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

struct Counts {
  int schemas = 0, refused = 0, instances = 0, too_strict = 0, too_loose = 0;
};

void run_file(const fs::path& path, const SchemaOptions& options, Counts& counts) {
  const std::shared_ptr<const TokenTrie> trie = test::byte_trie();
  for (const Json& group : read_json(path)) {
    ++counts.schemas;
    std::shared_ptr<const Constraint> constraint;
    try {
      constraint = Constraint::from_parsed_schema(group.at("schema"), options);
    } catch (const Error& error) {
      // A schema that nothing satisfies is refused rightly.
      const bool none = std::string(error.what()).find("no value satisfies") != std::string::npos;
      for (const Json& test : group.at("tests"))
        EXPECT_FALSE(none && test.at("valid")) << group.at("schema").dump();
      counts.refused += !none;
      continue;
    }
    for (const Json& test : group.at("tests")) {
      ++counts.instances;
      for (const std::string& text : test::spellings(test.at("data"))) {
        const bool wrote = test::writes(Matcher(constraint, trie), text);
        if (wrote == test.at("valid")) continue;
        ++(wrote ? counts.too_loose : counts.too_strict);
        fmt::print("{} {}: {}: {}: {}\n", path.filename().string(),
                   wrote ? "invalid but accepted" : "valid but not reachable",
                   group.at("description").dump(), test.at("description").dump(),
                   text.substr(0, 200));
        break;
      }
    }
  }
}

TEST(Suite, OfficialTestsOfDraft202012) {
  REQUIRE_TEST_DATA("json-schema-test-suite");
  const fs::path suite = test::data("json-schema-test-suite");
  SchemaOptions options;
  const fs::path remotes = suite / "remotes";
  for (const auto& entry : fs::recursive_directory_iterator(remotes))
    if (entry.path().extension() == ".json")
      options.remotes["http://localhost:1234/" + fs::relative(entry.path(), remotes).string()] =
          read_json(entry.path());
  Counts counts;
  for (const fs::path& path : json_files(suite / "tests/draft2020-12")) {
    // By the standard a format is an annotation; that is what this file holds us to.
    options.assert_formats = path.stem() != "format";
    run_file(path, options, counts);
  }
  fmt::print("{} schemas, {} refused, {} instances, {} valid not reachable, {} invalid accepted\n",
             counts.schemas, counts.refused, counts.instances, counts.too_strict, counts.too_loose);
  EXPECT_GT(counts.instances, 900);
  EXPECT_EQ(counts.too_loose, 0);
  // One number is written with an exponent though its mantissa alone is out of bounds.
  EXPECT_LE(counts.too_strict, 1);

  Counts formats;
  options.assert_formats = true;
  for (const fs::path& path : json_files(suite / "tests/draft2020-12/optional/format")) {
    // Not checked: these are annotations here.
    const std::set<std::string> unknown = {"idn-email", "idn-hostname", "regex",
                                           "ecmascript-regex"};
    if (!unknown.contains(path.stem().string())) run_file(path, options, formats);
  }
  fmt::print("formats: {} schemas, {} instances, {} valid not reachable, {} invalid accepted\n",
             formats.schemas, formats.instances, formats.too_strict, formats.too_loose);
  // Leap seconds in time zones of half hours, and the contents of punycode labels, are not judged.
  EXPECT_LE(formats.too_strict, 6);
  EXPECT_LE(formats.too_loose, 23);
}

TEST(Suite, MaskBenchSample) {
  REQUIRE_TEST_DATA("maskbench-sample");
  const std::shared_ptr<const TokenTrie> trie = test::byte_trie();
  int handled = 0, instances = 0;
  const std::vector<fs::path> files = json_files(test::data("maskbench-sample"));
  for (const fs::path& path : files) {
    const Json file = read_json(path);
    const auto constraint = Constraint::from_json_schema(file.at("schema").dump());
    bool good = true;
    for (const Json& test : file.at("tests")) {
      for (const std::string& text : test::spellings(test.at("data"))) {
        ++instances;
        const bool wrote = test::writes(Matcher(constraint, trie), text);
        EXPECT_EQ(wrote, test.at("valid").get<bool>()) << path << text;
        good &= wrote == test.at("valid");
      }
    }
    handled += good;
  }
  fmt::print("{} of {} schemas handled, {} texts\n", handled, files.size(), instances);
  EXPECT_EQ(handled, static_cast<int>(files.size()));
}

}  // namespace
}  // namespace avocado::grammar
