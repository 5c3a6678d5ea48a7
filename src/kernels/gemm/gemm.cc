#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/implementations.h"
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
// From this many rows on, a transposed product has at least two tiles.
constexpr int64_t kHalved = 64;
// A B of up to this many lanes stays in the second-level cache while all of A passes by.
constexpr int64_t kSmallB = int64_t{1} << 18;

}  // namespace

void gemm(ThreadPool& pool, const GemmKernels& kernels, void (*tile)(const GemmTile&),
          const GemmTile& whole) {
  const int64_t width = kernels.width, panels = divide_up(whole.cols, width);
  const int64_t per_tile =
      whole.rows > kFewRows ? kTileCols / width
                            : std::max(kStretchPanels, kStretch / std::max<int64_t>(1, whole.ldb));
  const int64_t down = divide_up(whole.rows, kernels.max_rows);
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
