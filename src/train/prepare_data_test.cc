#include "train/prepare_data.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/philox.h"
#include "chat/own_template.h"
#include "expect_error.h"
#include "files/atomic_file.h"
#include "temp_folder.h"
#include "text/bpe_trainer.h"
#include "train/documents.h"
#include "train/preference.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int64_t kRowTokens = 64;

std::string words(uint64_t seed, uint64_t count) {
  static constexpr std::array kWords = {"ripe", "green", "avocado", "tree", "grows", "hill"};
  const Random random(seed, Purpose::test);
  std::string text;
  for (uint64_t i = 0; i < count; ++i) text += std::string(kWords[random.below(i, 6)]) + " ";
  return text + std::to_string(seed);
}

class PrepareData : public testing::Test {
 protected:
  PrepareData() {
    BpeTrainerOptions options;
    options.vocab_size = 320;
    options.special_tokens = kOwnSpecialTokens;
    options.bos = kOwnSpecialTokens[0];
    options.eos = kOwnSpecialTokens[1];
    tokenizer_ = train_bpe({words(1, 100)}, options);
    chat_.emplace(kOwnTemplate, *tokenizer_, "test");
    recipe_.folder = folder_.path().string();
  }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.file(name), std::ios::binary) << bytes;
  }
  void write_texts(const std::string& name, uint64_t first, uint64_t count) {
    std::string text;
    for (uint64_t i = first; i < first + count; ++i)
      text += Json{{"text", words(i, 3 + i % 9)}}.dump() + "\n";
    write(name, text);
  }
  void write_compressed(const std::string& name) {
    const std::string text = read_text_file(folder_.file(name));
    std::string zst(ZSTD_compressBound(text.size()), '\0');
    zst.resize(ZSTD_compress(zst.data(), zst.size(), text.data(), text.size(), 3));
    write(name + ".zst", zst);
    const gzFile file = gzopen(folder_.file(name + ".gz").c_str(), "wb");
    ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    gzclose(file);
  }
  PreparedData prepare(const DataObserver& observer = {}, int threads = 2) {
    ThreadPool pool(threads);
    const TextEncoder encoder(*tokenizer_, &*chat_, std::string(kOwnTemplate));
    return prepare_data(recipe_, encoder, kRowTokens, tokenizer_->vocab_size(), folder_.file("run"),
                        cache_, pool, observer);
  }
  // How often each text is in the rows.
  std::map<std::string, int> texts(const Dataset& data) const {
    std::map<std::string, int> counts;
    for (int64_t s = 0; s < data.last_sequence(data.rows() - 1); ++s) {
      std::vector<int32_t> ids;
      for (const uint32_t word : data.sequence(s))
        ids.push_back(static_cast<int32_t>(word & ~Dataset::kLearn));
      ++counts[tokenizer_->decode(ids)];
    }
    return counts;
  }

  test::TempFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<ChatTemplate> chat_;
  Recipe recipe_;
  TokenCache cache_;
};

TEST_F(PrepareData, GivesTheRowsOfPackingInMemory) {
  std::string lines;
  std::vector<Document> documents;
  const auto expect = [&](const SourceDocument& document) {
    for (Document& d : encode_document(document, *tokenizer_, &*chat_, "test"))
      documents.push_back(std::move(d));
  };
  for (uint64_t i = 0; i < 3000; ++i) {
    const std::string a = words(2 * i, 2 + i % 40), b = words(2 * i + 1, 2 + i % 15);
    if (i % 3 == 0) {
      lines += Json{{"text", a}}.dump() + "\n";
      expect({{"text", a}});
    } else if (i % 3 == 1) {
      lines += Json{{"prompt", a}, {"completion", b}}.dump() + "\n";
      expect({{"prompt", a}, {"completion", b}});
    } else {
      lines += Json{{"instruction", a}, {"output", b}}.dump() + "\n";
      expect({{"user", a}, {"assistant", b}});
    }
  }
  write("a.jsonl", lines);
  write_compressed("a.jsonl");
  write("b.txt", words(7, 5000));
  expect({{"text", words(7, 5000)}});
  const Dataset packed = Dataset::pack(documents, kRowTokens, tokenizer_->vocab_size());
  for (const char* name : {"a.jsonl", "a.jsonl.gz", "a.jsonl.zst"})
    for (const int threads : {1, 3}) {
      recipe_.data.train = {{.path = name}, {.path = "b.txt"}};
      const PreparedData prepared = prepare({}, threads);
      EXPECT_EQ(prepared.train.digest(), packed.digest()) << name;
      EXPECT_FALSE(prepared.eval);
      EXPECT_EQ(prepared.report.train.documents, 3001);
      EXPECT_EQ(prepared.report.sources[0].lines.documents, 3000);
      EXPECT_GT(prepared.report.sources[1].long_documents, 0);
    }
}

