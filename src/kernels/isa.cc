#include "kernels/isa.h"

#if defined(__x86_64__) && !defined(AVOCADO_PORTABLE)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/error.h"

namespace avocado::kernels {
namespace {

constexpr Isa kAll[] = {Isa::avx512, Isa::avx2, Isa::neon, Isa::scalar};

// __builtin_cpu_supports looks at CPUID and at what the operating system saves (XGETBV).
bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
#if defined(AVOCADO_PORTABLE)
    default:
      return false;
#elif defined(__x86_64__)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi2");
    case Isa::avx512:
      return runs_here(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case Isa::neon:
      return false;
#elif defined(__aarch64__)
    case Isa::neon:
      return true;
    default:
      return false;
#else
    default:
      return false;
#endif
  }
  return false;
}

std::string choices() {
  std::string names;
  for (Isa isa : available_isas())
    names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  return names;
}

std::atomic<bool> matrix_allowed{true}, dot_allowed{true};

// "avx512", or "avx512-amx" without that extension.
Isa chosen_at_start() {
  const char* value = std::getenv("AVOCADO_ISA");
  if (value == nullptr || *value == '\0') return available_isas().front();
  const std::string name = value, isa = name.substr(0, name.find('-'));
  if (isa != name) {
    const std::string without = name.substr(isa.size());
    if (without == "-amx" || without == "-i8mm") {
      allow_int8_matrix(false);
    } else if (without == "-dot") {
      allow_int8_dot(false);
    } else {
      fail_usage("AVOCADO_ISA={}: no such extension; there are -amx, -i8mm and -dot", name);
    }
  }
  return parse_isa(isa);
}

std::atomic<Isa>& active() {
  static std::atomic<Isa> isa{chosen_at_start()};
  return isa;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::neon:
      return "neon";
  }
  return "unknown";
}

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> isas = [] {
    std::vector<Isa> found;
    std::copy_if(std::begin(kAll), std::end(kAll), std::back_inserter(found), runs_here);
    return found;
  }();
  return isas;
}

Isa parse_isa(const std::string& name) {
  for (Isa isa : kAll) {
    if (name != isa_name(isa)) continue;
    if (runs_here(isa)) return isa;
    fail_usage("AVOCADO_ISA={}: this program or CPU cannot run it; choose one of: {}", name,
               choices());
  }
  fail_usage("AVOCADO_ISA={}: no such instruction set; choose one of: {}", name, choices());
}

Isa active_isa() { return active().load(std::memory_order_relaxed); }

void set_active_isa(Isa isa) {
  if (!runs_here(isa))
    fail_usage("instruction set {} cannot run here; choose one of: {}", isa_name(isa), choices());
  active().store(isa, std::memory_order_relaxed);
}

#if defined(__x86_64__) && !defined(AVOCADO_PORTABLE)
bool has_avx512_bf16() { return runs_here(Isa::avx512) && __builtin_cpu_supports("avx512bf16"); }
bool has_avx512_vnni() { return runs_here(Isa::avx512) && __builtin_cpu_supports("avx512vnni"); }
bool has_avx_vnni() {
  // CPUID leaf 7, subleaf 1: EAX bit 4.
  unsigned a = 0, b = 0, c = 0, d = 0;
  return runs_here(Isa::avx2) && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}
bool has_amx_int8() {
  static const bool has = [] {
    if (!has_avx512_vnni()) return false;
    // CPUID leaf 7: EDX bit 24 is AMX-TILE, 25 AMX-INT8. Linux (since 5.16) saves the large state
    // of the tiles only for processes that ask: feature 18.
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kTileAndInt8 = 3u << 24;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTileAndInt8) != kTileAndInt8)
      return false;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return has;
}
#else
bool has_avx512_bf16() { return false; }
bool has_avx512_vnni() { return false; }
bool has_avx_vnni() { return false; }
bool has_amx_int8() { return false; }
#endif

#if defined(__aarch64__) && defined(__linux__) && !defined(AVOCADO_PORTABLE)
bool has_arm_dotprod() {
  constexpr unsigned long kDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & kDotProduct) != 0;
}
bool has_arm_i8mm() {
  constexpr unsigned long kMatrixProduct = 1ul << 13;  // HWCAP2_I8MM
  return has_arm_dotprod() && (getauxval(AT_HWCAP2) & kMatrixProduct) != 0;
}
bool has_arm_bf16() {
  constexpr unsigned long kBf16 = 1ul << 14;  // HWCAP2_BF16
  return (getauxval(AT_HWCAP2) & kBf16) != 0;
}
#else
bool has_arm_dotprod() { return false; }
bool has_arm_i8mm() { return false; }
bool has_arm_bf16() { return false; }
#endif

bool use_bf16() {
  static const bool has = has_avx512_bf16() || has_arm_bf16();
  return has;
}
bool use_int8_dot() {
  static const bool has = has_avx_vnni() || has_arm_dotprod();
  active();  // reads AVOCADO_ISA
  return has && dot_allowed.load(std::memory_order_relaxed);
}
void allow_int8_dot(bool on) { dot_allowed.store(on, std::memory_order_relaxed); }
bool use_int8_matrix() {
  static const bool has = has_amx_int8() || has_arm_i8mm();
  active();
  return has && matrix_allowed.load(std::memory_order_relaxed);
}
void allow_int8_matrix(bool on) { matrix_allowed.store(on, std::memory_order_relaxed); }

}  // namespace avocado::kernels
