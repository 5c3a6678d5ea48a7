#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "kernels/math/math.h"

namespace avocado {
namespace {

// How far the learning rate still is above min_lr, as a share of lr - min_lr, when `progress` in
// (0, 1] of the way down is done.
struct Shape {
  const char* name;
  double (*height)(double progress);
};

double cosine(double progress) { return 0.5 * (1.0 + kernels::cos(std::numbers::pi * progress)); }
double linear(double progress) { return 1.0 - progress; }
double root(double progress) { return 1.0 - std::sqrt(progress); }

constexpr Shape kShapes[] = {{"linear", linear}, {"cosine", cosine}, {"sqrt", root}};

const Shape* find_shape(const std::string& name) {
  const auto* found = std::find_if(std::begin(kShapes), std::end(kShapes),
                                   [&](const Shape& shape) { return name == shape.name; });
  return found == std::end(kShapes) ? nullptr : found;
}

struct Schedule {
  const char* name;
  // Steps at the end of the run in which the learning rate falls, and how.
  int64_t (*falling)(const TrainOptions&);
  const Shape* (*shape)(const TrainOptions&);
};

int64_t after_warmup(const TrainOptions& options) { return options.steps - options.warmup; }

const Schedule kSchedules[] = {
    {"cosine", after_warmup, [](const TrainOptions&) { return find_shape("cosine"); }},
    {"linear", after_warmup, [](const TrainOptions&) { return find_shape("linear"); }},
    {"wsd", [](const TrainOptions& o) { return o.decay_steps; },
     [](const TrainOptions& o) { return find_shape(o.decay_shape); }},
    {"constant", [](const TrainOptions&) { return int64_t{0}; },
     [](const TrainOptions&) { return find_shape("linear"); }},
};

const Schedule* find_schedule(const std::string& name) {
  const auto* found = std::find_if(std::begin(kSchedules), std::end(kSchedules),
                                   [&](const Schedule& schedule) { return name == schedule.name; });
  return found == std::end(kSchedules) ? nullptr : found;
}

template <class Table>
std::string names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(fmt::format("\"{}\"", entry.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

double learning_rate(const TrainOptions& options, int64_t step) {
  if (step < options.warmup)
    return options.lr * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  const Schedule& schedule = *find_schedule(options.schedule);
  const int64_t falling = schedule.falling(options), stable = options.steps - falling;
  if (step < stable) return options.lr;
  const double progress = static_cast<double>(step + 1 - stable) / static_cast<double>(falling);
  const double height = schedule.shape(options)->height(progress);
  return options.min_lr + (options.lr - options.min_lr) * height;
}

void check_schedule(const TrainOptions& o,
                    const std::function<std::string(const char* field)>& where) {
  if (!find_schedule(o.schedule))
    fail_input("{}: schedule = \"{}\"; known are {}", where("schedule"), o.schedule,
               names_of(kSchedules));
  if (!find_shape(o.decay_shape))
    fail_input("{}: decay_shape = \"{}\"; known are {}", where("decay_shape"), o.decay_shape,
               names_of(kShapes));
  if (o.decay_steps < 0 || o.decay_steps > after_warmup(o))
    fail_input("{}: decay_steps = {}; it must be from 0 to {}, the steps after the warm-up",
               where("decay_steps"), o.decay_steps, after_warmup(o));
}

double bias_correction(double beta, int64_t step) {
  if (beta == 0) return 1;
  return 1.0 / (1.0 - kernels::pow(beta, static_cast<double>(step)));
}

double average_share(double ema, int64_t step) {
  return std::max(1.0 - ema, 10.0 / static_cast<double>(step + 9));
}

}  // namespace avocado
