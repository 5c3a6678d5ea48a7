#include "train/run.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/mapped_file.h"
#include "models/registry.h"
#include "train/definition.h"
#include "train/reference.h"
#include "train/state.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "avocado-run-1";
constexpr const char* kChatTemplateKey = "tokenizer.chat_template";
constexpr std::string_view kCheckpointPrefix = "step-", kCheckpointSuffix = ".safetensors";

// Everything that Run::create writes before run.json makes the folder a run.
constexpr std::array kParts = {
    "run.toml",         "tokenizer.gguf",        "train.rows", "base.gguf", "eval.rows",
    "data-report.json", "reference.safetensors", "checkpoints"};

void make_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_resource("{}: cannot be made: {}", folder, error.message());
}

bool is_part(const fs::path& name) {
  const std::string text = name.string();
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) {
                       return text == part || text.starts_with(std::string(part) + ".tmp-");
                     }) ||
         text.starts_with("run.json.tmp-") || text.starts_with("spill.tmp-");
}

void write_tokenizer(const std::string& path, const RunSetup& setup) {
  GgufWriter writer;
  writer.set_string("general.architecture", setup.config.architecture);
  setup.tokenizer->write_gguf(writer);
  if (!setup.chat_template.empty()) writer.set_string(kChatTemplateKey, setup.chat_template);
  writer.write(path);
}

void write_initial_weights(const std::string& path, const RunSetup& setup,
                           const std::string& definition, ThreadPool& pool) {
  const graph::Graph graph = build_graph(setup.config);
  TrainState state(graph, setup.options);
  for (size_t w = 0; w < graph.weights.size(); ++w)
    std::copy_n(setup.initial[w], graph.weights[w].count(), state.param(static_cast<int>(w)));
  state.chain = definition;
  write_checkpoint(path, graph, state, definition, pool);
}

// A second name for the same file where the disk allows it, else a copy; a folder becomes a file.
void keep_base(const std::string& path, const RunSetup& setup) {
  const Model& base = *setup.base;
  std::error_code error;
  fs::remove(path, error);
  if (!fs::is_directory(setup.base_path)) {
    fs::create_hard_link(fs::canonical(setup.base_path), path, error);
    if (!error) return;
    AtomicFile copy(path);
    copy.write(MappedFile(setup.base_path).bytes());
    return copy.commit();
  }
  std::vector<Model::OwnOrder> tensors;
  std::vector<StoredWeight> stored;
  for (size_t w = 0; w < base.graph().weights.size(); ++w) {
    tensors.push_back(base.in_own_order(w));
    stored.push_back({tensors.back().view.type, tensors.back().view.data});
  }
  save_gguf(path, base.config(), base.graph(), stored, base.tokenizer(), base.chat_template());
}

const Json& member(const Json& json, const char* key, const std::string& source) {
  const auto found = json.find(key);
  if (found == json.end()) fail_input("{}: \"{}\" is missing", source, key);
  return *found;
}

std::string text_member(const Json& json, const char* key, const std::string& source) {
  const Json& value = member(json, key, source);
  if (!value.is_string()) fail_input("{}: \"{}\" must be a string", source, key);
  return value.get<std::string>();
}

}  // namespace

bool Run::exists(const std::string& folder) { return fs::exists(folder + "/run.json"); }

void Run::create(const std::string& folder, const RunSetup& setup, ThreadPool& pool) {
  make_folder(folder);
  require_free_folder(folder);
  remove_temporary_files(folder);
  make_folder(folder + "/checkpoints");
  remove_temporary_files(folder + "/checkpoints");

  std::shared_ptr<const Model> base = setup.base;
  if (setup.adapter) {
    keep_base(folder + "/base.gguf", setup);
    // Its numbers are then those that the file can hold.
    if (fs::is_directory(setup.base_path))
      base = std::make_shared<const Model>(Model::load(folder + "/base.gguf", pool, {}));
  }
  Trainer trainer = setup.adapter
                        ? Trainer(base, *setup.adapter, setup.options, *setup.train, pool)
                        : Trainer(setup.config, setup.options, *setup.train, setup.initial, pool);
  Json manifest = {{"format", kFormat},
                   {"definition", trainer.definition_digest()},
                   {"model", config_to_json(trainer.config())},
                   {"train", options_to_json(setup.options)},
                   {"data", setup.train->digest()},
                   {"fresh_weights", setup.initial.empty()}};
  if (setup.adapter) manifest["adapter"] = adapter_to_json(*setup.adapter);
  setup.train->save(folder + "/train.rows");
  if (setup.eval) {
    setup.eval->save(folder + "/eval.rows");
    manifest["eval"] = setup.eval->digest();
  }
  if (setup.tokenizer) {
    write_tokenizer(folder + "/tokenizer.gguf", setup);
    manifest["tokenizer"] = sha256_file(folder + "/tokenizer.gguf");
  }
  if (!setup.initial.empty())
    write_initial_weights(folder + "/checkpoints/step-00000000.safetensors", setup,
                          trainer.definition_digest(), pool);
  if (setup.options.loss == kDpo) {
    const std::string path = folder + "/reference.safetensors";
    write_reference(path, {setup.train, setup.eval}, trainer);
    manifest["reference"] = sha256_file(path);
  }
  if (!setup.recipe_text.empty()) write_file_atomically(folder + "/run.toml", setup.recipe_text);
  manifest["recipe"] = setup.recipe;
  manifest["sources"] = setup.sources;
  write_file_atomically(folder + "/run.json", manifest.dump(2) + "\n");
}

