// The same tokenizer from a GGUF file and from a tokenizer.json gives the same ids.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/test_text.h"
#include "text/tokenizer.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

std::unique_ptr<Tokenizer> from_gguf(const std::string& name) {
  return Tokenizer::from_gguf(
      GgufFile::open(test::data("tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf")));
}

std::unique_ptr<Tokenizer> from_json(const std::string& name) {
  return Tokenizer::from_huggingface(test::data("tokenizers/" + name));
}

// A tokenizer.json as Hugging Face's converters write it, from a vocabulary, a list of merges and
// the added tokens of a tokenizer_config.json.
std::unique_ptr<Tokenizer> assemble(const std::string& vocab, const std::string& merges,
                                    const std::string& config, const std::string& pattern,
                                    bool ignore_merges) {
  const std::string config_text = test::read_file(test::data("tokenizers/" + config));
  Json json = {{"model", {{"type", "BPE"}, {"ignore_merges", ignore_merges}}}};
  json["model"]["vocab"] = Json::parse(test::read_file(test::data("tokenizers/" + vocab)));
  std::istringstream lines(test::read_file(test::data("tokenizers/" + merges)));
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("#version") && !line.empty()) json["model"]["merges"].push_back(line);
  const Json parsed = Json::parse(config_text);
  std::vector<std::pair<int, Json>> added;
  for (const auto& [id, token] : parsed["added_tokens_decoder"].items())
    added.emplace_back(std::stoi(id), token);
  std::sort(added.begin(), added.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [id, token] : added) {
    token["id"] = id;
    json["added_tokens"].push_back(token);
  }
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern", {{"Regex", pattern}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  return Tokenizer::parse_huggingface(json.dump(), config_text, vocab);
}

struct Difference {
  size_t texts = 0, different = 0;
  std::string first;
};

Difference compare(const Tokenizer& a, const Tokenizer& b, const std::vector<std::string>& texts,
                   bool special = false) {
  Difference result;
  for (const std::string& text : texts) {
    ++result.texts;
    if (a.encode(text, {.special = special}) == b.encode(text, {.special = special})) continue;
    if (result.different++ == 0) result.first = text.substr(0, 200);
  }
  return result;
}

std::vector<std::string> lines_of(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  for (const std::string& text : texts) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) all.push_back(line);
  }
  return all;
}

// `broken`: a string that one of the two files spells wrongly; its tokens and texts are left out.
void expect_twins(const char* name, const Tokenizer& gguf, const Tokenizer& json,
                  const std::string& broken = {}) {
  const auto is_broken = [&](std::string_view text) {
    return !broken.empty() && text.find(broken) != std::string_view::npos;
  };
  EXPECT_LE(json.vocab_size(), gguf.vocab_size());  // GGUF files pad the vocabulary
  for (int32_t id = 0; id < json.vocab_size(); ++id) {
    if (is_broken(gguf.token_text(id))) continue;
    ASSERT_EQ(json.token_text(id), gguf.token_text(id)) << name << " token " << id;
    ASSERT_EQ(json.token_bytes(id, true), gguf.token_bytes(id, true)) << name << " token " << id;
  }
  std::vector<std::string> random;
  for (uint64_t seed = 0; seed < 3000; ++seed)
    random.push_back(test::random_text(seed, 1 + seed % 60));
  std::pair<const char*, std::vector<std::string>> groups[] = {
      {"cases",
       test::read_vocab_cases(test::data("tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf.inp"))},
      {"random", random},
      {"corpora", test::corpora()},
      {"lines", lines_of(test::corpora())},
  };
  for (auto& [what, texts] : groups) {
    const size_t left_out = std::erase_if(texts, is_broken);
    const Difference d = compare(gguf, json, texts);
    std::printf("%-10s %-8s %6zu texts, %zu differ, %zu left out\n", name, what, d.texts,
                d.different, left_out);
    EXPECT_EQ(d.different, 0u) << name << ", " << what << ", first: " << d.first;
  }
}

