#include "models/model.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "files/atomic_file.h"
#include "models/model_storage.h"
#include "models/permute.h"
#include "models/read_rope.h"
#include "models/registry.h"

namespace avocado {

namespace {

struct Use {
  bool linear = false;  // the matrix of a product: packed
  bool vector = false;  // norm weight or bias: read as floats
};

std::vector<Use> weight_uses(const graph::Graph& graph) {
  std::vector<Use> uses(graph.weights.size());
  for (const graph::Node& node : graph.nodes) {
    for (size_t i = 0; i < node.weights.size(); ++i) {
      Use& use = uses[node.weights[i]];
      if (node.op == graph::OpKind::linear && i == 0)
        use.linear = true;
      else if (node.op != graph::OpKind::embed)
        use.vector = true;
    }
  }
  return uses;
}

void check_tensor(const TensorView& tensor, const graph::Weight& weight,
                  const std::string& source) {
  const std::vector<int64_t> expected = weight.matrix
                                            ? std::vector<int64_t>{weight.rows, weight.cols}
                                            : std::vector<int64_t>{weight.cols};
  if (tensor.shape != expected)
    fail_input("{}: tensor {} has shape [{}], expected [{}]", source, tensor.name,
               fmt::join(tensor.shape, ", "), fmt::join(expected, ", "));
  const DTypeTraits* traits = dtype_traits(tensor.type);
  if (!traits || !traits->to_f32)
    fail_input("{}: tensor {} has type {}, which this build cannot compute with", source,
               tensor.name, traits ? traits->name : "unknown");
  if (weight.cols % traits->block != 0)
    fail_input("{}: tensor {}: rows of {} are not whole blocks of {}", source, tensor.name,
               weight.cols, traits->name);
}

template <class File>
std::vector<TensorView> match_tensors(const File& file, const graph::Graph& graph,
                                      std::string graph::Weight::*name,
                                      const std::set<std::string>& read_elsewhere) {
  std::vector<TensorView> found;
  std::set<std::string> used = read_elsewhere;
  for (const graph::Weight& weight : graph.weights) {
    const TensorView* tensor = file.tensor(weight.*name);
    if (!tensor) fail_input("{}: tensor {} is missing", file.path(), weight.*name);
    check_tensor(*tensor, weight, file.path());
    used.insert(weight.*name);
    found.push_back(*tensor);
  }
  for (const TensorView& tensor : file.tensors())
    if (!used.contains(tensor.name))
      fail_input(
          "{}: tensor {} is not part of this architecture: the file is another model, or a variant "
          "this build does not compute",
          file.path(), tensor.name);
  return found;
}

bool aligned_f32(const TensorView& tensor) {
  return tensor.type == DType::f32 &&
         reinterpret_cast<uintptr_t>(tensor.data.data()) % alignof(float) == 0;
}

std::string read_chat_template(const std::filesystem::path& folder) {
  const std::filesystem::path jinja = folder / "chat_template.jinja",
                              config = folder / "tokenizer_config.json";
  if (std::filesystem::exists(jinja)) return read_text_file(jinja.string(), uint64_t{1} << 20);
  if (!std::filesystem::exists(config)) return {};
  const nlohmann::json json =
      nlohmann::json::parse(read_text_file(config.string(), uint64_t{64} << 20), nullptr, false);
  if (json.is_object() && json.contains("chat_template") && json["chat_template"].is_string())
    return json["chat_template"];
  return {};
}

void hash_weight(Sha256& hash, const std::string& name, std::string_view type, int64_t rows,
                 int64_t cols, std::span<const std::byte> bytes) {
  hash.update(name).update("\n").update(type).update("\n");
  hash.update(static_cast<uint64_t>(rows)).update(static_cast<uint64_t>(cols)).update(bytes);
}

}  // namespace

bool Model::permuted(size_t weight) const {
  return std::holds_alternative<SafetensorsFile>(storage_->file) && weight < storage_->from_file &&
         graph_->weights[weight].permuted_heads > 0;
}

Model::OwnOrder Model::in_own_order(size_t weight) const {
  OwnOrder tensor{.moved = {}, .view = storage_->stored[weight]};
  if (permuted(weight)) {
    tensor.moved = rows_from_hf(tensor.view, graph_->weights[weight]);
    tensor.view.data = tensor.moved;
  }
  return tensor;
}

// Of a vector: it is not in the file as it is read.
bool Model::decodes(size_t weight) const {
  return !aligned_f32(storage_->stored[weight]) || permuted(weight);
}

// Everything but the weights as they are computed with.
Model Model::open(const std::string& path, const RopeOptions& rope) {
  Model model;
  model.storage_ = std::make_shared<Storage>();
  Storage& s = *model.storage_;
  if (std::filesystem::is_directory(path)) {
    const std::filesystem::path root(path);
    if (!std::filesystem::exists(root / "config.json"))
      fail_input(
          "{}: no config.json in this folder; a model is a GGUF file or a Hugging Face folder",
          path);
    model.config_ = config_from_hf((root / "config.json").string());
    apply(rope, model.config_, path);
    model.graph_ = std::make_unique<graph::Graph>(build_graph(model.config_));
    SafetensorsFile& file = s.file.emplace<SafetensorsFile>(SafetensorsFile::open_folder(path));
    s.stored = match_tensors(file, *model.graph_, &graph::Weight::hf_name, {});
    s.sources = file.sources();
    s.configuration = read_text_file((root / "config.json").string(), uint64_t{64} << 20);
    if (std::filesystem::exists(root / "tokenizer.json"))
      model.tokenizer_ = Tokenizer::from_huggingface(path);
    model.chat_template_ = read_chat_template(root);
  } else {
    GgufFile& file = s.file.emplace<GgufFile>(GgufFile::open(path));
    model.config_ = config_from_gguf(file);
    apply(rope, model.config_, path);
    model.graph_ = std::make_unique<graph::Graph>(build_graph(model.config_));
    s.stored = match_tensors(file, *model.graph_, &graph::Weight::name,
                             {kRopeDivisors, kRopeLong, kRopeShort});
    s.sources = file.sources();
    if (file.get_string("tokenizer.ggml.model", "no_vocab") != "no_vocab")
      model.tokenizer_ = Tokenizer::from_gguf(file);
    model.chat_template_ = file.get_string("tokenizer.chat_template", "");
  }
  if (model.tokenizer_ && model.tokenizer_->vocab_size() > model.config_.vocab)
    fail_input("{}: the tokenizer has {} tokens but the embedding only {} rows", path,
               model.tokenizer_->vocab_size(), model.config_.vocab);
  s.from_file = model.graph_->weights.size();
  return model;
}

uint64_t Model::memory(const std::string& path) {
  const Model model = open(path, {});
  const std::vector<graph::Weight>& weights = model.graph_->weights;
  const std::vector<Use> uses = weight_uses(*model.graph_);
  uint64_t bytes = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const TensorView& tensor = model.storage_->stored[i];
    bytes += tensor.data.size();
    if (uses[i].linear) bytes += packing_of(tensor, weights[i], static_cast<uint32_t>(i)).bytes;
    if (uses[i].vector && model.decodes(i))
      bytes += sizeof(float) * static_cast<uint64_t>(weights[i].count());
  }
  return bytes;
}

