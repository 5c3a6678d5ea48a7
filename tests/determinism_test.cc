// One answer: the logits of a prompt are the same bits however it is run.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <set>

#include "base/sha256.h"
#include "kernels/isa.h"
#include "temp_folder.h"
#include "test_data.h"
#include "tiny_model.h"

namespace avocado {
namespace {

constexpr int64_t kPromptTokens = 230;  // several attention tiles, none of them whole at the end

struct Case {
  std::string name;
  std::function<std::string(const std::string& folder)> path;  // makes the model when needed
  std::string needs;                                           // test data, empty: none
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Architecture* architecture : architectures()) {
    all.push_back({std::string("tiny_") + architecture->name,
                   [architecture](const std::string& folder) {
                     const std::string path = folder + "/" + architecture->name + ".gguf";
                     test::write_tiny_model(architecture->tiny(), path);
                     return path;
                   },
                   ""});
  }
  all.push_back({"tiny_quantized",
                 [](const std::string& folder) {
                   test::write_quantized_model(folder + "/quantized.gguf");
                   return folder + "/quantized.gguf";
                 },
                 ""});
  for (const auto& [name, file] : std::vector<std::pair<std::string, std::string>>{
           {"stories260K", "weights/stories260K/stories260K.gguf"},
           {"llama2_tiny_random", "weights/malformed-and-tiny-gguf/llama-2-tiny-random.gguf"},
           {"tiny_llama3_folder", "weights/tiny/tiny_llama3"}}) {
    all.push_back(
        {name, [file = file](const std::string&) { return test::data(file).string(); }, file});
  }
  return all;
}

// Restores the instruction set in use.
class IsaGuard {
 public:
  ~IsaGuard() { kernels::set_active_isa(isa_); }

 private:
  kernels::Isa isa_ = kernels::active_isa();
};

class Determinism : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!GetParam().needs.empty()) REQUIRE_TEST_DATA(GetParam().needs);
    path_ = GetParam().path(folder_.path());
    model_.emplace(Model::load(path_, pool_));
    const int64_t tokens = std::min(kPromptTokens, model_->config().context - 10);
    ids_ = test::random_ids(tokens, model_->graph().vocab(), 7);
    Engine engine(*model_, pool_);
    const std::vector<float> logits = test::logits_of(engine, ids_);
    for (const float x : logits)
      ASSERT_TRUE(std::isfinite(x));  // else equal bits would mean little
    expected_ = digest(logits);
  }

  static std::string digest(const std::vector<float>& logits) {
    return Sha256().update_array(std::span<const float>(logits)).hex();
  }

  test::TempFolder folder_;
  std::string path_;
  ThreadPool pool_{2};
  std::optional<Model> model_;
  std::vector<int32_t> ids_;
  std::string expected_;
};

TEST_P(Determinism, AnyNumberOfThreads) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    Engine engine(*model_, pool);
    EXPECT_EQ(digest(test::logits_of(engine, ids_)), expected_) << threads << " threads";
  }
}

TEST_P(Determinism, AnyChunks) {
  for (int64_t chunk : {int64_t{1}, int64_t{5}, int64_t{64}, static_cast<int64_t>(ids_.size())}) {
    EngineOptions options;
    options.chunk = chunk;
    Engine engine(*model_, pool_, options);
    EXPECT_EQ(digest(test::logits_of(engine, ids_)), expected_) << "chunks of " << chunk;
  }
}

TEST_P(Determinism, AloneOrAmongOthers) {
  for (int64_t chunk : {int64_t{64}, int64_t{512}, int64_t{4096}}) {
    EngineOptions options;
    options.chunk = chunk;
    Engine engine(*model_, pool_, options);
    std::vector<ScopedSequence> sequences;
    std::vector<std::vector<int32_t>> others;
    for (uint64_t i = 0; i < 8; ++i) {
      sequences.emplace_back(engine);
      others.push_back(test::random_ids(1 + static_cast<int64_t>(i) * 29, engine.vocab(), 20 + i));
    }
    std::vector<Engine::Input> inputs;
    for (size_t i = 0; i < 8; ++i) {
      inputs.push_back({sequences[i], i == 3 ? std::span(ids_) : std::span(others[i]),
                        i == 3 || i % 2 == 0 ? Want::all : Want::last});
    }
    std::vector<float> logits;
    engine.forward(inputs, [&](const LogitRows& rows) {
      if (rows.input == 3)
        logits.insert(logits.end(), rows.data, rows.data + rows.count * rows.vocab);
    });
    EXPECT_EQ(digest(logits), expected_) << "chunks of " << chunk;
  }
}

TEST_P(Determinism, AnyInstructionSet) {
  const IsaGuard guard;
  for (kernels::Isa isa : kernels::available_isas()) {
    kernels::set_active_isa(isa);
    const Model model = Model::load(path_, pool_);  // packed weights depend on the instruction set
    Engine engine(model, pool_);
    EXPECT_EQ(digest(test::logits_of(engine, ids_)), expected_) << kernels::isa_name(isa);
  }
  EXPECT_EQ(kernels::available_isas().back(), kernels::Isa::scalar);
}

