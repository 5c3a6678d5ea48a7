// run, logits and perplexity as a user meets them: answers, files, messages and exit codes.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/cpu_topology.h"
#include "base/sha256.h"
#include "chat/own_template.h"
#include "chat_tokenizer.h"
#include "files/atomic_file.h"
#include "infer/sampler.h"
#include "kernels/isa.h"
#include "program.h"
#include "temp_folder.h"
#include "test_data.h"
#include "tiny_model.h"

namespace avocado {
namespace {

using test::run_program;

class InferenceVerbs : public testing::Test {
 protected:
  // A base model, a chat model, one with an unknown chat format and one without a tokenizer.
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    const auto tokenizer = test::chat_tokenizer();
    ModelConfig config = architecture("llama", "test").tiny();
    config.vocab = vocab_ = tokenizer->vocab_size();
    config.context = 20000;
    test::write_tiny_model(config, file("base.gguf"), tokenizer.get());
    test::write_tiny_model(config, file("chat.gguf"), tokenizer.get(), std::string(kOwnTemplate));
    test::write_tiny_model(config, file("odd.gguf"), tokenizer.get(),
                           "{{ raise_exception('only with tools') }}");
    test::write_tiny_model(config, file("mute.gguf"));
    std::string text;
    for (int i = 0; i < 40; ++i) text += "the quick brown fox, ";
    write_file_atomically(file("text.txt"), text);
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string file(const std::string& name) { return folder_->file(name); }

  static void expect_failure(const std::vector<std::string>& arguments, int code,
                             const std::vector<std::string>& message) {
    const test::ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "");
    for (const std::string& part : message) {
      EXPECT_NE(result.err.find(part), std::string::npos)
          << "message: " << result.err << "wanted: " << part;
    }
  }

  static nlohmann::json json_of(const std::vector<std::string>& arguments,
                                const test::ProgramOptions& options = {}) {
    const test::ProgramResult result = run_program(arguments, options);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }

  static test::TempFolder* folder_;
  static int32_t vocab_;
};

test::TempFolder* InferenceVerbs::folder_ = nullptr;
int32_t InferenceVerbs::vocab_ = 0;

TEST_F(InferenceVerbs, LogitsGoToAFileWhoseDigestIsPrinted) {
  const std::string out = file("logits.f32");
  const nlohmann::json json = json_of(
      {"logits", file("base.gguf"), "--ids", "3,1,4,1,5,9", "--out", out, "--digest", "--json"});
  const std::string bytes = read_text_file(out);
  EXPECT_EQ(json["tokens"], 6);
  EXPECT_EQ(json["ids"], nlohmann::json({3, 1, 4, 1, 5, 9}));
  EXPECT_EQ(bytes.size(), 6 * json["vocab"].get<size_t>() * 4);
  EXPECT_EQ(json["digest"], sha256_file(out));

  // The five best are those of the last row.
  ASSERT_EQ(json["top"].size(), 5u);
  std::vector<float> last(json["vocab"].get<size_t>());
  std::memcpy(last.data(), bytes.data() + bytes.size() - last.size() * 4, last.size() * 4);
  EXPECT_EQ(json["top"][0]["id"], argmax(last));
  EXPECT_EQ(json["top"][0]["logit"].get<float>(), last[argmax(last)]);
}

TEST_F(InferenceVerbs, LogitsDigestDependsOnThePromptOnly) {
  const auto digest = [](std::vector<std::string> more, const std::string& isa = "") {
    std::vector<std::string> arguments = {"logits", file("base.gguf"), "--digest"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::ProgramResult result = run_program(arguments, {.isa = isa});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out.size(), 65u);
    return result.out;
  };
  const std::vector<std::string> text = {"--text", read_text_file(file("text.txt"))};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), text.begin(), text.end());
    return more;
  };
  const std::string expected = digest(text);
  for (const char* threads : {"1", "2", "3", "7"})
    EXPECT_EQ(digest(with({"--threads", threads})), expected);
  for (const char* pin : {"auto", "on", "off"})
    EXPECT_EQ(digest(with({"--cpu-pin", pin})), expected);
  for (const char* chunk : {"1", "5", "64", "100000"})
    EXPECT_EQ(digest(with({"--chunk", chunk})), expected);
  for (kernels::Isa isa : kernels::available_isas())
    EXPECT_EQ(digest(text, kernels::isa_name(isa)), expected);
  EXPECT_NE(digest({"--text", "another"}), expected);
  EXPECT_EQ(digest({"--text", ""}), digest({"--ids", std::to_string(vocab_ - 4)}));  // BOS is added
}