TEST_F(PrepareData, WeightsAreExact) {
  write_texts("a.jsonl", 0, 400);
  write_texts("b.jsonl", 400, 400);
  recipe_.data.train = {{.path = "a.jsonl", .weight = 2.5}, {.path = "b.jsonl", .weight = 0.25}};
  const PreparedData prepared = prepare();
  std::map<std::string, int> expected;
  int64_t total = 0;
  for (uint64_t i = 0; i < 800; ++i) {
    const std::string text = words(i, 3 + i % 9);
    const uint64_t hash = document_hashes({{"text", text}}).copies;
    const int times = i < 400 ? 2 + (hash < uint64_t{1} << 63) : (hash < uint64_t{1} << 62);
    if (times > 0) expected[text] = times;
    total += times;
  }
  EXPECT_EQ(texts(prepared.train), expected);
  EXPECT_EQ(prepared.report.train.documents, total);
  EXPECT_NEAR(static_cast<double>(total), 400 * 2.5 + 400 * 0.25, 80);
}

TEST_F(PrepareData, EqualDocumentsAreOnOneSideOfTheSplit) {
  write_texts("a.jsonl", 0, 500);
  write_texts("b.jsonl", 250, 500);
  recipe_.data.train = {{.path = "a.jsonl", .weight = 2}, {.path = "b.jsonl"}};
  recipe_.data.eval_share = 0.2;
  const PreparedData prepared = prepare();
  const auto trained = texts(prepared.train), held_out = texts(*prepared.eval);
  EXPECT_EQ(trained.size() + held_out.size(), 750u);
  for (const auto& [text, count] : held_out) EXPECT_EQ(trained.count(text), 0u) << text;
  EXPECT_NEAR(static_cast<double>(held_out.size()), 150, 50);
  // Seen once per file, whatever the weight.
  EXPECT_EQ(prepared.report.eval->documents,
            prepared.report.sources[0].held_out + prepared.report.sources[1].held_out);
  recipe_.data.eval_share = 1e-9;
  EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input, "takes none of");
}

TEST_F(PrepareData, BadLinesAreLeftOutAndNamed) {
  const std::string long_line(kLongestLine + 10, 'x');
  write("a.jsonl",
        "{\"text\": \"fine\"}\nno\n{\"text\": 3}\n{\"text\": \"\xff\"}\n{\"text\": \"\"}\n" +
            long_line +
            "\n{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}]}\n"
            "{\"text\": \"fine too\"}\n");
  recipe_.data.train = {{.path = "a.jsonl"}};
  const PreparedData prepared = prepare();
  EXPECT_EQ(texts(prepared.train).size(), 2u);
  const Json json = Json::parse(data_report_to_json(prepared.report).dump());
  const Json& source = json["sources"][0];
  EXPECT_EQ(source["lines"], 8);
  EXPECT_EQ(source["documents"], 2);
  const std::map<std::string, int> expected = {{"json", 2},  {"fields", 3},    {"utf8", 4},
                                               {"empty", 5}, {"long_line", 6}, {"unlearned", 7}};
  EXPECT_EQ(source["dropped"].size(), expected.size());
  for (const auto& [kind, line] : expected) {
    EXPECT_EQ(source["dropped"][kind]["count"], 1) << kind;
    EXPECT_EQ(source["dropped"][kind]["first"][0]["line"], line) << kind;
  }
  std::string text;
  for (const std::string& line : data_report_lines(prepared.report)) text += line + "\n";
  EXPECT_NE(text.find("a.jsonl: 2 documents"), std::string::npos) << text;
  EXPECT_NE(text.find("1 left out: not JSON"), std::string::npos) << text;
  EXPECT_NE(text.find("a.jsonl:3: \"text\" must be a string"), std::string::npos) << text;

  recipe_.data.refuse_bad_lines = true;
  EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input, "a.jsonl:2: ");
  recipe_.data.refuse_bad_lines = false;
  write("b.jsonl", "no\n");
  recipe_.data.train.push_back({.path = "b.jsonl"});
  EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input, "b.jsonl: none of its 1 lines can be used");
  write("b.jsonl", "\n");
  EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input, "b.jsonl: is empty");
}

