#pragma once
// A folder with a recipe and its data, and the program that trains there.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/philox.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "program.h"
#include "temp_folder.h"
#include "tiny_recipe.h"

namespace avocado::test {

inline constexpr int kSteps = 60;

inline const std::string kRecipe = kTinyModelTables + R"([data]
train = ["train.txt", "chats.jsonl"]
eval = ["eval.txt"]
[train]
steps = 60
rows = 2
micro_batches = 2
lr = 3e-3
warmup = 5
eval_every = 20
eval_rows = 4
checkpoint_every = 5
keep = 2
digest_every = 10
)";

// The objects that the program printed, one per line.
inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  return objects;
}

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    const Random random(1, Purpose::test);
    const auto words = [&](uint64_t begin, uint64_t end) {
      static constexpr std::array kWords = {"a",     "ripe", "green", "avocado", "tree",
                                            "grows", "on",   "the",   "hill"};
      std::string text;
      for (uint64_t i = begin; i < end; ++i)
        text += std::string(kWords[random.below(i, kWords.size())]) + " ";
      return text;
    };
    std::ofstream(folder_.file("train.txt")) << words(0, 2000);
    std::ofstream(folder_.file("eval.txt")) << words(2000, 2300);
    std::ofstream chats(folder_.file("chats.jsonl"));
    for (uint64_t i = 0; i < 20; ++i)
      chats << nlohmann::json{{"messages",
                               {{{"role", "user"}, {"content", words(3000 + 9 * i, 3003 + 9 * i)}},
                                {{"role", "assistant"},
                                 {"content", words(4000 + 9 * i, 4005 + 9 * i)}}}}}
            << "\n";
    std::ofstream(folder_.file("run.toml")) << kRecipe;
  }

  std::vector<std::string> train_command(const std::string& out) const {
    return {"train", folder_.file("run.toml"), "--out", folder_.file(out), "--threads", "1"};
  }
  // Writes the recipe with `former` replaced by `present`.
  void change_recipe(const std::string& former, const std::string& present) const {
    std::string text = kRecipe;
    const size_t at = text.find(former);
    ASSERT_NE(at, std::string::npos) << former;
    std::ofstream(folder_.file("run.toml")) << text.replace(at, former.size(), present);
  }
  ProgramResult train(const std::string& out, const ProgramOptions& options = {}) const {
    return run_program(train_command(out), options);
  }
  std::string final_digest(const std::string& out) const {
    return sha256_file(folder_.file(out + "/final.gguf"));
  }
  std::string newest_checkpoint(const std::string& out) const {
    std::vector<std::string> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.file(out + "/checkpoints")))
      files.push_back(entry.path());
    return files.empty() ? "" : *std::max_element(files.begin(), files.end());
  }
  long temporary_files(const std::string& out) const {
    long count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.file(out)))
      count += entry.path().string().find(".tmp-") != std::string::npos;
    return count;
  }

  // Starts `train`, sends `signal` once `ready` says so or after the time, and gives the exit code.
  int signalled(
      const std::string& out, int signal, std::chrono::microseconds time,
      const std::function<bool()>& ready = [] { return false; }) const {
    const pid_t child = fork();
    if (child == 0) {
      const int fd = open(folder_.file("child.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) _exit(126);
      exec_program(train_command(out));
    }
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end && !ready()) usleep(300);
    kill(child, signal);
    return wait_for(child);
  }

  TempFolder folder_;
};

}  // namespace avocado::test
