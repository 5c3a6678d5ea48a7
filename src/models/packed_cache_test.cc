// The cache never changes a result and never fails a start; it only makes the second one quicker.

#include "models/packed_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "expect_error.h"
#include "files/atomic_file.h"
#include "models/model.h"
#include "models/registry.h"
#include "temp_folder.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

// A Llama with every second matrix in blocks.
void write_model(const std::string& path, float first = 0.5f) {
  ModelConfig config = architecture("llama", path).tiny();
  config.width = 64;
  config.ffn = 96;
  config.head_dim = 16;
  config.heads = 4;
  config.kv_heads = 2;
  config.rope_dim = 16;
  config.rope_divisors.clear();
  const graph::Graph g = build_graph(config);
  std::vector<std::vector<float>> values;
  std::vector<float*> writable;
  for (const graph::Weight& w : g.weights) values.emplace_back(w.count());
  for (auto& v : values) writable.push_back(v.data());
  graph::initialise(g, 3, writable);
  values.back()[0] = first;
  std::vector<std::vector<std::byte>> blocks(values.size());
  std::vector<StoredWeight> stored;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto floats = std::as_bytes(std::span(values[i]));
    if (!g.weights[i].matrix || i % 2 == 0) {
      stored.push_back({DType::f32, floats});
      continue;
    }
    // Q8_0: a scale of 2^-8, then any codes.
    blocks[i].resize(*dtype_bytes(DType::q8_0, g.weights[i].count()));
    for (size_t b = 0; b < blocks[i].size(); ++b)
      blocks[i][b] = b % 34 == 0   ? std::byte{0}
                     : b % 34 == 1 ? std::byte{0x1c}
                                   : static_cast<std::byte>(b * 37 + i);
    stored.push_back({DType::q8_0, blocks[i]});
  }
  save_gguf(path, config, g, stored, nullptr, "");
}

std::vector<float> logits(const Model& model, ThreadPool& pool) {
  const graph::Graph& g = model.graph();
  const std::vector<int32_t> ids = {1, 5, 9, 2}, wanted = {0, 1, 2, 3};
  std::vector<std::vector<std::byte>> memory(g.layers,
                                             std::vector<std::byte>(g.page_bytes<float>({})));
  std::vector<std::byte*> pages;
  for (auto& page : memory) pages.push_back(page.data());
  const std::vector<graph::Sequence<float>> sequences = {{4, 0, pages.data(), 1}};
  graph::Executor<float> executor(g, model.weights(), pool);
  const float* out = executor.forward({ids, sequences, wanted});
  return {out, out + 4 * g.vocab()};
}

class PackedCacheTest : public testing::Test {
 protected:
  void SetUp() override { write_model(model_); }

  // Loads, compares the logits with those of a load without a cache, says where the weights were.
  PackedIn load() {
    const Model cached = Model::load(model_, pool_, cache_);
    const Model plain = Model::load(model_, pool_, {});
    EXPECT_EQ(plain.packed_in(), PackedIn::memory);
    EXPECT_EQ(logits(cached, pool_), logits(plain, pool_));
    return cached.packed_in();
  }
  std::string file() const {
    const std::vector<CachedModel> all = list_packed(cache_.folder);
    return all.size() == 1 ? all[0].path : "";
  }
  void alter(uint64_t at) const {
    std::fstream f(file(), std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(f.get() ^ 1);
    f.seekp(static_cast<std::streamoff>(at));
    f.put(byte);
  }

  test::TempFolder folder_;
  const std::string model_ = folder_.file("model.gguf");
  ThreadPool pool_{2};
  const PackedCache cache_{.folder = folder_.file("cache"), .min_bytes = 0};
};

TEST_F(PackedCacheTest, TheSecondStartFindsWhatTheFirstMade) {
  EXPECT_EQ(load(), PackedIn::new_file);
  EXPECT_EQ(load(), PackedIn::found_file);
  const std::vector<CachedModel> all = list_packed(cache_.folder);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].model, fs::canonical(model_).string());
  EXPECT_EQ(all[0].problem, "");
  EXPECT_EQ(all[0].bytes, fs::file_size(all[0].path));
}

