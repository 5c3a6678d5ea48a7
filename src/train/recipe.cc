#include "train/recipe.h"

#include <toml++/toml.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "train/definition.h"

namespace avocado {
namespace {

constexpr int64_t kMost = int64_t{1} << 31;

// One table of the recipe. Every key asked for is remembered; finish() refuses the others.
class Section {
 public:
  Section(const toml::table& table, std::string name, const std::string& source)
      : table_(table), name_(std::move(name)), source_(source) {}

  bool has(const std::string& key) {
    known_.insert(key);
    return table_.contains(key);
  }

  // Where a key stands, or where its section begins when it is absent.
  std::string where(const std::string& key) const {
    const toml::node* node = table_.get(key);
    const toml::source_position at = node ? node->source().begin : table_.source().begin;
    std::string text = source_;
    if (at.line > 0) text += fmt::format(":{}:{}", at.line, at.column);
    return name_.empty() ? text : text + ": " + name_;
  }

  int64_t whole(const std::string& key, int64_t least, int64_t most) {
    const int64_t value = required<int64_t>(key, "a whole number");
    if (value < least || value > most)
      fail_input("{}: {} = {}; it must be from {} to {}", where(key), key, value, least, most);
    return value;
  }
  int64_t whole(const std::string& key, int64_t least, int64_t most, int64_t fallback) {
    return has(key) ? whole(key, least, most) : fallback;
  }
  double real(const std::string& key, double fallback) {
    if (!has(key)) return fallback;
    if (table_[key].is_integer()) return static_cast<double>(table_[key].as_integer()->get());
    return required<double>(key, "a number");
  }
  bool boolean(const std::string& key, bool fallback) {
    return has(key) ? required<bool>(key, "true or false") : fallback;
  }
  std::string text(const std::string& key) {
    auto value = required<std::string>(key, "a text in quotes");
    if (value.empty()) fail_input("{}: {} is empty", where(key), key);
    return value;
  }
  std::vector<std::string> texts(const std::string& key) {
    has(key);
    const toml::array* array = table_[key].as_array();
    if (!array)
      fail_input("{}: {} {}; write {} = [\"file.txt\"]", where(key), key,
                 table_.contains(key) ? "must be a list of files" : "is missing", key);
    std::vector<std::string> values;
    for (const toml::node& node : *array) {
      const auto value = node.value_exact<std::string>();
      if (!value || value->empty())
        fail_input("{}: {} must hold names of files in quotes only", where(key), key);
      values.push_back(*value);
    }
    return values;
  }
  Section section(const std::string& key, bool needed = true) {
    static const toml::table empty;
    const std::string inner =
        name_.empty() ? fmt::format("[{}]", key) : fmt::format("{} {}", name_, key);
    if (!has(key)) {
      if (needed) fail_input("{}: the section [{}] is missing", source_, key);
      return Section(empty, inner, source_);
    }
    const toml::table* table = table_[key].as_table();
    if (!table) fail_input("{}: {} must be a section, [{}]", where(key), key, key);
    return Section(*table, inner, source_);
  }

  void finish() const {
    for (const auto& [key, node] : table_) {
      const std::string text(key.str());
      if (known_.contains(text)) continue;
      const toml::source_position at = key.source().begin;
      fail_input("{}:{}:{}: {}unknown key \"{}\"; known are {}", source_, at.line, at.column,
                 name_.empty() ? "" : name_ + " ", text, fmt::join(known_, ", "));
    }
  }

 private:
  template <class T>
  T required(const std::string& key, const char* wanted) {
    if (!has(key)) fail_input("{}: {} is missing; it must be {}", where(key), key, wanted);
    const auto value = table_[key].value_exact<T>();
    if (!value) fail_input("{}: {} must be {}", where(key), key, wanted);
    return *value;
  }

