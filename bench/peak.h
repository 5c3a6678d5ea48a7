#pragma once
// What the arithmetic units of this machine can do at best, measured: loops of fused multiply-adds
// between registers. Shares of peak in the benchmarks refer to these.

#include "base/thread_pool.h"

namespace avocado::bench {

// GFLOP/s of f32 FMAs of the active instruction set with all threads of the pool; 0 when unknown.
double peak_f32(ThreadPool& pool);

// The same for products of bf16 pairs (vdpbf16ps); 0 where that instruction does not exist.
double peak_bf16(ThreadPool& pool);

// Gop/s of products of bytes (vpdpbusd); 0 where that instruction does not exist.
double peak_int8(ThreadPool& pool);

}  // namespace avocado::bench
