#include "train/verify.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "tiny_run.h"
#include "train/state.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;
using test::kSteps;

// Checkpoints at 6, 12, 18 and 24, and a digest of every step.
class VerifyTest : public test::RunTest {
 protected:
  VerifyTest() {
    digest_every_ = 1;
    keep_ = 4;
  }

  std::string checkpoint(int64_t step) { return avocado::Run::open(folder_).checkpoint_path(step); }

  // Flips the lowest bit of an element of a safetensors file. Returns the two values.
  std::array<float, 2> flip(const std::string& path, const std::string& tensor, size_t element) {
    std::string bytes = read_text_file(path);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    const Json json = Json::parse(bytes.substr(8, header));
    const size_t at = 8 + header + json[tensor]["data_offsets"][0].get<size_t>() + 4 * element;
    std::array<float, 2> values;
    std::memcpy(&values[0], bytes.data() + at, 4);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::memcpy(&values[1], bytes.data() + at, 4);
    std::ofstream(path, std::ios::binary) << bytes;
    return values;
  }

  // Puts `change` on every line of the log, in order.
  void rewrite_log(const std::function<void(Json&)>& change) {
    std::string changed;
    std::istringstream log(read_text_file(file("metrics.jsonl")));
    for (std::string line; std::getline(log, line);) {
      Json json = Json::parse(line);
      change(json);
      changed += json.dump() + "\n";
    }
    std::ofstream(file("metrics.jsonl"), std::ios::binary) << changed;
  }

  // Somebody who changes the loss of a step and computes all chains anew.
  void forge_loss(int64_t step) {
    const std::string definition = avocado::Run::open(folder_).definition();
    const MetricsFile metrics = read_metrics(file("metrics.jsonl"), definition);
    std::string chain = definition;
    rewrite_log([&](Json& json) {
      if (json["kind"] != "step") return;
      StepResult result = metrics.steps[json["step"].get<size_t>() - 1];
      if (result.step == step) result.loss = std::nextafter(result.loss, 10);
      result.chain = chain = next_chain(chain, result);
      json = step_record(result, 1000);
    });
  }

  void expect_problem(const VerifyReport& report, const std::vector<std::string>& parts) {
    EXPECT_FALSE(report.passed);
    for (const std::string& part : parts)
      EXPECT_NE(report.problem.find(part), std::string::npos) << part << "\n" << report.problem;
  }
};

TEST_F(VerifyTest, NamesTheElementOfAFlippedBit) {
  train();
  const std::string path = checkpoint(12), tensor = "m.blk.0.attn_q.weight";
  const auto [whole, flipped] = flip(path, tensor, 77);
  const std::string element = fmt::format("{}: tensor {}, element 77: stored {}, replayed {}", path,
                                          tensor, flipped, whole);
  expect_problem(verify(), {"step 12", element});
  // Where no replay comes by, the file and the tensor are named, and how to learn more.
  for (const VerifyOptions& options : {VerifyOptions{.from = 18}, VerifyOptions{.windows = 0}}) {
    expect_problem(verify(options), {path, sha256_file(path), "tensor " + tensor,
                                     "does not agree with its digest", "--from 6 --to 12"});
  }
  expect_problem(verify({.from = 6, .to = 12}), {element});
}

TEST_F(VerifyTest, NamesTheElementOfTheFinalModel) {
  train();
  const std::string path = file("final.gguf");
  const size_t at = fs::file_size(path) / 2;
  damage(path, at);
  expect_problem(verify(), {path, "tensor ", "element ", "stored ", "replayed "});
  expect_problem(verify({.windows = 0}), {path, sha256_file(path)});
  damage(path, at);
  damage(path, 20);
  expect_problem(verify(), {path});
}

