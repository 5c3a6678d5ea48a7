#include "train/adapter_options.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/wildcard.h"
#include "train/json_fields.h"

namespace avocado {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kKinds = {"lora", "rslora", "dora"};
constexpr int64_t kMostRank = 4096;

// "blk.0.attn_q" of "blk.0.attn_q.weight".
std::string_view without_weight(std::string_view name) {
  return name.substr(0, name.rfind(".weight"));
}

bool means(const std::string& pattern, std::string_view name) {
  for (size_t from = 0; from != std::string_view::npos; from = name.find('.', from)) {
    if (from > 0) ++from;
    if (wildcard_matches(pattern, name.substr(from))) return true;
  }
  return false;
}

bool means(const std::string& pattern, const graph::Weight& weight) {
  return means(pattern, without_weight(weight.name)) ||
         means(pattern, without_weight(weight.hf_name));
}

std::string known_names(const graph::Graph& model) {
  std::set<std::string> names;
  for (const graph::WeightId id : graph::adaptable_weights(model)) {
    const graph::Weight& w = model.weights[static_cast<size_t>(id)];
    for (std::string_view name : {without_weight(w.name), without_weight(w.hf_name)})
      names.emplace(name.substr(name.rfind('.') + 1));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

template <class Options, class Visitor>
void visit_adapter(Options& o, Visitor&& visit) {
  visit("kind", o.kind);
  visit("rank", o.rank);
  visit("alpha", o.alpha);
  visit("seed", o.seed);
}

}  // namespace

void check_adapter(const AdapterOptions& o,
                   const std::function<std::string(const char* field)>& where) {
  if (std::find(kKinds.begin(), kKinds.end(), o.kind) == kKinds.end())
    fail_input("{}: kind = \"{}\"; it must be one of {}", where("kind"), o.kind,
               fmt::join(kKinds, ", "));
  if (o.rank < 1 || o.rank > kMostRank)
    fail_input("{}: rank = {}; it must be from 1 to {}", where("rank"), o.rank, kMostRank);
  if (!(o.alpha > 0 && o.alpha <= 1e6))
    fail_input("{}: alpha = {}; it must be above 0, up to 1e6", where("alpha"), o.alpha);
  if (o.targets.empty()) fail_input("{}: targets names no matrices", where("targets"));
}

Adapter plan_adapter(const AdapterOptions& options, const graph::Graph& model,
                     const std::string& where) {
  std::set<graph::WeightId> found;
  for (const std::string& pattern : options.targets) {
    bool any = false;
    for (const graph::WeightId id : graph::adaptable_weights(model)) {
      if (!means(pattern, model.weights[static_cast<size_t>(id)])) continue;
      any = true;
      found.insert(id);
    }
    if (!any)
      fail_input("{}: no matrix of this model is called \"{}\"; there are {}", where, pattern,
                 known_names(model));
  }
  Adapter adapter;
  adapter.alpha = options.alpha;
  adapter.rank_stabilized = options.kind == "rslora";
  for (const graph::WeightId id : found) {
    const graph::Weight& w = model.weights[static_cast<size_t>(id)];
    AdapterMatrix& m = adapter.matrices.emplace_back();
    m.weight = id;
    m.rank = options.rank;
    m.a.resize(static_cast<size_t>(m.rank * w.cols));
    m.b.resize(static_cast<size_t>(m.rank * w.rows));
    if (options.kind == "dora") m.magnitude.resize(static_cast<size_t>(w.rows));
  }
  return adapter;
}

Json adapter_to_json(const AdapterOptions& options) {
  FieldWriter writer;
  visit_adapter(options, writer);
  writer.json["targets"] = options.targets;
  return std::move(writer.json);
}

AdapterOptions adapter_from_json(const Json& json, const std::string& source) {
  AdapterOptions options;
  FieldReader reader(json, source);
  visit_adapter(options, reader);
  options.targets.clear();
  for (const Json& target : reader.field("targets", Json::value_t::array, "a list of names")) {
    if (!target.is_string()) fail_input("{}: \"targets\" holds {}", source, target.dump());
    options.targets.push_back(target.get<std::string>());
  }
  reader.finish();
  return options;
}

}  // namespace avocado
