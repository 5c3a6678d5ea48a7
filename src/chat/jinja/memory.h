#pragma once
// What one render may take, and the memory it takes it from. Nothing is freed before the render
// ends: values may share and even contain each other (a namespace can hold itself) without counts,
// and the end of a value nested a million deep costs nothing. What is bounded is therefore the sum
// of everything ever made.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace avocado::jinja {

// Thrown without its place; Template adds the name of the template and the line.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& message, uint32_t at_line = 0)
      : std::runtime_error(message), line(at_line) {}
  uint32_t line;  // 0: where the template is at the moment
};

struct Limits {
  uint64_t steps = 1'500'000;           // nodes evaluated, and other work in such units
  uint64_t bytes = uint64_t{16} << 20;  // of all values made, the output included
  int depth = 400;                      // of evaluation: nested expressions, blocks, macros

  // More for a long conversation, in proportion.
  static Limits for_input(uint64_t input_bytes) {
    Limits limits;
    limits.steps += 100 * input_bytes;
    limits.bytes += 64 * input_bytes;
    return limits;
  }
};

class Memory {
 public:
  explicit Memory(const Limits& limits) : limits_(limits) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Charge work or bytes before it is done or they are taken; each throws Failure beyond its limit.
  void step(uint64_t count = 1) {
    if (count > limits_.steps - steps_) too_many_steps();
    steps_ += count;
  }
  // Reading `bytes` in one go is cheaper than as many steps.
  void scan(uint64_t bytes) { step(bytes / 32); }
  void charge(uint64_t bytes) {
    if (bytes > limits_.bytes - bytes_) too_many_bytes();
    bytes_ += bytes;
  }

  // Room for `count` objects that need no destructor.
  template <class T>
  T* allocate(size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    if (count > limits_.bytes / sizeof(T)) too_many_bytes();
    return static_cast<T*>(take(count * sizeof(T)));
  }
  template <class T, class... Args>
  T* make(Args&&... args) {
    return new (allocate<T>(1)) T{std::forward<Args>(args)...};
  }
  template <class T>
  std::span<const T> copy(std::span<const T> items) {
    T* to = allocate<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), to);
    return {to, items.size()};
  }

 private:
  friend class Nested;
  static constexpr size_t kAlignment = 8, kBlock = size_t{32} << 10;

  void* take(size_t bytes);
  [[noreturn]] void too_many_steps() const;
  [[noreturn]] void too_many_bytes() const;
  [[noreturn]] void too_deep() const;

  Limits limits_;
  uint64_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* free_ = nullptr;
  size_t left_ = 0;
};

// One more level of nesting, as long as it lives.
class Nested {
 public:
  explicit Nested(Memory& memory) : memory_(memory) {
    if (memory_.depth_ >= memory_.limits_.depth) memory_.too_deep();
    ++memory_.depth_;
  }
  ~Nested() { --memory_.depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  Memory& memory_;
};

}  // namespace avocado::jinja