TEST_F(PackedCacheTest, SmallModelsAndNoFolderKeepNothing) {
  EXPECT_EQ(Model::load(model_, pool_, {.folder = cache_.folder}).packed_in(), PackedIn::memory);
  EXPECT_EQ(Model::load(model_, pool_, {.folder = "", .min_bytes = 0}).packed_in(),
            PackedIn::memory);
  EXPECT_FALSE(fs::exists(cache_.folder));
}

TEST_F(PackedCacheTest, AChangedModelIsPackedAgain) {
  load();
  write_model(model_, 0.25f);  // another file of the same name, size and header
  EXPECT_EQ(load(), PackedIn::new_file);
  EXPECT_EQ(load(), PackedIn::found_file);
  // The same file, another time.
  fs::last_write_time(model_, fs::last_write_time(model_) - std::chrono::nanoseconds(1000));
  EXPECT_EQ(load(), PackedIn::new_file);
  EXPECT_EQ(list_packed(cache_.folder).size(), 1u);
}

TEST_F(PackedCacheTest, AChangedHeaderIsSeenWhateverTheFileSystemSays) {
  load();
  struct stat info {};
  ASSERT_EQ(::stat(model_.c_str(), &info), 0);
  {
    std::fstream f(model_, std::ios::in | std::ios::out | std::ios::binary);
    const std::string text = read_text_file(model_);
    const size_t at = text.find("freq_base") + 9 + 4;  // behind the type: the float
    f.seekp(static_cast<std::streamoff>(at));
    f.put(static_cast<char>(text[at] ^ 1));
  }
  const timespec times[] = {info.st_atim, info.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, model_.c_str(), times, 0), 0);
  EXPECT_EQ(load(), PackedIn::new_file);
}

TEST_F(PackedCacheTest, ADamagedFileIsMadeAgain) {
  load();
  const uint64_t size = fs::file_size(file());
  for (const uint64_t at : {uint64_t{0}, size / 2, size - 100, size - 1}) {
    alter(at);
    EXPECT_EQ(load(), PackedIn::new_file) << at;
    EXPECT_EQ(load(), PackedIn::found_file) << at;
  }
  fs::resize_file(file(), size - 4096);
  EXPECT_EQ(load(), PackedIn::new_file);
  std::ofstream(file()) << "";
  EXPECT_EQ(load(), PackedIn::new_file);
  EXPECT_EQ(load(), PackedIn::found_file);
}

TEST_F(PackedCacheTest, DamagedAndAbandonedFilesAreListed) {
  load();
  alter(fs::file_size(file()) - 1);
  const std::string abandoned = file() + ".tmp-1-0", written = file() + ".tmp-2-0";
  std::ofstream(abandoned) << "half a file";
  std::ofstream(written) << "half a file";
  fs::last_write_time(abandoned, fs::file_time_type::clock::now() - std::chrono::hours(2));
  const std::vector<CachedModel> all = list_packed(cache_.folder);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].problem.find("table"), std::string::npos) << all[0].problem;
  EXPECT_NE(all[1].problem.find("killed"), std::string::npos) << all[1].problem;
  load();
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(written));
}

TEST_F(PackedCacheTest, AFolderThatCannotBeWrittenDoesNotMatter) {
  std::ofstream(cache_.folder) << "a file";
  EXPECT_EQ(load(), PackedIn::memory);
  fs::remove(cache_.folder);
  // Root may write anywhere, so the limit on file sizes stands for a full disk, too.
  const pid_t child = fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ThreadPool pool(2);
    _exit(Model::load(model_, pool, cache_).packed_in() == PackedIn::memory ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(cache_.folder), {}), 0);
}

