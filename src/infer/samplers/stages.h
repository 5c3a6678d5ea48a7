#pragma once
// The stages, one file each. A new one is a file here and a line in the table of stages.cc.

#include <span>
#include <string_view>
#include <vector>

#include "base/philox.h"
#include "infer/candidates.h"
#include "infer/sampler_parameters.h"
#include "text/tokenizer.h"

namespace avocado::samplers {

// What a stage may know.
struct Context {
  const SamplerParameters& parameters;
  const Tokenizer* tokenizer = nullptr;  // may be absent
  std::span<const int32_t> history;      // the tokens before the one to be chosen
  int64_t position = 0;                  // of the one to be chosen
  // How many tokens have been forbidden at this position after they had been chosen. Each new
  // choice has numbers of its own.
  uint32_t attempt = 0;

  // Uniform in [0, 1); `drawer` separates what draws.
  float uniform(uint32_t drawer) const {
    return Random(parameters.seed, Purpose::sampling, 16 * attempt + drawer)
        .uniform(static_cast<uint64_t>(position));
  }
};

// Who draws. Never renumber: the numbers are part of the definition.
enum Drawer : uint32_t { kDraw = 0, kXtc = 1 };

struct Stage {
  std::string_view name;
  char letter;
  bool keeps_best;  // never drops the best token or makes another one the best
  bool (*active)(const SamplerParameters&);
  void (*run)(Candidates&, const Context&);  // never drops all; nullptr: see adaptive_p.cc
};

std::span<const Stage> stages();
// By its name or another spelling of it; nullptr when there is none.
const Stage* find(std::string_view name);

void penalties(Candidates&, const Context&);
void dry(Candidates&, const Context&);
void top_n_sigma(Candidates&, const Context&);
void top_k(Candidates&, const Context&);
void typical(Candidates&, const Context&);
void top_p(Candidates&, const Context&);
void min_p(Candidates&, const Context&);
void xtc(Candidates&, const Context&);
void temperature(Candidates&, const Context&);
// Divides distances to the best; 0 leaves the best token alone.
void divide_by_temperature(Candidates&, float temperature);

// Those that choose, and learn from what they chose. `memory` is theirs, `observed` what
// learn_...() wants to know when the choice stands.
struct Memory {
  double a = 0, b = 0;
};
struct Drawn {
  Candidate token;
  double observed;
};
Memory mirostat_memory(const SamplerParameters&);
Drawn mirostat(Candidates&, const Context&, const Memory&, int64_t vocab);
Memory mirostat_learn(const SamplerParameters&, const Memory&, double observed);

Memory adaptive_p_memory(const SamplerParameters&);
Drawn adaptive_p(Candidates&, const Context&, const Memory&);
Memory adaptive_p_learn(const SamplerParameters&, const Memory&, double observed);

}  // namespace avocado::samplers
