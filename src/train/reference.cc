#include "train/reference.h"

#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "files/safetensors.h"

namespace avocado {
namespace {

// The parts that are there, by their names in the file.
std::vector<std::pair<std::string, const Dataset*>> parts(const ReferenceData& data) {
  std::vector<std::pair<std::string, const Dataset*>> list = {{"train", data.train}};
  if (data.eval) list.emplace_back("eval", data.eval);
  return list;
}

int64_t sequences(const Dataset& data) { return data.last_sequence(data.rows() - 1); }

std::vector<double> read_part(const SafetensorsFile& file, const std::string& name,
                              const Dataset& data) {
  const TensorView* tensor = file.tensor(name);
  const int64_t pairs = sequences(data) / 2;
  if (!tensor || tensor->type != DType::f64 || tensor->shape != std::vector<int64_t>{pairs, 2})
    fail_input("{}: no tensor \"{}\" of F64 [{}, 2], two numbers for each pair of the data",
               file.path(), name, pairs);
  std::vector<double> values(static_cast<size_t>(2 * pairs));
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

}  // namespace

void write_reference(const std::string& path, const ReferenceData& data, Trainer& trainer) {
  std::vector<std::vector<double>> values;
  for (const auto& [name, set] : parts(data)) values.push_back(trainer.log_probabilities(*set));
  std::vector<TensorView> tensors;
  for (const auto& [name, set] : parts(data))
    tensors.push_back({.name = name,
                       .type = DType::f64,
                       .shape = {sequences(*set) / 2, 2},
                       .data = std::as_bytes(std::span(values[tensors.size()]))});
  write_safetensors(path, tensors, {{"definition", trainer.definition_digest()}});
}

void read_reference(const std::string& path, const ReferenceData& data, Trainer& trainer) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  if (file.tensors().size() != parts(data).size())
    fail_input("{}: {} tensors where {} are expected", path, file.tensors().size(),
               parts(data).size());
  for (const auto& [name, set] : parts(data))
    trainer.set_reference(*set, read_part(file, name, *set));
}

std::string compare_reference(const std::string& path, const ReferenceData& data,
                              Trainer& trainer) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  for (const auto& [name, set] : parts(data)) {
    const std::vector<double> stored = read_part(file, name, *set);
    const std::vector<double> computed = trainer.log_probabilities(*set);
    for (size_t i = 0; i < stored.size(); ++i)
      if (std::bit_cast<uint64_t>(stored[i]) != std::bit_cast<uint64_t>(computed[i]))
        return fmt::format("\"{}\", pair {}, {} answer: stored {}, computed {}", name, i / 2,
                           i % 2 ? "rejected" : "chosen", stored[i], computed[i]);
  }
  return {};
}

}  // namespace avocado
