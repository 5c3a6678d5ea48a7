#include "cli/demo_recipe.h"

#include "chat/own_template.h"
#include "text/bpe_trainer.h"
#include "train/documents.h"

namespace avocado::cli {
namespace {

constexpr int32_t kVocab = 1024;

ModelConfig model(int64_t width, int64_t layers, int64_t heads, int64_t kv_heads, int64_t ffn) {
  ModelConfig c;
  c.architecture = "llama";
  c.name = "Avocado demo";
  c.vocab = kVocab;
  c.width = width;
  c.layers = layers;
  c.heads = heads;
  c.kv_heads = kv_heads;
  c.head_dim = c.rope_dim = 32;
  c.ffn = ffn;
  c.context = 512;
  c.norm_eps = 1e-5;
  c.tied = true;
  c.rope_base = 10000;
  return c;
}

}  // namespace

const DemoRecipe& full_demo() {
  static const DemoRecipe recipe = {
      .name = "full",
      .model = model(128, 3, 4, 2, 384),
      .train = {.steps = 3200,
                .rows = 4,
                .micro_batches = 1,
                .lr = 2e-3,
                .min_lr = 1e-4,
                .warmup = 40,
                .weight_decay = 0.05,
                .seed = 1,
                .digest_every = 100},
      .row_tokens = 256,
      .items = 70000,
      .tokenizer_items = 8000,
      .questions = 32,
      .recorded = "7636ed0044c0e2a473cc21c8bad1d7f9e4c48ae65d1d7b3e8f65c2c227e57c46",
  };
  return recipe;
}

const DemoRecipe& quick_demo() {
  static const DemoRecipe recipe = {
      .name = "quick",
      .model = model(64, 2, 2, 1, 160),
      .train = {.steps = 12,
                .rows = 2,
                .micro_batches = 2,
                .lr = 3e-3,
                .min_lr = 1e-4,
                .warmup = 4,
                .weight_decay = 0.05,
                .seed = 1,
                .digest_every = 4},
      .row_tokens = 128,
      .items = 600,
      .tokenizer_items = 600,
      .questions = 4,
      .recorded = "2630ea2a3c548374a589fa2e1aa7fd7a78e4e25a8f82e3858fc630fc3b58d380",
  };
  return recipe;
}

std::unique_ptr<Tokenizer> demo_tokenizer(const DemoRecipe& recipe) {
  // The names of the roles are text of every conversation, so they belong to what is counted.
  std::vector<std::string> texts = {"user", "assistant", "system"};
  for (uint64_t i = 0; i < recipe.tokenizer_items; ++i) {
    corpus::Item item =
        corpus::mixed_item(corpus::Mixture::demo, corpus::Split::train, i, kDemoCorpusSeed);
    for (std::string* part : {&item.question, &item.answer}) {
      texts.push_back("\n\n");
      texts.push_back(std::move(*part));
      texts.push_back("user");
      texts.push_back("assistant");
    }
  }
  BpeTrainerOptions options;
  options.vocab_size = kVocab;
  options.max_token_bytes = 9;      // words, not phrases: names are copied whole
  options.pre_tokenizer = "qwen2";  // every digit apart: sums are done digit by digit
  options.special_tokens = kOwnSpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|eot_id|>";
  return train_bpe({texts.begin(), texts.end()}, options);
}

std::vector<Document> demo_documents(const DemoRecipe& recipe, const Tokenizer& tokenizer) {
  const ChatTemplate chat(kOwnTemplate, tokenizer, "demo");
  std::vector<Document> documents;
  for (uint64_t i = 0; i < recipe.items; ++i) {
    corpus::Item item =
        corpus::mixed_item(corpus::Mixture::demo, corpus::Split::train, i, kDemoCorpusSeed);
    for (Document& document : encode_document(
             {{"user", std::move(item.question)}, {"assistant", std::move(item.answer)}}, tokenizer,
             &chat, "demo"))
      documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace avocado::cli