// One token at a time gives the rows of the whole prompt.
TEST_P(Determinism, DecodeEqualsPrefill) {
  Engine engine(*model_, pool_);
  const ScopedSequence sequence(engine);
  std::vector<float> logits;
  for (const int32_t& id : ids_) {
    const Engine::Input input{sequence, {&id, 1}, Want::last};
    engine.forward({&input, 1}, [&](const LogitRows& rows) {
      logits.insert(logits.end(), rows.data, rows.data + rows.vocab);
    });
  }
  EXPECT_EQ(digest(logits), expected_);
}

// A prompt in pieces, each token's logits asked for or not, then decoded on.
TEST_P(Determinism, PrefillThenDecode) {
  EngineOptions options;
  options.chunk = 17;
  Engine engine(*model_, pool_, options);
  const ScopedSequence sequence(engine);
  const std::span<const int32_t> ids(ids_);
  const size_t split = ids.size() - 70;
  const Engine::Input head{sequence, ids.first(split), Want::none};
  engine.forward({&head, 1}, {});
  std::vector<float> tail;
  for (size_t i = split; i < ids.size(); ++i) {
    const Engine::Input input{sequence, ids.subspan(i, 1), Want::last};
    engine.forward({&input, 1}, [&](const LogitRows& rows) {
      tail.insert(tail.end(), rows.data, rows.data + rows.vocab);
    });
  }
  const std::vector<float> whole = test::logits_of(engine, ids_);
  EXPECT_EQ(tail, std::vector<float>(whole.end() - static_cast<int64_t>(tail.size()), whole.end()));
}

// Each type of cache has an answer of its own, whatever the threads, the chunks and the kernels.
TEST_P(Determinism, EveryCacheType) {
  using kernels::CacheType;
  const IsaGuard guard;
  std::set<std::string> answers;
  std::vector<kernels::CacheTypes> caches = {{CacheType::q4_0, CacheType::q4_0, true},
                                             {CacheType::q8_0, CacheType::q4_0}};
  for (const CacheType type : kernels::kCacheTypes) caches.push_back({type, type});
  for (const kernels::CacheTypes& cache : caches) {
    const std::string name =
        std::string(kernels::cache_type_name(cache.k)) + " " + kernels::cache_type_name(cache.v);
    EngineOptions options;
    options.cache_type_k = cache.k;
    options.cache_type_v = cache.v;
    options.cache_hadamard = cache.hadamard;
    const auto run = [&](const Model& model, int threads, int64_t chunk) {
      ThreadPool pool(threads);
      options.chunk = chunk;
      Engine engine(model, pool, options);
      return digest(test::logits_of(engine, ids_));
    };
    const std::string expected = run(*model_, 1, 512);
    answers.insert(expected);
    if (cache.v == default_cache_type(*model_)) {
      EXPECT_EQ(expected, expected_);
    }
    for (int threads : {2, 3, 7}) EXPECT_EQ(run(*model_, threads, 67), expected) << name;
    EXPECT_EQ(run(*model_, 2, 1), expected) << name;
    for (kernels::Isa isa : kernels::available_isas()) {
      kernels::set_active_isa(isa);
      EXPECT_EQ(run(Model::load(path_, pool_), 2, 100), expected)
          << name << " " << kernels::isa_name(isa);
    }
    kernels::set_active_isa(kernels::available_isas().front());
  }
  EXPECT_EQ(answers.size(), caches.size());
}

INSTANTIATE_TEST_SUITE_P(Models, Determinism, testing::ValuesIn(cases()),
                         [](const auto& instance) { return instance.param.name; });

// The checks above would pass for a model that ignores its input.
TEST(Logits, DependOnEveryVisibleTokenAndOnNoOther) {
  const test::TempFolder folder;
  ThreadPool pool(2);
  for (const Architecture* architecture : architectures()) {
    const std::string path = folder.file("tiny.gguf");
    ModelConfig config = architecture->tiny();
    config.layers = 1;  // deeper layers see further than a window
    test::write_tiny_model(config, path);
    const Model model = Model::load(path, pool);
    Engine engine(model, pool);
    constexpr int64_t kTokens = 200;
    std::vector<int32_t> ids = test::random_ids(kTokens, config.vocab, 1);
    const std::vector<float> before = test::logits_of(engine, ids);
    constexpr int64_t kChanged = 50;
    ids[kChanged] = (ids[kChanged] + 1) % static_cast<int32_t>(config.vocab);
    const std::vector<float> after = test::logits_of(engine, ids);
    for (int64_t t = 0; t < kTokens; ++t) {
      const auto row = [&](const std::vector<float>& all) {
        return std::vector<float>(all.begin() + t * config.vocab,
                                  all.begin() + (t + 1) * config.vocab);
      };
      const bool sees = t >= kChanged && (config.window == 0 || kChanged > t - config.window);
      EXPECT_EQ(row(before) != row(after), sees) << architecture->name << " at " << t;
    }
  }
}

}  // namespace
}  // namespace avocado