TEST(Twins, Gpt2) {
  REQUIRE_TEST_DATA("tokenizers/gpt2/tokenizer.json");
  expect_twins("gpt-2", *from_gguf("gpt-2"), *from_json("gpt2/tokenizer.json"));
}

TEST(Twins, Llama2) {
  REQUIRE_TEST_DATA("tokenizers/llama2/tokenizer.json");
  const auto gguf = from_gguf("llama-spm"), json = from_json("llama2");
  // In this tokenizer.json every no-break space of the vocabulary was replaced by a plain space
  // (tokens 8655, 17891, 20246, 30081), so it cannot spell one; the GGUF file has them right.
  const std::string no_break_space = "\u00a0";
  expect_twins("llama-spm", *gguf, *json, no_break_space);
  EXPECT_NE(json->encode(no_break_space), gguf->encode(no_break_space));
  EXPECT_EQ(json->bos(), gguf->bos());
  EXPECT_EQ(json->eos(), gguf->eos());
  EXPECT_EQ(json->encode("Hello world", {.bos = true}), gguf->encode("Hello world", {.bos = true}));
}

TEST(Twins, Phi3) {
  REQUIRE_TEST_DATA("tokenizers/phi3/tokenizer.json");
  const auto gguf = from_gguf("phi-3"), json = from_json("phi3");
  expect_twins("phi-3", *gguf, *json);
  const Difference d =
      compare(*gguf, *json,
              {"<|user|>\nHello there<|end|>\n<|assistant|>\n Hi<|end|>", "<s>x</s>  y"}, true);
  EXPECT_EQ(d.different, 0u) << d.first;
}

TEST(Twins, Llama3) {
  REQUIRE_TEST_DATA("tokenizers/llama3/encoder.json");
  const auto json = assemble(
      "llama3/encoder.json", "llama3/vocab.bpe",
      "llama3/tokenizer_config.llama3.1-8B-instruct.json",
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      true);
  const auto gguf = from_gguf("llama-bpe");
  expect_twins("llama-bpe", *gguf, *json);
  const Difference d = compare(
      *gguf, *json,
      {"<|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|>", "<|begin_of_text|><|x|>"},
      true);
  EXPECT_EQ(d.different, 0u) << d.first;
  EXPECT_EQ(json->eos(), gguf->eos());
}

TEST(Twins, Qwen2) {
  REQUIRE_TEST_DATA("tokenizers/qwen2/vocab.json");
  const auto json = assemble(
      "qwen2/vocab.json", "qwen2/merges.txt", "qwen2/tokenizer_config.qwen2.5-0.5B-instruct.json",
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      false);
  expect_twins("qwen2", *from_gguf("qwen2"), *json);
}

TEST(Twins, EveryTokenizerJsonLoadsOrIsRefusedByName) {
  REQUIRE_TEST_DATA("tokenizers");
  for (const char* name :
       {"tokenizers/gpt2/tokenizer.json", "tokenizers/llama2/tokenizer.json",
        "tokenizers/mistral/tokenizer.json", "tokenizers/phi3/tokenizer.json",
        "tokenizers/whisper/tokenizer.json", "tokenizers/small/tiny_bpe_tokenizer.json",
        "tokenizers/small/torchtitan_test_tokenizer.json",
        "weights/minicpm3-tiny/tokenizer.json"}) {
    if (!std::filesystem::exists(test::data(name))) continue;
    try {
      const auto t = Tokenizer::from_huggingface(test::data(name));
      const std::string text = "Hello, world! 123 これは";
      const auto ids = t->encode(text, {.bos = true});
      std::printf("%-48s %-8s %6d tokens; \"%s\" is %zu ids\n", name,
                  std::string(t->type_name()).c_str(), t->vocab_size(), text.c_str(), ids.size());
      EXPECT_FALSE(ids.empty());
    } catch (const Error& error) {
      std::printf("%-48s refused: %s\n", name, error.what());
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace
}  // namespace avocado
