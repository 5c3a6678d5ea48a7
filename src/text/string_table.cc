#include "text/string_table.h"

#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace avocado {

uint64_t hash_bytes(std::string_view text) {
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  const auto mix = [](uint64_t h) {
    h *= kMultiplier;
    return h ^ h >> 32;
  };
  uint64_t h = text.size();
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    h = mix(h ^ word);
  }
  if (left > 0) {
    uint64_t word = 0;
    std::memcpy(&word, p, left);
    h = mix(h ^ word);
  }
  return mix(h);
}

void StringTable::add(std::string_view text) {
  if (text.size() > std::numeric_limits<uint32_t>::max() - bytes_.size())
    fail_input("the vocabulary's strings are longer than 4 GiB together");
  bytes_ += text;
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void StringTable::reserve_slots(int32_t strings) {
  slots_.assign(std::bit_ceil(static_cast<size_t>(strings) * 3 / 2 + 2), Slot{});
}

bool StringTable::insert(int32_t id) {
  const std::string_view text = (*this)[id];
  const uint64_t hash = hash_bytes(text);
  const auto tag = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    if (slots_[i].id < 0) {
      slots_[i] = {id, tag};
      return true;
    }
    if (slots_[i].tag == tag && (*this)[slots_[i].id] == text) return false;
  }
}

int32_t StringTable::find(std::string_view text, uint64_t hash) const {
  if (slots_.empty()) return -1;
  const auto tag = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].id >= 0; i = (i + 1) & mask)
    if (slots_[i].tag == tag && (*this)[slots_[i].id] == text) return slots_[i].id;
  return -1;
}

}  // namespace avocado
