#pragma once
// Who guesses at each step of an answer, and how many tokens: the drafter and the length that give
// the most tokens per second, by what was measured so far. It learns from each step
//   - how long a step of the model takes with so many guesses,
//   - how often a guess of a drafter is right, by the length of the stretch that it found again,
//   - how long a guess takes, if not next to nothing.
// Guesses that cost nothing are made at every step and compared with what comes, used or not. What
// is not used is tried again, as far as trials take a small share of the time, since texts and
// machines change.
//
// All this changes the speed of an answer alone: see drafter.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/drafter.h"

namespace avocado {

struct SpeculationOptions {
  size_t most = 16;  // tokens guessed at once
  // Guess `most` tokens whether it pays or not, the drafters in turn: for tests and measurements.
  bool always = false;
  std::function<double()> clock = {};  // seconds; empty: a steady clock
};

class Speculation {
 public:
  explicit Speculation(SpeculationOptions options = {});

  void add(std::string name, std::unique_ptr<Drafter> drafter);

  // Guesses of the tokens that follow `tokens`, the prompt and the answer so far; at most `room`,
  // and none where that is faster.
  const std::vector<int32_t>& guess(std::span<const int32_t> tokens, size_t room);
  // What really followed, as far as it is known after the step that judged the last guess. Returns
  // how many of its tokens were right.
  size_t learn(std::span<const int32_t> came);

  struct Account {
    std::string name;
    int64_t steps = 0, drafted = 0, right = 0;  // where its guesses were used
  };
  std::vector<Account> accounts() const;

 private:
  static constexpr size_t kClasses = 8;
  struct Method {
    Account account;
    std::unique_ptr<Drafter> drafter;
    Draft draft;                            // of this step
    std::array<double, kClasses> chance{};  // of a guess, when those before it are right
    double seconds = 0;                     // per guess; 0: free, or not measured
    int64_t idle = 1'000'000;               // steps since its last guess
    double trial = 0, waited = 0;           // seconds that its last trial took; and since then
    int tries = 0;                          // steps left of a trial
  };
  struct Choice {
    Method* method = nullptr;
    size_t count = 0;
  };

  static size_t class_of(const Draft& draft, size_t guess);
  static size_t available(const Method& method, size_t most);
  double step_seconds(size_t guesses) const;
  Choice best(size_t most);
  Choice look_around(Choice best, size_t most);

  SpeculationOptions options_;
  std::vector<Method> methods_;
  std::vector<double> seconds_;  // of a step with so many guesses, smoothed; 0: not measured
  int64_t steps_ = 0, since_plain_ = 0;
  Method* used_ = nullptr;
  Method* trying_ = nullptr;
  std::vector<int32_t> guessed_;
  double begun_ = 0, started_ = 0;  // this step: guessing, judging
};

}  // namespace avocado
