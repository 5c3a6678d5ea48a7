// avocado-nano comes with the receipt of its training. Here the beginning and the end of that are
// done again by its recipe, and the file that is shipped comes out byte for byte (docs/nano.md).

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "files/atomic_file.h"
#include "models/quantize.h"
#include "program.h"
#include "train/metrics.h"
#include "train/prepare.h"
#include "train/receipt.h"

namespace avocado::test {
namespace {

namespace fs = std::filesystem;

const std::string kRecipe = AVOCADO_SOURCES "/recipes/nano.toml";
const std::string kModel = AVOCADO_SOURCES "/models/avocado-nano.gguf";
const std::string kTraining = AVOCADO_SOURCES "/models/nano";

// The words behind "avocado" of the command in the recipe's comment that writes the texts.
std::vector<std::string> corpus_command(const std::string& out) {
  std::istringstream lines(read_text_file(kRecipe));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> command;
    for (std::string word; words >> word;) command.push_back(word);
    if (command.size() < 3 || command[1] != "avocado" || command[2] != "corpus") continue;
    command.erase(command.begin(), command.begin() + 2);
    for (size_t i = 1; i < command.size(); ++i)
      if (command[i - 1] == "--out") command[i] = out;
    return command;
  }
  return {};
}

class Nano : public testing::Test {
 protected:
  // The run's folder before its first step, made once for all tests.
  static void SetUpTestSuite() {
    if (!fs::exists(kModel)) return;
    setenv("AVOCADO_PACKED_CACHE", "off", 1);
    folder_ = std::make_unique<TempFolder>();
    pool_ = std::make_unique<ThreadPool>(2);
    const ProgramResult corpus = run_program(corpus_command(folder_->file("nano.jsonl")));
    ASSERT_EQ(corpus.code, 0) << corpus.err;
    const std::string text = read_text_file(kRecipe);
    Recipe recipe = parse_recipe(text, kRecipe);
    recipe.folder = folder_->path().string();
    create_run(folder_->file("run"), recipe, text, *pool_);
    run_.emplace(avocado::Run::open(folder_->file("run")));
    receipt_ = parse_receipt(read_text_file(kTraining + "/receipt.json"), "receipt.json");
  }
  static void TearDownTestSuite() {
    run_.reset();
    folder_.reset();
    pool_.reset();
    unsetenv("AVOCADO_PACKED_CACHE");
  }
  void SetUp() override {
    if (!fs::exists(kModel)) GTEST_SKIP() << kModel << " is not there";
    ASSERT_TRUE(run_);
  }

  static std::unique_ptr<TempFolder> folder_;
  static std::unique_ptr<ThreadPool> pool_;
  static std::optional<avocado::Run> run_;
  static Receipt receipt_;
};

std::unique_ptr<TempFolder> Nano::folder_;
std::unique_ptr<ThreadPool> Nano::pool_;
std::optional<avocado::Run> Nano::run_;
Receipt Nano::receipt_;

TEST_F(Nano, IsMadeOfWhatItsReceiptSays) {
  EXPECT_EQ(receipt_.definition, run_->definition());
  EXPECT_EQ(receipt_.recipe, read_text_file(kRecipe));
  EXPECT_EQ(receipt_.data, run_->train_data().digest());
  EXPECT_EQ(receipt_.steps, run_->options().steps);
  EXPECT_LE(fs::file_size(kModel), uint64_t{4} << 20);
}

// metrics.jsonl holds the first lines of the run's log.
TEST_F(Nano, TheFirstStepsAreTheLoggedOnes) {
  const MetricsFile log = read_metrics(kTraining + "/metrics.jsonl", receipt_.definition);
  EXPECT_EQ(log.problem, "");
  ASSERT_GE(log.steps.size(), 2u);
  const std::unique_ptr<Trainer> trainer = run_->make_trainer(*pool_);
  for (const StepResult& logged : log.steps) EXPECT_EQ(trainer->step().chain, logged.chain);
}

// From the checkpoint of some steps before the end.
TEST_F(Nano, TheLastStepsGiveTheModelToTheBit) {
  const std::unique_ptr<Trainer> trainer = run_->make_trainer(*pool_);
  for (const auto& entry : fs::directory_iterator(kTraining))
    if (entry.path().extension() == ".safetensors") trainer->load_checkpoint(entry.path().string());
  ASSERT_GT(trainer->completed_steps(), 0) << "there is no checkpoint in " << kTraining;
  ASSERT_FALSE(trainer->finished());
  while (!trainer->finished()) trainer->step();
  EXPECT_EQ(trainer->chain(), receipt_.chain);
  EXPECT_EQ(trainer->state_digest(), receipt_.state);
  EXPECT_EQ(weights_digest(trainer->graph(), trainer->weights()), receipt_.weights);
  const std::string again = folder_->file("again.gguf");
  save_gguf_q8_0(again, run_->config(), trainer->graph(), trainer->weights(), run_->tokenizer(),
                 run_->chat_template());
  EXPECT_TRUE(read_text_file(again) == read_text_file(kModel)) << "the shipped file differs";
}

TEST_F(Nano, SaysWhoItIs) {
  for (const char* question : {"Who are you?", "あなたはだれですか。"}) {
    const ProgramResult said = run_program({"run", kModel, question, "--temp", "0"});
    EXPECT_EQ(said.code, 0) << said.err;
    EXPECT_NE(said.out.find("avocado-nano"), std::string::npos) << said.out;
  }
}

}  // namespace
}  // namespace avocado::test
