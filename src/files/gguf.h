#pragma once
// GGUF, versions 2 and 3, little-endian: the single-file model format of the ggml family
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Layout in docs/formats/gguf.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "files/mapped_file.h"
#include "tensor/view.h"

namespace avocado {

// A metadata array; strings point into the file's memory.
using GgufArray = std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
                               std::vector<int16_t>, std::vector<uint32_t>, std::vector<int32_t>,
                               std::vector<float>, std::vector<bool>, std::vector<std::string_view>,
                               std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>;
using GgufValue = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool,
                               std::string_view, GgufArray, uint64_t, int64_t, double>;

// The value of any integer type; nothing for other types and for what exceeds int64_t.
std::optional<int64_t> as_integer(const GgufValue& value);
// "u32", "array of string", ...
std::string_view type_name(const GgufValue& value);

class GgufFile {
 public:
  // Maps the file and checks every length, count, offset, name and type before use: bad ones throw
  // Error(input) naming the file and the field. Tensors must be inside the file, aligned and not
  // overlapping.
  static GgufFile open(const std::string& path);
  // The same over bytes in memory (`name` is used in messages); the bytes must outlive the file.
  static GgufFile parse(std::span<const std::byte> bytes, const std::string& name);

  GgufFile(GgufFile&&) noexcept;
  GgufFile& operator=(GgufFile&&) noexcept;
  ~GgufFile();

  const std::string& path() const;
  // Nothing for bytes in memory.
  std::vector<ModelSource> sources() const;
  uint32_t version() const;
  uint64_t alignment() const;
  // Keys in file order.
  const std::vector<std::pair<std::string_view, GgufValue>>& metadata() const;
  const std::vector<TensorView>& tensors() const;
  const TensorView* tensor(std::string_view name) const;

  // Null when absent.
  const GgufValue* find(std::string_view key) const;
  // Typed access. The plain form throws Error(input) naming file, key, wanted and found type; the
  // form with a fallback throws only on a wrong type. Integers convert when the value fits; a float
  // that is not finite is refused.
  std::string_view get_string(std::string_view key) const;
  std::string_view get_string(std::string_view key, std::string_view fallback) const;
  int64_t get_int(std::string_view key) const;
  int64_t get_int(std::string_view key, int64_t fallback) const;
  double get_float(std::string_view key) const;
  double get_float(std::string_view key, double fallback) const;
  bool get_bool(std::string_view key, bool fallback) const;
  // Null when absent; throws when it is not an array of T.
  template <class T>
  const std::vector<T>* get_array(std::string_view key) const;

 private:
  struct Impl;
  explicit GgufFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Builds a GGUF v3 file; write() goes to a temporary name, is synced, then renamed.
class GgufWriter {
 public:
  explicit GgufWriter(uint64_t alignment = 32);
  GgufWriter(GgufWriter&&) noexcept;
  GgufWriter& operator=(GgufWriter&&) noexcept;
  ~GgufWriter();

  void set_string(std::string_view key, std::string_view value);
  void set_u32(std::string_view key, uint32_t value);
  void set_u64(std::string_view key, uint64_t value);
  void set_i32(std::string_view key, int32_t value);
  void set_f32(std::string_view key, float value);
  void set_bool(std::string_view key, bool value);
  void set_strings(std::string_view key, const std::vector<std::string>& values);
  void set_i32s(std::string_view key, const std::vector<int32_t>& values);
  void set_f32s(std::string_view key, const std::vector<float>& values);
  // Any value, array types included (round trips, tests).
  void set(std::string_view key, const GgufValue& value);

  // `data` must stay alive until write().
  void add_tensor(const TensorView& tensor);

  void write(const std::string& path) const;
  // The bytes write() would put in the file.
  std::vector<std::byte> bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace avocado
