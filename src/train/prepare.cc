#include "train/prepare.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/sha256.h"
#include "chat/own_template.h"
#include "models/model.h"
#include "text/bpe_trainer.h"
#include "train/documents.h"
#include "train/preference_data.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

using Sources =
    std::vector<std::pair<std::string, std::vector<SourceDocument>>>;  // path, documents

Sources read_sources(const Recipe& recipe, const std::vector<std::string>& files) {
  Sources sources;
  for (const std::string& file : files) {
    const std::string path = recipe.resolve(file);
    if (!recipe.options.prefers()) {
      sources.emplace_back(path, read_documents(path));
      continue;
    }
    // Chosen and rejected answers take turns.
    auto& documents = sources.emplace_back(path, std::vector<SourceDocument>()).second;
    for (PreferencePair& pair : read_preference_pairs(path)) {
      documents.push_back(std::move(pair.chosen));
      documents.push_back(std::move(pair.rejected));
    }
  }
  return sources;
}

std::unique_ptr<Tokenizer> read_tokenizer(const std::string& path) {
  if (path.ends_with(".gguf")) return Tokenizer::from_gguf(GgufFile::open(path));
  return Tokenizer::from_huggingface(path);
}

std::unique_ptr<Tokenizer> train_tokenizer(const Sources& sources, const Recipe& recipe) {
  std::vector<std::string_view> texts;
  for (const auto& [path, documents] : sources)
    for (const SourceDocument& document : documents)
      for (const Part& part : document) {
        texts.emplace_back(part.content);
        // A chat template writes the names of the roles, and an empty line, into every
        // conversation.
        if (part.role == "system" || part.role == "user" || part.role == "assistant") {
          texts.emplace_back(part.role);
          texts.emplace_back("\n\n");
        }
      }
  BpeTrainerOptions options;
  options.vocab_size = static_cast<int32_t>(recipe.tokenizer_vocab);
  options.max_token_bytes = static_cast<int32_t>(recipe.tokenizer_bytes);
  options.pre_tokenizer = recipe.tokenizer_pre;
  options.special_tokens = kOwnSpecialTokens;
  options.bos = "<|begin_of_text|>";
  options.eos = "<|end_of_text|>";
  return train_bpe(texts, options);
}

// Adds to `report` how many pairs were kept.
Dataset pack_pairs(const Sources& sources, const Tokenizer& tokenizer,
                   const ChatTemplate* chat_template, int64_t row_tokens, int64_t vocab,
                   const char* what, Json& report) {
  std::vector<DocumentPair> pairs;
  for (const auto& [path, texts] : sources)
    for (size_t i = 0; i + 1 < texts.size(); i += 2)
      pairs.push_back(encode_pair({texts[i], texts[i + 1]}, tokenizer, chat_template,
                                  fmt::format("{}, pair {}", path, i / 2 + 1)));
  int64_t left_out = 0;
  try {
    Dataset data = Dataset::pack_pairs(pairs, row_tokens, vocab, left_out);
    report[what] = {{"kept", static_cast<int64_t>(pairs.size()) - left_out},
                    {"left_out", left_out}};
    return data;
  } catch (const Error& error) {
    fail_input("[data] {}: {}", what, error.what());
  }
}

Dataset pack_sources(const Sources& sources, const Tokenizer& tokenizer,
                     const ChatTemplate* chat_template, int64_t row_tokens, int64_t vocab,
                     const char* what) {
  std::vector<Document> documents;
  for (const auto& [path, texts] : sources)
    for (size_t i = 0; i < texts.size(); ++i)
      for (Document& document : encode_document(texts[i], tokenizer, chat_template,
                                                fmt::format("{}, document {}", path, i + 1)))
        documents.push_back(std::move(document));
  try {
    return Dataset::pack(documents, row_tokens, vocab);
  } catch (const Error& error) {
    fail_input("[data] {}: {}", what, error.what());
  }
}

// Digests of the files by their names in the recipe.
Json source_digests(const Recipe& recipe) {
  Json digests = Json::object();
  for (const auto* files : {&recipe.train, &recipe.eval})
    for (const std::string& file : *files) digests[file] = sha256_file(recipe.resolve(file));
  return digests;
}

}  // namespace

void create_run(const std::string& folder, const Recipe& recipe, const std::string& recipe_text,
                ThreadPool& pool) {
  const Sources train_sources = read_sources(recipe, recipe.train);
  const Sources eval_sources = read_sources(recipe, recipe.eval);
  RunSetup setup;
  setup.options = recipe.options;
  setup.recipe = recipe_to_json(recipe);
  setup.recipe_text = recipe_text;
  setup.sources = source_digests(recipe);

  std::optional<Model> base;
  std::unique_ptr<Tokenizer> made;
  std::vector<std::vector<float>> initial;
  if (!recipe.base.empty()) {
    base = Model::load(recipe.resolve(recipe.base), pool, {});
    if (!base->tokenizer())
      fail_input("{}: has no tokenizer; training on it needs one", recipe.base);
    setup.config = base->config();
    setup.chat_template = base->chat_template();
    setup.tokenizer = base->tokenizer();
    for (const std::vector<double>& weight : base->weights_as_double())
      initial.emplace_back(weight.begin(), weight.end());
    for (const std::vector<float>& weight : initial) setup.initial.push_back(weight.data());
  } else {
    made = recipe.tokenizer_file.empty() ? train_tokenizer(train_sources, recipe)
                                         : read_tokenizer(recipe.resolve(recipe.tokenizer_file));
    setup.config = recipe.model;
    setup.config.vocab = made->vocab_size();
    setup.tokenizer = made.get();
    // A tokenizer with the tokens of the Llama 3 format makes a model that speaks it.
    if (std::all_of(kOwnSpecialTokens.begin(), kOwnSpecialTokens.end(),
                    [&](const std::string& token) { return made->find(token) >= 0; }))
      setup.chat_template = kOwnTemplate;
  }
  const int64_t row_tokens = recipe.row_tokens > 0 ? recipe.row_tokens : setup.config.context;
  const int64_t vocab = setup.config.vocab;
  std::optional<ChatTemplate> chat;
  if (!setup.chat_template.empty())
    chat.emplace(setup.chat_template, *setup.tokenizer,
                 recipe.base.empty() ? "chat template" : recipe.base);
  const ChatTemplate* chat_template = chat ? &*chat : nullptr;
  const auto pack = [&](const Sources& sources, const char* what) {
    return setup.options.prefers()
               ? pack_pairs(sources, *setup.tokenizer, chat_template, row_tokens, vocab, what,
                            setup.pairs)
               : pack_sources(sources, *setup.tokenizer, chat_template, row_tokens, vocab, what);
  };
  const Dataset train = pack(train_sources, "train");
  std::optional<Dataset> eval;
  if (!eval_sources.empty()) eval = pack(eval_sources, "eval");
  setup.train = &train;
  setup.eval = eval ? &*eval : nullptr;
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
