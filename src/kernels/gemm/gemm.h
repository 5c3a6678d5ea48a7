#pragma once
// The matrix product behind linear: C[rows, cols] = (C or 0) + A * B, one accumulator per output,
// k ascending, one FMA per k (f32) or one step per pair of k (bf16, kernels/linear/bf16.h). Every
// output is a chain of its own, so tiles, panels and threads are free.
//
// A, B and the accumulators are 32-bit lanes: a float, or two bf16 neighbours in k. B lies in
// panels of `width` columns: [panel][k][width] lanes, the last panel filled with zeros. A B of f16
// lies the same way, two columns in a lane.
//
// A tile is the share of one task. Only plain pointers and sizes cross into the objects compiled
// per instruction set.

#include <cstddef>
#include <cstdint>

namespace avocado {
class ThreadPool;
}

namespace avocado::kernels {

struct GemmTile {
  const float* a = nullptr;  // A(i, k) at a[i * lda + k], or, `transposed`, at a[k * lda + i]
  bool transposed = false;
  int64_t lda = 0;
  const float* b = nullptr;  // the tile's first panel; tile_transposed: B(k, j) at b[k * ldb + j]
  int64_t ldb = 0;           // lanes from panel to panel; tile_transposed: from row to row
  float* c = nullptr;
  int64_t ldc = 0;
  const float* bias = nullptr;  // [cols], added last; may be null
  int64_t rows = 0, cols = 0, k = 0;
  bool accumulate = false;   // start from the old C
  float* scratch = nullptr;  // GemmKernels::scratch floats, aligned to 64 bytes
};

struct GemmKernels {
  int64_t width;     // columns of a panel
  int64_t max_rows;  // of a tile
  int64_t max_rows_transposed;
  size_t scratch;
  // Panels [p0, p1) of B(k, j) = w[k * ld + j], and of B(k, j) = w[j * ld + k].
  void (*pack)(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0, int64_t p1,
               float* panels);
  void (*pack_transposed)(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0,
                          int64_t p1, float* panels);
  // The same as pairs of k, rounded to bf16: ceil(k / 2) of them per column.
  void (*pack_bf16)(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0, int64_t p1,
                    float* panels);
  void (*pack_transposed_bf16)(const float* w, int64_t ld, int64_t k, int64_t cols, int64_t p0,
                               int64_t p1, float* panels);
  void (*tile)(const GemmTile&);
  void (*tile_f16)(const GemmTile&);  // B holds 16-bit floats, widened on the way
  void (*tile_transposed)(const GemmTile&);
  // A is f32 and is rounded to bf16 on the way; B holds ceil(k / 2) pairs per column.
  void (*tile_bf16)(const GemmTile&);
  void (*tile_transposed_bf16)(const GemmTile&);  // A transposed, B in panels
  // When use_bf16(); null where unknown.
  void (*tile_bf16_native)(const GemmTile&);
  void (*tile_transposed_bf16_native)(const GemmTile&);
};

// Those of the active instruction set; null for the scalar reference.
const GemmKernels* gemm_kernels();

// tile_bf16 or tile_bf16_native, or those for a transposed A, whichever is faster here for so many
// rows: some CPUs do vdpbf16ps at a quarter of the rate of an FMA. They give the same bits.
auto bf16_tile(const GemmKernels& kernels, bool transposed, int64_t rows)
    -> void (*)(const GemmTile&);

// Splits C into tiles and runs `tile` on each. `whole` describes all of C; in it `b` points to the
// first panel, and scratch is ignored.
void gemm(ThreadPool& pool, const GemmKernels& kernels, void (*tile)(const GemmTile&),
          const GemmTile& whole);

// The same for tile_transposed.
void gemm_transposed(ThreadPool& pool, const GemmKernels& kernels, const GemmTile& whole);

}  // namespace avocado::kernels
