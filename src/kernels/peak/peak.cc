#include "kernels/peak/peak.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "kernels/isa.h"
#include "tensor/buffer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace avocado::kernels {
namespace {

// Enough chains to cover latency times throughput on every CPU known, few enough for the registers.
constexpr int kChains = 12;
constexpr int kSteps = 20000;

#if defined(__x86_64__)

// Keeps `x` in a register and its value unknown to the compiler.
#define AVOCADO_OPAQUE(x) __asm__ volatile("" : "+v"(x))

__attribute__((target("avx2,fma"))) double run_avx2() {
  __m256 sum[kChains], x = _mm256_set1_ps(0.5f);
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) sum[j] = x;
  AVOCADO_OPAQUE(x);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm256_fmadd_ps(sum[j], x, x);
      AVOCADO_OPAQUE(sum[j]);
    }
  }
  return 2.0 * 8 * kChains * kSteps;
}

__attribute__((target("avx512f"))) double run_avx512() {
  __m512 sum[kChains], x = _mm512_set1_ps(0.5f);
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) sum[j] = x;
  AVOCADO_OPAQUE(x);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm512_fmadd_ps(sum[j], x, x);
      AVOCADO_OPAQUE(sum[j]);
    }
  }
  return 2.0 * 16 * kChains * kSteps;
}

__attribute__((target("avx512f"))) double run_bf16() {
  __m512 sum[kChains], x = _mm512_castsi512_ps(_mm512_set1_epi32(0x3f003f00));
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_setzero_ps();
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j)
      __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(sum[j]) : "v"(x));
  }
  return 4.0 * 16 * kChains * kSteps;
}

__attribute__((target("avx512f"))) double run_int8() {
  __m512i sum[kChains], x = _mm512_set1_epi8(1);
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_setzero_si512();
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j)
      __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(sum[j]) : "v"(x));
  }
  return 8.0 * 16 * kChains * kSteps;
}

#elif defined(__aarch64__)

double run_neon() {
  float32x4_t sum[kChains], x = vdupq_n_f32(0.5f);
#pragma GCC unroll 12
  for (int j = 0; j < kChains; ++j) sum[j] = x;
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = vfmaq_f32(x, sum[j], x);
      __asm__ volatile("" : "+w"(sum[j]));
    }
  }
  return 2.0 * 4 * kChains * kSteps;
}

#endif

double rate(ThreadPool& pool, double (*run)()) {
  using Clock = std::chrono::steady_clock;
  // A try takes well under a millisecond; so many that one falls where nothing else runs, not even
  // what keeps a thread that has slept from waking up.
  constexpr std::chrono::milliseconds kLong{20};
  double best = 0;
  const auto begin = Clock::now();
  do {
    double flops = 0;
    const auto start = Clock::now();
    pool.run(pool.threads(), [&](int64_t i) {
      const double done = run();
      if (i == 0) flops = done;
    });
    const std::chrono::duration<double> time = Clock::now() - start;
    best = std::max(best, flops * pool.threads() / time.count());
  } while (Clock::now() - begin < kLong);
  return best * 1e-9;
}

}  // namespace

double peak_f32(ThreadPool& pool) {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::avx512:
      return rate(pool, run_avx512);
    case Isa::avx2:
      return rate(pool, run_avx2);
#elif defined(__aarch64__)
    case Isa::neon:
      return rate(pool, run_neon);
#endif
    default:
      return 0;
  }
}

double peak_bf16([[maybe_unused]] ThreadPool& pool) {
#if defined(__x86_64__)
  // Two FMAs are a step of such a product too.
  if (active_isa() == Isa::avx512 && has_avx512_bf16())
    return std::max(rate(pool, run_bf16), rate(pool, run_avx512));
#endif
  return 0;
}

double peak_int8([[maybe_unused]] ThreadPool& pool) {
#if defined(__x86_64__)
  if (active_isa() == Isa::avx512 && has_avx512_vnni()) return rate(pool, run_int8);
#endif
  return 0;
}

namespace {

constexpr int64_t kPart = int64_t{1} << 20;  // bytes a task reads

// As a kernel that streams weights does it: whole lines, fetched a page ahead.
#if defined(__x86_64__)
__attribute__((target("avx2"))) void read_part(const char* p) {
  __m256i low = _mm256_setzero_si256(), high = low;
  for (int64_t i = 0; i < kPart; i += 64) {
    _mm_prefetch(p + i + 4096, _MM_HINT_T0);
    low = _mm256_xor_si256(low, _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i)));
    high = _mm256_xor_si256(high, _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + 32)));
  }
  AVOCADO_OPAQUE(low);
  AVOCADO_OPAQUE(high);
}
#else
void read_part(const char* p) {
  uint64_t sum[8] = {};
  for (int64_t i = 0; i < kPart; i += 64) {
    __builtin_prefetch(p + i + 4096, 0, 3);
    uint64_t line[8];
    std::memcpy(line, p + i, sizeof line);
    for (int j = 0; j < 8; ++j) sum[j] ^= line[j];
  }
  for (uint64_t& s : sum) __asm__ volatile("" : "+r"(s));
}
#endif

}  // namespace

double peak_read(ThreadPool& pool) {
  // More than nearly all caches, but a small part of the memory.
  const int64_t most = static_cast<int64_t>(physical_memory() / 8) / kPart * kPart;
  const int64_t bytes = std::min(int64_t{1} << 30, std::max(most, kPart));
  const Buffer<char> memory(static_cast<size_t>(bytes + 4096));
  std::memset(memory.data(), 1, memory.size());
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(bytes / kPart, [&](int64_t part) { read_part(memory.data() + part * kPart); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(bytes) / time.count());
  }
  return best * 1e-9;
}

}  // namespace avocado::kernels
