#pragma once
// safetensors: a JSON header and flat data (https://github.com/huggingface/safetensors#format).

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "files/mapped_file.h"
#include "tensor/view.h"

namespace avocado {

class SafetensorsFile {
 public:
  // One file. Every offset, shape and type is checked; the tensors must cover the data exactly,
  // without holes or overlaps, as the format demands.
  static SafetensorsFile open(const std::string& path);
  static SafetensorsFile parse(std::span<const std::byte> bytes, const std::string& name);
  // A folder holding model.safetensors, or model.safetensors.index.json with its shards: the union
  // of the tensors. The index and the shards must name the same tensors.
  static SafetensorsFile open_folder(const std::string& folder);

  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  const std::string& path() const;
  // The shards; nothing for bytes in memory.
  std::vector<ModelSource> sources() const;
  const std::map<std::string, std::string>& metadata() const;
  const std::vector<TensorView>& tensors() const;
  const TensorView* tensor(std::string_view name) const;

 private:
  struct Impl;
  explicit SafetensorsFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Writes atomically. Tensors are laid out in the order given.
void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);
// The same for data that need not be there all at once: data_of(i) is that of tensors[i], whose own
// `data` is not looked at. It is asked for in order, and has to be valid until the next is.
void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<std::span<const std::byte>(size_t i)>& data_of);

}  // namespace avocado
