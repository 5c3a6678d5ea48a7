// Parsing of GGUF. Nothing read from the file is used before it has been checked against what is
// left of the file.

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "files/budget.h"
#include "files/gguf_impl.h"
#include "files/printable.h"

namespace avocado {
namespace {

constexpr uint64_t kMaxKeyBytes = 65535;  // the format's limit
constexpr uint64_t kMaxNameBytes = 255;   // the format says 64; some writers go beyond
constexpr uint32_t kMaxDimensions = 4;    // the format's limit
constexpr uint64_t kSlack = uint64_t{32} << 20;
constexpr uint64_t kHeapOverhead = 32;  // of one small heap block, rounded up

}  // namespace

class GgufFile::Impl::Reader {
 public:
  Reader(Impl& file, std::span<const std::byte> bytes)
      : file_(file), bytes_(bytes), budget_(file.path, bytes.size(), kSlack) {}

  void read_file() {
    read_header();
    read_metadata();
    read_alignment();
    read_tensors();
    file_.header_bytes = position_;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    fail_input("{}: {}", file_.path, fmt::format(format, std::forward<Args>(args)...));
  }

  uint64_t left() const { return bytes_.size() - position_; }

  // The next `count` bytes; `what` names them in the message when they are missing.
  std::span<const std::byte> take(uint64_t count, std::string_view what) {
    if (count > left()) {
      fail("{} at byte {} needs {} bytes, only {} are left; the file is truncated or damaged", what,
           position_, count, left());
    }
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string_view string(std::string_view what) {
    const uint64_t length = number<uint64_t>(what);
    const auto text = take(length, what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  // A count of things that take at least `least` bytes each.
  void check_count(uint64_t count, uint64_t least, std::string_view what) {
    if (count > left() / least) {
      fail("{} {} cannot fit the {} bytes that are left; the file is truncated or damaged", count,
           what, left());
    }
  }

  bool boolean(std::string_view what) {
    const uint8_t value = number<uint8_t>(what);
    if (value > 1) fail("{} is a boolean of value {}; only 0 and 1 are allowed", what, value);
    return value == 1;
  }

  void read_header() {
    const auto magic = take(std::min<uint64_t>(4, left()), "the magic");
    if (magic.size() < 4 || std::memcmp(magic.data(), "GGUF", 4) != 0) {
      fail("is not a GGUF file (it does not begin with \"GGUF\")");
    }
    file_.version = number<uint32_t>("the version");
    if (file_.version != 2 && file_.version != 3) {
      if (file_.version != 0 && (file_.version & 0xffff) == 0)
        fail("is a big-endian GGUF file; only little-endian is supported");
      fail("has GGUF version {}; versions 2 and 3 are supported", file_.version);
    }
    tensor_count_ = number<uint64_t>("the tensor count");
    key_count_ = number<uint64_t>("the metadata count");
  }

  void read_metadata() {
    check_count(key_count_, 8 + 1 + 4 + 1, "metadata keys");
    budget_.take(key_count_ * (sizeof(file_.metadata[0]) + sizeof(uint32_t)));
    file_.metadata.reserve(key_count_);
    for (uint64_t i = 0; i < key_count_; ++i) {
      const std::string_view key = string("a metadata key");
      if (key.empty() || key.size() > kMaxKeyBytes)
        fail("metadata key {} has a length of {}", i, key.size());
      const uint32_t type = number<uint32_t>("a value type");
      what_ = fmt::format("value of {}", printable(key));
      file_.metadata.emplace_back(key, read_value(type));
    }
    const auto& entries = file_.metadata;
    const auto duplicate =
        index_by(file_.keys_sorted, entries.size(), [&](uint32_t i) { return entries[i].first; });
    if (duplicate) fail("metadata key {} occurs twice", printable(*duplicate));
  }

  GgufValue read_value(uint32_t type) {
    switch (type) {
      case 0:
        return number<uint8_t>(what_);
      case 1:
        return number<int8_t>(what_);
      case 2:
        return number<uint16_t>(what_);
      case 3:
        return number<int16_t>(what_);
      case 4:
        return number<uint32_t>(what_);
      case 5:
        return number<int32_t>(what_);
      case 6:
        return number<float>(what_);
      case 7:
        return boolean(what_);
      case 8:
        return string(what_);
      case 9:
        return read_array();
      case 10:
        return number<uint64_t>(what_);
      case 11:
        return number<int64_t>(what_);
      case 12:
        return number<double>(what_);
      default:
        fail("{} has the unknown type {}", what_, type);
    }
  }

  GgufArray read_array() {
    const uint32_t type = number<uint32_t>(what_);
    const uint64_t count = number<uint64_t>(what_);
    switch (type) {
      case 0:
        return numbers<uint8_t>(count);
      case 1:
        return numbers<int8_t>(count);
      case 2:
        return numbers<uint16_t>(count);
      case 3:
        return numbers<int16_t>(count);
      case 4:
        return numbers<uint32_t>(count);
      case 5:
        return numbers<int32_t>(count);
      case 6:
        return numbers<float>(count);
      case 7: {
        check_count(count, 1, "booleans");
        budget_.take(count / 8 + kHeapOverhead);
        std::vector<bool> values(count);
        for (uint64_t i = 0; i < count; ++i) values[i] = boolean(what_);
        return values;
      }
      case 8: {
        check_count(count, 8, "strings");
        budget_.take(count * sizeof(std::string_view) + kHeapOverhead);
        std::vector<std::string_view> values(count);
        for (std::string_view& value : values) value = string(what_);
        return values;
      }
      case 9:
        fail("{} is an array of arrays, which is not supported", what_);
      case 10:
        return numbers<uint64_t>(count);
      case 11:
        return numbers<int64_t>(count);
      case 12:
        return numbers<double>(count);
      default:
        fail("{} is an array of the unknown type {}", what_, type);
    }
  }

  template <class T>
  std::vector<T> numbers(uint64_t count) {
    check_count(count, sizeof(T), "array elements");
    budget_.take(count * sizeof(T) + kHeapOverhead);
    const auto bytes = take(count * sizeof(T), what_);
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  void read_alignment() {
    const GgufValue* value = file_.find("general.alignment");
    if (!value) return;
    const auto stated = as_integer(*value);
    if (!stated || *stated < 8 || *stated > (int64_t{1} << 31) ||
        !std::has_single_bit(static_cast<uint64_t>(*stated))) {
      fail("general.alignment must be an integer power of two from 8 to 2^31");
    }
    file_.alignment = static_cast<uint64_t>(*stated);
  }

  void read_tensors() {
    check_count(tensor_count_, 8 + 1 + 4 + 4 + 8, "tensors");
    // Name and shape are heap blocks of their own.
    budget_.take(tensor_count_ * (sizeof(TensorView) + 2 * kHeapOverhead + 2 * sizeof(uint32_t) +
                                  sizeof(uint64_t)));
    file_.tensors.reserve(tensor_count_);
    std::vector<uint64_t> offsets;
    offsets.reserve(tensor_count_);
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      file_.tensors.push_back(read_tensor_info());
      offsets.push_back(number<uint64_t>(what_));
      if (offsets.back() % file_.alignment != 0) {
        fail("{} has the offset {}, not a multiple of the alignment {}", what_, offsets.back(),
             file_.alignment);
      }
    }
    const auto& views = file_.tensors;
    const auto duplicate = index_by(file_.names_sorted, views.size(),
                                    [&](uint32_t i) { return std::string_view(views[i].name); });
    if (duplicate) fail("tensor {} occurs twice", printable(*duplicate));
    place_tensors(offsets);
  }

  TensorView read_tensor_info() {
    const std::string_view name = string("a tensor name");
    if (name.empty() || name.size() > kMaxNameBytes) {
      fail("tensor {} has a name of {} bytes; 1 to {} are allowed", file_.tensors.size(),
           name.size(), kMaxNameBytes);
    }
    budget_.take(name.size());
    what_ = fmt::format("tensor {}", printable(name));
    const uint32_t dimensions = number<uint32_t>(what_);
    if (dimensions > kMaxDimensions)
      fail("{} has {} dimensions; at most {} are allowed", what_, dimensions, kMaxDimensions);

    TensorView tensor;
    tensor.name = name;
    tensor.shape.resize(dimensions);
    uint64_t count = 1;
    for (uint32_t i = 0; i < dimensions; ++i) {
      const uint64_t size = number<uint64_t>(what_);
      if (size == 0 || size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / count) {
        fail("{} has a dimension of {}, which makes no sense", what_, size);
      }
      count *= size;
      tensor.shape[dimensions - 1 - i] =
          static_cast<int64_t>(size);  // the file has the innermost first
    }
    tensor.type = static_cast<DType>(number<uint32_t>(what_));
    const DTypeTraits* traits =
        static_cast<uint32_t>(tensor.type) < 1000 ? dtype_traits(tensor.type) : nullptr;
    if (!traits) fail("{} has the unknown type {}", what_, static_cast<uint32_t>(tensor.type));
    const int64_t row = dimensions == 0 ? 1 : tensor.shape.back();
    if (row % traits->block != 0) {
      fail("{} has rows of {} elements, not a multiple of {}'s block of {}", what_, row,
           traits->name, traits->block);
    }
    return tensor;
  }

  void place_tensors(const std::vector<uint64_t>& offsets) {
    // The data begins at the next multiple of the alignment; a file without tensors may end before.
    const uint64_t start = (position_ + file_.alignment - 1) / file_.alignment * file_.alignment;
    const uint64_t available = start <= bytes_.size() ? bytes_.size() - start : 0;
    std::vector<uint32_t> order(offsets.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return offsets[a] < offsets[b]; });
    uint64_t end = 0;
    std::string_view before;
    for (uint32_t i : order) {
      TensorView& tensor = file_.tensors[i];
      const auto size = dtype_bytes(tensor.type, tensor.count());
      if (!size || offsets[i] > available || *size > available - offsets[i]) {
        fail("tensor {} reaches beyond the end of the file; the file is truncated or damaged",
             printable(tensor.name));
      }
      if (offsets[i] < end)
        fail("tensors {} and {} overlap", printable(before), printable(tensor.name));
      tensor.data = bytes_.subspan(start + offsets[i], *size);
      end = offsets[i] + *size;
      before = tensor.name;
    }
  }

  Impl& file_;
  std::span<const std::byte> bytes_;
  Budget budget_;
  uint64_t position_ = 0, tensor_count_ = 0, key_count_ = 0;
  std::string what_;  // the thing being read, for messages
};

void GgufFile::Impl::parse(std::span<const std::byte> bytes) { Reader(*this, bytes).read_file(); }

}  // namespace avocado
