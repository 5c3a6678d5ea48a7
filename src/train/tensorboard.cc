#include "train/tensorboard.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/crc32c.h"
#include "base/error.h"
#include "files/atomic_file.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";  // TensorBoard reads no other names
constexpr size_t kHead = 12, kTail = 4;                       // of a record, around the event

enum Wire : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Sums of data that hold sums are weak, so the format rotates and shifts them.
uint32_t masked_sum(std::string_view bytes) {
  const uint32_t sum = crc32c(bytes);
  return (sum >> 15 | sum << 17) + 0xA282EAD8u;
}

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, uint64_t field, Wire wire) { put_varint(out, field << 3 | wire); }

void put_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string begin_event(int64_t step) {
  std::string event;
  put_key(event, 1, kFixed64);
  put(event, now());
  put_key(event, 2, kVarint);
  put_varint(event, static_cast<uint64_t>(step));
  return event;
}

// Reads from the front of `bytes`; empty when it is cut off.
std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

// The step of an event, 0 when it has none; empty when the event is malformed.
std::optional<int64_t> step_of(std::string_view event) {
  int64_t step = 0;
  while (!event.empty()) {
    const auto key = take_varint(event);
    if (!key) return {};
    uint64_t size = 0;
    switch (*key & 7) {
      case kVarint: {
        const auto value = take_varint(event);
        if (!value) return {};
        if (*key >> 3 == 2) step = static_cast<int64_t>(*value);
        continue;
      }
      case kFixed64:
        size = 8;
        break;
      case kFixed32:
        size = 4;
        break;
      case kBytes: {
        const auto length = take_varint(event);
        if (!length) return {};
        size = *length;
        break;
      }
      default:
        return {};
    }
    if (size > event.size()) return {};
    event.remove_prefix(size);
  }
  return step;
}

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void cut_files(const std::string& folder, int64_t completed) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const std::string path = entry.path().string(), bytes = read_text_file(path);
    const size_t end = end_of_events(bytes, completed);
    std::error_code error;
    if (end < bytes.size()) fs::resize_file(entry.path(), end, error);
    if (error) fail_resource("{}: cannot be shortened: {}", path, error.message());
  }
}

// Makes the folder and names the new file. TensorBoard reads files in the order of their names,
// which begin with the time. A former file of the same second and the same first step has lost all
// its steps and is written anew.
std::string prepare_file(const std::string& folder, int64_t completed) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_resource("{}: cannot be made: {}", folder, error.message());
  cut_files(folder, completed);
  return fmt::format("{}/{}{:010}.avocado.{:08}", folder, kPrefix, static_cast<int64_t>(now()),
                     completed + 1);
}

}  // namespace

size_t end_of_events(std::string_view file, int64_t step) {
  size_t at = 0;
  while (file.size() - at >= kHead + kTail) {
    const auto length = number_at<uint64_t>(file, at);
    if (number_at<uint32_t>(file, at + 8) != masked_sum(file.substr(at, 8))) break;
    if (length > file.size() - at - kHead - kTail) break;
    const std::string_view event = file.substr(at + kHead, length);
    if (number_at<uint32_t>(file, at + kHead + length) != masked_sum(event)) break;
    const std::optional<int64_t> found = step_of(event);
    if (!found || *found > step) break;
    at += kHead + length + kTail;
  }
  return at;
}

TensorboardLog::TensorboardLog(const std::string& folder, int64_t completed)
    : file_(prepare_file(folder, completed), AppendFile::Start::empty) {
  std::string version = begin_event(0);
  put_bytes(version, 3, "brain.Event:2");
  append(version);
  if (completed == 0) return;
  // Tells a TensorBoard that has read the steps that were cut off to forget them.
  std::string status, start = begin_event(completed + 1);
  put_key(status, 1, kVarint);
  put_varint(status, 1);
  put_bytes(start, 7, status);
  append(start);
}

void TensorboardLog::add(int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    put_bytes(value, 1, scalar.tag);
    put_key(value, 2, kFixed32);
    put(value, static_cast<float>(scalar.value));
    put_bytes(summary, 1, value);
  }
  std::string event = begin_event(step);
  put_bytes(event, 5, summary);
  append(event);
}

void TensorboardLog::append(std::string_view event) {
  std::string record;
  put(record, static_cast<uint64_t>(event.size()));
  put(record, masked_sum(record));
  record += event;
  put(record, masked_sum(event));
  file_.append(record);
}

}  // namespace avocado
