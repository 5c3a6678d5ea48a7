// avocado cache: the files of packed weights (models/packed_cache.h): list, check or remove them.

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "cli/inference.h"
#include "cli/verbs.h"
#include "files/printable.h"
#include "models/packed_cache.h"

namespace avocado::cli {
namespace {

struct Arguments {
  std::string action = "list";
  bool json = false;
};

// Compares every byte of the whole files with its digest, not only the sample of a start.
void verify(std::vector<CachedModel>& models) {
  ThreadPool pool(default_threads());
  for (CachedModel& cached : models) {
    if (!cached.problem.empty()) continue;
    try {
      PackedFile::open(cached.path).check_contents(pool);
    } catch (const Error& error) {
      cached.problem = error.what();
    }
  }
}

void clear(const std::vector<CachedModel>& models) {
  for (const CachedModel& cached : models) {
    std::error_code error;
    std::filesystem::remove(cached.path, error);
    if (error) fail_resource("{}: cannot be removed: {}", cached.path, error.message());
  }
}

void cache(const Arguments& arguments) {
  const std::string folder = default_packed_cache().folder;
  std::vector<CachedModel> models = list_packed(folder);
  if (arguments.action == "verify") verify(models);
  if (arguments.action == "clear") clear(models);
  uint64_t bytes = 0;
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  int64_t problems = 0;
  for (const CachedModel& cached : models) {
    bytes += cached.bytes;
    problems += !cached.problem.empty();
    files.push_back({{"file", cached.path},
                     {"bytes", cached.bytes},
                     {"model", cached.model},
                     {"problem", cached.problem}});
    if (!arguments.json)
      print_text(
          fmt::format("{:>8} MiB  {}\n", cached.bytes >> 20,
                      printable(cached.problem.empty() ? cached.model : cached.problem, 1000)));
  }
  if (arguments.json)
    print_json({{"folder", folder}, {"action", arguments.action}, {"files", files}});
  else if (folder.empty())
    print_text("nothing is kept: AVOCADO_PACKED_CACHE is off, or there is no home folder\n");
  else
    print_text(fmt::format("{}{} files, {} MiB in {}\n",
                           arguments.action == "clear" ? "removed " : "", models.size(),
                           bytes >> 20, folder));
  finish_output();
  if (arguments.action == "verify" && problems > 0)
    fail_input("{} of {} files cannot be used; `avocado cache clear` removes them", problems,
               models.size());
}

}  // namespace

void add_cache(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("cache", "List, verify or clear the weights kept for quick starts");
  verb->add_option("ACTION", arguments->action, "list, verify or clear")
      ->check(CLI::IsMember({"list", "verify", "clear"}))
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print one JSON object");
  verb->footer(
      "The weights of a large model are laid out for the kernels once and kept in\n"
      "$AVOCADO_CACHE_DIR, $XDG_CACHE_HOME/avocado or ~/.cache/avocado. The files can be\n"
      "deleted at any time. AVOCADO_PACKED_CACHE=off keeps none.");
  verb->callback([arguments] { cache(*arguments); });
}

}  // namespace avocado::cli
