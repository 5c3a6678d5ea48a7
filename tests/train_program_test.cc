// `avocado train` and `avocado verify` as a user meets them: killed, interrupted, on a full disk.

#include "train_program.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "kernels/isa.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using test::kRecipe;
using test::ProgramResult;
using test::run_program;
using test::TrainProgram;

TEST_F(TrainProgram, KilledTwentyTimesEndsWithTheSameBits) {
  const auto start = std::chrono::steady_clock::now();
  const ProgramResult whole = train("whole");
  ASSERT_EQ(whole.code, 0) << whole.err;
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  const std::string expected = final_digest("whole");

  const Random random(static_cast<uint64_t>(time.count()), Purpose::test);
  const auto log_size = [&](const std::string& out) -> uint64_t {
    std::error_code missing;
    const uint64_t size = fs::file_size(folder_.file(out + "/metrics.jsonl"), missing);
    return missing ? 0 : size;
  };
  const uint64_t whole_log = log_size("whole");
  int kills = 0, killed_in_training = 0, runs = 1;
  // In turn at a moment in the first third of a run's time, which may fall into the making of the
  // folder, and when the log has grown by up to a third of a whole one, in training.
  for (uint64_t i = 0; kills < 20; ++i) {
    ASSERT_LT(i, 200u);
    const std::string out = "killed" + std::to_string(runs);
    const std::chrono::microseconds moment(
        random.below(2 * i, static_cast<uint64_t>(time.count()) / 3 + 1));
    const uint64_t grown = log_size(out) + 1 + random.below(2 * i + 1, whole_log / 3);
    const int code =
        i % 2 == 0 ? signalled(out, SIGKILL, moment)
                   : signalled(out, SIGKILL, 4 * time, [&] { return log_size(out) >= grown; });
    if (code == 128 + SIGKILL) {
      ++kills;
      killed_in_training += fs::exists(folder_.file(out + "/metrics.jsonl"));
    } else {
      ASSERT_EQ(code, 0) << read_text_file(folder_.file("child.log"));
      EXPECT_EQ(final_digest(out), expected);
      ++runs;
    }
  }
  const std::string out = "killed" + std::to_string(runs);
  const ProgramResult last = train(out);
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(final_digest(out), expected);
  EXPECT_EQ(temporary_files(out), 0);
  EXPECT_GE(killed_in_training, 5);
  const ProgramResult verified = run_program({"verify", folder_.file(out), "--threads", "1"});
  EXPECT_EQ(verified.code, 0) << verified.err;
}

TEST_F(TrainProgram, InterruptWritesACheckpointAndSaysHowToResume) {
  ASSERT_EQ(train("whole").code, 0);
  const std::string log = folder_.file("run/metrics.jsonl");
  const int code = signalled("run", SIGINT, std::chrono::seconds(20), [&] {
    std::error_code error;
    return fs::exists(log) && fs::file_size(log, error) > 1000;
  });
  ASSERT_EQ(code, 130);
  const std::string said = read_text_file(folder_.file("child.log"));
  EXPECT_NE(said.find("To resume: avocado train"), std::string::npos) << said;
  EXPECT_NE(newest_checkpoint("run"), "");
  // By the name of the folder, as the message says.
  ASSERT_EQ(run_program({"train", folder_.file("run"), "--threads", "1"}).code, 0);
  EXPECT_EQ(final_digest("run"), final_digest("whole"));
}

TEST_F(TrainProgram, FullDiskLeavesThePreviousCheckpoint) {
  ASSERT_EQ(train("whole").code, 0);
  ASSERT_EQ(signalled("run", SIGINT, std::chrono::seconds(20),
                      [&] { return fs::exists(folder_.file("run/metrics.jsonl")); }),
            130);
  const std::string checkpoint = newest_checkpoint("run"), digest = sha256_file(checkpoint);

  // Files may not grow beyond what the log needs, but a checkpoint does.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{fs::file_size(checkpoint) / 2, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const ProgramResult full = train("run");
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("checkpoints/step-"), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("cannot write"), std::string::npos) << full.err;
  EXPECT_EQ(newest_checkpoint("run"), checkpoint);
  EXPECT_EQ(sha256_file(checkpoint), digest);
  EXPECT_EQ(temporary_files("run"), 0);

  ASSERT_EQ(train("run").code, 0);
  EXPECT_EQ(final_digest("run"), final_digest("whole"));
}

TEST_F(TrainProgram, EveryInstructionSetAndThreadCountGivesTheSameFile) {
  const ProgramResult usual = train("usual");
  ASSERT_EQ(usual.code, 0) << usual.err;
  for (kernels::Isa isa : kernels::available_isas()) {
    const std::string name = kernels::isa_name(isa);
    ASSERT_EQ(train(name, {.isa = name}).code, 0) << name;
    EXPECT_EQ(final_digest(name), final_digest("usual")) << name;
  }
  ASSERT_EQ(run_program(
                {"train", folder_.file("run.toml"), "--out", folder_.file("two"), "--threads", "2"})
                .code,
            0);
  EXPECT_EQ(final_digest("two"), final_digest("usual"));
}

