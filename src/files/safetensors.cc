#include "files/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>

#include "base/error.h"
#include "files/atomic_file.h"
#include "files/budget.h"
#include "files/json.h"
#include "files/mapped_file.h"
#include "files/printable.h"

namespace avocado {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxHeader = 100'000'000;  // the reference implementation's limit
// The values of the header may take 32 MiB above its own size, the tensors 16 MiB above the data's.
constexpr JsonLimits kHeaderLimits{
    .depth = 4, .string_bytes = size_t{1} << 20, .memory = uint64_t{32} << 20};
constexpr uint64_t kTensorMemory = uint64_t{16} << 20;
constexpr JsonLimits kIndexLimits{
    .depth = 8, .string_bytes = size_t{1} << 16, .memory = uint64_t{56} << 20};
constexpr const char* kMetadataKey = "__metadata__";

struct TypeName {
  const char* name;
  DType type;
};
constexpr TypeName kTypeNames[] = {
    {"F64", DType::f64},      {"F32", DType::f32},         {"F16", DType::f16},
    {"BF16", DType::bf16},    {"I64", DType::i64},         {"I32", DType::i32},
    {"I16", DType::i16},      {"I8", DType::i8},           {"U64", DType::u64},
    {"U32", DType::u32},      {"U16", DType::u16},         {"U8", DType::u8},
    {"BOOL", DType::boolean}, {"F8_E4M3", DType::f8_e4m3}, {"F8_E5M2", DType::f8_e5m2},
};

const TypeName* type_called(std::string_view name) {
  const auto at = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                               [&](const TypeName& t) { return name == t.name; });
  return at == std::end(kTypeNames) ? nullptr : at;
}

}  // namespace

struct SafetensorsFile::Impl {
  std::string path;
  std::vector<MappedFile> mappings;  // none when the bytes belong to the caller
  std::vector<std::span<const std::byte>> headers;
  std::map<std::string, std::string> metadata;
  std::vector<TensorView> tensors;
  std::vector<uint32_t> sorted;  // indices of tensors in the order of their names

  void parse(std::span<const std::byte> bytes, const std::string& name);
  void index();
  const TensorView* find(std::string_view name) const;
};

namespace {

// One entry of the header: {"dtype": ..., "shape": [...], "data_offsets": [begin, end]}.
class Entry {
 public:
  Entry(const std::string& file, const std::string& name, const Json& json)
      : file_(file), name_(name), json_(json) {
    if (!json.is_object() || json.size() != 3)
      fail("must have exactly dtype, shape and data_offsets");
  }

  TensorView tensor(std::span<const std::byte> data) const {
    const TypeName* type = type_called(text("dtype"));
    if (!type) fail("has the unknown dtype {}", printable(text("dtype")));
    TensorView view{name_, type->type, {}, {}};
    int64_t count = 1;
    for (const uint64_t size : numbers("shape")) {
      if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        fail("has a dimension of {}", size);
      const int64_t dimension = static_cast<int64_t>(size);
      if (dimension > 0 && count > std::numeric_limits<int64_t>::max() / dimension)
        fail("has a shape that is too large");
      count *= dimension;
      view.shape.push_back(dimension);
    }
    const std::vector<uint64_t> offsets = numbers("data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
      fail("has data_offsets outside the {} bytes of data; the file is truncated or damaged",
           data.size());
    }
    view.data = data.subspan(offsets[0], offsets[1] - offsets[0]);
    if (dtype_bytes(view.type, count) != view.data.size()) {
      fail("has {} bytes of data, which does not match its shape and dtype {}", view.data.size(),
           type->name);
    }
    return view;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    fail_input("{}: tensor {} {}", file_, printable(name_),
               fmt::format(format, std::forward<Args>(args)...));
  }

