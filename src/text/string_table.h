#pragma once
// Many short strings numbered 0, 1, 2, ..., kept in one block of memory, with a hash index.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace avocado {

// Hash of a word; the fast path of every tokenizer, so eight bytes at a time.
uint64_t hash_bytes(std::string_view text);

class StringTable {
 public:
  // Throws Error(input) when the strings together pass 4 GiB.
  void add(std::string_view text);
  int32_t size() const { return static_cast<int32_t>(ends_.size()); }
  std::string_view operator[](int32_t id) const {
    const uint32_t begin = id == 0 ? 0 : ends_[static_cast<size_t>(id) - 1];
    return {bytes_.data() + begin, ends_[static_cast<size_t>(id)] - begin};
  }

  // Makes find() know the strings whose number `wanted` accepts. Of equal strings the lowest number
  // is found; the first other one is returned (-1: none).
  template <class Wanted>
  int32_t build_index(Wanted&& wanted) {
    reserve_slots(size());
    int32_t duplicate = -1;
    for (int32_t id = 0; id < size(); ++id)
      if (wanted(id) && !insert(id) && duplicate < 0) duplicate = id;
    return duplicate;
  }
  // The number of an indexed string, -1 when absent.
  int32_t find(std::string_view text) const { return find(text, hash_bytes(text)); }
  int32_t find(std::string_view text, uint64_t hash) const;

 private:
  void reserve_slots(int32_t strings);
  bool insert(int32_t id);

  std::string bytes_;
  std::vector<uint32_t> ends_;
  // Open addressing: number and the hash's upper half, which spares most string comparisons.
  struct Slot {
    int32_t id = -1;
    uint32_t tag = 0;
  };
  std::vector<Slot> slots_;
};

}  // namespace avocado
