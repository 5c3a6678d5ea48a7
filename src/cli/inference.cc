#include "cli/inference.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "cli/lora.h"

namespace avocado::cli {

CLI::Validator cache_type_names() {
  std::string list;
  for (const kernels::CacheType type : kernels::kCacheTypes)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", kernels::cache_type_name(type));
  // What CLI11 reads an enumeration from is its number.
  const auto to_number = [list](std::string& text) -> std::string {
    for (const kernels::CacheType type : kernels::kCacheTypes) {
      if (text != kernels::cache_type_name(type)) continue;
      text = std::to_string(static_cast<int>(type));
      return "";
    }
    return fmt::format("{} is none of {}", text, list);
  };
  return CLI::Validator(to_number, list);
}

void add_cache_arguments(CLI::App& verb, CacheArguments& arguments) {
  using kernels::CacheType;
  const auto option = [&](const char* flags, std::optional<CacheType>& value, const char* text) {
    verb.add_option(flags, value, text)->transform(cache_type_names());
  };
  option("--ctk,--cache-type-k", arguments.k,
         "How keys are kept (default: f32 for a model in F32, else f16)");
  option("--ctv,--cache-type-v", arguments.v, "How values are kept (default: in the same way)");
  verb.add_flag("--cache-hadamard", arguments.hadamard,
                "Rotate keys and values before they are kept, so that few bits serve better");
}

void add_inference_arguments(CLI::App& verb, InferenceArguments& arguments) {
  verb.add_option("MODEL", arguments.model, "A GGUF file or a Hugging Face folder")->required();
  add_thread_arguments(verb, arguments.threads);
  verb.add_option("--chunk", arguments.chunk,
                  "Tokens of a prompt that are run at once; never changes the answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_cache_arguments(verb, arguments.cache);
  add_rope_arguments(verb, arguments.rope);
  add_lora_arguments(verb, arguments.lora);
  verb.add_flag("--json", arguments.json, "Print one JSON object");
}

namespace {

RopeOptions rope_of(const InferenceArguments& arguments) {
  RopeOptions rope = arguments.rope;
  rope.context = arguments.context;
  return rope;
}

}  // namespace

LoadedModel::LoadedModel(const InferenceArguments& arguments)
    : arguments_(arguments),
      pool_(make_pool(arguments.threads)),
      model_(load_model(arguments.model, arguments.lora, rope_of(arguments), pool_)) {}

const Tokenizer& LoadedModel::tokenizer() const {
  if (model_.tokenizer() == nullptr)
    fail_input("{}: the model has no tokenizer; `logits --ids` can run it without one",
               arguments_.model);
  return *model_.tokenizer();
}

Engine LoadedModel::engine(int64_t context, const CacheArguments& cache) {
  EngineOptions options;
  options.context = context;
  options.chunk = arguments_.chunk;
  cache.put_into(options);
  return Engine(model_, pool_, options);
}

void print_json(const nlohmann::json& object) {
  print_text(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void print_text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    fail_resource("standard output: {}", std::strerror(errno));
}

}  // namespace avocado::cli
