#include "infer/speculation.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/philox.h"

namespace avocado {
namespace {

// A machine on which a step takes `fixed` and `each` per token that goes through it.
struct Machine {
  double fixed, each, now = 0;
};

// The text is all ones; a guess is one with some chance.
class FakeDrafter : public Drafter {
 public:
  FakeDrafter(Machine& machine, uint32_t stream, double chance, double cost, size_t matched)
      : machine_(machine),
        random_(3, Purpose::test, stream),
        chance_(chance),
        cost_(cost),
        matched_(matched) {}
  Draft draft(std::span<const int32_t> /*tokens*/, size_t most) override {
    machine_.now += cost_ * static_cast<double>(most);
    Draft draft{{}, matched_};
    for (size_t i = 0; i < most; ++i)
      draft.ids.push_back(random_.uniform(draw_++) < static_cast<float>(chance_));
    return draft;
  }
  bool free() const override { return cost_ == 0; }
  void set_chance(double chance) { chance_ = chance; }

 private:
  Machine& machine_;
  Random random_;
  double chance_, cost_;
  size_t matched_;
  uint64_t draw_ = 0;
};

class SpeculationTest : public testing::Test {
 protected:
  void start(double fixed, double each, size_t most = 8) {
    machine_ = {fixed, each};
    speculation_.emplace(
        SpeculationOptions{.most = most, .clock = [this] { return machine_.now; }});
    most_ = most;
  }
  // A drafter; a free one when a guess costs nothing.
  FakeDrafter& add(const std::string& name, double chance, double cost = 0) {
    auto drafter =
        std::make_unique<FakeDrafter>(machine_, ++streams_, chance, cost, cost == 0 ? 3 : 0);
    FakeDrafter& added = *drafter;
    speculation_->add(name, std::move(drafter));
    return added;
  }
  double tokens_per_second(int steps = 4000) {
    const double start = machine_.now;
    int64_t tokens = 0;
    for (int step = 0; step < steps; ++step) {
      const size_t room = step % 50 == 49 ? 2 : 100;
      const std::vector<int32_t>& guess = speculation_->guess({}, room);
      EXPECT_LE(guess.size(), std::min(most_, room));
      size_t right = 0;
      while (right < guess.size() && guess[right] == 1) ++right;
      machine_.now += machine_.fixed + machine_.each * static_cast<double>(guess.size() + 1);
      EXPECT_EQ(speculation_->learn(std::vector<int32_t>(right + 1, 1)), right);
      tokens += static_cast<int64_t>(right) + 1;
    }
    return static_cast<double>(tokens) / (machine_.now - start);
  }

  Machine machine_{};
  std::optional<Speculation> speculation_;
  size_t most_ = 0;
  uint32_t streams_ = 0;
};

TEST_F(SpeculationTest, GuessesWhereItPays) {
  const auto rate = [&](double chance, double fixed, double each, double cost) {
    start(fixed, each);
    add("one", chance, cost);
    return tokens_per_second();
  };
  const double plain = 1.0 / 1.01;
  for (const double cost : {0.0, 0.001}) {
    EXPECT_GT(rate(0.9, 1, 0.01, cost), 4 * plain);  // reading the weights costs most
    EXPECT_GT(rate(0.5, 1, 0.01, cost), 1.6 * plain);
    EXPECT_GT(rate(0.0, 1, 0.01, cost), 0.97 * plain);  // always wrong
    EXPECT_GT(rate(0.9, 0, 1, cost), 0.95);             // a token more is a step more
    EXPECT_GT(rate(0.3, 0, 1, cost), 0.95);
  }
  EXPECT_GT(rate(0.9, 1, 0.01, 0.1), 2.4 * plain);  // a draft model of a tenth of the size
  EXPECT_GT(rate(0.9, 1, 0.01, 2), 0.96 * plain);   // one that is larger
}

TEST_F(SpeculationTest, TakesTheBetterDrafterAndTheOtherOneWhenThatChanges) {
  start(1, 0.02);
  FakeDrafter& text = add("text", 0.9);
  add("model", 0.7, 0.05);
  const double first = tokens_per_second();
  EXPECT_GT(first, 3.6);
  EXPECT_GT(speculation_->accounts()[0].steps, 3800);

  text.set_chance(0.05);
  const int64_t before = speculation_->accounts()[1].steps;
  EXPECT_GT(tokens_per_second(), 1.9);
  EXPECT_GT(speculation_->accounts()[1].steps, before + 3600);

  text.set_chance(0.9);
  EXPECT_GT(tokens_per_second(), 0.97 * first);
}

TEST_F(SpeculationTest, AModelThatBecomesUsefulIsFound) {
  start(1, 0.02);
  FakeDrafter& model = add("model", 0, 0.05);
  EXPECT_GT(tokens_per_second(), 0.9);
  model.set_chance(0.9);
  tokens_per_second(8000);  // tried ever more seldom, so it may take a while
  EXPECT_GT(tokens_per_second(), 2.5);
}

TEST_F(SpeculationTest, AStepThatWasSlowOnceIsMeasuredAgain) {
  start(100, 0.02);
  add("text", 0.9);
  tokens_per_second(3);  // the first plain steps take a hundred times as long
  machine_.fixed = 1;
  EXPECT_GT(tokens_per_second(), 4);
  machine_.each = 10;  // now no guess pays
  EXPECT_GT(tokens_per_second(), 0.9 / 11);
}

TEST_F(SpeculationTest, GuessesAlwaysAndInTurnWhenTold) {
  speculation_.emplace(SpeculationOptions{.most = 5, .always = true});
  most_ = 5;
  add("a", 0);
  add("b", 0.5, 1);
  tokens_per_second(100);
  for (const Speculation::Account& account : speculation_->accounts()) {
    EXPECT_EQ(account.steps, 50);
    EXPECT_GT(account.drafted, 5 * 50 - 10);
  }
  EXPECT_EQ(speculation_->accounts()[0].right, 0);
  EXPECT_GT(speculation_->accounts()[1].right, 10);
}

}  // namespace
}  // namespace avocado
