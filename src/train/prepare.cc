#include "train/prepare.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "chat/own_template.h"
#include "files/atomic_file.h"
#include "text/bpe_trainer.h"
#include "train/memory_estimate.h"
#include "train/tokenizer_sample.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// Bytes of text a tokenizer is made from; more would change little and take memory.
constexpr size_t kTokenizerSample = size_t{64} << 20;

std::unique_ptr<Tokenizer> read_tokenizer(const std::string& path) {
  if (path.ends_with(".gguf")) return Tokenizer::from_gguf(GgufFile::open(path));
  return Tokenizer::from_huggingface(path);
}

std::unique_ptr<Tokenizer> train_tokenizer(const Recipe& recipe, ThreadPool& pool) {
  const std::vector<std::string> texts = tokenizer_sample(recipe, kTokenizerSample, pool);
  BpeTrainerOptions options;
  options.vocab_size = static_cast<int32_t>(recipe.tokenizer_vocab);
  options.max_token_bytes = static_cast<int32_t>(recipe.tokenizer_bytes);
  options.pre_tokenizer = recipe.tokenizer_pre;
  options.special_tokens = kOwnSpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|end_of_text|>";
  return train_bpe({texts.begin(), texts.end()}, options);
}

}  // namespace

RunBasis read_basis(const Recipe& recipe, ThreadPool& pool) {
  RunBasis basis;
  if (!recipe.base.empty()) {
    basis.base = std::make_shared<const Model>(Model::load(recipe.resolve(recipe.base), pool, {}));
    if (!basis.base->tokenizer())
      fail_input("{}: has no tokenizer; training on it needs one", recipe.base);
    basis.config = basis.base->config();
    basis.chat_template = basis.base->chat_template();
    basis.tokenizer = basis.base->tokenizer();
  } else {
    basis.made = recipe.tokenizer_file.empty()
                     ? train_tokenizer(recipe, pool)
                     : read_tokenizer(recipe.resolve(recipe.tokenizer_file));
    basis.config = recipe.model;
    basis.config.vocab = basis.made->vocab_size();
    basis.tokenizer = basis.made.get();
    // A tokenizer with the tokens of the Llama 3 format makes a model that speaks it.
    if (std::all_of(kOwnSpecialTokens.begin(), kOwnSpecialTokens.end(),
                    [&](const std::string& token) { return basis.made->find(token) >= 0; }))
      basis.chat_template = kOwnTemplate;
  }
  if (!basis.chat_template.empty())
    basis.chat.emplace(basis.chat_template, *basis.tokenizer,
                       recipe.base.empty() ? "chat template" : recipe.base);
  basis.row_tokens = recipe.data.row_tokens > 0 ? recipe.data.row_tokens : basis.config.context;
  return basis;
}

PreparedData prepare_data(const Recipe& recipe, const RunBasis& basis, const std::string& folder,
                          ThreadPool& pool, const DataObserver& observer) {
  const TextEncoder encoder(*basis.tokenizer, basis.chat ? &*basis.chat : nullptr,
                            basis.chat_template);
  return prepare_data(recipe, encoder, basis.row_tokens, basis.config.vocab, folder,
                      default_token_cache(), pool, observer);
}

void create_run(const std::string& folder, const Recipe& recipe, const std::string& recipe_text,
                ThreadPool& pool, const DataObserver& observer) {
  require_free_folder(folder);
  const RunBasis basis = read_basis(recipe, pool);
  const PreparedData data = prepare_data(recipe, basis, folder, pool, observer);
  write_file_atomically(
      folder + "/data-report.json",
      data_report_to_json(data.report).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  RunSetup setup;
  setup.config = basis.config;
  setup.options = recipe.options;
  setup.train = &data.train;
  setup.eval = data.eval ? &*data.eval : nullptr;
  if (recipe.adapter) {
    setup.adapter = recipe.adapter;
    setup.base = basis.base;
    setup.base_path = recipe.resolve(recipe.base);
  }
  require_memory({.config = setup.config,
                  .options = setup.options,
                  .adapter = setup.adapter,
                  .base = setup.base_path,
                  .recompute = recipe.run.recompute,
                  .train = data.train,
                  .eval = setup.eval,
                  .threads = pool.threads()},
                 recipe.run.memory, available_memory());
  setup.tokenizer = basis.tokenizer;
  setup.chat_template = basis.chat_template;
  std::vector<std::vector<float>> initial;
  if (basis.base && !setup.adapter)
    for (const std::vector<double>& weight : basis.base->weights_as_double())
      initial.emplace_back(weight.begin(), weight.end());
  for (const std::vector<float>& weight : initial) setup.initial.push_back(weight.data());
  setup.recipe = recipe_to_json(recipe);
  setup.recipe_text = recipe_text;
  setup.sources = Json::object();  // digests of the files by their names in the recipe
  for (const SourceReport& source : data.report.sources)
    setup.sources[source.source.path] = source.sha256;
  Run::create(folder, setup, pool);
}

void require_same_recipe(const Run& run, const Recipe& recipe) {
  const Json was = run.manifest().value("recipe", Json());
  const Json now = recipe_to_json(recipe);
  if (was != now) {
    // A patch names what changed by its path, as "/train/lr".
    const nlohmann::json patch = nlohmann::json::diff(nlohmann::json(was), nlohmann::json(now));
    const auto path = patch.at(0).at("path").get<std::string>();
    fail_input(
        "{}: was begun with another recipe ({} differs); restore the recipe to resume, or train "
        "into another folder with --out",
        run.folder(), path.empty() ? "the whole recipe" : path);
  }
  const Json sources = run.manifest().value("sources", Json::object());
  for (const auto& [file, digest] : sources.items()) {
    const std::string path = recipe.resolve(file);
    if (std::filesystem::exists(path) && digest != sha256_file(path))
      fail_input(
          "{}: has changed since {} was begun; restore it to resume, or train into another "
          "folder with --out",
          path, run.folder());
  }
}

}  // namespace avocado