  const Json& field(const char* key) const {
    const auto at = json_.find(key);
    if (at == json_.end()) fail("has no {}", key);
    return *at;
  }
  const std::string& text(const char* key) const {
    const Json& value = field(key);
    if (!value.is_string()) fail("has a {} that is not a string", key);
    return value.get_ref<const std::string&>();
  }
  std::vector<uint64_t> numbers(const char* key) const {
    const Json& value = field(key);
    if (!value.is_array() || value.size() > 16) fail("has a {} that is not a short array", key);
    std::vector<uint64_t> out;
    for (const Json& element : value) {
      if (!element.is_number_unsigned())
        fail("has a {} with something else than whole numbers", key);
      out.push_back(element.get<uint64_t>());
    }
    return out;
  }

  const std::string& file_;
  const std::string& name_;
  const Json& json_;
};

}  // namespace

void SafetensorsFile::Impl::parse(std::span<const std::byte> bytes, const std::string& name) {
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes)
    fail_input("{}: is too short for a safetensors file", name);
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  if (header_bytes > kMaxHeader || header_bytes > bytes.size() - sizeof header_bytes) {
    fail_input(
        "{}: has a header of {} bytes in a file of {}; it is truncated, damaged or no safetensors "
        "file",
        name, header_bytes, bytes.size());
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof header_bytes,
                              header_bytes);
  if (!text.starts_with('{')) fail_input("{}: the safetensors header does not begin with {{", name);
  const auto data = bytes.subspan(sizeof header_bytes + header_bytes);
  headers.push_back(bytes.first(sizeof header_bytes + header_bytes));
  const Json header = parse_json(text, name, kHeaderLimits);

  const size_t first = tensors.size();
  Budget budget(name, data.size(), kTensorMemory);
  budget.take(header.size() * (sizeof(TensorView) + 4 * sizeof(uint64_t)));
  tensors.reserve(first + header.size());
  for (const auto& [key, value] : header.items()) {
    budget.take(key.size() + 128);
    if (key == kMetadataKey) {
      if (value.is_null()) continue;  // as some writers say "none"
      if (!value.is_object()) fail_input("{}: {} is not an object", name, kMetadataKey);
      for (const auto& [k, v] : value.items()) {
        if (!v.is_string())
          fail_input("{}: {}.{} is not a string", name, kMetadataKey, printable(k));
        budget.take(k.size() + v.get_ref<const std::string&>().size() + 128);
        metadata[k] = v.get<std::string>();
      }
      continue;
    }
    tensors.push_back(Entry(name, key, value).tensor(data));
  }

  // In the order of the data, each tensor must begin where the one before ended.
  const auto begin = tensors.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  const std::byte* end = data.data();
  for (auto tensor = begin; tensor != tensors.end(); ++tensor) {
    if (tensor->data.data() != end) {
      fail_input("{}: tensor {} {} the one before it", name, printable(tensor->name),
                 tensor->data.data() < end ? "overlaps" : "leaves a hole after");
    }
    end += tensor->data.size();
  }
  if (end != data.data() + data.size())
    fail_input("{}: holds data that belongs to no tensor", name);
}

