#pragma once
// The implementations of one float operation as an ordered list, best first, scalar reference
// last. Dispatch is this data; nothing else in a kernel asks which CPU it runs on.

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "kernels/isa.h"

namespace avocado::kernels {

// What every list has in common, for `doctor` and for the test that a forced one really ran.
class ImplementationList {
 public:
  ImplementationList(const ImplementationList&) = delete;
  ImplementationList& operator=(const ImplementationList&) = delete;

  const char* name() const { return name_; }
  // The implementation that pick() would return now.
  Isa current() const { return isas_[choose()]; }
  // How often pick() returned the implementation of this instruction set.
  uint64_t picks(Isa isa) const { return picks_[static_cast<size_t>(isa)].load(); }

 protected:
  ImplementationList(const char* name, std::vector<Isa> isas);
  ~ImplementationList() = default;
  size_t choose() const;
  void count(size_t index) const {
    picks_[static_cast<size_t>(isas_[index])].fetch_add(1, std::memory_order_relaxed);
  }

 private:
  const char* name_;
  std::vector<Isa> isas_;
  mutable std::atomic<uint64_t> picks_[4] = {};
};

// Every list linked into this program, by name.
std::vector<const ImplementationList*> all_implementations();

template <class Function>
class Implementations : public ImplementationList {
 public:
  struct Entry {
    Isa isa;
    Function* run;
  };

  Implementations(const char* name, std::initializer_list<Entry> entries)
      : ImplementationList(name, isas_of(entries)), entries_(entries) {}

  // The best one the active instruction set allows.
  Function* pick() const {
    const size_t index = choose();
    count(index);
    return entries_[index].run;
  }

 private:
  static std::vector<Isa> isas_of(std::initializer_list<Entry> entries) {
    std::vector<Isa> isas;
    for (const Entry& entry : entries) isas.push_back(entry.isa);
    return isas;
  }
  std::vector<Entry> entries_;
};

// Elements given to one task: 64 KiB of each operand, a constant whatever the threads.
inline constexpr int64_t kElementsPerTask = 16384;

// Rows of `cols` elements given to one task.
inline int64_t rows_per_task(int64_t cols) {
  return cols >= kElementsPerTask ? 1 : kElementsPerTask / (cols > 0 ? cols : 1);
}

}  // namespace avocado::kernels

// AVOCADO_IMPLEMENTATIONS(kList, "name", function, Type, reference): declares the bodies that
// function.simd.cc defines in each instruction set's namespace and lists them. For use at namespace
// scope inside avocado::kernels; Type is a function type.
#if defined(AVOCADO_PORTABLE) || !(defined(__x86_64__) || defined(__aarch64__))
#define AVOCADO_IMPLEMENTATIONS(list, name, function, Type, reference) \
  static const Implementations<Type> list(name, {{Isa::scalar, reference}});
#elif defined(__x86_64__)
#define AVOCADO_IMPLEMENTATIONS(list, name, function, Type, reference) \
  namespace avx512 {                                                   \
  Type function;                                                       \
  }                                                                    \
  namespace avx2 {                                                     \
  Type function;                                                       \
  }                                                                    \
  static const Implementations<Type> list(                             \
      name,                                                            \
      {{Isa::avx512, avx512::function}, {Isa::avx2, avx2::function}, {Isa::scalar, reference}});
#else
#define AVOCADO_IMPLEMENTATIONS(list, name, function, Type, reference) \
  namespace neon {                                                     \
  Type function;                                                       \
  }                                                                    \
  static const Implementations<Type> list(                             \
      name, {{Isa::neon, neon::function}, {Isa::scalar, reference}});
#endif