Model Model::load(const std::string& path, ThreadPool& pool, const PackedCache& cache,
                  const RopeOptions& rope) {
  Model model = open(path, rope);
  Storage& s = *model.storage_;
  const std::vector<graph::Weight>& weights = model.graph_->weights;
  const std::vector<Use> uses = weight_uses(*model.graph_);
  s.decoded.resize(weights.size());
  s.matrices.resize(weights.size());
  std::vector<PackedEntry> entries;
  for (size_t i = 0; i < weights.size(); ++i) {
    const graph::Weight& w = weights[i];
    s.stored[i].name = w.name;
    if (uses[i].linear) entries.push_back(packing_of(s.stored[i], w, static_cast<uint32_t>(i)));
    if (uses[i].vector && model.decodes(i)) {
      const OwnOrder tensor = model.in_own_order(i);
      s.decoded[i] = decode(pool, tensor.view, w.rows, w.cols);
    }
  }
  const auto pack = [&](size_t entry, std::byte* memory) {
    const uint32_t i = entries[entry].weight;
    pack_matrix(pool, model.in_own_order(i).view, entries[entry], memory);
    // What is packed is not read again; the rest of the file's pages stay as they are.
    release_pages(s.stored[i].data);
  };
  s.packed = find_or_make_packed(cache, pool, s.sources, s.configuration, entries, pack);
  for (size_t e = 0; e < entries.size(); ++e) {
    const std::byte* bytes = nullptr;
    if (s.packed.file) {
      bytes = s.packed.file->data(s.packed.file->entries()[e]).data();
    } else {
      pack(e, s.owned.emplace_back(entries[e].bytes).data());
      bytes = s.owned.back().data();
    }
    s.matrices[entries[e].weight] = packed_matrix(entries[e], bytes);
  }
  return model;
}

PackedIn Model::packed_in() const { return storage_->packed.where; }

std::vector<graph::WeightRef<float>> Model::weights() const {
  std::vector<graph::WeightRef<float>> refs(storage_->stored.size());
  for (size_t i = 0; i < refs.size(); ++i) {
    const TensorView& tensor = storage_->stored[i];
    refs[i].stored = &tensor;
    refs[i].quantized = std::get_if<kernels::QuantizedWeight>(&storage_->matrices[i]);
    refs[i].packed = std::get_if<kernels::PackedWeight>(&storage_->matrices[i]);
    if (storage_->decoded[i].size() > 0)
      refs[i].data = storage_->decoded[i].data();
    else if (aligned_f32(tensor) && !permuted(i))
      refs[i].data = reinterpret_cast<const float*>(tensor.data.data());
  }
  if (storage_->norms) storage_->norms->put_into(refs);
  return refs;
}

std::vector<std::vector<double>> Model::weights_as_double() const {
  std::vector<std::vector<double>> all;
  for (size_t i = 0; i < storage_->stored.size(); ++i) {
    const std::vector<float> values = to_f32(in_own_order(i).view);
    all.emplace_back(values.begin(), values.end());
  }
  return all;
}

std::string Model::weights_digest() const {
  Sha256 hash;
  for (size_t i = 0; i < storage_->stored.size(); ++i) {
    const OwnOrder tensor = in_own_order(i);
    const graph::Weight& w = graph_->weights[i];
    hash_weight(hash, w.name, dtype_traits(tensor.view.type)->name, w.rows, w.cols,
                tensor.view.data);
  }
  return hash.hex();
}

std::string weights_digest(const graph::Graph& graph, const std::vector<const float*>& weights) {
  Sha256 hash;
  for (size_t i = 0; i < weights.size(); ++i) {
    const graph::Weight& w = graph.weights[i];
    hash_weight(hash, w.name, "F32", w.rows, w.cols,
                std::as_bytes(std::span(weights[i], static_cast<size_t>(w.count()))));
  }
  return hash.hex();
}

}  // namespace avocado
