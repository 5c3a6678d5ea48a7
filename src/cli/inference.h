#pragma once
// What the verbs that run a model have in common.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/rope.h"
#include "cli/threads.h"
#include "infer/engine.h"

namespace avocado::cli {

// -ctk and -ctv, with the names of llama.cpp, and --cache-hadamard.
struct CacheArguments {
  std::optional<kernels::CacheType> k, v;
  bool hadamard = false;

  void put_into(EngineOptions& options) const {
    options.cache_type_k = k;
    options.cache_type_v = v;
    options.cache_hadamard = hadamard;
  }
};

// Takes the name of a cache type.
CLI::Validator cache_type_names();

void add_cache_arguments(CLI::App& verb, CacheArguments& arguments);

struct InferenceArguments {
  std::string model;
  ThreadArguments threads;
  int64_t context = 0;
  int64_t chunk = 512;
  CacheArguments cache;
  RopeOptions rope;  // without the context
  std::vector<std::string> lora;
  bool json = false;
};

// MODEL, --threads, --cpu-pin, --chunk, the types of the cache, rotary positions, --lora, --json.
void add_inference_arguments(CLI::App& verb, InferenceArguments& arguments);

// A loaded model with its threads.
class LoadedModel {
 public:
  // For sequences of up to arguments.context positions (0: the model's context).
  explicit LoadedModel(const InferenceArguments& arguments);

  const Model& model() const { return model_; }
  // Throws Error(input) when the model has none.
  const Tokenizer& tokenizer() const;
  Engine engine(int64_t context) { return engine(context, arguments_.cache); }
  Engine engine(int64_t context, const CacheArguments& cache);

 private:
  const InferenceArguments& arguments_;
  ThreadPool pool_;
  Model model_;
};

// One object on one line; text that is not UTF-8 gets U+FFFD.
void print_json(const nlohmann::json& object);
void print_text(std::string_view text);
// Throws Error(resource) when standard output could not take what was printed (a full disk).
void finish_output();

}  // namespace avocado::cli