TEST_F(VerifyTest, NamesLineAndFieldOfAnEditedStep) {
  train();
  const std::string path = file("metrics.jsonl"), whole = read_text_file(path);
  for (const char* field :
       {"position", "loss", "grad_norm", "lr", "learned", "inputs", "digest", "chain"}) {
    size_t line = 0, edited = 0;
    rewrite_log([&](Json& json) {
      ++line;
      if (json["kind"] != "step" || json["step"] != 9) return;
      edited = line;
      Json& value = json[field];
      if (value.is_string())
        value = std::string(64, 'a');
      else if (value.is_number_float())
        value = std::nextafter(value.get<double>(), 10);
      else
        value = value.get<uint64_t>() + 1;
    });
    const std::string where = fmt::format("{}:{}: step 9", path, edited);
    const std::string changed =
        field == std::string("chain") ? "the chain was changed" : "a number was changed";
    expect_problem(verify(), {where, changed, std::string("; ") + field + " logged "});
    expect_problem(verify({.from = 18}), {where, changed});
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_TRUE(verify().passed);
}

TEST_F(VerifyTest, NamesASwappedShardAndBothDigests) {
  train();
  for (const char* name : {"train.rows", "eval.rows"}) {
    const std::string path = file(name);
    const Dataset other = test::counting_data(5);
    const std::string was = Dataset::open(path).digest();
    const std::string whole = read_text_file(path);
    other.save(path);
    try {
      verify();
      FAIL() << name;
    } catch (const Error& error) {
      for (const std::string& part : {path, was, other.digest()})
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
}

TEST_F(VerifyTest, ReplaysRandomWindowsFromTheNearestCheckpoints) {
  train();
  const VerifyOptions options{.windows = 3, .length = 2, .seed = 5};
  const VerifyReport report = verify(options);
  EXPECT_TRUE(report.passed) << report.problem;
  ASSERT_EQ(report.windows.size(), 3u);
  EXPECT_EQ(report.windows, verify(options).windows);
  // At most the way from a checkpoint to the window, and the window.
  EXPECT_LE(report.replayed, 3 * (5 + 2));
  std::set<int64_t> begins;
  for (uint64_t seed = 0; seed < 40; ++seed)
    for (const StepRange& window :
         verify({.windows = 1, .length = kSteps - 2, .seed = seed}).windows)
      begins.insert(window.begin);
  EXPECT_EQ(begins, (std::set<int64_t>{0, 1, 2}));
  EXPECT_EQ(verify({.windows = 0}).replayed, 0);
  EXPECT_EQ(verify({.windows = 2, .length = 1000}).replayed, kSteps);
}

TEST_F(VerifyTest, AWindowFindsAForgedStepUnlessItEndsBefore) {
  train();
  forge_loss(9);
  expect_problem(verify(), {"step 9: loss"});
  bool found = false, missed = false;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const VerifyReport report = verify({.windows = 1, .length = 3, .seed = seed});
    const StepRange window = report.windows.at(0);
    // A window behind the step begins at a checkpoint whose chain the forger could not change.
    const bool holds = window.end >= 9;
    EXPECT_EQ(report.passed, !holds) << window.begin << " " << report.problem;
    found |= holds;
    missed |= !holds;
  }
  EXPECT_TRUE(found && missed);
}

// Somebody who alters a weight and makes every digest of the checkpoint and of its record anew.
TEST_F(VerifyTest, AForgedCheckpointIsNoStartOfAReplay) {
  train();
  const avocado::Run run = avocado::Run::open(folder_);
  const std::string path = run.checkpoint_path(12);
  const graph::Graph graph = build_graph(run.config());
  TrainState state(graph, run.options());
  read_checkpoint(path, graph, state, run.definition(), pool_);
  state.params.data()[3] += 1;
  write_checkpoint(path, graph, state, run.definition(), pool_);
  rewrite_log([&](Json& json) {
    if (json["kind"] == "checkpoint" && json["step"] == 12) json["sha256"] = sha256_file(path);
  });
  expect_problem(verify({.from = 12, .to = 14}), {path, "the digest of its state"});
  expect_problem(verify(), {path, "element 3"});
}

// A digest in the log says which step differs first; the next checkpoint says where.
TEST_F(VerifyTest, ADigestThatDiffersIsLocatedByTheNextCheckpoint) {
  train();
  const std::string definition = avocado::Run::open(folder_).definition();
  const MetricsFile metrics = read_metrics(file("metrics.jsonl"), definition);
  std::string chain = definition;
  rewrite_log([&](Json& json) {
    if (json["kind"] != "step") return;
    StepResult result = metrics.steps[json["step"].get<size_t>() - 1];
    if (result.step == 8) result.digest = std::string(64, '0');
    result.chain = chain = next_chain(chain, result);
    json = step_record(result, 1000);
  });
  expect_problem(verify(), {"step 8: digest logged 0000", checkpoint(12)});
}

TEST_F(VerifyTest, VerifiesARange) {
  train();
  const VerifyReport report = verify({.from = 20, .to = 22});
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.start, 18);
  EXPECT_EQ(report.steps, 22);
  EXPECT_THROW(verify({.from = 3, .to = 2}), Error);
  EXPECT_THROW(verify({.from = 0, .to = kSteps + 1}), Error);
}

TEST_F(VerifyTest, RejectsEveryAlteredByteOfACheckpoint) {
  train();
  const std::string path = avocado::Run::open(folder_).checkpoint_path(18);
  const std::string whole = read_text_file(path);
  const Random random(7, Purpose::test);
  for (uint64_t i = 0; i < 40; ++i) {
    // Half of them in the header.
    const size_t at = random.below(i, i % 2 ? whole.size() : 1500);
    damage(path, at);
    EXPECT_FALSE(verify({.from = kSteps, .to = kSteps}).passed) << "byte " << at;
    damage(path, at);
  }
  EXPECT_TRUE(verify({.from = kSteps, .to = kSteps}).passed);
}

TEST_F(VerifyTest, RejectsEveryAlteredByteOfALoggedLoss) {
  train();
  const std::string path = file("metrics.jsonl");
  const std::string log = read_text_file(path);
  for (size_t at = log.find("\"loss\":"); at != std::string::npos;
       at = log.find("\"loss\":", at + 1)) {
    // Evaluation losses are not chained; the replay of their step finds them.
    const bool evaluation = log.compare(log.rfind('\n', at) + 1, 14, "{\"kind\":\"eval\"") == 0;
    const size_t end = log.find(',', at);
    for (size_t i = at + 7; i < end; i += evaluation ? 9 : 4) {
      damage(path, i);
      EXPECT_FALSE(
          verify(evaluation ? VerifyOptions{} : VerifyOptions{.from = kSteps, .to = kSteps}).passed)
          << "byte " << i;
      damage(path, i);
    }
  }
}

TEST_F(VerifyTest, RejectsOtherChanges) {
  train();
  for (const char* name : {"run.json", "final.gguf", "train.rows", "eval.rows"}) {
    const std::string path = file(name), whole = read_text_file(path);
    damage(path, whole.size() / 2);
    bool rejected = false;
    try {
      rejected = !verify().passed;
    } catch (const Error&) {
      rejected = true;
    }
    EXPECT_TRUE(rejected) << name;
    damage(path, whole.size() / 2);
  }
  EXPECT_TRUE(verify().passed);
}

}  // namespace
}  // namespace avocado
