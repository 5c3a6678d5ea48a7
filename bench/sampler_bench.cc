// Microseconds per choice of a token at a vocabulary of 128256, by what is asked of it.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/philox.h"
#include "infer/sampler.h"
#include "kernels/math/math.h"

namespace {

using namespace avocado;

constexpr int64_t kVocab = 128256;
constexpr int kRows =
    8;  // different rows, so that a choice does not find the last one's in a cache

// Like those of a language model: a bell, with a few tokens far above.
std::vector<float> logits(uint32_t row) {
  const Random random(1, Purpose::test, row);
  std::vector<float> values;
  for (uint64_t i = 0; i < kVocab; ++i) {
    float sum = 0;
    for (uint64_t j = 0; j < 4; ++j) sum += random.uniform(4 * i + j);
    values.push_back(4 * (sum - 2));
  }
  for (uint64_t i = 0; i < 60; ++i)
    values[random.below(1'000'000 + i, kVocab)] = 6 + 10 * random.uniform(2'000'000 + i);
  return values;
}

// The median of the times of single choices, each from logits that were not used just before.
double microseconds(const SamplerParameters& parameters, bool masked) {
  static const std::vector<std::vector<float>> rows = [] {
    std::vector<std::vector<float>> made;
    for (uint32_t row = 0; row < kRows; ++row) made.push_back(logits(row));
    return made;
  }();
  std::vector<int32_t> history;
  for (uint64_t i = 0; i < 1000; ++i)  // says everything twice
    history.push_back(static_cast<int32_t>(Random(2, Purpose::test).below(i % 500, kVocab)));
  const std::vector<uint32_t> mask((kVocab + 31) / 32, 0xfffffff7);
  SamplerChain chain(parameters, kVocab);
  std::vector<double> times;
  for (int64_t i = 0; i < 400; ++i) {
    const auto start = std::chrono::steady_clock::now();
    SampleInput input{rows[i % kRows], history, i};
    if (masked) input.mask = mask;
    const Choice choice = chain.sample(input);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    if (choice.id >= 0) times.push_back(time.count());
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

}  // namespace

int main() {
  const auto show = [](const char* name, const auto& set, bool masked = false) {
    SamplerParameters p;
    set(p);
    fmt::print("{:<34} {:8.1f} us\n", name, microseconds(p, masked));
  };
  const auto plain = [](SamplerParameters& p) { p.top_k = 0, p.top_p = 1, p.min_p = 0; };
  show("greedy", [](auto& p) { p.temperature = 0; });
  show("default", [](auto&) {});
  show(
      "default, mask", [](auto&) {}, true);
  show("default, penalties", [](auto& p) { p.repeat_penalty = 1.1f, p.frequency_penalty = 0.1f; });
  show("default, dry over 1000 tokens",
       [](auto& p) { p.dry_multiplier = 0.8f, p.dry_penalty_last_n = -1; });
  show("default, n_probs 10", [](auto& p) { p.n_probs = 10; });
  show("min_p only", [&](auto& p) { plain(p), p.min_p = 0.05f; });
  show("top_p only", [&](auto& p) { plain(p), p.top_p = 0.95f; });
  show("typ_p only", [&](auto& p) { plain(p), p.typical_p = 0.9f; });
  show("top_n_sigma only", [&](auto& p) { plain(p), p.top_n_sigma = 1; });
  show("xtc only", [&](auto& p) { plain(p), p.xtc_probability = 1; });
  show("plain softmax", plain);
  show("mirostat 1", [](auto& p) { p.mirostat = 1; });
  show("mirostat 2", [](auto& p) { p.mirostat = 2; });
  show("min_p, adaptive_p", [&](auto& p) {
    plain(p), p.min_p = 0.05f, p.adaptive_target = 0.3f;
    p.samplers.emplace_back("adaptive_p");
  });
}