TEST_F(InferenceVerbs, LogitsOfALastTokenAsATable) {
  const test::ProgramResult result = run_program({"logits", file("base.gguf"), "--text", "the"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 6);
}

TEST_F(InferenceVerbs, LogitsRefusesBadRequests) {
  const std::string model = file("base.gguf");
  expect_failure({"logits", model}, 2, {"--text", "--ids"});
  expect_failure({"logits", model, "--text", "a", "--ids", "1"}, 2, {"--text", "--ids"});
  expect_failure({"logits", model, "--ids", "1,x"}, 2, {"x"});
  expect_failure({"logits", model, "--ids", "1," + std::to_string(vocab_)}, 2,
                 {fmt::format("token id {0} is outside the vocabulary of {0}", vocab_)});
  expect_failure({"logits", model, "--ids", "1", "--wrong"}, 2, {"--wrong"});
  expect_failure({"logits", model, "--ids", "1", "--threads", "0"}, 2, {"--threads"});
  expect_failure({"logits", model, "--ids", "1", "--cpu-pin", "hard"}, 2, {"--cpu-pin", "auto"});
  expect_failure({"logits", model, "--ids", "1", "--chunk", "-3"}, 2, {"--chunk"});
  expect_failure({"logits", file("none.gguf"), "--ids", "1"}, 1, {"none.gguf"});
  expect_failure({"logits", file("text.txt"), "--ids", "1"}, 1, {"text.txt"});
  expect_failure({"logits", file("mute.gguf"), "--text", "a"}, 1,
                 {"mute.gguf", "has no tokenizer", "--ids"});
  expect_failure({"logits", model, "--ids", "1", "--out", file("no/such/folder/x")}, 1,
                 {"no/such/folder"});
  std::string ids = "1";
  for (int i = 0; i < 20000; ++i) ids += ",1";
  expect_failure({"logits", model, "--ids", ids}, 2,
                 {"the prompt has 20001 tokens", "the context holds 20000"});
}

TEST_F(InferenceVerbs, AFullDiskIsReported) {
  const test::ProgramResult result =
      run_program({"logits", file("base.gguf"), "--ids", "1"}, {.out = "/dev/full"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("standard output"), std::string::npos) << result.err;
}

TEST_F(InferenceVerbs, RunGivesTheSameAnswerToTheSameCommand) {
  const std::vector<std::string> command = {"run", file("base.gguf"), "the quick", "-n",
                                            "12",  "--json"};
  const nlohmann::json answer = json_of(command);
  EXPECT_EQ(answer["stop"], "length");
  EXPECT_EQ(answer["ids"].size(), 12u);
  EXPECT_EQ(answer["answer_tokens"], 12);
  EXPECT_EQ(answer["seed"], 0);
  const auto ids = answer["ids"].get<std::vector<int32_t>>();
  EXPECT_EQ(answer["digest"], Sha256().update_array(std::span<const int32_t>(ids)).hex());

  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return json_of(more)["ids"];
  };
  EXPECT_EQ(with({"--threads", "3", "--chunk", "1"}), answer["ids"]);
  EXPECT_NE(with({"--seed", "1"}), answer["ids"]);
  for (const char* method : {"none", "suffix", "auto"})
    EXPECT_EQ(with({"--draft", method}), answer["ids"]) << method;
  EXPECT_EQ(with({"--model-draft", file("base.gguf")}), answer["ids"]);
  EXPECT_EQ(with({"--model-draft", file("base.gguf"), "--draft", "model"}), answer["ids"]);
  EXPECT_EQ(with({"--no-draft"}), answer["ids"]);
  EXPECT_EQ(with({"--temp", "0", "--seed", "1"}), with({"--top-k", "1"}));

  // The prompt may come from standard input.
  const std::vector<std::string> piped = {"run", file("base.gguf"), "-n", "12", "--json"};
  EXPECT_EQ(json_of(piped, {.input = "the quick\n"})["ids"], answer["ids"]);

  const test::ProgramResult plain =
      run_program({"run", file("base.gguf"), "the quick", "-n", "12", "--verbose"});
  EXPECT_EQ(plain.out, answer["text"].get<std::string>() + "\n");
  EXPECT_NE(plain.err.find("answer: 12 tokens"), std::string::npos);
}

TEST_F(InferenceVerbs, RunUsesTheChatFormatOrTheTextAsItStands) {
  const auto run = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", file("chat.gguf"), "-n", "5", "--temp", "0", "--json"});
    return json_of(more);
  };
  const nlohmann::json chat = run({"fox"});
  const nlohmann::json raw = run({"--raw",
                                  "<|start_header_id|>user<|end_header_id|>\n\nfox<|eot_id|>"
                                  "<|start_header_id|>assistant<|end_header_id|>\n\n"});
  EXPECT_EQ(chat["prompt_tokens"], raw["prompt_tokens"]);
  EXPECT_EQ(chat["ids"], raw["ids"]);
  EXPECT_GT(run({"fox", "--system", "dog"})["prompt_tokens"], chat["prompt_tokens"]);
  EXPECT_EQ(run({"fox", "--raw"})["prompt_tokens"],
            json_of({"run", file("base.gguf"), "fox", "-n", "5", "--json"})["prompt_tokens"]);
  EXPECT_EQ(
      json_of({"run", file("odd.gguf"), "fox", "--raw", "-n", "2", "--json"})["answer_tokens"], 2);
}

