#include "train/receipt.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "tiny_run.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;

const std::string kSource(64, 'e');
const Software kSoftware{"0.1.0", kSource};

class ReceiptTest : public test::RunTest {
 protected:
  Receipt describe() { return describe_run(avocado::Run::open(folder_), kSoftware, pool_); }
  Receipt signed_receipt() {
    Receipt receipt = describe();
    sign_receipt(receipt, key_);
    return receipt;
  }
  SigningKey key_ = SigningKey::make();
};

TEST_F(ReceiptTest, SaysWhatTheRunIs) {
  const RunOutcome outcome = train();
  const Receipt receipt = describe();
  EXPECT_EQ(receipt.version, "0.1.0");
  EXPECT_EQ(receipt.source, kSource);
  EXPECT_EQ(Sha256().update(receipt.defines).hex(), receipt.definition);
  EXPECT_EQ(receipt.steps, test::kSteps);
  EXPECT_EQ(receipt.rows, test::kSteps * 4);
  EXPECT_EQ(receipt.chain, outcome.chain);
  EXPECT_EQ(receipt.weights, outcome.weights_digest);
  EXPECT_EQ(receipt.data, test::counting_data(1).digest());
  EXPECT_EQ(receipt.eval, test::counting_data(3).digest());
  std::set<std::string> names;
  for (const ReceiptFile& said : receipt.files) {
    names.insert(said.name);
    EXPECT_EQ(said.sha256, sha256_file(file(said.name)));
    EXPECT_EQ(static_cast<uintmax_t>(said.bytes), fs::file_size(file(said.name)));
  }
  EXPECT_EQ(names, (std::set<std::string>{"run.json", "metrics.jsonl", "train.rows", "eval.rows",
                                          "final.gguf"}));
}

TEST_F(ReceiptTest, ComesBackFromItsText) {
  train();
  const Receipt receipt = signed_receipt();
  const Receipt back = parse_receipt(receipt_text(receipt), "receipt.json");
  EXPECT_EQ(receipt_text(back), receipt_text(receipt));
  EXPECT_TRUE(receipt_signature_holds(back));
  EXPECT_EQ(receipt_difference(back, describe()), "");
  // Spaces and the order of members are not signed.
  const nlohmann::json sorted = nlohmann::json::parse(receipt_text(receipt));
  EXPECT_TRUE(receipt_signature_holds(parse_receipt(sorted.dump(), "receipt.json")));
}

TEST_F(ReceiptTest, TheSignedTextIsTheCanonicalForm) {
  train();
  const Receipt receipt = signed_receipt();
  nlohmann::json json = nlohmann::json::parse(receipt_text(receipt));
  json.erase("signature");
  EXPECT_EQ(key_.sign(json.dump()), receipt.signature);
}

TEST_F(ReceiptTest, UnsignedOnesHaveNoSignatureThatHolds) {
  train();
  const Receipt back = parse_receipt(receipt_text(describe()), "receipt.json");
  EXPECT_EQ(back.signature, "");
  EXPECT_FALSE(receipt_signature_holds(back));
}

// Whatever byte is changed: the text is refused, or the signature does not hold, or only a space
// was changed.
TEST_F(ReceiptTest, EveryChangedByteIsFound) {
  train();
  const std::string whole = receipt_text(signed_receipt());
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    try {
      const Receipt receipt = parse_receipt(changed, "receipt.json");
      EXPECT_TRUE(!receipt_signature_holds(receipt) || receipt_text(receipt) == whole) << at;
    } catch (const Error&) {
      // Refused.
    }
  }
}

TEST_F(ReceiptTest, FieldsThatAreWrongAreNamed) {
  train();
  const Json whole = Json::parse(receipt_text(signed_receipt()));
  const auto message = [](const Json& json) -> std::string {
    try {
      parse_receipt(json.dump(), "receipt.json");
      return "accepted";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(message(whole), "accepted");
  for (const auto& [key, value] : whole.items()) {
    Json missing = whole;
    missing.erase(key);
    EXPECT_NE(message(missing).find("\"" + key + "\""), std::string::npos) << message(missing);
    Json wrong = whole;
    wrong[key] = true;
    EXPECT_NE(message(wrong).find("\"" + key + "\""), std::string::npos) << message(wrong);
    if (key == "recipe" || key == "sources" || key == "files") continue;
    wrong[key] = value.is_string() ? Json("?") : Json(-1);
    EXPECT_NE(message(wrong).find("\"" + key + "\""), std::string::npos) << message(wrong);
  }
  Json more = whole;
  more["more"] = 1;
  EXPECT_NE(message(more), "accepted");
  Json other = whole;
  other["steps"] = test::kSteps + 1;
  EXPECT_NE(message(other).find("\"steps\""), std::string::npos) << message(other);
  Json twice = whole;
  twice["files"].push_back(twice["files"][0]);
  EXPECT_NE(message(twice).find("\"files\""), std::string::npos) << message(twice);
  Json file = whole;
  file["files"][1]["sha256"] = "abc";
  EXPECT_NE(message(file), "accepted");
}

TEST_F(ReceiptTest, NamesWhatIsNotAsInTheRun) {
  train();
  const Receipt run = describe();
  Receipt other = run;
  other.learned += 1;
  EXPECT_NE(receipt_difference(other, run).find("\"learned\""), std::string::npos);
  other = run;
  other.files[1].sha256 = std::string(64, '0');
  EXPECT_NE(receipt_difference(other, run).find("metrics.jsonl has"), std::string::npos);
  other = run;
  other.files.pop_back();
  EXPECT_NE(receipt_difference(other, run), "");
  other = run;
  other.recipe = "another";
  EXPECT_NE(receipt_difference(other, run).find("\"recipe\""), std::string::npos);
  // By whom and when it was written is not of the run.
  other = run;
  other.issued = "2000-01-01T00:00:00Z";
  other.version = "9";
  EXPECT_EQ(receipt_difference(other, run), "");
}

TEST_F(ReceiptTest, OnlyAFinishedAndWholeRunGetsOne) {
  train(10);
  EXPECT_THROW(describe(), Error);
  train();
  EXPECT_NO_THROW(describe());
  const std::string path = file("final.gguf");
  damage(path, fs::file_size(path) / 2);
  EXPECT_THROW(describe(), Error);
  fs::remove(path);
  EXPECT_THROW(describe(), Error);
}

}  // namespace
}  // namespace avocado
