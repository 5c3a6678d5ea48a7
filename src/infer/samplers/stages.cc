#include "infer/samplers/stages.h"

#include <algorithm>
#include <array>

namespace avocado::samplers {
namespace {

using P = SamplerParameters;

constexpr std::array<Stage, 10> kStages = {{
    {"penalties", 'e', false,
     [](const P& p) {
       return p.repeat_last_n != 0 &&
              (p.repeat_penalty != 1 || p.frequency_penalty != 0 || p.presence_penalty != 0);
     },
     penalties},
    {"dry", 'd', false,
     [](const P& p) { return p.dry_multiplier > 0 && p.dry_penalty_last_n != 0; }, dry},
    {"top_n_sigma", 's', true, [](const P& p) { return p.top_n_sigma > 0; }, top_n_sigma},
    {"top_k", 'k', true, [](const P& p) { return p.top_k > 0; }, top_k},
    {"typ_p", 'y', false, [](const P& p) { return p.typical_p < 1; }, typical},
    {"top_p", 'p', true, [](const P& p) { return p.top_p < 1; }, top_p},
    {"min_p", 'm', true, [](const P& p) { return p.min_p > 0; }, min_p},
    {"xtc", 'x', false, [](const P& p) { return p.xtc_probability > 0 && p.xtc_threshold <= 0.5f; },
     xtc},
    {"temperature", 't', true, [](const P&) { return true; }, temperature},
    {"adaptive_p", 'a', false, [](const P& p) { return p.adaptive_target >= 0; }, nullptr},
}};

constexpr std::array<std::array<std::string_view, 2>, 6> kSpellings = {{
    {"temp", "temperature"},
    {"typ", "typ_p"},
    {"typical", "typ_p"},
    {"typical_p", "typ_p"},
    {"nucleus", "top_p"},
    {"top_nsigma", "top_n_sigma"},
}};

}  // namespace

std::span<const Stage> stages() { return kStages; }

const Stage* find(std::string_view name) {
  std::string wanted(name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (const auto& [spelling, usual] : kSpellings)
    if (wanted == spelling) wanted = usual;
  const auto stage = std::find_if(kStages.begin(), kStages.end(),
                                  [&](const Stage& s) { return s.name == wanted; });
  return stage == kStages.end() ? nullptr : &*stage;
}

}  // namespace avocado::samplers