TEST_F(PrepareData, TheFirstTenOfManyAreNamed) {
  std::string text = "{\"text\": \"fine\"}\n";
  for (int i = 0; i < 30000; ++i) text += "not JSON, and long enough for several blocks\n";
  write("a.jsonl", text);
  recipe_.data.train = {{.path = "a.jsonl"}};
  const PreparedData prepared = prepare();
  const auto& problem =
      prepared.report.sources[0].lines.problems[static_cast<size_t>(LineProblem::json)];
  EXPECT_EQ(problem.count, 30000);
  ASSERT_EQ(problem.first.size(), 10u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(problem.first[i].line, static_cast<int64_t>(i) + 2);
}

TEST_F(PrepareData, ACutOffFileIsRefused) {
  write_texts("a.jsonl", 0, 2000);
  write_compressed("a.jsonl");
  for (const char* name : {"a.jsonl.gz", "a.jsonl.zst"}) {
    fs::resize_file(folder_.file(name), fs::file_size(folder_.file(name)) / 2);
    recipe_.data.train = {{.path = name}};
    EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input,
                         std::string(name) + ": ends in the middle of its");
  }
}

TEST_F(PrepareData, LongDocumentsAreDroppedWhenAsked) {
  write("a.jsonl",
        Json{{"text", words(1, 10)}}.dump() + "\n" + Json{{"text", words(2, 500)}}.dump());
  recipe_.data.train = {{.path = "a.jsonl", .weight = 3}};
  EXPECT_EQ(prepare().report.sources[0].long_documents, 1);
  recipe_.data.drop_long = true;
  const PreparedData prepared = prepare();
  EXPECT_EQ(texts(prepared.train), (std::map<std::string, int>{{words(1, 10), 3}}));
  const LineReport& lines = prepared.report.sources[0].lines;
  EXPECT_EQ(lines.problems[static_cast<size_t>(LineProblem::long_document)].first.at(0).line, 2);
}

// A pair is one document: seen, held out, left out and counted as one, its answers side by side.
TEST_F(PrepareData, PairsStayTogether) {
  std::string lines = "{\"prompt\": \"no\", \"chosen\": \"answer\"}\n";
  for (uint64_t i = 0; i < 200; ++i)
    lines +=
        Json{{"prompt", words(i, 2)}, {"chosen", words(i, 1)}, {"rejected", words(i, 3)}}.dump() +
        "\n";
  lines += Json{{"prompt", words(1, 30)}, {"chosen", words(2, 30)}, {"rejected", "r"}}.dump();
  write("pairs.jsonl", lines);
  recipe_.options.loss = "dpo";
  recipe_.data.drop_long = true;
  recipe_.data.eval_share = 0.2;
  recipe_.data.eval = {"pairs.jsonl"};
  recipe_.data.train = {
      {.path = "pairs.jsonl", .weight = 1.5, .format = DocumentFormat::preference}};
  const PreparedData prepared = prepare();
  for (const Dataset* data : {&prepared.train, &*prepared.eval}) {
    require_pairs(*data);
    const int64_t sequences = data->last_sequence(data->rows() - 1);
    for (int64_t s = 0; s < sequences; s += 2)
      EXPECT_TRUE(std::equal(data->sequence(s).begin(), data->sequence(s).begin() + 3,
                             data->sequence(s + 1).begin()));
  }
  const DataReport& report = prepared.report;
  EXPECT_EQ(report.sources[0].lines.documents, 201);
  const auto problem = [&](LineProblem kind) {
    return report.sources[0].lines.problems[static_cast<size_t>(kind)];
  };
  EXPECT_EQ(problem(LineProblem::fields).first.at(0).line, 1);
  EXPECT_EQ(problem(LineProblem::long_document).first.at(0).line, 202);
  EXPECT_NEAR(static_cast<double>(report.sources[0].held_out), 40, 20);
  EXPECT_NEAR(static_cast<double>(report.train.documents), 160 * 1.5, 40);
  EXPECT_EQ(report.eval->documents, report.sources[0].held_out + 200);
}

