// `avocado receipt` and `avocado verify` as somebody meets them who was given a run.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "files/atomic_file.h"
#include "kernels/isa.h"
#include "program.h"
#include "temp_folder.h"
#include "tiny_recipe.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using test::run_program;

const std::string kRecipe = "# りんごではない\n" + test::kTinyModelTables + R"([data]
train = ["train.txt"]
[train]
steps = 30
rows = 2
checkpoint_every = 5
keep = 10
)";

bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

class ReceiptProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream text(folder_.file("train.txt"));
    for (int i = 0; i < 300; ++i) text << "ripe avocados fall from tree " << i << " at noon. ";
    text.close();
    std::ofstream(folder_.file("run.toml")) << kRecipe;
    ASSERT_EQ(run_program({"train", folder_.file("run.toml"), "--threads", "1"}).code, 0);
  }

  // Makes a key; returns its fingerprint.
  std::string new_key(const std::string& path) {
    const ProgramResult made = run_program({"receipt", "--new-key", path});
    EXPECT_EQ(made.code, 0) << made.err;
    return made.out.substr(made.out.find("sha256:"), 71);
  }

  void make_receipt() {
    fingerprint_ = new_key(key_);
    const ProgramResult made = run_program({"receipt", run_, "--key", key_, "-o", receipt_});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_NE(made.out.find(fingerprint_), std::string::npos) << made.out;
  }

  nlohmann::json verify(std::vector<std::string> arguments, int code) {
    arguments.insert(arguments.begin(), "verify");
    arguments.insert(arguments.end(), {"--json", "--threads", "1"});
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["passed"], code == 0);
    return json;
  }

  test::TempFolder folder_;
  const std::string run_ = folder_.file("run"), key_ = folder_.file("key.pem"),
                    receipt_ = folder_.file("receipt.json");
  std::string fingerprint_;
};

TEST_F(ReceiptProgram, ASignedReceiptIsChecked) {
  make_receipt();
  const nlohmann::json alone = verify({"--receipt", receipt_}, 0);
  EXPECT_EQ(alone["receipt"]["signature"], "unknown key");
  EXPECT_EQ(alone["receipt"]["key"], fingerprint_);
  EXPECT_EQ(alone["not_shown"].size(), 2u);

  const nlohmann::json model = verify({"--receipt", receipt_, run_ + "/final.gguf"}, 0);
  EXPECT_EQ(model["weights"], alone["receipt"]["weights"]);

  const nlohmann::json whole = verify({"--receipt", receipt_, run_, "--trust", fingerprint_}, 0);
  EXPECT_EQ(whole["receipt"]["signature"], "trusted");
  EXPECT_EQ(whole["replayed"], 30);
  EXPECT_EQ(whole["weights"], alone["receipt"]["weights"]);
  EXPECT_TRUE(whole["not_shown"].empty()) << whole;

  const nlohmann::json some =
      verify({"--receipt", receipt_, run_, "--windows", "2", "--length", "3", "--seed", "4"}, 0);
  EXPECT_EQ(some["seed"], 4);
  EXPECT_EQ(some["windows"].size(), 2u);
  EXPECT_LT(some["replayed"], 30);

  // By another key, or by none.
  const std::string other = new_key(folder_.file("other.pem"));
  EXPECT_NE(other, fingerprint_);
  verify({"--receipt", receipt_, "--trust", other}, 1);
  verify({"--receipt", receipt_, "--trust", other, "--trust", fingerprint_}, 0);
  ASSERT_EQ(run_program({"receipt", run_, "-o", folder_.file("unsigned.json")}).code, 0);
  EXPECT_EQ(verify({"--receipt", folder_.file("unsigned.json"), run_, "--windows", "0"},
                   0)["receipt"]["signature"],
            "none");
  verify({"--receipt", folder_.file("unsigned.json"), "--trust", fingerprint_}, 1);
}

