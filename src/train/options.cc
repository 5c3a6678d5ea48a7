#include "train/options.h"

#include <utility>

#include "base/error.h"
#include "train/json_fields.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

// Each field is named once; writing and reading are two visitors of this list.
template <class Options, class Visitor>
void visit_options(Options& o, Visitor&& visit) {
  visit("steps", o.steps);
  visit("rows", o.rows);
  visit("micro_batches", o.micro_batches);
  visit("lr", o.lr);
  visit("min_lr", o.min_lr);
  visit("warmup", o.warmup);
  visit("weight_decay", o.weight_decay);
  visit("beta1", o.beta1);
  visit("beta2", o.beta2);
  visit("eps", o.eps);
  visit("clip", o.clip);
  visit("seed", o.seed);
  visit("digest_every", o.digest_every);
  visit("loss", o.loss);
  if (o.prefers()) visit("beta", o.beta);
  if (o.loss == kDpo) visit("label_smoothing", o.label_smoothing);
  if (o.loss == kSimpo) visit("gamma", o.gamma);
}

}  // namespace

void check_options(const TrainOptions& o,
                   const std::function<std::string(const char* field)>& where) {
  constexpr int64_t kMost = int64_t{1} << 31;
  const auto whole = [&](const char* field, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
      fail_input("{}: {} = {}; it must be from {} to {}", where(field), field, value, least, most);
  };
  const auto real = [&](const char* field, double value, double least, double most) {
    if (!(value >= least && value <= most))
      fail_input("{}: {} = {}; it must be from {} to {}", where(field), field, value, least, most);
  };
  whole("steps", o.steps, 1, kMost);
  whole("rows", o.rows, 1, 1 << 20);
  whole("micro_batches", o.micro_batches, 1, 1 << 20);
  whole("warmup", o.warmup, 0, o.steps);
  whole("digest_every", o.digest_every, 1, kMost);
  real("lr", o.lr, 0, 1e3);
  real("min_lr", o.min_lr, 0, o.lr);
  real("weight_decay", o.weight_decay, 0, 1e3);
  real("beta1", o.beta1, 0, 0.999999);
  real("beta2", o.beta2, 0, 0.999999);
  real("eps", o.eps, 1e-30, 1);
  real("clip", o.clip, 0, 1e30);
  if (o.loss != kNextToken && !o.prefers())
    fail_input("{}: loss = \"{}\"; it must be \"{}\", \"{}\" or \"{}\"", where("loss"), o.loss,
               kNextToken, kDpo, kSimpo);
  real("beta", o.beta, 1e-9, 1e3);
  real("label_smoothing", o.label_smoothing, 0, 0.4999);
  real("gamma", o.gamma, 0, 1e3);
}

Json options_to_json(const TrainOptions& options) {
  FieldWriter writer;
  visit_options(options, writer);
  return std::move(writer.json);
}

TrainOptions options_from_json(const Json& json, const std::string& source) {
  TrainOptions options;
  FieldReader reader(json, source);
  visit_options(options, reader);
  reader.finish();
  return options;
}

}  // namespace avocado
