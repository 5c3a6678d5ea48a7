// `mpirun -n K avocado train`: the same bits as one process, whatever happens to the processes.

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "files/atomic_file.h"
#include "program.h"
#include "temp_folder.h"
#include "tiny_recipe.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;

const std::string kRecipe = test::kTinyModelTables + R"([data]
train = ["train.txt"]
eval = ["train.txt"]
[train]
steps = 24
rows = 1
micro_batches = 7
lr = 3e-3
warmup = 5
eval_every = 10
eval_rows = 4
checkpoint_every = 4
keep = 2
digest_every = 10
)";

class ProcessesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string(AVOCADO_MPIRUN).empty()) GTEST_SKIP() << "this build has no MPI";
    if (!fs::exists(AVOCADO_MPIRUN)) GTEST_SKIP() << AVOCADO_MPIRUN << " is not there";
    // Tests run as whoever builds, in containers as root.
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    std::ofstream text(folder_.file("train.txt"));
    for (int i = 0; i < 600; ++i) text << "avocado number " << i * 7919 % 1000 << " is ripe, ";
    text.close();
    std::ofstream(folder_.file("run.toml")) << kRecipe;
  }

  std::vector<std::string> command(int processes, const std::string& out) const {
    std::vector<std::string> words = {AVOCADO_MPIRUN, "--oversubscribe", "-n",
                                      std::to_string(processes)};
    // Containers often forbid a process to read another's memory, of which Open MPI would warn.
    words.insert(words.end(), {"--mca", "btl_vader_single_copy_mechanism", "none"});
    words.insert(words.end(), {AVOCADO_PROGRAM, "train", folder_.file("run.toml"), "--out",
                               folder_.file(out), "--threads", "1"});
    return words;
  }
  ProgramResult train(int processes, const std::string& out) const {
    return test::run_command(command(processes, out));
  }
  std::string final_digest(const std::string& out) const {
    return sha256_file(folder_.file(out + "/final.gguf"));
  }
  // The log but for times.
  std::vector<std::string> log(const std::string& out) const {
    std::vector<std::string> records;
    std::ifstream file(folder_.file(out + "/metrics.jsonl"));
    for (std::string line; std::getline(file, line);) {
      auto json = nlohmann::json::parse(line);
      json.erase("tokens_per_s");
      records.push_back(json.dump());
    }
    return records;
  }

  // Starts the command; once the log has some steps, `signal` goes to what `victim` chooses.
  int signalled(int processes, const std::string& out, int signal,
                const std::function<pid_t(pid_t mpirun)>& victim) {
    const pid_t child = fork();
    if (child == 0) {
      const int fd = open(folder_.file("said").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) _exit(126);
      test::exec_command(command(processes, out));
    }
    const std::string path = folder_.file(out + "/checkpoints/step-00000004.safetensors");
    for (int i = 0; i < 20000 && !fs::exists(path); ++i) usleep(1000);
    EXPECT_TRUE(fs::exists(path));
    kill(victim(child), signal);
    return test::wait_for(child);
  }
  std::string said() const { return read_text_file(folder_.file("said")); }

  // The process of this rank, by its environment.
  static pid_t process_of_rank(int rank, const std::string& folder) {
    const std::string wanted = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank);
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      const auto contents = [&](const char* file) {
        std::ifstream stream(entry.path() / file, std::ios::binary);
        std::string text(std::istreambuf_iterator<char>(stream), {});
        return '\0' + text + '\0';
      };
      if (contents("cmdline").find(folder) != std::string::npos &&
          contents("environ").find('\0' + wanted + '\0') != std::string::npos)
        return std::stoi(name);
    }
    ADD_FAILURE() << "no process of rank " << rank;
    return getpid();
  }

  test::TempFolder folder_;
};

TEST_F(ProcessesTest, AnyNumberGivesTheSameBits) {
  const ProgramResult one = test::run_program(
      {"train", folder_.file("run.toml"), "--out", folder_.file("one"), "--threads", "1"});
  ASSERT_EQ(one.code, 0) << one.err;
  for (int processes : {2, 8}) {
    const std::string out = "of" + std::to_string(processes);
    const ProgramResult several = train(processes, out);
    ASSERT_EQ(several.code, 0) << several.err;
    EXPECT_EQ(final_digest(out), final_digest("one")) << processes;
    EXPECT_EQ(log(out), log("one")) << processes;
  }
}

TEST_F(ProcessesTest, AKilledProcessEndsAllAndFewerResume) {
  ASSERT_EQ(train(1, "whole").code, 0);
  const auto start = std::chrono::steady_clock::now();
  const int code =
      signalled(4, "run", SIGKILL, [&](pid_t) { return process_of_rank(2, folder_.file("run")); });
  EXPECT_NE(code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_NE(said().find("process rank 2"), std::string::npos) << said();
  EXPECT_FALSE(fs::exists(folder_.file("run/final.gguf")));
  const ProgramResult resumed = train(2, "run");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resumed after step"), std::string::npos) << resumed.err;
  EXPECT_EQ(final_digest("run"), final_digest("whole"));
  const ProgramResult verified =
      test::run_program({"verify", folder_.file("run"), "--threads", "1"});
  EXPECT_EQ(verified.code, 0) << verified.err;
}

TEST_F(ProcessesTest, AllStopAfterTheSameStepWhenOneIsAsked) {
  const int code =
      signalled(3, "run", SIGINT, [&](pid_t) { return process_of_rank(1, folder_.file("run")); });
  EXPECT_EQ(code, 130) << said();
  EXPECT_NE(said().find("To resume: avocado train"), std::string::npos) << said();
  const ProgramResult resumed = train(1, "run");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(train(1, "whole").code, 0);
  EXPECT_EQ(final_digest("run"), final_digest("whole"));
}

TEST_F(ProcessesTest, AnErrorOfAllIsSaidOnce) {
  std::ofstream(folder_.file("run.toml"), std::ios::app) << "widht = 3\n";
  const ProgramResult result = train(2, "run");
  EXPECT_EQ(result.code, 1) << result.err;
  const std::string message = "avocado: process 0 of 2: ";
  EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("process 1 of 2"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("unknown key \"widht\""), std::string::npos) << result.err;
}

// Every process would be alone, and train in the same folder.
TEST_F(ProcessesTest, ALauncherThatMpiDoesNotKnowIsRefused) {
  for (const auto& [variable, message] :
       {std::pair{"SLURM_STEP_NUM_TASKS", "add --mpi=pmix to srun"},
        std::pair{"PMI_SIZE", "Open MPI sees 1 of them"}}) {
    setenv(variable, "2", 1);
    const ProgramResult result = test::run_program({"train", folder_.file("run.toml")});
    unsetenv(variable);
    EXPECT_EQ(result.code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(folder_.file("run")));
  }
}

}  // namespace
}  // namespace avocado