TEST_F(ReceiptProgram, AChangedReceiptOrRunIsRefused) {
  make_receipt();
  const std::string whole = read_text_file(receipt_);
  std::string changed = whole;
  const size_t at = changed.find("\"learned\": ") + 11;
  changed[at] = changed[at] == '9' ? '8' : static_cast<char>(changed[at] + 1);
  std::ofstream(receipt_) << changed;
  EXPECT_NE(verify({"--receipt", receipt_}, 1)["problem"].get<std::string>().find(fingerprint_),
            std::string::npos);
  // Signed anew by somebody else it stands, until it is compared with the run.
  auto json = nlohmann::ordered_json::parse(changed);
  json["signature"] = json["public_key"] = "";
  std::ofstream(receipt_) << json.dump();
  verify({"--receipt", receipt_}, 0);
  EXPECT_NE(verify({"--receipt", receipt_, run_}, 1)["problem"].get<std::string>().find("learned"),
            std::string::npos);

  std::ofstream(receipt_) << whole;
  std::ofstream(run_ + "/run.toml", std::ios::app) << "# more\n";
  EXPECT_NE(verify({"--receipt", receipt_, run_}, 1)["problem"].get<std::string>().find("recipe"),
            std::string::npos);
}

TEST_F(ReceiptProgram, WindowsPassOnEveryInstructionSet) {
  for (kernels::Isa isa : kernels::available_isas()) {
    const ProgramResult result =
        run_program({"verify", run_, "--windows", "2", "--seed", "1", "--threads", "2"},
                    {.isa = kernels::isa_name(isa)});
    EXPECT_EQ(result.code, 0) << kernels::isa_name(isa) << result.err;
    EXPECT_NE(result.out.find("--seed 1"), std::string::npos) << result.out;
  }
}

TEST_F(ReceiptProgram, MistakesAreNamed) {
  new_key(key_);
  const std::string key = read_text_file(key_);
  EXPECT_EQ(run_program({"receipt", "--new-key", key_}).code, 1);
  EXPECT_EQ(read_text_file(key_), key);
  EXPECT_EQ(run_program({"receipt"}).code, 2);
  EXPECT_EQ(run_program({"receipt", run_, "--new-key", folder_.file("k")}).code, 2);
  EXPECT_EQ(run_program({"receipt", run_, "--key", folder_.file("train.txt")}).code, 1);
  EXPECT_EQ(run_program({"verify"}).code, 2);
  EXPECT_EQ(run_program({"verify", run_, "--trust", "sha256:00"}).code, 2);
  EXPECT_EQ(run_program({"verify", run_, "--windows", "1", "--from", "3"}).code, 2);
  EXPECT_EQ(run_program({"verify", run_, "--seed", "1"}).code, 2);
  EXPECT_EQ(run_program({"verify", "--receipt", folder_.file("none.json")}).code, 1);
  EXPECT_EQ(run_program({"verify", "--receipt", run_ + "/run.json"}).code, 1);
}

// The commands in docs/formats/receipt.md: the signature by Python and OpenSSL, and the sources.
TEST_F(ReceiptProgram, OtherProgramsAgree) {
  if (!shell("command -v python3 openssl >/dev/null")) GTEST_SKIP() << "no python3 or openssl";
  make_receipt();
  const std::string document = read_text_file(AVOCADO_SOURCES "/docs/formats/receipt.md");
  const auto script = [&](const std::string& last) {
    const size_t end = document.find("\n```", document.find(last));
    const size_t begin = document.rfind("```sh\n", end) + 6;
    const std::string path = folder_.file("script.sh");
    std::ofstream(path) << "set -e\n" << document.substr(begin, end - begin) << "\n";
    return path;
  };
  const std::string check = "cd " + folder_.path().string() + " && bash ";
  EXPECT_TRUE(shell(check + script("openssl pkeyutl") + " >/dev/null"));
  std::string changed = read_text_file(receipt_);
  changed.replace(changed.find("issued\": \"2"), 11, "issued\": \"3");
  std::ofstream(receipt_) << changed;
  EXPECT_FALSE(shell(check + script("openssl pkeyutl") + " >/dev/null 2>&1"));

  const auto receipt = nlohmann::json::parse(changed);
  ASSERT_TRUE(shell("cd " AVOCADO_SOURCES " && bash " + script("xargs sha256sum") + " >" +
                    folder_.file("digest")));
  EXPECT_EQ(read_text_file(folder_.file("digest")).substr(0, 64), receipt["source"]);
}

}  // namespace
}  // namespace avocado