TEST_F(TrainProgram, VerifyTellsWholeFromAltered) {
  const ProgramResult trained =
      run_program({"train", folder_.file("run.toml"), "--json", "--threads", "1"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const nlohmann::json report = test::json_lines(trained.out).back();
  EXPECT_EQ(report["steps"], test::kSteps);
  const ProgramResult good =
      run_program({"verify", folder_.file("run"), "--json", "--threads", "1"});
  ASSERT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(nlohmann::json::parse(good.out)["weights"], report["weights"]);
  const std::string path = newest_checkpoint("run");
  std::string bytes = read_text_file(path);
  bytes[bytes.size() / 3] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  const ProgramResult bad =
      run_program({"verify", folder_.file("run"), "--from", "60", "--to", "60", "--json"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(nlohmann::json::parse(bad.out)["passed"], false);
  EXPECT_NE(bad.err.find(path), std::string::npos) << bad.err;
}

TEST_F(TrainProgram, RefusesToResumeAnotherRecipeOrOtherData) {
  ASSERT_EQ(train("run").code, 0);
  const std::string recipe = folder_.file("run.toml");
  std::string text = kRecipe;
  std::ofstream(recipe) << text.replace(text.find("lr = 3e-3"), 9, "lr = 4e-3");
  const ProgramResult other = train("run");
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("/train/lr"), std::string::npos) << other.err;

  text = kRecipe;
  std::ofstream(recipe) << text.replace(text.find("keep = 2"), 8, "keep = 5");
  EXPECT_EQ(train("run").code, 0);

  std::ofstream(folder_.file("train.txt"), std::ios::app) << "more";
  const ProgramResult changed = train("run");
  EXPECT_EQ(changed.code, 1);
  EXPECT_NE(changed.err.find("train.txt: has changed"), std::string::npos) << changed.err;
}

TEST_F(TrainProgram, GoesOnFromAModelAndNeedsNothingBesideTheFolder) {
  ASSERT_EQ(train("base").code, 0);
  std::ofstream(folder_.file("next.toml"))
      << "[model]\nbase = \"base/final.gguf\"\n[data]\ntrain = [\"chats.jsonl\"]\n"
         "[train]\nsteps = 6\nrows = 2\ncheckpoint_every = 2\nkeep = 1\n";
  const ProgramResult next = run_program({"train", folder_.file("next.toml"), "--threads", "1"});
  ASSERT_EQ(next.code, 0) << next.err;
  const std::string digest = final_digest("next");
  fs::remove_all(folder_.file("base"));
  fs::remove(folder_.file("chats.jsonl"));
  fs::remove(folder_.file("next/final.gguf"));
  ASSERT_EQ(run_program({"train", folder_.file("next"), "--threads", "1"}).code, 0);
  EXPECT_EQ(final_digest("next"), digest);
  const ProgramResult verified = run_program({"verify", folder_.file("next"), "--threads", "1"});
  EXPECT_EQ(verified.code, 0) << verified.err;
}

TEST_F(TrainProgram, BadLinesAreLeftOutAndNamedOrRefused) {
  std::ofstream(folder_.file("chats.jsonl"), std::ios::app) << "not JSON\n{\"text\": \"\"}\n";
  std::string text = kRecipe;
  text.replace(text.find("steps = 60"), 10, "steps = 2 ").replace(text.find("warmup = 5"), 10, "");
  text.replace(text.find("eval = [\"eval.txt\"]"), 19, "eval_share = 0.2");
  std::ofstream(folder_.file("run.toml")) << text;
  const ProgramResult trained = train("run");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("chats.jsonl: 20 documents"), std::string::npos) << trained.err;
  EXPECT_NE(trained.err.find("chats.jsonl:21: "), std::string::npos) << trained.err;
  const auto report = nlohmann::json::parse(read_text_file(folder_.file("run/data-report.json")));
  EXPECT_EQ(report["sources"][1]["dropped"]["json"]["first"][0]["line"], 21);
  EXPECT_EQ(report["sources"][1]["dropped"]["empty"]["count"], 1);
  EXPECT_EQ(report["train"]["documents"].get<int>() + report["eval"]["documents"].get<int>(), 21);

  text.replace(text.find("eval_share"), 0, "bad_lines = \"refuse\"\n");
  std::ofstream(folder_.file("run.toml")) << text;
  const ProgramResult refused = train("refused");
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("chats.jsonl:21: "), std::string::npos) << refused.err;
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  EXPECT_FALSE(fs::exists(folder_.file("refused")));
}

TEST_F(TrainProgram, ErrorsAreOneLineAndLeaveNothingBehind) {
  struct Case {
    std::string recipe, expected;
  };
  std::string typo = kRecipe, missing = kRecipe;
  typo.replace(typo.find("layers"), 6, "layerz");
  missing.replace(missing.find("train.txt"), 9, "there.txt");
  for (const Case& c : {Case{typo, "[model]: layers is missing (there is \"layerz\")"},
                        Case{missing, "there.txt"}, Case{"", "[model]"}}) {
    std::ofstream(folder_.file("run.toml")) << c.recipe;
    const ProgramResult result = train("run");
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.err.find(c.expected), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(folder_.file("run")));
  }
  EXPECT_EQ(run_program({"train", folder_.file("none.toml")}).code, 1);
  EXPECT_EQ(run_program({"train"}).code, 2);
  EXPECT_EQ(run_program({"verify", folder_.file("none")}).code, 1);
}

}  // namespace
}  // namespace avocado
