#pragma once
// Uninitialised memory for numbers, aligned to a cache line; large buffers ask for huge pages,
// and lie on all memory nodes.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace avocado {

void* allocate_buffer(size_t bytes);  // throws Error(resource) with the size
void free_buffer(void* memory);

// Bytes of memory this machine has.
uint64_t physical_memory();

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t count)
      : data_(static_cast<T*>(allocate_buffer(count * sizeof(T)))), size_(count) {}

  T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  // Makes room for `count`; the contents are lost when it has to grow.
  void reserve(size_t count) {
    if (count <= size_) return;
    *this = Buffer();
    *this = Buffer(count);
  }

 private:
  struct Free {
    void operator()(T* memory) const { free_buffer(memory); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace avocado
