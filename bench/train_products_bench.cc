// train_products_bench [--threads N] [--seconds S]: the three products of a linear layer at the
// shapes of training, in f32 beside the libraries that are found on this machine (OpenBLAS, BLIS,
// oneDNN; loaded at run time, each by its own interface), and in bf16. GFLOP/s, the fastest of the
// rounds, in which all take turns, and the share of the measured peak.

#include <dlfcn.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/thread_pool.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_bf16.h"
#include "kernels/peak/peak.h"
#include "tensor/buffer.h"

namespace {

using namespace avocado;
using namespace avocado::kernels;

// C[m, n] = A * B (+ C), all row-major; a transposed one is stored the other way round.
struct Product {
  bool transpose_a, transpose_b;
  int m, n, k;
  const float *a, *b;
  float* c;
  float beta;
};

struct Library {
  std::string name;
  std::function<void(const Product&)> multiply;
};

using CblasGemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                           const float* a, int lda, const float* b, int ldb, float beta, float* c,
                           int ldc);
using DnnlGemm = int (*)(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                         const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
                         float* c, int64_t ldc);

void* symbol(const char* file, const char* name) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  return library ? dlsym(library, name) : nullptr;
}

std::vector<Library> libraries() {
  std::vector<Library> found;
  for (const auto& [name, file] :
       {std::pair("OpenBLAS", "libopenblas.so.0"), std::pair("BLIS", "libblis.so.4")}) {
    const auto gemm = reinterpret_cast<CblasGemm>(symbol(file, "cblas_sgemm"));
    if (!gemm) continue;
    found.push_back({name, [gemm](const Product& p) {
                       constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
                       gemm(kRowMajor, p.transpose_a ? kTransposed : kPlain,
                            p.transpose_b ? kTransposed : kPlain, p.m, p.n, p.k, 1, p.a,
                            p.transpose_a ? p.m : p.k, p.b, p.transpose_b ? p.k : p.n, p.beta, p.c,
                            p.n);
                     }});
  }
  if (const auto gemm = reinterpret_cast<DnnlGemm>(symbol("libdnnl.so.2", "dnnl_sgemm")))
    found.push_back({"oneDNN", [gemm](const Product& p) {
                       gemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1,
                            p.a, p.transpose_a ? p.m : p.k, p.b, p.transpose_b ? p.k : p.n, p.beta,
                            p.c, p.n);
                     }});
  return found;
}

Buffer<float> numbers(int64_t count, uint32_t stream) {
  Buffer<float> buffer(static_cast<size_t>(count));
  const Random random(1, Purpose::test, stream);
  for (int64_t i = 0; i < count; ++i)
    buffer.data()[i] = random.uniform(static_cast<uint64_t>(i % 65536)) - 0.5f;
  return buffer;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Bench {
  ThreadPool& pool;
  double seconds;
  std::vector<Library> others = libraries();

  void compare(const std::string& name, double flops, const std::function<void()>& f32,
               const std::function<void()>& bf16, const Product& product) {
    std::vector<std::pair<std::string, std::function<void()>>> all = {{"f32", f32}, {"bf16", bf16}};
    for (const Library& library : others)
      all.emplace_back(library.name, [&library, &product] { library.multiply(product); });
    std::vector<double> best(all.size(), 1e30);
    const double peak32 = peak_f32(pool), peak16 = peak_bf16(pool);
    for (const auto& [label, work] : all) work();
    for (const double begin = now(); now() - begin < seconds;)
      for (size_t i = 0; i < all.size(); ++i) {
        const double start = now();
        all[i].second();
        best[i] = std::min(best[i], now() - start);
      }
    fmt::print("{:36}", name);
    for (size_t i = 0; i < all.size(); ++i) {
      const double rate = flops / best[i] * 1e-9, peak = i == 1 ? peak16 : peak32;
      fmt::print(" {} {:.0f}", all[i].first, rate);
      if (peak > 0) fmt::print(" ({:.0f} %)", 100 * rate / peak);
    }
    fmt::print("\n");
    std::fflush(stdout);
  }

  void shape(int64_t n, int64_t in, int64_t out) {
    const Buffer<float> x = numbers(n * in, 1), w = numbers(out * in, 2), dy = numbers(n * out, 3);
    const Buffer<float> y = numbers(n * out, 4), dx = numbers(n * in, 5), dw = numbers(out * in, 6);
    const int rows = static_cast<int>(n), i = static_cast<int>(in), o = static_cast<int>(out);
    const double flops = 2.0 * static_cast<double>(n) * static_cast<double>(in * out);
    const std::string size = fmt::format(" {} x {} -> {}", n, in, out);
    const float* none = nullptr;
    compare(
        "forward" + size, flops,
        [&] { linear(pool, x.data(), w.data(), none, y.data(), n, out, in); },
        [&] { linear_bf16(pool, x.data(), w.data(), none, y.data(), n, out, in); },
        {false, true, rows, o, i, x.data(), w.data(), y.data(), 0});
    compare(
        "d input" + size, flops,
        [&] { linear_backward_input(pool, dy.data(), w.data(), dx.data(), n, out, in, false); },
        [&] {
          linear_backward_input_bf16(pool, dy.data(), w.data(), dx.data(), n, out, in, false);
        },
        {false, false, rows, i, o, dy.data(), w.data(), dx.data(), 0});
    compare(
        "d weight" + size, flops,
        [&] { linear_backward_weight(pool, dy.data(), x.data(), dw.data(), n, out, in); },
        [&] { linear_backward_weight_bf16(pool, dy.data(), x.data(), dw.data(), n, out, in); },
        {true, false, o, i, rows, dy.data(), x.data(), dw.data(), 1});
  }
};

}  // namespace

int main(int argc, char** argv) {
  int threads = 2;
  double seconds = 0.6;
  CLI::App app("Products of training beside libraries");
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  app.add_option("--seconds", seconds, "per product");
  CLI11_PARSE(app, argc, argv);
  // Threads that wait busily would slow down who comes next.
  setenv("OMP_WAIT_POLICY", "passive", 1);
  setenv("OPENBLAS_THREAD_TIMEOUT", "4", 1);
  for (const char* variable : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"})
    setenv(variable, std::to_string(threads).c_str(), 1);
  ThreadPool pool(threads);
  Bench bench{pool, seconds};
  // Attention projections, gate and up, down, and a block of the head, of 15M and of 110M
  // parameters.
  constexpr int64_t kShapes[][3] = {{2048, 288, 288},   {2048, 288, 768},  {2048, 768, 288},
                                    {1024, 288, 32000}, {2048, 768, 768},  {2048, 768, 2048},
                                    {2048, 2048, 768},  {1024, 768, 32000}};
  for (const auto& [n, in, out] : kShapes) bench.shape(n, in, out);
  return 0;
}
