// avocado cache: the files of packed weights (models/packed_cache.h) and of tokens
// (train/token_cache.h): list, check or remove them.

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/verbs.h"
#include "files/printable.h"
#include "models/packed_cache.h"
#include "train/token_cache.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string action = "list";
  bool json = false;
};

// A file of either kind.
struct Kept {
  std::string path;
  uint64_t bytes = 0;
  std::string kind;     // "weights" or "tokens"
  std::string source;   // what it was made from
  std::string problem;  // why it cannot be used
};

std::vector<Kept> list(const std::string& folder) {
  std::vector<Kept> all;
  for (const CachedModel& model : list_packed(folder))
    all.push_back({model.path, model.bytes, "weights", model.model, model.problem});
  for (const KeptTokens& tokens : list_tokens(folder))
    all.push_back({tokens.path, tokens.bytes, "tokens", tokens.source, tokens.problem});
  return all;
}

// Compares every byte of the whole files with its digest, not only the sample of a start.
void verify(std::vector<Kept>& files) {
  ThreadPool pool(default_threads());
  for (Kept& kept : files) {
    if (!kept.problem.empty()) continue;
    try {
      if (kept.kind == "tokens")
        TokenFile::open(kept.path).check_contents();
      else
        PackedFile::open(kept.path).check_contents(pool);
    } catch (const Error& error) {
      kept.problem = error.what();
    }
  }
}

void clear(const std::vector<Kept>& files) {
  for (const Kept& kept : files) {
    std::error_code error;
    std::filesystem::remove(kept.path, error);
    if (error) fail_resource("{}: cannot be removed: {}", kept.path, error.message());
  }
}

void cache(const Arguments& arguments) {
  const std::string folder = default_packed_cache().folder;
  std::vector<Kept> kept_files = list(folder);
  if (arguments.action == "verify") verify(kept_files);
  if (arguments.action == "clear") clear(kept_files);
  uint64_t bytes = 0;
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  int64_t problems = 0;
  for (const Kept& kept : kept_files) {
    bytes += kept.bytes;
    problems += !kept.problem.empty();
    files.push_back({{"file", kept.path},
                     {"bytes", kept.bytes},
                     {"kind", kept.kind},
                     {"model", kept.source},
                     {"problem", kept.problem}});
    if (!arguments.json)
      print_text(fmt::format("{:>8} MiB  {}  {}\n", kept.bytes >> 20, kept.kind,
                             printable(kept.problem.empty() ? kept.source : kept.problem, 1000)));
  }
  if (arguments.json)
    print_json({{"folder", folder}, {"action", arguments.action}, {"files", files}});
  else if (folder.empty())
    print_text("nothing is kept: AVOCADO_PACKED_CACHE is off, or there is no home folder\n");
  else
    print_text(fmt::format("{}{} files, {} MiB in {}\n",
                           arguments.action == "clear" ? "removed " : "", kept_files.size(),
                           bytes >> 20, folder));
  finish_output();
  if (arguments.action == "verify" && problems > 0)
    fail_input("{} of {} files cannot be used; `avocado cache clear` removes them", problems,
               kept_files.size());
}

}  // namespace

void add_cache(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("cache", "List, verify or clear what is kept for quick starts");
  verb->add_option("ACTION", arguments->action, "list, verify or clear")
      ->check(CLI::IsMember({"list", "verify", "clear"}))
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->footer(
      "The weights of a large model are laid out for the kernels once, large files of\n"
      "training data are tokenized once, and both are kept in $AVOCADO_CACHE_DIR,\n"
      "$XDG_CACHE_HOME/avocado or ~/.cache/avocado. The files can be deleted at any time.\n"
      "AVOCADO_PACKED_CACHE=off keeps none.");
  verb->callback([arguments] { cache(*arguments); });
}

}  // namespace avocado::cli
