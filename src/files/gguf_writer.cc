#include <bit>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/gguf.h"
#include "files/printable.h"

namespace avocado {
namespace {

constexpr size_t kMaxNameBytes = 63;  // what readers of the ggml family hold

uint64_t align_up(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

template <class T>
void append(std::string& out, T number) {
  static_assert(std::is_arithmetic_v<T>);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

void append(std::string& out, bool flag) { out.push_back(flag ? 1 : 0); }

void append(std::string& out, std::string_view text) {
  append(out, static_cast<uint64_t>(text.size()));
  out += text;
}

void append(std::string& out, const GgufArray& array) {
  // An array's variants are numbered as the value types are, without the array itself (9).
  const size_t index = array.index();
  append(out, static_cast<uint32_t>(index < 9 ? index : index + 1));
  std::visit(
      [&](const auto& values) {
        append(out, static_cast<uint64_t>(values.size()));
        using T = typename std::decay_t<decltype(values)>::value_type;
        for (size_t i = 0; i < values.size(); ++i) append(out, static_cast<T>(values[i]));
      },
      array);
}

}  // namespace

struct GgufWriter::Impl {
  uint64_t alignment;
  std::vector<std::pair<std::string, std::string>> entries;  // key; type and value as stored
  std::vector<TensorView> tensors;

  // Calls sink(string_view) with the pieces of the file in order.
  template <class Sink>
  void emit(Sink&& sink) const {
    std::string header = "GGUF";
    append(header, uint32_t{3});
    append(header, static_cast<uint64_t>(tensors.size()));
    append(header, static_cast<uint64_t>(entries.size()));
    for (const auto& [key, value] : entries) {
      append(header, std::string_view(key));
      header += value;
    }
    uint64_t offset = 0;
    for (const TensorView& tensor : tensors) {
      append(header, std::string_view(tensor.name));
      append(header, static_cast<uint32_t>(tensor.shape.size()));
      for (size_t i = tensor.shape.size(); i-- > 0;)
        append(header, static_cast<uint64_t>(tensor.shape[i]));
      append(header, static_cast<uint32_t>(tensor.type));
      append(header, offset);
      offset += align_up(tensor.data.size(), alignment);
    }
    // Readers of the ggml family want the padding also after the last tensor.
    if (!tensors.empty()) header.resize(align_up(header.size(), alignment));
    sink(header);
    std::string padding(alignment, '\0');
    for (const TensorView& tensor : tensors) {
      const size_t size = tensor.data.size();
      sink(std::string_view(reinterpret_cast<const char*>(tensor.data.data()), size));
      sink(std::string_view(padding).substr(0, align_up(size, alignment) - size));
    }
  }
};

GgufWriter::GgufWriter(uint64_t alignment) : impl_(std::make_unique<Impl>()) {
  impl_->alignment = 32;
  if (alignment != 32) {
    if (alignment > UINT32_MAX) fail_usage("GGUF alignment {} is too large", alignment);
    set_u32("general.alignment", static_cast<uint32_t>(alignment));
  }
}
GgufWriter::GgufWriter(GgufWriter&&) noexcept = default;
GgufWriter& GgufWriter::operator=(GgufWriter&&) noexcept = default;
GgufWriter::~GgufWriter() = default;

void GgufWriter::set(std::string_view key, const GgufValue& value) {
  if (key.empty() || key.size() > 65535)
    fail_usage("GGUF key of {} bytes; 1 to 65535 are allowed", key.size());
  if (key == "general.alignment") {
    const auto* alignment = std::get_if<uint32_t>(&value);
    if (!alignment || *alignment < 8 || !std::has_single_bit(*alignment)) {
      fail_usage("general.alignment must be a u32 power of two, at least 8");
    }
    impl_->alignment = *alignment;
  }
  std::string stored;
  append(stored, static_cast<uint32_t>(value.index()));
  std::visit([&](const auto& v) { append(stored, v); }, value);
  for (auto& [existing, old] : impl_->entries) {
    if (existing == key) {
      old = std::move(stored);
      return;
    }
  }
  impl_->entries.emplace_back(key, std::move(stored));
}

void GgufWriter::set_string(std::string_view key, std::string_view value) { set(key, value); }
void GgufWriter::set_u32(std::string_view key, uint32_t value) { set(key, value); }
void GgufWriter::set_u64(std::string_view key, uint64_t value) { set(key, value); }
void GgufWriter::set_i32(std::string_view key, int32_t value) { set(key, value); }
void GgufWriter::set_f32(std::string_view key, float value) { set(key, value); }
void GgufWriter::set_bool(std::string_view key, bool value) { set(key, value); }
void GgufWriter::set_strings(std::string_view key, const std::vector<std::string>& values) {
  set(key, GgufArray(std::vector<std::string_view>(values.begin(), values.end())));
}
void GgufWriter::set_i32s(std::string_view key, const std::vector<int32_t>& values) {
  set(key, GgufArray(values));
}
void GgufWriter::set_f32s(std::string_view key, const std::vector<float>& values) {
  set(key, GgufArray(values));
}

void GgufWriter::add_tensor(const TensorView& tensor) {
  const std::string name = printable(tensor.name);
  if (tensor.name.empty() || tensor.name.size() > kMaxNameBytes) {
    fail_usage("tensor {}: a GGUF name has 1 to {} bytes", name, kMaxNameBytes);
  }
  const DTypeTraits* traits = dtype_traits(tensor.type);
  if (!traits || static_cast<uint32_t>(tensor.type) >= 1000) {
    fail_usage("tensor {}: GGUF has no type {}", name, traits ? traits->name : "of that number");
  }
  if (tensor.shape.size() > 4) fail_usage("tensor {}: GGUF allows at most 4 dimensions", name);
  for (int64_t size : tensor.shape) {
    if (size <= 0) fail_usage("tensor {}: a dimension is {}", name, size);
  }
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % traits->block != 0 || dtype_bytes(tensor.type, tensor.count()) != tensor.data.size()) {
    fail_usage("tensor {}: its data of {} bytes does not match its shape and type {}", name,
               tensor.data.size(), traits->name);
  }
  for (const TensorView& other : impl_->tensors) {
    if (other.name == tensor.name) fail_usage("tensor {} is added twice", name);
  }
  impl_->tensors.push_back(tensor);
}

void GgufWriter::write(const std::string& path) const {
  AtomicFile file(path);
  impl_->emit([&](std::string_view piece) { file.write(piece); });
  file.commit();
}

std::vector<std::byte> GgufWriter::bytes() const {
  std::vector<std::byte> out;
  impl_->emit([&](std::string_view piece) {
    const auto bytes = std::as_bytes(std::span(piece.data(), piece.size()));
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return out;
}

}  // namespace avocado
