#include "train/sharding.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "models/registry.h"
#include "train/test_processes.h"
#include "train/trainer.h"

namespace avocado {
namespace {

constexpr int64_t kVocab = 64, kRowTokens = 16;

TEST(LeafCuts, AreFixed) {
  using Cuts = std::vector<int64_t>;
  EXPECT_EQ(leaf_cuts(8, 1), (Cuts{0, 8}));
  EXPECT_EQ(leaf_cuts(8, 4), (Cuts{0, 2, 4, 6, 8}));
  EXPECT_EQ(leaf_cuts(7, 4), (Cuts{0, 2, 4, 6, 7}));
  EXPECT_EQ(leaf_cuts(12, 8), (Cuts{0, 0, 2, 4, 6, 6, 8, 10, 12}));
  EXPECT_EQ(leaf_cuts(9, 4), (Cuts{0, 2, 4, 6, 9}));
  EXPECT_EQ(leaf_cuts(3, 8), (Cuts{0, 0, 0, 1, 1, 1, 2, 2, 3}));
  EXPECT_EQ(leaf_cuts(1, 2), (Cuts{0, 0, 1}));
}

TEST(LeafCuts, GiveNoProcessMoreThanItsShare) {
  for (int64_t leaves = 1; leaves <= 40; ++leaves)
    for (int processes = 1; processes <= 17; ++processes) {
      const std::vector<int64_t> cuts = leaf_cuts(leaves, processes);
      ASSERT_EQ(cuts.size(), static_cast<size_t>(processes) + 1);
      EXPECT_EQ(cuts.front(), 0);
      EXPECT_EQ(cuts.back(), leaves);
      std::vector<Subtree> sums;
      for (int rank = 0; rank < processes; ++rank) {
        const int64_t share = cuts[rank + 1] - cuts[rank];
        EXPECT_GE(share, 0);
        EXPECT_LE(share, (leaves + processes - 1) / processes) << leaves << " on " << processes;
        for (const Subtree& sum : largest_subtrees(cuts[rank], cuts[rank + 1], leaves))
          sums.push_back(sum);
      }
      // What the processes add is the tree.
      EXPECT_EQ(add_subtrees(sums, leaves, [](size_t, size_t) {}).size(), 1u);
    }
}

TEST(WeightCuts, ShareTheNumbersAsFarAsWeightsAllow) {
  const ModelConfig config = architecture("llama", "test").tiny();
  const WeightLayout layout(build_graph(config));
  const auto weights = static_cast<int64_t>(layout.offset.size());
  int64_t largest = 0;
  for (int64_t w = 0; w < weights; ++w)
    largest = std::max(largest,
                       (w + 1 < weights ? layout.offset[w + 1] : layout.total) - layout.offset[w]);
  for (int processes : {1, 2, 3, 4, 8, 100}) {
    const std::vector<int64_t> cuts = weight_cuts(layout, processes);
    ASSERT_EQ(cuts.size(), static_cast<size_t>(processes) + 1);
    EXPECT_EQ(cuts.front(), 0);
    EXPECT_EQ(cuts.back(), weights);
    for (int rank = 0; rank < processes; ++rank) {
      ASSERT_LE(cuts[rank], cuts[rank + 1]);
      const auto at = [&](int64_t w) { return w < weights ? layout.offset[w] : layout.total; };
      EXPECT_LE(at(cuts[rank + 1]) - at(cuts[rank]), layout.total / processes + largest);
    }
  }
}

ModelConfig tiny_model() {
  ModelConfig config = architecture("llama", "test").tiny();
  config.vocab = kVocab;
  config.context = kRowTokens;
  return config;
}

TrainOptions tiny_options(int64_t micro_batches) {
  TrainOptions options;
  options.steps = 4;
  options.rows = 1;
  options.micro_batches = micro_batches;
  options.lr = 1e-2;
  options.digest_every = 2;
  return options;
}

Dataset tiny_data() {
  std::vector<Document> documents;
  for (int32_t d = 0; d < 40; ++d) {
    Document document;
    for (int32_t i = 0; i < 5 + d % 12; ++i)
      document.ids.push_back((d * 5 + i * (1 + d % 3)) % static_cast<int32_t>(kVocab));
    documents.push_back(document);
  }
  return Dataset::pack(documents, kRowTokens, kVocab);
}

// The chains of all steps and the final weights, the same in every process.
struct Outcome {
  std::vector<std::string> chains;
  std::vector<float> weights;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(Trainer& trainer, int64_t steps) {
  Outcome outcome;
  while (trainer.completed_steps() < steps) outcome.chains.push_back(trainer.step().chain);
  for (size_t w = 0; w < trainer.graph().weights.size(); ++w)
    outcome.weights.insert(outcome.weights.end(), trainer.weights()[w],
                           trainer.weights()[w] + trainer.graph().weights[w].count());
  return outcome;
}

Outcome alone(int64_t micro_batches) {
  ThreadPool pool(1);
  const Dataset data = tiny_data();
  Trainer trainer(tiny_model(), tiny_options(micro_batches), data, pool);
  return outcome_of(trainer, 4);
}

TEST(Sharding, ProcessesDoNotChangeABit) {
  const Dataset data = tiny_data();
  for (int64_t micro_batches : {1, 3, 7, 8, 12}) {
    const Outcome expected = alone(micro_batches);
    for (int processes : {2, 3, 4, 8})
      test::run_processes(processes, [&](Processes& self) {
        ThreadPool pool(1);
        Trainer trainer(tiny_model(), tiny_options(micro_batches), data, pool, self);
        const Outcome outcome = outcome_of(trainer, 4);
        EXPECT_EQ(outcome.chains, expected.chains)
            << micro_batches << " micro-batches, process " << self.rank() << " of " << processes;
        EXPECT_TRUE(outcome.weights == expected.weights);
      });
  }
}

TEST(Sharding, NorWithAnyOptimizer) {
  const Dataset data = tiny_data();
  for (const char* optimizer : {"adamw", "muon", "lion", "sgd"})
    for (const char* kept : {"f32", "8bit"}) {
      TrainOptions options = tiny_options(3);
      options.optimizer = optimizer;
      options.optimizer_state = kept;
      options.ema = 0.5;
      const auto train = [&](Processes& self) {
        ThreadPool pool(1);
        Trainer trainer(tiny_model(), options, data, pool, self);
        Outcome outcome = outcome_of(trainer, 4);
        outcome.chains.push_back(std::to_string(trainer.evaluate_average(data, 3)));
        for (size_t w = 0; w < trainer.graph().weights.size(); ++w) {
          const float* average = trainer.averaged_weights()[w];
          outcome.weights.insert(outcome.weights.end(), average,
                                 average + trainer.graph().weights[w].count());
        }
        return outcome;
      };
      const Outcome expected = train(single_process());
      test::run_processes(3, [&](Processes& self) {
        EXPECT_TRUE(train(self) == expected) << optimizer << " " << kept << " " << self.rank();
      });
    }
}

TEST(Sharding, ACheckpointServesAnyCount) {
  const Dataset data = tiny_data();
  const Outcome expected = alone(7);
  const std::string path =
      (std::filesystem::path(testing::TempDir()) / "sharded.safetensors").string();
  const auto steps = [&](int processes, int64_t from, int64_t to) {
    test::run_processes(processes, [&](Processes& self) {
      ThreadPool pool(1);
      Trainer trainer(tiny_model(), tiny_options(7), data, pool, self);
      if (from > 0) {
        trainer.load_checkpoint(path);
        wait_for_leader(self);  // which will write the file anew
      }
      const Outcome outcome = outcome_of(trainer, to);
      EXPECT_EQ(outcome.chains.back(), expected.chains[static_cast<size_t>(to) - 1]);
      EXPECT_EQ(outcome.weights == expected.weights, to == 4);
      trainer.save_checkpoint(path);
      wait_for_leader(self);
      EXPECT_EQ(trainer.compare_checkpoint(path), "");
    });
  };
  steps(4, 0, 1);
  steps(2, 1, 2);
  steps(1, 2, 3);
  steps(8, 3, 4);
}

TEST(Sharding, FailsInAllWhenTheLossIsNoNumber) {
  const Dataset data = tiny_data();
  TrainOptions options = tiny_options(3);
  options.steps = 200;
  options.lr = 1000;
  options.clip = 0;
  options.weight_decay = 1000;
  std::mutex mutex;
  std::vector<std::string> messages;
  test::run_processes(2, [&](Processes& self) {
    ThreadPool pool(1);
    Trainer trainer(tiny_model(), options, data, pool, self);
    try {
      while (!trainer.finished()) trainer.step();
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      messages.emplace_back(error.what());
    }
  });
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0], messages[1]);
}

TEST(Processes, GatherBroadcastAndAny) {
  for (int size : {1, 2, 5})
    test::run_processes(size, [&](Processes& self) {
      std::vector<int64_t> values(10, -1), cuts;
      for (int rank = 0; rank <= size; ++rank) cuts.push_back(10 * rank / size);
      for (int64_t i = cuts[self.rank()]; i < cuts[self.rank() + 1]; ++i) values[i] = i * i;
      all_gather(self, values.data(), cuts);
      for (int64_t i = 0; i < 10; ++i) EXPECT_EQ(values[i], i * i);
      std::byte byte{static_cast<unsigned char>(self.rank() + 7)};
      broadcast(self, std::span(&byte, 1));
      EXPECT_EQ(byte, std::byte{7});
      EXPECT_FALSE(any(self, false));
      EXPECT_TRUE(any(self, self.rank() == size - 1));
    });
}

}  // namespace
}  // namespace avocado