  const toml::table& table_;
  std::string name_;
  std::string source_;
  std::set<std::string> known_;
};

void read_model(Section& model, Recipe& recipe) {
  if (model.has("base")) {
    recipe.base = model.text("base");
    return;
  }
  ModelConfig& config = recipe.model;
  config.architecture = model.text("architecture");
  const ModelConfig usual = architecture(config.architecture, model.where("architecture")).tiny();
  if (model.has("name")) config.name = model.text("name");
  config.width = model.whole("width", 1, kMost);
  config.layers = model.whole("layers", 1, kMost);
  config.heads = model.whole("heads", 1, kMost);
  config.kv_heads = model.whole("kv_heads", 1, kMost, config.heads);
  if (!model.has("head_dim") && config.width % config.heads != 0)
    fail_input("{}: width {} is not a multiple of {} heads; change one or give head_dim",
               model.where("heads"), config.width, config.heads);
  config.head_dim = model.whole("head_dim", 1, kMost, config.width / config.heads);
  config.ffn = model.whole("ffn", 1, kMost);
  config.context = model.whole("context", 2, kMost);
  config.window = model.whole("window", 0, kMost, 0);
  config.norm_eps = model.real("norm_eps", config.norm_eps);
  config.tied = model.boolean("tied", false);
  config.attention_bias = model.boolean("attention_bias", usual.attention_bias);
  config.qk_norm = model.boolean("qk_norm", usual.qk_norm);
  config.rope_base = model.real("rope_base", config.rope_base);
  config.rope_dim = model.whole("rope_dim", 2, kMost, config.head_dim);
  // The vocabulary is known once the tokenizer is; every other number is checked here.
  ModelConfig probe = config;
  probe.vocab = 256;
  check_config(probe, model.where("architecture"));
}

void read_tokenizer(Section& tokenizer, Recipe& recipe) {
  const bool file = tokenizer.has("file"), train = tokenizer.has("train");
  if (file == train)
    fail_input("{}: give either file = \"model.gguf\" or train = {{ vocab_size = 1024 }}",
               tokenizer.where("file"));
  if (file) {
    recipe.tokenizer_file = tokenizer.text("file");
    return;
  }
  Section options = tokenizer.section("train");
  recipe.tokenizer_vocab = options.whole("vocab_size", 300, 1 << 24);
  options.finish();
}

void read_train(Section& train, Recipe& recipe) {
  TrainOptions& o = recipe.options;
  o.steps = train.whole("steps", 1, kMost);
  o.rows = train.whole("rows", 1, kMost, o.rows);
  o.micro_batches = train.whole("micro_batches", 1, kMost, o.micro_batches);
  o.lr = train.real("lr", o.lr);
  o.min_lr = train.real("min_lr", o.lr / 10);
  o.warmup = train.whole("warmup", 0, kMost, o.warmup);
  o.weight_decay = train.real("weight_decay", o.weight_decay);
  o.beta1 = train.real("beta1", o.beta1);
  o.beta2 = train.real("beta2", o.beta2);
  o.eps = train.real("eps", o.eps);
  o.clip = train.real("clip", o.clip);
  o.seed = static_cast<uint64_t>(train.whole("seed", 0, std::numeric_limits<int64_t>::max(), 0));
  o.digest_every = train.whole("digest_every", 1, kMost, o.digest_every);
  check_options(o, [&](const char* field) { return train.where(field); });

  RunOptions& run = recipe.run;
  run.eval_every = train.whole("eval_every", 0, kMost, recipe.eval.empty() ? 0 : 100);
  run.eval_rows = train.whole("eval_rows", 1, kMost, run.eval_rows);
  run.checkpoint_every = train.whole("checkpoint_every", 1, kMost, run.checkpoint_every);
  run.keep = train.whole("keep", 1, kMost, run.keep);
  if (run.eval_every > 0 && recipe.eval.empty())
    fail_input("{}: eval_every = {} but [data] names no eval files", train.where("eval_every"),
               run.eval_every);
}

}  // namespace

std::string Recipe::resolve(const std::string& path) const {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

Recipe parse_recipe(const std::string& text, const std::string& source) {
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    fail_input("{}:{}:{}: {}", source, error.source().begin.line, error.source().begin.column,
               error.description());
  }
  Recipe recipe;
  Section root(table, "", source);
  Section model = root.section("model");
  Section data = root.section("data");
  Section train = root.section("train");
  read_model(model, recipe);
  if (recipe.base.empty()) {
    Section tokenizer = root.section("tokenizer");
    read_tokenizer(tokenizer, recipe);
    tokenizer.finish();
  } else if (root.has("tokenizer")) {
    fail_input("{}: [tokenizer] has no place beside [model] base, which brings its own; remove it",
               root.where("tokenizer"));
  }
  recipe.train = data.texts("train");
  if (recipe.train.empty()) fail_input("{}: train names no files", data.where("train"));
  if (data.has("eval")) recipe.eval = data.texts("eval");
  recipe.row_tokens = data.whole("row_tokens", 1, kMost, recipe.model.context);
  if (recipe.base.empty() && recipe.row_tokens > recipe.model.context)
    fail_input("{}: row_tokens = {} is above the context of {}", data.where("row_tokens"),
               recipe.row_tokens, recipe.model.context);
  read_train(train, recipe);
  for (const Section* section : {&root, &model, &data, &train}) section->finish();
  return recipe;
}

Recipe load_recipe(const std::string& path) {
  Recipe recipe = parse_recipe(read_text_file(path, uint64_t{1} << 20), path);
  recipe.folder = std::filesystem::path(path).parent_path().string();
  return recipe;
}

nlohmann::ordered_json recipe_to_json(const Recipe& recipe) {
  nlohmann::ordered_json json;
  if (recipe.base.empty()) {
    json["model"] = config_to_json(recipe.model);
    if (recipe.tokenizer_file.empty())
      json["tokenizer"] = {{"train", {{"vocab_size", recipe.tokenizer_vocab}}}};
    else
      json["tokenizer"] = {{"file", recipe.tokenizer_file}};
  } else {
    json["model"] = {{"base", recipe.base}};
  }
  json["data"] = {
      {"train", recipe.train}, {"eval", recipe.eval}, {"row_tokens", recipe.row_tokens}};
  json["train"] = options_to_json(recipe.options);
  return json;
}

}  // namespace avocado
