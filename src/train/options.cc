#include "train/options.h"

#include <utility>

#include "base/error.h"
#include "train/json_fields.h"
#include "train/optimizers/optimizers.h"
#include "train/schedule.h"

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
  visit("precision", o.precision);
  visit("digest_every", o.digest_every);
  visit("optimizer", o.optimizer);
  visit("momentum", o.momentum);
  visit("nesterov", o.nesterov);
  visit("optimizer_state", o.optimizer_state);
  visit("schedule", o.schedule);
  visit("decay_steps", o.decay_steps);
  visit("decay_shape", o.decay_shape);
  visit("ema", o.ema);
  visit("loss", o.loss);
  if (o.prefers()) visit("beta", o.beta);
  if (o.loss == kDpo) visit("label_smoothing", o.label_smoothing);
  if (o.loss == kSimpo) visit("gamma", o.gamma);
}

Json groups_to_json(const std::vector<WeightGroup>& groups) {
  Json json = Json::array();
  for (const WeightGroup& group : groups) {
    json.push_back({{"match", group.match}, {"lr_scale", group.lr_scale}});
    if (group.weight_decay) json.back()["weight_decay"] = *group.weight_decay;
  }
  return json;
}

std::vector<WeightGroup> groups_from_json(const Json& json, const std::string& source) {
  std::vector<WeightGroup> groups;
  for (const Json& item : json) {
    WeightGroup& group = groups.emplace_back();
    FieldReader reader(item, source);
    reader("match", group.match);
    reader("lr_scale", group.lr_scale);
    if (item.contains("weight_decay")) reader("weight_decay", group.weight_decay.emplace());
    reader.finish();
  }
  return groups;
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
  optimizer_kind(o.optimizer, where("optimizer"));
  real("momentum", o.momentum, 0, 0.999999);
  if (o.optimizer_state != "f32" && o.optimizer_state != "8bit")
    fail_input("{}: optimizer_state = \"{}\"; it must be \"f32\" or \"8bit\"",
               where("optimizer_state"), o.optimizer_state);
  check_schedule(o, where);
  real("ema", o.ema, 0, 0.999999999);
  for (const WeightGroup& group : o.groups) {
    const std::string place = fmt::format("{}: group \"{}\"", where("group"), group.match);
    if (group.match.empty()) fail_input("{}: match is empty", place);
    if (!(group.lr_scale >= 0 && group.lr_scale <= 1e6))
      fail_input("{}: lr_scale = {}; it must be from 0 to 1e6", place, group.lr_scale);
    if (group.weight_decay && !(*group.weight_decay >= 0 && *group.weight_decay <= 1e3))
      fail_input("{}: weight_decay = {}; it must be from 0 to 1e3", place, *group.weight_decay);
  }
  if (o.precision != "f32" && o.precision != "bf16")
    fail_input("{}: precision = \"{}\"; it must be \"f32\" or \"bf16\"", where("precision"),
               o.precision);
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
  writer.json["groups"] = groups_to_json(options.groups);
  return std::move(writer.json);
}

TrainOptions options_from_json(const Json& json, const std::string& source) {
  TrainOptions options;
  FieldReader reader(json, source);
  visit_options(options, reader);
  options.groups =
      groups_from_json(reader.field("groups", Json::value_t::array, "a list of groups"), source);
  reader.finish();
  return options;
}

}  // namespace avocado
