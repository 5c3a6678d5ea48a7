#include "infer/speculation.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

namespace avocado {
namespace {

constexpr double kForgetTime = 0.1, kForgetChance = 0.05;  // weight of what is newest
constexpr double kGain = 1.05;                             // guessing has to be faster by this
constexpr double kUnmeasured = 0.1;  // of a plain step, for a guess and for judging it
constexpr double kTrials = 0.02;     // share of the time that a drafter's trials may take
constexpr int kTries = 4;            // steps of a trial, where guesses are not free
constexpr size_t kTried = 2;         // guesses of such a step
constexpr int64_t kUsual = 8;        // steps without guesses after which catching up is no measure
constexpr int64_t kPlain = 64;       // steps with guesses until a plain one is measured again
constexpr int64_t kLonger = 32;      // steps until twice as many guesses are tried

double steady_seconds() {
  using std::chrono::steady_clock;
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Speculation::Speculation(SpeculationOptions options)
    : options_(std::move(options)), seconds_(options_.most + 1) {
  if (!options_.clock) options_.clock = steady_seconds;
}

void Speculation::add(std::string name, std::unique_ptr<Drafter> drafter) {
  Method method;
  method.account.name = std::move(name);
  method.drafter = std::move(drafter);
  // What is known of texts in general; class 0 is a model's guesses.
  method.chance = {0.7, 0.3, 0.5, 0.65, 0.75, 0.8, 0.85, 0.9};
  methods_.push_back(std::move(method));
}

// Every right guess makes the stretch that agrees longer.
size_t Speculation::class_of(const Draft& draft, size_t guess) {
  if (draft.matched == 0) return 0;
  return std::min<size_t>(std::bit_width(draft.matched + guess), kClasses - 1);
}

size_t Speculation::available(const Method& method, size_t most) {
  return method.drafter->free() ? method.draft.ids.size() : most;
}

double Speculation::step_seconds(size_t guesses) const {
  if (seconds_[guesses] > 0) return seconds_[guesses];
  size_t fewer = guesses, more = guesses;
  while (fewer > 0 && seconds_[fewer] == 0) --fewer;
  while (more < seconds_.size() && seconds_[more] == 0) ++more;
  const double share = static_cast<double>(guesses - fewer);
  if (more == seconds_.size()) return seconds_[fewer] * (1 + kUnmeasured * share);
  return seconds_[fewer] +
         (seconds_[more] - seconds_[fewer]) * share / static_cast<double>(more - fewer);
}

Speculation::Choice Speculation::best(size_t most) {
  Choice best;
  if (steps_ <= 2) return best;  // the time of a plain step comes first
  double rate = kGain / step_seconds(0);
  for (Method& m : methods_) {
    double cost = m.seconds;
    if (cost == 0 && !m.drafter->free()) cost = kUnmeasured * step_seconds(0);
    double chance = 1, tokens = 1;
    for (size_t n = 1; n <= available(m, most); ++n) {
      chance *= m.chance[class_of(m.draft, n - 1)];
      tokens += chance;
      const double seconds = step_seconds(n) + cost * static_cast<double>(n);
      if (tokens / seconds > rate) rate = tokens / seconds, best = {&m, n};
    }
  }
  return best;
}

Speculation::Choice Speculation::look_around(Choice best, size_t most) {
  since_plain_ = best.count == 0 ? 0 : since_plain_ + 1;
  if (since_plain_ > kPlain) {
    since_plain_ = 0;
    return {};
  }
  for (Method& m : methods_) {
    if (&m == best.method) m.tries = 0;
    const size_t count = std::min(kTried, available(m, most));
    if (&m == best.method || steps_ <= 2 || count == 0) continue;
    if (m.tries == 0) {
      if (kTrials * m.waited < m.trial) continue;
      m.tries = m.drafter->free() ? 1 : kTries;
      m.trial = m.waited = 0;
    }
    --m.tries;
    trying_ = &m;
    return {&m, count};
  }
  if (best.count > 0 && steps_ % kLonger == 0)
    best.count = std::min(2 * best.count, available(*best.method, most));
  return best;
}

const std::vector<int32_t>& Speculation::guess(std::span<const int32_t> tokens, size_t room) {
  const size_t most = std::min(options_.most, room);
  ++steps_;
  guessed_.clear();
  used_ = trying_ = nullptr;
  begun_ = options_.clock();
  for (Method& m : methods_) {
    m.draft = {};
    if (m.drafter->free()) m.draft = m.drafter->draft(tokens, most);
  }
  Choice choice;
  if (!options_.always) {
    choice = look_around(best(most), most);
  } else if (!methods_.empty()) {
    Method& m = methods_[static_cast<size_t>(steps_) % methods_.size()];
    choice = {&m, available(m, most)};
  }
  if (choice.count > 0) {
    used_ = choice.method;
    Draft& draft = used_->draft;
    if (!used_->drafter->free()) {
      double start = options_.clock();
      used_->drafter->catch_up(tokens);
      if (used_->idle > kUsual) start = options_.clock();
      draft = used_->drafter->draft(tokens, choice.count);
      const double seconds = (options_.clock() - start) / static_cast<double>(choice.count);
      double& known = used_->seconds;
      known = known == 0 ? seconds : known + kForgetTime * (seconds - known);
    }
    const size_t count = std::min(choice.count, draft.ids.size());
    guessed_.assign(draft.ids.begin(), draft.ids.begin() + static_cast<int64_t>(count));
  }
  started_ = options_.clock();
  return guessed_;
}

size_t Speculation::learn(std::span<const int32_t> came) {
  const double end = options_.clock(), seconds = end - started_;
  double& known = seconds_[guessed_.size()];
  known = known == 0 ? seconds : known + kForgetTime * (seconds - known);

  for (Method& m : methods_) {
    (&m == trying_ ? m.trial : m.waited) += end - begun_;
    m.idle = &m == used_ ? 0 : m.idle + 1;
    for (size_t i = 0; i < std::min(m.draft.ids.size(), came.size()); ++i) {
      const bool hit = m.draft.ids[i] == came[i];
      double& chance = m.chance[class_of(m.draft, i)];
      chance += kForgetChance * ((hit ? 1.0 : 0.0) - chance);
      if (!hit) break;
    }
  }
  size_t right = 0;
  while (right < std::min(guessed_.size(), came.size()) && guessed_[right] == came[right]) ++right;
  if (used_ != nullptr) {
    ++used_->account.steps;
    used_->account.drafted += static_cast<int64_t>(guessed_.size());
    used_->account.right += static_cast<int64_t>(right);
  }
  return right;
}

std::vector<Speculation::Account> Speculation::accounts() const {
  std::vector<Account> accounts;
  for (const Method& m : methods_) accounts.push_back(m.account);
  return accounts;
}

}  // namespace avocado