TEST_F(InferenceVerbs, RunRefusesBadRequests) {
  const std::string model = file("base.gguf");
  expect_failure({"run", model, "a", "--temp", "-1"}, 2, {"temperature is -1"});
  expect_failure({"run", model, "a", "--temp", "nan"}, 2, {"temperature"});
  expect_failure({"run", model, "a", "--top-p", "2"}, 2, {"top-p is 2"});
  expect_failure({"run", model, "a", "--top-k", "-1"}, 2, {"top-k is -1"});
  expect_failure({"run", model, "a", "--mirostat", "3"}, 2, {"mirostat is 3", "from 0 to 2"});
  expect_failure({"run", model, "a", "--samplers", "top_k;tail"}, 2, {"\"tail\"", "top_n_sigma"});
  expect_failure({"run", model, "a", "--sampler-seq", "kz"}, 2, {"\"z\""});
  expect_failure({"run", model, "a", "--logit-bias", "5"}, 2, {"TOKEN(+|-)BIAS"});
  expect_failure({"run", model, "a", "--logit-bias", "5000+1"}, 2, {"5000", "vocabulary"});
  expect_failure({"run", model, "a", "--stop", ""}, 2, {"stop string 1 has 0 bytes"});
  expect_failure({"run", model, "a", "--seed", "-1"}, 2, {"--seed"});
  expect_failure({"run", model, "a", "-n", "-2"}, 2, {"-2 tokens", "-1"});
  expect_failure({"run", model, "a", "--ctx", "20001"}, 2, {"20001", "20000"});
  expect_failure({"run", model, "the quick brown fox jumps", "--ctx", "3"}, 2,
                 {"the context holds 3; the model was made for up to 20000"});
  expect_failure({"run", model, "a", "--system", "b"}, 2, {"--system"});
  expect_failure({"run", model, "a", "--grammar", "root ::= \"a"}, 2, {"line 1"});
  expect_failure({"run", model, "a", "--json-schema", R"({"type": "odd"})"}, 2, {"type"});
  expect_failure({"run", model, "a", "-j", "{}", "--grammar", "root ::= \"a\""}, 2, {"--grammar"});
  expect_failure({"run", model, "a", "--model-draft", file("none.gguf")}, 1, {"none.gguf"});
  expect_failure({"run", model, "a", "--draft", "model"}, 2, {"--model-draft"});
  expect_failure({"run", model, "a", "--draft", "suffix", "--model-draft", model}, 2,
                 {"--draft suffix asks no model"});
  expect_failure({"run", model, "a", "--draft", "luck"}, 2, {"suffix"});
  expect_failure({"run", model, "a", "b"}, 2, {"b"});
  expect_failure({"run", model, "--file", "a"}, 2, {"--file", "PROMPT"});
  expect_failure({"run", file("odd.gguf"), "a"}, 1, {"odd.gguf", "only with tools", "--raw"});
  expect_failure({"run", file("mute.gguf"), "a"}, 1, {"has no tokenizer"});
  expect_failure({"run", file("none.gguf"), "a"}, 1, {"none.gguf"});
}

