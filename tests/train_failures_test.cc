// `avocado train` when things go wrong: one clear message, an exit code that is not 0, and a folder
// from which the run goes on.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "train/metrics.h"
#include "train_program.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;

class TrainFailures : public test::TrainProgram {
 protected:
  void expect_one_message(const ProgramResult& result, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.code, 1);
    const std::string line = result.err.substr(result.err.rfind("avocado: "));
    for (const std::string& part : parts)
      EXPECT_NE(line.find(part), std::string::npos) << part << " in " << result.err;
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << result.err;
  }
  // A run that was interrupted early.
  void stop_early(const std::string& out) {
    ASSERT_EQ(signalled(out, SIGINT, std::chrono::seconds(20),
                        [&] { return fs::exists(folder_.file(out + "/sessions.jsonl")); }),
              130);
  }
  void expect_resumable(const std::string& out) {
    const ProgramResult resumed = train(out);
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(temporary_files(out), 0);
  }
};

// While `bytes` is the largest size of a file; a full disk, as far as write() can tell.
class SizeLimit {
 public:
  explicit SizeLimit(uint64_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(TrainFailures, FullDiskAtTheLog) {
  ASSERT_EQ(train("whole").code, 0);
  stop_early("run");
  const std::string log = folder_.file("run/metrics.jsonl");
  ProgramResult full;
  {
    const SizeLimit limit(fs::file_size(log) + 300);
    full = train("run");
  }
  expect_one_message(full, {"run/metrics.jsonl: cannot write: ", "free some space"});
  expect_resumable("run");
  EXPECT_EQ(final_digest("run"), final_digest("whole"));
}

TEST_F(TrainFailures, FullDiskWhileTheFolderIsMade) {
  const auto train_within = [&](uint64_t bytes) {
    const SizeLimit limit(bytes);
    return train("run");
  };
  expect_one_message(train_within(1000), {"cannot write a temporary file", "free some space"});
  expect_one_message(train_within(10'000), {"/run", "cannot write"});  // enough for the tokens
  expect_resumable("run");
}

TEST_F(TrainFailures, FullOutput) {
  const ProgramResult full =
      test::run_program({"train", folder_.file("run.toml"), "--out", folder_.file("run"), "--json"},
                        {.out = "/dev/full"});
  expect_one_message(full, {"standard output: No space left on device"});
  expect_resumable("run");
}

TEST_F(TrainFailures, UnreadableData) {
  fs::remove(folder_.file("eval.txt"));
  expect_one_message(train("run"), {"eval.txt"});
  fs::create_directory(folder_.file("eval.txt"));
  expect_one_message(train("run"), {"eval.txt"});
  EXPECT_FALSE(fs::exists(folder_.file("run")));
}

TEST_F(TrainFailures, LossThatIsNotANumber) {
  change_recipe("lr = 3e-3\nwarmup = 5", "lr = 1e2\nclip = 0");
  const ProgramResult diverged = train("run");
  expect_one_message(diverged, {"step ", "training has diverged", "lower lr"});
  const std::string checkpoint = newest_checkpoint("run"), digest = sha256_file(checkpoint);
  // The same steps from the last checkpoint, to the same end; what was good stays good.
  EXPECT_NE(train("run").err.find("\nresumed"), std::string::npos);
  EXPECT_EQ(newest_checkpoint("run"), checkpoint);
  EXPECT_EQ(sha256_file(checkpoint), digest);
  EXPECT_EQ(test::run_program({"verify", folder_.file("run"), "--threads", "1"}).code, 0);
}

TEST_F(TrainFailures, SlipsInTheRecipe) {
  struct Case {
    std::string former, present, expected;
  };
  for (const Case& c :
       {Case{"warmup = 5", "warmpu = 5",
             "run.toml:20:1: [train] unknown key \"warmpu\"; did you mean "
             "\"warmup\"? known are "},
        Case{"width = 32", "widht = 32", "width is missing (there is \"widht\")"},
        Case{"[train]", "[trian]", "the section [train] is missing (there is \"trian\")"},
        Case{"warmup = 5", "colour = 5", "unknown key \"colour\"; known are"}}) {
    change_recipe(c.former, c.present);
    expect_one_message(train("run"), {c.expected});
    EXPECT_FALSE(fs::exists(folder_.file("run")));
  }
}

TEST_F(TrainFailures, FolderInUse) {
  stop_early("run");
  {
    const MetricsLog held(folder_.file("run/metrics.jsonl"));
    expect_one_message(train("run"),
                       {"run/metrics.jsonl: another process is training in this folder"});
  }
  expect_resumable("run");
}

TEST_F(TrainFailures, EventFilesThatCannotBeWritten) {
  stop_early("run");
  fs::remove_all(folder_.file("run/tensorboard"));
  std::ofstream(folder_.file("run/tensorboard")) << "a file";
  expect_one_message(train("run"), {"run/tensorboard: cannot be made"});
  fs::remove(folder_.file("run/tensorboard"));
  expect_resumable("run");
}

}  // namespace
}  // namespace avocado
