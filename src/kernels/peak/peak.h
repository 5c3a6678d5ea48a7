#pragma once
// What this machine can do at best, measured: loops of products between registers, and reading
// memory once. Shares in `avocado bench` and in bench/ refer to these.

#include "base/thread_pool.h"

namespace avocado::kernels {

// GFLOP/s of f32 FMAs of the active instruction set with all threads of the pool; 0 when unknown.
double peak_f32(ThreadPool& pool);

// The same for products of bf16 pairs, by vdpbf16ps or by FMAs, whichever is faster; 0 where that
// instruction does not exist.
double peak_bf16(ThreadPool& pool);

// Gop/s of products of bytes (vpdpbusd); 0 where that instruction does not exist.
double peak_int8(ThreadPool& pool);

// GB/s of reading memory that is in no cache, with all threads of the pool. Allocates up to 1 GiB.
double peak_read(ThreadPool& pool);

}  // namespace avocado::kernels