TEST_F(InferenceVerbs, RunChoosesTokensAsItIsTold) {
  const auto with = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", file("base.gguf"), "-n", "12", "--json"});
    more.emplace_back("the quick");  // behind the flags: none swallows it
    return json_of(more);
  };
  const nlohmann::json plain = with({});
  // The default order by its names and its letters; what is not named does not run.
  EXPECT_EQ(with({"--sampler-seq", "edskypmxt"})["ids"], plain["ids"]);
  EXPECT_EQ(with({"--samplers", "top-k;top_p;min-p;temp"})["ids"], plain["ids"]);
  EXPECT_NE(with({"--samplers", "top_k"})["ids"], plain["ids"]);
  EXPECT_EQ(with({"--samplers", "top_k", "--top-k", "1"})["ids"], with({"--temp", "0"})["ids"]);
  // Each of these says something else.
  const std::vector<std::vector<std::string>> ways = {
      {"--dynatemp-range", "0.7"},
      {"--typical", "0.2"},
      {"--top-nsigma", "0.5"},
      {"--xtc-probability", "1", "--xtc-threshold", "0.001"},
      {"--repeat-penalty", "100", "--repeat-last-n", "-1"},
      {"--presence-penalty", "5"},
      {"--frequency-penalty", "5"},
      {"--mirostat", "1", "--mirostat-ent", "2"},
      {"--mirostat", "2", "--mirostat-lr", "0.5"},
      {"--samplers", "adaptive_p", "--adaptive-target", "0.5"},
      {"--logit-bias", "the+inf", "-l", " fox+inf"},
  };
  for (const std::vector<std::string>& way : ways) {
    const nlohmann::json answer = with(way);
    EXPECT_NE(answer["ids"], plain["ids"]) << way[0];
    EXPECT_EQ(with(way)["ids"], answer["ids"]) << way[0];
  }
  const std::vector<std::string> biased = {"-l",
                                           std::to_string(plain["ids"][0].get<int>()) + "-inf"};
  const nlohmann::json without = with(biased)["ids"];
  EXPECT_EQ(std::count(without.begin(), without.end(), plain["ids"][0]), 0);
}

TEST_F(InferenceVerbs, RunStopsBeforeATextAndKeepsOthersOut) {
  const auto with = [](std::vector<std::string> more) {  // two words, mixed
    more.insert(more.begin(), {"run", file("base.gguf"), "-n", "30", "--json", "-l", "the+inf",
                               "-l", " fox+inf", "--temp", "30", "--min-p", "0", "--top-p", "1"});
    more.emplace_back("the quick");
    return json_of(more);
  };
  EXPECT_NE(with({"--dry-multiplier", "50", "--dry-sequence-breaker", "none"})["ids"],
            with({})["ids"]);
  const std::string text = with({})["text"];
  const std::string part = text.substr(text.size() / 2, 3);
  const nlohmann::json stopped = with({"-r", "no such text", "--stop", part});
  EXPECT_EQ(stopped["text"], text.substr(0, text.find(part)));
  EXPECT_EQ(stopped["stop"], "stop");
  EXPECT_EQ(stopped["stop_string"], part);
  const nlohmann::json kept = with({"--banned-string", part, "--banned-string", "no such text"});
  EXPECT_EQ(kept["text"].get<std::string>().find(part), std::string::npos);
  EXPECT_NE(kept["ids"], with({})["ids"]);
  EXPECT_EQ(with({"--ignore-eos"})["stop"], "length");

  const nlohmann::json told = with({"--n-probs", "3"});
  ASSERT_EQ(told["probabilities"].size(), told["ids"].size());
  EXPECT_EQ(told["probabilities"][0]["id"], told["ids"][0]);
  EXPECT_EQ(told["probabilities"][0]["top_logprobs"].size(), 3u);
  EXPECT_LE(told["probabilities"][0]["logprob"],
            told["probabilities"][0]["top_logprobs"][0]["logprob"]);
  EXPECT_LE(with({"--n-probs", "3", "--post-sampling-probs", "--top-k",
                  "1"})["probabilities"][0]["top_logprobs"]
                .size(),
            1u);
}

