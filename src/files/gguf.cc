#include "files/gguf.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "files/gguf_impl.h"
#include "files/printable.h"

namespace avocado {
namespace {

constexpr std::string_view kTypeNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "string", "array", "u64", "i64", "f64"};
constexpr std::string_view kArrayNames[] = {"array of u8",  "array of i8",   "array of u16",
                                            "array of i16", "array of u32",  "array of i32",
                                            "array of f32", "array of bool", "array of string",
                                            "array of u64", "array of i64",  "array of f64"};

template <class T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

[[noreturn]] void fail_type(const std::string& path, std::string_view key, std::string_view wanted,
                            const GgufValue* found) {
  if (!found) fail_input("{}: metadata key {} is missing", path, printable(key));
  fail_input("{}: metadata key {} must be {}, but is {}", path, printable(key), wanted,
             type_name(*found));
}

}  // namespace

std::optional<int64_t> as_integer(const GgufValue& value) {
  return std::visit(
      [](const auto& number) -> std::optional<int64_t> {
        using T = std::decay_t<decltype(number)>;
        if constexpr (kIsInteger<T>) {
          if (std::in_range<int64_t>(number)) return static_cast<int64_t>(number);
        }
        return std::nullopt;
      },
      value);
}

std::string_view type_name(const GgufValue& value) {
  const auto* array = std::get_if<GgufArray>(&value);
  return array ? kArrayNames[array->index()] : kTypeNames[value.index()];
}

GgufFile::GgufFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GgufFile::GgufFile(GgufFile&&) noexcept = default;
GgufFile& GgufFile::operator=(GgufFile&&) noexcept = default;
GgufFile::~GgufFile() = default;

GgufFile GgufFile::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->mapping.emplace(path);
  impl->parse(impl->mapping->bytes());
  return GgufFile(std::move(impl));
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->path = name;
  impl->parse(bytes);
  return GgufFile(std::move(impl));
}

const std::string& GgufFile::path() const { return impl_->path; }
std::vector<ModelSource> GgufFile::sources() const {
  if (!impl_->mapping) return {};
  return {
      {impl_->path, impl_->mapping->stamp(), impl_->mapping->bytes().first(impl_->header_bytes)}};
}
uint32_t GgufFile::version() const { return impl_->version; }
uint64_t GgufFile::alignment() const { return impl_->alignment; }
const std::vector<std::pair<std::string_view, GgufValue>>& GgufFile::metadata() const {
  return impl_->metadata;
}
const std::vector<TensorView>& GgufFile::tensors() const { return impl_->tensors; }

const TensorView* GgufFile::tensor(std::string_view name) const {
  const auto& tensors = impl_->tensors;
  const auto at = find_in(impl_->names_sorted, name,
                          [&](uint32_t i) { return std::string_view(tensors[i].name); });
  return at ? &tensors[*at] : nullptr;
}

const GgufValue* GgufFile::Impl::find(std::string_view key) const {
  const auto at = find_in(keys_sorted, key, [&](uint32_t i) { return metadata[i].first; });
  return at ? &metadata[*at].second : nullptr;
}

const GgufValue* GgufFile::find(std::string_view key) const { return impl_->find(key); }

std::string_view GgufFile::get_string(std::string_view key) const {
  const GgufValue* value = find(key);
  const auto* text = value ? std::get_if<std::string_view>(value) : nullptr;
  if (!text) fail_type(impl_->path, key, "a string", value);
  return *text;
}

std::string_view GgufFile::get_string(std::string_view key, std::string_view fallback) const {
  return find(key) ? get_string(key) : fallback;
}

int64_t GgufFile::get_int(std::string_view key) const {
  const GgufValue* value = find(key);
  const auto number = value ? as_integer(*value) : std::nullopt;
  if (!number) fail_type(impl_->path, key, "an integer below 2^63", value);
  return *number;
}

int64_t GgufFile::get_int(std::string_view key, int64_t fallback) const {
  return find(key) ? get_int(key) : fallback;
}

double GgufFile::get_float(std::string_view key) const {
  const GgufValue* value = find(key);
  double number = std::numeric_limits<double>::quiet_NaN();
  if (!value) fail_type(impl_->path, key, "a number", value);
  if (const auto* f = std::get_if<float>(value)) {
    number = *f;
  } else if (const auto* d = std::get_if<double>(value)) {
    number = *d;
  } else if (const auto i = as_integer(*value)) {
    number = static_cast<double>(*i);
  } else {
    fail_type(impl_->path, key, "a number", value);
  }
  if (!std::isfinite(number))
    fail_input("{}: metadata key {} is {}, not a finite number", impl_->path, printable(key),
               number);
  return number;
}

double GgufFile::get_float(std::string_view key, double fallback) const {
  return find(key) ? get_float(key) : fallback;
}

bool GgufFile::get_bool(std::string_view key, bool fallback) const {
  const GgufValue* value = find(key);
  if (!value) return fallback;
  const auto* flag = std::get_if<bool>(value);
  if (!flag) fail_type(impl_->path, key, "a boolean", value);
  return *flag;
}

template <class T>
const std::vector<T>* GgufFile::get_array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return nullptr;
  const auto* array = std::get_if<GgufArray>(value);
  const auto* elements = array ? std::get_if<std::vector<T>>(array) : nullptr;
  if (!elements) fail_type(impl_->path, key, type_name(GgufArray(std::vector<T>{})), value);
  return elements;
}

template const std::vector<uint8_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<int8_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<uint16_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<int16_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<uint32_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<int32_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<float>* GgufFile::get_array(std::string_view) const;
template const std::vector<bool>* GgufFile::get_array(std::string_view) const;
template const std::vector<std::string_view>* GgufFile::get_array(std::string_view) const;
template const std::vector<uint64_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<int64_t>* GgufFile::get_array(std::string_view) const;
template const std::vector<double>* GgufFile::get_array(std::string_view) const;

}  // namespace avocado