void SafetensorsFile::Impl::index() {
  sorted.resize(tensors.size());
  for (size_t i = 0; i < sorted.size(); ++i) sorted[i] = static_cast<uint32_t>(i);
  std::sort(sorted.begin(), sorted.end(),
            [&](uint32_t a, uint32_t b) { return tensors[a].name < tensors[b].name; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const std::string& name = tensors[sorted[i]].name;
    if (tensors[sorted[i - 1]].name == name)
      fail_input("{}: tensor {} occurs in two shards", path, printable(name));
  }
}

const TensorView* SafetensorsFile::Impl::find(std::string_view name) const {
  const auto at = std::lower_bound(
      sorted.begin(), sorted.end(), name,
      [&](uint32_t i, std::string_view wanted) { return tensors[i].name < wanted; });
  return at != sorted.end() && tensors[*at].name == name ? &tensors[*at] : nullptr;
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->mappings.emplace_back(path);
  impl->parse(impl->mappings.back().bytes(), path);
  impl->index();
  return SafetensorsFile(std::move(impl));
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->path = name;
  impl->parse(bytes, name);
  impl->index();
  return SafetensorsFile(std::move(impl));
}

SafetensorsFile SafetensorsFile::open_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  const fs::path single = fs::path(folder) / "model.safetensors";
  const fs::path index_path = fs::path(folder) / "model.safetensors.index.json";
  std::error_code ignored;
  if (fs::exists(single, ignored)) return open(single.string());
  if (!fs::exists(index_path, ignored)) {
    fail_input("{}: holds neither model.safetensors nor model.safetensors.index.json", folder);
  }

  auto impl = std::make_unique<Impl>();
  impl->path = index_path.string();
  const std::string& index_name = impl->path;
  const std::string text = read_text_file(index_name, uint64_t{64} << 20);
  const Json json = parse_json(text, index_name, kIndexLimits);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object()) {
    fail_input("{}: has no object weight_map", index_name);
  }
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string())
      fail_input("{}: weight_map.{} is not a string", index_name, printable(tensor));
    const std::string& name = shard.get_ref<const std::string&>();
    if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos ||
        !name.ends_with(".safetensors")) {
      fail_input("{}: the shard {} is not a .safetensors file of this folder", index_name,
                 printable(name));
    }
    shards.insert(name);
  }
  for (const std::string& shard : shards) {
    const std::string path = (fs::path(folder) / shard).string();
    const size_t before = impl->tensors.size();
    impl->mappings.emplace_back(path);
    impl->parse(impl->mappings.back().bytes(), path);
    for (size_t i = before; i < impl->tensors.size(); ++i) {
      const std::string& name = impl->tensors[i].name;
      const auto at = map->find(name);
      if (at == map->end() || at->get_ref<const std::string&>() != shard) {
        fail_input("{}: tensor {} is not listed for this shard in {}", path, printable(name),
                   index_name);
      }
    }
  }
  impl->index();
  if (impl->tensors.size() != map->size()) {
    for (const auto& [tensor, shard] : map->items()) {
      if (!impl->find(tensor)) {
        fail_input("{}: lists tensor {}, which {} does not hold", index_name, printable(tensor),
                   printable(shard.get_ref<const std::string&>()));
      }
    }
  }
  return SafetensorsFile(std::move(impl));
}

const std::string& SafetensorsFile::path() const { return impl_->path; }
std::vector<ModelSource> SafetensorsFile::sources() const {
  std::vector<ModelSource> sources;
  for (size_t i = 0; i < impl_->mappings.size(); ++i) {
    const MappedFile& file = impl_->mappings[i];
    sources.push_back({file.path(), file.stamp(), impl_->headers[i]});
  }
  return sources;
}
const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return impl_->metadata;
}
const std::vector<TensorView>& SafetensorsFile::tensors() const { return impl_->tensors; }

const TensorView* SafetensorsFile::tensor(std::string_view name) const { return impl_->find(name); }

void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_safetensors(path, tensors, metadata, [&](size_t i) { return tensors[i].data; });
}

void write_safetensors(const std::string& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<std::span<const std::byte>(size_t i)>& data_of) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::set<std::string_view> names{kMetadataKey};
  uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const auto type = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                   [&](const TypeName& t) { return t.type == tensor.type; });
    const std::string name = printable(tensor.name);
    if (type == std::end(kTypeNames))
      fail_usage("tensor {}: safetensors has no type {}", name,
                 dtype_traits(tensor.type) ? dtype_traits(tensor.type)->name : "of that number");
    if (!names.insert(tensor.name).second) fail_usage("tensor {} is written twice", name);
    const auto bytes = dtype_bytes(tensor.type, tensor.count());
    if (!bytes) fail_usage("tensor {}: its shape is no shape of its type", name);
    const uint64_t end = offset + *bytes;
    header[tensor.name] = {
        {"dtype", type->name}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data is aligned
  const uint64_t size = text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&size, 1)));
  file.write(text);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::span<const std::byte> data = data_of(i);
    if (dtype_bytes(tensors[i].type, tensors[i].count()) != data.size())
      fail_usage("tensor {}: its data of {} bytes does not match its shape",
                 printable(tensors[i].name), data.size());
    file.write(data);
  }
  file.commit();
}

}  // namespace avocado