TEST_F(InferenceVerbs, CtrlCStopsAnAnswer) {
  const test::ProgramResult result =
      run_program({"run", file("base.gguf"), "the", "--temp", "0"}, {.interrupt_after_bytes = 20});
  EXPECT_EQ(result.code, 130);
  EXPECT_NE(result.err.find("interrupted"), std::string::npos) << result.err;
  EXPECT_GE(result.out.size(), 20u);
}

TEST_F(InferenceVerbs, PerplexityOfAText) {
  const auto measure = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"perplexity", file("base.gguf"), file("text.txt"), "--json"});
    return json_of(more);
  };
  const nlohmann::json whole = measure({});
  EXPECT_EQ(whole["windows"], 1);
  EXPECT_EQ(whole["scored_tokens"].get<int64_t>() + 1, whole["tokens"]);
  // Random weights know nothing: about as bad as guessing.
  EXPECT_GT(whole["perplexity"].get<double>(), vocab_ / 2);
  EXPECT_LT(whole["perplexity"].get<double>(), vocab_ * 2);
  EXPECT_NEAR(std::exp(whole["mean_nll"].get<double>()), whole["perplexity"].get<double>(), 1e-6);

  const nlohmann::json windows = measure({"--ctx", "32", "--stride", "8"});
  EXPECT_EQ(windows["scored_tokens"], whole["scored_tokens"]);
  EXPECT_GT(windows["windows"], 10);
  EXPECT_EQ(measure({"--ctx", "32", "--stride", "8", "--threads", "3", "--chunk", "5"}), windows);
  EXPECT_EQ(measure({"--ctx", "32"})["stride"], 16);
}

TEST_F(InferenceVerbs, PerplexityComparesCaches) {
  const auto measure = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"perplexity", file("base.gguf"), file("text.txt"), "--json", "--ctx",
                               "64", "--kl-base", "f32"});
    return json_of(more);
  };
  const nlohmann::json same = measure({});
  EXPECT_EQ(same["kl_divergence"]["base"], "f32");
  EXPECT_LT(same["kl_divergence"]["max"].get<double>(), 1e-12);
  EXPECT_EQ(same["kl_divergence"]["same_top"], 1.0);
  const nlohmann::json small = measure({"-ctk", "q4_0", "-ctv", "q4_0"});
  EXPECT_GT(small["kl_divergence"]["mean"].get<double>(), 1e-12);
  EXPECT_GE(small["kl_divergence"]["max"], small["kl_divergence"]["mean"]);
  EXPECT_LT(small["cache_bytes_per_token"].get<int64_t>(),
            same["cache_bytes_per_token"].get<int64_t>() / 2);
  const nlohmann::json rotated = measure({"-ctk", "q4_0", "-ctv", "q4_0", "--cache-hadamard"});
  EXPECT_NE(rotated["kl_divergence"]["mean"], small["kl_divergence"]["mean"]);
  EXPECT_EQ(rotated["cache_bytes_per_token"], small["cache_bytes_per_token"]);
}

TEST_F(InferenceVerbs, PerplexityRefusesBadRequests) {
  const std::string model = file("base.gguf"), text = file("text.txt");
  write_file_atomically(file("empty.txt"), "");
  expect_failure({"perplexity", model, file("none.txt")}, 1, {"none.txt"});
  expect_failure({"perplexity", model, file("empty.txt")}, 2, {"the text has 1 tokens"});
  expect_failure({"perplexity", model, text, "--ctx", "8", "--stride", "9"}, 2, {"a stride of 9"});
  expect_failure({"perplexity", model, text, "--ctx", "1"}, 2, {"a window of 1"});
  expect_failure({"perplexity", model, text, "--ctx", "99999"}, 2, {"99999", "20000"});
  expect_failure({"perplexity", file("mute.gguf"), text}, 1, {"has no tokenizer"});
  expect_failure({"perplexity", model, text, "--kl-base", "q3_0"}, 2, {"--kl-base", "q4_0"});
}