TEST_F(PrepareData, TellsItsProgressAndCanBeStopped) {
  write_texts("a.jsonl", 0, 100);
  recipe_.data.train = {{.path = "a.jsonl"}};
  recipe_.data.eval = {"a.jsonl"};
  std::vector<DataProgress> seen;
  int reports = 0;
  prepare({.on_progress = [&](const DataProgress& p) { seen.push_back(p); },
           .on_report = [&](const DataReport&) { ++reports; }});
  ASSERT_GE(seen.size(), 2u);
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i].bytes, seen[i - 1].bytes);
  EXPECT_EQ(seen.back().bytes, seen.back().total);
  EXPECT_EQ(seen.back().total, 2 * fs::file_size(folder_.file("a.jsonl")));
  EXPECT_EQ(reports, 1);
  EXPECT_AVOCADO_ERROR(
      prepare({.on_progress =
                   [](const DataProgress&) { throw Error(ErrorKind::interrupted, "stopped"); },
               .on_report = {}}),
      ErrorKind::interrupted, "stopped");
}

class KeptTokensTest : public PrepareData {
 protected:
  KeptTokensTest() {
    cache_ = {.folder = folder_.file("cache"), .least_bytes = 0};
    write_texts("a.jsonl", 0, 300);
    recipe_.data.train = {{.path = "a.jsonl"}};
  }
  bool found() { return prepare().report.sources[0].found; }
  std::string kept_file() {
    const std::vector<KeptTokens> kept = list_tokens(cache_.folder);
    EXPECT_EQ(kept.size(), 1u);
    return kept.empty() ? "" : kept[0].path;
  }
};

TEST_F(KeptTokensTest, AreUsedAgainWhateverTheRowsAre) {
  const PreparedData first = prepare();
  EXPECT_FALSE(first.report.sources[0].found);
  EXPECT_EQ(prepare().train.digest(), first.train.digest());
  EXPECT_TRUE(found());
  recipe_.data.train[0].weight = 2;
  recipe_.data.eval_share = 0.1;
  EXPECT_TRUE(found());
  EXPECT_EQ(list_tokens(cache_.folder)[0].source, folder_.file("a.jsonl"));
}

TEST_F(KeptTokensTest, AreMadeAgainWhenAnythingTheyDependOnHasChanged) {
  EXPECT_FALSE(found());
  write_texts("a.jsonl", 1, 300);
  EXPECT_FALSE(found());
  EXPECT_TRUE(found());
  EXPECT_EQ(list_tokens(cache_.folder).size(), 1u);  // the old file is replaced
  recipe_.data.train[0].format = DocumentFormat::text;
  EXPECT_FALSE(found());
  tokenizer_ = train_bpe({words(2, 500)}, {.vocab_size = 300,
                                           .special_tokens = kOwnSpecialTokens,
                                           .bos = kOwnSpecialTokens[0],
                                           .eos = kOwnSpecialTokens[1]});
  EXPECT_FALSE(found());
  EXPECT_TRUE(found());
  EXPECT_EQ(list_tokens(cache_.folder).size(), 3u);
}

TEST_F(KeptTokensTest, AreMadeAgainWhenDamaged) {
  const std::string digest = prepare().train.digest();
  const std::string path = kept_file(), whole = read_text_file(path);
  for (size_t at = 0; at < whole.size(); at += whole.size() / 12) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    std::ofstream(path, std::ios::binary) << damaged;
    const PreparedData prepared = prepare();
    EXPECT_FALSE(prepared.report.sources[0].found) << "byte " << at;
    EXPECT_EQ(prepared.train.digest(), digest);
    EXPECT_EQ(read_text_file(path), whole);
  }
  fs::resize_file(path, whole.size() - 1);
  EXPECT_NE(list_tokens(cache_.folder).at(0).problem, "");
  EXPECT_FALSE(found());
}

TEST_F(KeptTokensTest, BringTheReportAndRefuseBadLines) {
  write("a.jsonl", "{\"text\": \"fine\"}\nno\n");
  const Json first = data_report_to_json(prepare().report);
  EXPECT_EQ(Json(data_report_to_json(prepare().report)), first);
  EXPECT_TRUE(found());
  recipe_.data.refuse_bad_lines = true;
  EXPECT_AVOCADO_ERROR(prepare(), ErrorKind::input, "a.jsonl:2: ");
}

TEST_F(KeptTokensTest, AreNotNeeded) {
  cache_.folder = folder_.file("a.jsonl") + "/no folder";
  EXPECT_FALSE(found());
  EXPECT_FALSE(found());
  cache_.folder = folder_.file("small");
  cache_.least_bytes = uint64_t{1} << 30;
  EXPECT_FALSE(found());
  EXPECT_FALSE(fs::exists(cache_.folder));
}

}  // namespace
}  // namespace avocado
