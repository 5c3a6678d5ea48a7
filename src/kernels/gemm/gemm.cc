#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/thread_pool.h"
#include "kernels/implementations.h"
#include "kernels/isa.h"
#include "tensor/buffer.h"

namespace avocado::kernels {

namespace {
using Provide = const GemmKernels*();

const GemmKernels* no_kernels() { return nullptr; }
}  // namespace

AVOCADO_IMPLEMENTATIONS(kKernels, "linear", gemm_kernels, Provide, no_kernels)

const GemmKernels* gemm_kernels() { return kKernels.pick()(); }

namespace {

// [0, items) in `parts` nearly equal parts: where part i begins.
int64_t part_begin(int64_t items, int64_t parts, int64_t i) { return items * i / parts; }

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

float* task_scratch(const GemmKernels& kernels) {
  thread_local Buffer<float> scratch;
  scratch.reserve(kernels.scratch);
  return scratch.data();
}

// Columns of a tile when there are many rows: what is read of A is used this often.
constexpr int64_t kTileCols = 256;
// With few rows a tile is a stretch of B to stream: at least this many lanes.
constexpr int64_t kFewRows = 8, kStretch = 32768, kStretchPanels = 4;
// From this many steps of k on, all of B comes from memory for every tile, and tiles are taller.
constexpr int64_t kLong = 8192, kTallRows = 256;
// From this many rows on, a transposed product has at least two tiles.
constexpr int64_t kHalved = 64;
// A B of up to this many lanes stays in the second-level cache while all of A passes by.
constexpr int64_t kSmallB = int64_t{1} << 18;
// Up to this many rows a product of bf16 waits for B, and the instruction that reads pairs is best.
constexpr int64_t kRowsOfPairs = 28;

// Which of the two is the faster: the best of some tries, a tenth of a millisecond in all.
bool native_bf16_pays(const GemmKernels& kernels) {
  constexpr int64_t kRows = 56, kCols = 128, kDepth = 256, kTries = 6;
  Buffer<float> a(kRows * kDepth), c(kRows * kCols);
  Buffer<float> b(static_cast<size_t>(kCols * kDepth / 2));
  std::fill_n(a.data(), kRows * kDepth, 1.0f);
  std::fill_n(b.data(), kCols * kDepth / 2, 0.0f);
  GemmTile tile;
  tile.a = a.data();
  tile.lda = kDepth;
  tile.b = b.data();
  tile.ldb = kernels.width * kDepth / 2;
  tile.c = c.data();
  tile.ldc = kCols;
  tile.rows = kRows;
  tile.cols = kCols;
  tile.k = kDepth;
  tile.scratch = task_scratch(kernels);
  double best[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  for (int64_t i = 0; i < 2 * kTries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    (i % 2 == 0 ? kernels.tile_bf16 : kernels.tile_bf16_native)(tile);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best[i % 2] = std::min(best[i % 2], time.count());
  }
  return best[1] < best[0];
}

}  // namespace

auto bf16_tile(const GemmKernels& kernels, bool transposed, int64_t rows)
    -> void (*)(const GemmTile&) {
  bool native = kernels.tile_bf16_native && use_bf16();
  if (native && rows > kRowsOfPairs) {
    static const bool pays = native_bf16_pays(kernels);  // only one instruction set here has it
    native = pays;
  }
  if (transposed)
    return native ? kernels.tile_transposed_bf16_native : kernels.tile_transposed_bf16;
  return native ? kernels.tile_bf16_native : kernels.tile_bf16;
}

void gemm(ThreadPool& pool, const GemmKernels& kernels, void (*tile)(const GemmTile&),
          const GemmTile& whole) {
  const int64_t width = kernels.width, panels = divide_up(whole.cols, width);
  const int64_t per_tile =
      whole.rows > kFewRows ? kTileCols / width
                            : std::max(kStretchPanels, kStretch / std::max<int64_t>(1, whole.ldb));
  const int64_t rows_of_tile = whole.k < kLong ? kernels.max_rows : kTallRows;
  const int64_t down = divide_up(whole.rows, rows_of_tile);
  const int64_t across = divide_up(panels, per_tile);
  const bool rows_first = panels * whole.ldb > kSmallB;
  pool.run(down * across, [&](int64_t task) {
    const int64_t i = rows_first ? task % down : task / across;
    const int64_t j = rows_first ? task / down : task % across;
    const int64_t r = part_begin(whole.rows, down, i), p = part_begin(panels, across, j);
    GemmTile part = whole;
    part.rows = part_begin(whole.rows, down, i + 1) - r;
    part.cols = std::min(whole.cols, part_begin(panels, across, j + 1) * width) - p * width;
    part.a += whole.transposed ? r : r * whole.lda;
    part.b += p * whole.ldb;
    part.c += r * whole.ldc + p * width;
    if (part.bias) part.bias += p * width;
    part.scratch = task_scratch(kernels);
    tile(part);
  });
}

void gemm_transposed(ThreadPool& pool, const GemmKernels& kernels, const GemmTile& whole) {
  const int64_t width = kernels.width, panels = divide_up(whole.cols, width);
  // Tall tiles, because each reads all of its columns of B again; an even number of them, because
  // there are few and they take equally long.
  const int64_t tiles = divide_up(whole.rows, kernels.max_rows_transposed);
  const int64_t down = whole.rows >= kHalved ? divide_up(tiles, 2) * 2 : tiles;
  const int64_t across = divide_up(whole.cols, kTileCols);
  pool.run(down * across, [&](int64_t task) {
    const int64_t r = part_begin(whole.rows, down, task / across);
    const int64_t p = part_begin(panels, across, task % across);
    GemmTile part = whole;
    part.rows = part_begin(whole.rows, down, task / across + 1) - r;
    part.cols =
        std::min(whole.cols, part_begin(panels, across, task % across + 1) * width) - p * width;
    part.a += r;
    part.b += p * width;
    part.c += r * whole.ldc + p * width;
    part.scratch = task_scratch(kernels);
    kernels.tile_transposed(part);
  });
}

}  // namespace avocado::kernels