TEST_F(InferenceVerbs, BenchPrintsWhatLlamaBenchPrints) {
  const std::vector<std::string> command = {
      "bench", file("base.gguf"), "-p", "8,16", "-n", "4", "-d", "0,32", "-t", "1,2", "-r", "2"};
  const auto with = [&](const char* more) {
    std::vector<std::string> all = command;
    all.push_back(more);
    return all;
  };
  const nlohmann::json rows = json_of(with("--json"));
  ASSERT_EQ(rows.size(), 12u);
  for (const nlohmann::json& row : rows) {
    EXPECT_EQ(row["n_prompt"] == 0, row["n_gen"] == 4);
    EXPECT_GT(row["avg_ts"], 0);
    EXPECT_GE(row["stddev_ts"], 0);
    EXPECT_EQ(row["samples_ts"].size(), 2u);
    EXPECT_GT(row["gb_per_s_limit"], 0.1);
    EXPECT_EQ(row["gops_limit_of"], "f32");
  }
  EXPECT_EQ(rows[0]["n_threads"], 1);
  EXPECT_NE(rows[0]["cores"], "");
  EXPECT_EQ(rows[11]["n_threads"], 2);
  EXPECT_EQ(rows[3]["n_depth"], 32);

  const test::ProgramResult table = run_program(command);
  EXPECT_NE(table.out.find("pp16 @ d32"), std::string::npos) << table.out;
  const test::ProgramResult csv = run_program(with("--csv"));
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 13) << csv.out;
  EXPECT_TRUE(csv.out.starts_with("model_filename,")) << csv.out;

  const nlohmann::json pinned = json_of(
      {"bench", file("base.gguf"), "-p", "8", "-n", "0", "-r", "1", "--cpu-pin", "on", "--json"});
  EXPECT_EQ(pinned[0]["cpu_mask"] == "0x0", cpu_topology().cpus.size() == 1);
  const nlohmann::json together =
      json_of({"bench", file("base.gguf"), "-p", "8", "-n", "4", "--parallel", "1,3", "-r", "1",
               "--no-warmup", "--json"});
  ASSERT_EQ(together.size(), 2u);
  EXPECT_EQ(together[1]["pl"], 3);
  EXPECT_EQ(together[1]["n_kv"], 36);
  const double spent = together[1]["t_pp"].get<double>() + together[1]["t_tg"].get<double>();
  EXPECT_NEAR(together[1]["speed"].get<double>() * spent, 36, 1e-6);

  expect_failure({"bench", file("base.gguf"), "--parallel", "0"}, 2, {"--parallel"});
  expect_failure({"bench", file("base.gguf"), "-p", "30000"}, 2, {"30001", "20000"});
  expect_failure({"bench", file("base.gguf"), "-p", "0", "-n", "0"}, 2, {"-p or -n"});
  expect_failure({"bench", file("base.gguf"), "-r", "0"}, 2, {"-r"});
}

TEST_F(InferenceVerbs, ModelsOfOthers) {
  REQUIRE_TEST_DATA("weights");
  const auto weights = [](const std::string& name) {
    return test::data("weights/" + name).string();
  };
  // A folder without a tokenizer runs on ids; MLX's own quantization is refused by name.
  EXPECT_EQ(json_of({"logits", weights("tiny/tiny_llama3"), "--ids", "1,2,3", "--json"})["vocab"],
            256);
  expect_failure({"run", weights("tiny/tiny_llama3"), "a"}, 1, {"has no tokenizer"});
  expect_failure({"logits", weights("tiny/tiny_qwen3_sharded"), "--ids", "1"}, 1, {"quantiz"});
  expect_failure({"logits", weights("minicpm3-tiny"), "--ids", "1"}, 1, {"minicpm3"});
  expect_failure({"logits", weights("malformed-and-tiny-gguf/ollama-api-test.gguf"), "--ids", "1"},
                 1, {"ollama-api-test.gguf"});
  expect_failure({"logits", weights("malformed-and-tiny-gguf/parser-tiny.gguf"), "--ids", "1"}, 1,
                 {"parser-tiny.gguf"});
}

}  // namespace
}  // namespace avocado