Run Run::open(const std::string& folder) {
  Run run;
  run.folder_ = folder;
  const std::string source = run.manifest_path();
  if (!exists(folder))
    fail_input("{}: no such file; {} is not the folder of a run", source, folder);
  try {
    run.manifest_ = Json::parse(read_text_file(source, uint64_t{1} << 26));
  } catch (const nlohmann::json::exception& error) {
    fail_input("{}: not JSON: {}", source, error.what());
  }
  const Json& manifest = run.manifest_;
  if (!manifest.is_object() || text_member(manifest, "format", source) != kFormat)
    fail_input("{}: not of the format {}", source, kFormat);
  run.config_ = config_from_json(member(manifest, "model", source), source + ": \"model\"");
  check_config(run.config_, source);
  run.options_ = options_from_json(member(manifest, "train", source), source + ": \"train\"");
  check_options(run.options_, [&](const char*) { return source + ": \"train\""; });
  run.definition_ = text_member(manifest, "definition", source);
  if (manifest.contains("adapter")) {
    run.adapter_ = adapter_from_json(manifest["adapter"], source + ": \"adapter\"");
    check_adapter(*run.adapter_, [&](const char*) { return source + ": \"adapter\""; });
  }
  const auto open_data = [&](const char* key, const std::string& path) {
    Dataset data = Dataset::open(path);
    if (data.digest() != text_member(manifest, key, source))
      fail_input("{}: is not the data this run was made with (digest {}, {} says {})", path,
                 data.digest(), source, text_member(manifest, key, source));
    return data;
  };
  run.train_ = open_data("data", folder + "/train.rows");
  if (manifest.contains("eval")) run.eval_ = open_data("eval", folder + "/eval.rows");
  if (manifest.contains("tokenizer")) {
    const std::string path = folder + "/tokenizer.gguf";
    if (sha256_file(path) != text_member(manifest, "tokenizer", source))
      fail_input("{}: is not the tokenizer this run was made with", path);
    const GgufFile file = GgufFile::open(path);
    run.tokenizer_ = Tokenizer::from_gguf(file);
    run.chat_template_ = file.get_string(kChatTemplateKey, "");
  }
  return run;
}

std::string Run::checkpoint_path(int64_t step) const {
  return fmt::format("{}/checkpoints/{}{:08}{}", folder_, kCheckpointPrefix, step,
                     kCheckpointSuffix);
}

std::string Run::base_name() const {
  const Json recipe = manifest_.value("recipe", Json::object());
  const Json model = recipe.is_object() ? recipe.value("model", Json::object()) : Json::object();
  const Json base = model.is_object() ? model.value("base", Json("base.gguf")) : Json("base.gguf");
  return base.is_string() ? base.get<std::string>() : "base.gguf";
}

std::vector<int64_t> Run::checkpoints() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ + "/checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    const size_t around = kCheckpointPrefix.size() + kCheckpointSuffix.size();
    if (name.size() <= around || !name.starts_with(kCheckpointPrefix) ||
        !name.ends_with(kCheckpointSuffix))
      continue;
    int64_t step = 0;
    const char* begin = name.data() + kCheckpointPrefix.size();
    const char* end = name.data() + name.size() - kCheckpointSuffix.size();
    const auto [stop, problem] = std::from_chars(begin, end, step);
    if (problem == std::errc() && stop == end && step >= 0) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::unique_ptr<Trainer> Run::make_trainer(ThreadPool& pool, Processes& processes) const {
  std::vector<float> values;
  std::vector<const float*> initial;
  if (!member(manifest_, "fresh_weights", manifest_path()).is_boolean())
    fail_input("{}: \"fresh_weights\" must be true or false", manifest_path());
  if (!manifest_["fresh_weights"].get<bool>()) {
    const graph::Graph graph = build_graph(config_);
    values = read_parameters(checkpoint_path(0), graph);
    for (int64_t offset : WeightLayout(graph).offset) initial.push_back(values.data() + offset);
  }
  std::unique_ptr<Trainer> trainer;
  if (adapter_)
    trainer =
        std::make_unique<Trainer>(std::make_shared<const Model>(Model::load(base_path(), pool, {})),
                                  *adapter_, options_, *train_, pool, processes);
  else
    trainer = std::make_unique<Trainer>(config_, options_, *train_, initial, pool, processes);
  if (trainer->definition_digest() != definition_)
    fail_input(
        "{}: model, options, data and first weights (base.gguf with an adapter) give the "
        "definition {}, not the recorded {}; "
        "a file of the run was changed",
        manifest_path(), trainer->definition_digest(), definition_);
  if (options_.loss == kDpo) {
    if (sha256_file(reference_path()) != text_member(manifest_, "reference", manifest_path()))
      fail_input("{}: is not the reference this run was made with", reference_path());
    read_reference(reference_path(), {&train_data(), eval_data()}, *trainer);
  }
  return trainer;
}

void require_free_folder(const std::string& folder) {
  if (!fs::exists(folder)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (!is_part(entry.path().filename()))
      fail_input("{}: is not the folder of a run, but holds {}; choose another with --out", folder,
                 entry.path().filename().string());
}

void remove_temporary_files(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().find(".tmp-") != std::string::npos)
      fs::remove(entry.path(), error);
}

}  // namespace avocado