TEST_F(PackedCacheTest, ProcessesAtOnceDoNotDisturbEachOther) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    ThreadPool pool(2);
    const Model cached = Model::load(model_, pool, cache_), plain = Model::load(model_, pool, {});
    _exit(logits(cached, pool) == logits(plain, pool) ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(load(), PackedIn::found_file);
  EXPECT_EQ(std::distance(fs::directory_iterator(cache_.folder), {}), 1);
}

TEST_F(PackedCacheTest, FoldersAreKeptToo) {
  const std::string hf = folder_.file("hf");
  const ModelConfig config = architecture("llama", "").tiny();
  const graph::Graph g = build_graph(config);
  ModelConfig plain = config;
  plain.rope_divisors.clear();
  std::vector<std::vector<float>> values;
  std::vector<float*> writable;
  for (const graph::Weight& w : g.weights) values.emplace_back(w.count());
  for (auto& v : values) writable.push_back(v.data());
  graph::initialise(g, 3, writable);
  const std::vector<const float*> pointers(writable.begin(), writable.end());
  save_huggingface(hf, plain, g, pointers);
  const Model made = Model::load(hf, pool_, cache_), found = Model::load(hf, pool_, cache_),
              memory = Model::load(hf, pool_, {});
  EXPECT_EQ(made.packed_in(), PackedIn::new_file);
  EXPECT_EQ(found.packed_in(), PackedIn::found_file);
  EXPECT_EQ(logits(found, pool_), logits(memory, pool_));
  EXPECT_EQ(logits(made, pool_), logits(memory, pool_));
  EXPECT_EQ(found.weights_digest(), memory.weights_digest());
  // The order of rows depends on the number of heads, which only config.json tells.
  const std::string json = hf + "/config.json";
  write_file_atomically(json, read_text_file(json) + " ");
  EXPECT_EQ(Model::load(hf, pool_, cache_).packed_in(), PackedIn::new_file);
}

TEST(PackedCacheFolder, ComesFromTheEnvironment) {
  const auto with = [](const char* own, const char* xdg, const char* home, const char* use) {
    const std::pair<const char*, const char*> variables[] = {{"AVOCADO_CACHE_DIR", own},
                                                             {"XDG_CACHE_HOME", xdg},
                                                             {"HOME", home},
                                                             {"AVOCADO_PACKED_CACHE", use}};
    std::vector<std::optional<std::string>> before;
    for (const auto& [name, value] : variables) {
      const char* old = std::getenv(name);
      before.push_back(old ? std::optional<std::string>(old) : std::nullopt);
      ::setenv(name, value, 1);
    }
    std::optional<PackedCache> cache;
    std::string problem;
    try {
      cache = default_packed_cache();
    } catch (const Error& error) {
      problem = error.what();
    }
    for (size_t i = 0; i < before.size(); ++i)
      before[i] ? ::setenv(variables[i].first, before[i]->c_str(), 1)
                : ::unsetenv(variables[i].first);
    if (!cache) fail_usage("{}", problem);
    return *cache;
  };
  EXPECT_EQ(with("/own", "/xdg", "/home/me", "").folder, "/own");
  EXPECT_EQ(with("", "/xdg", "/home/me", "on").folder, "/xdg/avocado");
  EXPECT_EQ(with("", "relative", "/home/me", "").folder, "/home/me/.cache/avocado");
  EXPECT_EQ(with("", "", "", "").folder, "");
  EXPECT_EQ(with("/own", "", "", "off").folder, "");
  EXPECT_GT(with("/own", "", "", "").min_bytes, 0u);
  EXPECT_EQ(with("/own", "", "", "always").min_bytes, 0u);
  EXPECT_AVOCADO_ERROR(with("/own", "", "", "perhaps"), ErrorKind::usage, "perhaps");
}

}  // namespace
}  // namespace avocado
