// start_bench MODEL [--threads N] [--runs N] [--json]: how long a model takes from the start of a
// process to its first token, and how much memory that takes, beside the size of its file. Each
// start is a process of its own:
//   no cache         packs in memory
//   makes the cache  after the kept file was removed and the model's pages were dropped
//   from disk        finds the kept file, whose pages were dropped
//   warm             finds the kept file, whose pages are in memory

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "infer/engine.h"
#include "models/packed_cache.h"
#include "process_memory.h"

namespace {

using namespace avocado;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One start: a prompt of 8 tokens to its first token, then 16 more.
Json measure(const std::string& path, int threads, const PackedCache& cache) {
  const auto start = Clock::now();
  ThreadPool pool(threads);
  const Model model = Model::load(path, pool, cache);
  const double loaded = since(start);
  Engine engine(model, pool, {.context = 512});
  const ScopedSequence sequence(engine);
  const auto feed = [&](std::vector<int32_t> ids) {
    const Engine::Input input{sequence, ids, Want::last};
    engine.forward({&input, 1}, [](const LogitRows&) {});
  };
  feed({1, 2, 3, 4, 5, 6, 7, 8});
  const double first = since(start);
  constexpr int kNext = 16;
  for (int i = 0; i < kNext; ++i) feed({9 + i});
  const double next = (since(start) - first) / kNext;
  const char* where[] = {"memory", "new file", "found file"};
  return {{"weights_in", where[static_cast<int>(model.packed_in())]},
          {"load_s", loaded},
          {"first_token_s", first},
          {"next_token_s", next},
          {"peak_bytes", status_bytes("VmHWM")},
          {"anonymous_bytes", status_bytes("RssAnon")},
          {"file_bytes", status_bytes("RssFile")}};
}

Json in_own_process(const std::string& path, int threads, const PackedCache& cache) {
  int ends[2];
  if (pipe(ends) != 0) fail_resource("a pipe cannot be made");
  const pid_t child = fork();
  if (child == 0) {
    std::string text;
    try {
      text = measure(path, threads, cache).dump();
    } catch (const Error& error) {
      text = Json{{"problem", error.what()}}.dump();
    }
    [[maybe_unused]] const ssize_t written = write(ends[1], text.data(), text.size());
    _exit(0);
  }
  close(ends[1]);
  std::string text(1 << 16, '\0');
  const ssize_t length = read(ends[0], text.data(), text.size());
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const Json result =
      Json::parse(text.begin(), text.begin() + std::max<ssize_t>(length, 0), nullptr, false);
  if (!result.is_object()) fail_resource("{}: the process that loads it died", path);
  if (result.contains("problem")) fail_input("{}", result["problem"].get<std::string>());
  return result;
}

// Asks the system to forget what it has read of a file.
void drop_pages(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

void drop_pages_below(const fs::path& path) {
  if (!fs::is_directory(path)) return drop_pages(path);
  for (const auto& entry : fs::directory_iterator(path)) drop_pages(entry.path());
}

double bytes_below(const fs::path& path) {
  if (!fs::is_directory(path)) return static_cast<double>(fs::file_size(path));
  double bytes = 0;
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".safetensors") bytes += static_cast<double>(entry.file_size());
  return bytes;
}

Json starts(const std::string& path, int threads, int runs) {
  // In the folder where the kept files usually are, so that it is the usual disk.
  const fs::path usual = default_packed_cache().folder;
  const fs::path folder = (usual.empty() ? fs::temp_directory_path() : usual) / "start-bench";
  const PackedCache none, cache{.folder = folder.string(), .min_bytes = 0};
  Json rows = Json::array();
  const auto run = [&](const char* name, const PackedCache& use, bool remove, bool drop) {
    Json best;
    for (int i = 0; i < runs; ++i) {
      if (remove) fs::remove_all(folder);
      if (drop) drop_pages_below(path), drop_pages_below(folder);
      Json result = in_own_process(path, threads, use);
      if (best.is_null() || result["first_token_s"] < best["first_token_s"]) best = result;
    }
    Json row = {{"start", name}};
    row.update(best);
    rows.push_back(row);
  };
  run("no cache", none, true, true);
  run("makes the cache", cache, true, true);
  run("from disk", cache, false, true);
  run("warm", cache, false, false);
  fs::remove_all(folder);
  return rows;
}

}  // namespace

int main(int argc, char** argv) try {
  int threads = default_threads(), runs = 1;
  bool json = false;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json")
      json = true;
    else if (argument == "--threads" && i + 1 < argc)
      threads = std::max(1, std::atoi(argv[++i]));
    else if (argument == "--runs" && i + 1 < argc)
      runs = std::max(1, std::atoi(argv[++i]));
    else
      path = argument;
  }
  if (path.empty()) fail_usage("usage: start_bench MODEL [--threads N] [--runs N] [--json]");
  const double size = bytes_below(path);
  const Json rows = starts(path, threads, runs);
  if (json) {
    fmt::print("{}\n", Json{{"model", fs::path(path).filename().string()},
                            {"model_bytes", size},
                            {"threads", threads},
                            {"starts", rows}}
                           .dump(1));
    return 0;
  }
  fmt::print("{}: {:.2f} GB; {} threads, best of {}\n\n", path, size * 1e-9, threads, runs);
  fmt::print(
      "| start | weights in | load s | first token s | each next s | peak / file | anonymous GB | "
      "file pages GB |\n|---|---|---:|---:|---:|---:|---:|---:|\n");
  for (const Json& row : rows)
    fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.4f} | {:.2f} | {:.2f} | {:.2f} |\n",
               row["start"].get<std::string>(), row["weights_in"].get<std::string>(),
               row["load_s"].get<double>(), row["first_token_s"].get<double>(),
               row["next_token_s"].get<double>(), row["peak_bytes"].get<double>() / size,
               row["anonymous_bytes"].get<double>() * 1e-9, row["file_bytes"].get<double>() * 1e-9);
  return 0;
} catch (const avocado::Error& error) {
  std::fprintf(stderr, "start_bench: %s\n", error.what());
  return 1;
}
