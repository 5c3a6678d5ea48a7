// gemm_bench [--json] [--quick]: matrix products and attention in GFLOP/s and as a share of the
// measured peak, at 512^3 and at the shapes of training and decoding, with 1 and 2 threads.
// A time is the minimum over repetitions; the peak is measured beside each case.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/thread_pool.h"
#include "kernels/attention/attention.h"
#include "kernels/isa.h"
#include "kernels/linear/linear.h"
#include "kernels/peak/peak.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace {

using namespace avocado;
using namespace avocado::kernels;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Buffer<float> numbers(int64_t count, uint32_t stream) {
  Buffer<float> buffer(static_cast<size_t>(count));
  const Random random(1, Purpose::test, stream);
  for (int64_t i = 0; i < count; ++i)
    buffer.data()[i] = random.uniform(static_cast<uint64_t>(i % 65536)) - 0.5f;
  return buffer;
}

class Report {
 public:
  Report(bool json, double budget) : json_(json), budget_(budget) {}
  ~Report() {
    if (json_) std::printf("%s\n", rows_.dump(1).c_str());
  }

  void measure(ThreadPool& pool, const std::string& name, double flops, bool bf16,
               const std::function<void()>& work) {
    const auto peak_now = bf16 ? peak_bf16 : peak_f32;
    double peak = peak_now(pool), best = 1e30;
    work();
    const double end = seconds() + budget_;
    for (int repeat = 0; repeat < 3 || seconds() < end; ++repeat) {
      const double start = seconds();
      work();
      best = std::min(best, seconds() - start);
    }
    peak = std::max(peak, peak_now(pool));
    const double rate = flops / best * 1e-9;
    const double share = peak > 0 ? 100 * rate / peak : 0;
    if (json_) {
      rows_.push_back({{"case", name},
                       {"isa", isa_name(active_isa())},
                       {"threads", pool.threads()},
                       {"seconds", best},
                       {"gflops", rate},
                       {"peak_gflops", peak},
                       {"percent_of_peak", share}});
    } else {
      std::printf("%-44s %d thread%s %9.1f GFLOP/s %5.1f %% of %.0f\n", name.c_str(),
                  pool.threads(), pool.threads() == 1 ? " " : "s", rate, share, peak);
      std::fflush(stdout);
    }
  }

 private:
  bool json_;
  double budget_;
  nlohmann::json rows_ = nlohmann::json::array();
};

void products(Report& report, ThreadPool& pool, int64_t n, int64_t in, int64_t out) {
  const Buffer<float> x = numbers(n * in, 1), w = numbers(out * in, 2), dy = numbers(n * out, 3);
  const Buffer<float> y = numbers(n * out, 4), dx = numbers(n * in, 5), dw = numbers(out * in, 6);
  const std::string shape = fmt::format("n {} in {} out {}", n, in, out);
  const double flops = 2.0 * static_cast<double>(n) * static_cast<double>(in * out);
  const float* none = nullptr;
  report.measure(pool, "forward  " + shape, flops, false,
                 [&] { linear(pool, x.data(), w.data(), none, y.data(), n, out, in); });
  report.measure(pool, "d input  " + shape, flops, false, [&] {
    linear_backward_input(pool, dy.data(), w.data(), dx.data(), n, out, in, false);
  });
  report.measure(pool, "d weight " + shape, flops, false,
                 [&] { linear_backward_weight(pool, dy.data(), x.data(), dw.data(), n, out, in); });
}

void packed(Report& report, ThreadPool& pool, int64_t n, int64_t in, int64_t out) {
  const Buffer<float> x = numbers(n * in, 1), w = numbers(out * in, 2), y = numbers(n * out, 3);
  std::vector<uint16_t> w16(static_cast<size_t>(out * in));
  std::vector<uint16_t> halves(w16.size());
  for (size_t i = 0; i < w16.size(); ++i) {
    w16[i] = f32_to_bf16(w.data()[i]);
    halves[i] = f32_to_f16(w.data()[i]);
  }
  const PackedWeight p = PackedWeight::from_f32(pool, w.data(), out, in);
  const PackedWeight half = PackedWeight::from_f16(pool, halves.data(), out, in);
  const PackedWeight p16 = PackedWeight::from_bf16(pool, w16.data(), out, in);
  const std::string shape = fmt::format("n {} in {} out {}", n, in, out);
  const double flops = 2.0 * static_cast<double>(n) * static_cast<double>(in * out);
  report.measure(pool, "packed f32  " + shape, flops, false,
                 [&] { linear(pool, x.data(), p, nullptr, y.data(), n); });
  report.measure(pool, "packed f16  " + shape, flops, false,
                 [&] { linear(pool, x.data(), half, nullptr, y.data(), n); });
  report.measure(pool, "packed bf16 " + shape, flops, true,
                 [&] { linear(pool, x.data(), p16, nullptr, y.data(), n); });
}

// A batch of whole sequences (training), or `queries` new positions at the end of each (decoding).
void attend(Report& report, ThreadPool& pool, int64_t batch, int64_t length, int64_t queries,
            int64_t heads, int64_t kv_heads, int64_t dim) {
  AttentionShape shape;
  shape.heads = heads;
  shape.kv_heads = kv_heads;
  shape.head_dim = dim;
  const int64_t rows = batch * queries, pages = (length + kTile - 1) / kTile;
  const Buffer<float> q = numbers(rows * heads * dim, 1), dout = numbers(rows * heads * dim, 2);
  const Buffer<float> out = numbers(rows * heads * dim, 3), dq = numbers(rows * heads * dim, 4);
  const Buffer<float> lse = numbers(rows * heads, 5);
  const Buffer<float> dk = numbers(rows * kv_heads * dim, 6),
                      dv = numbers(rows * kv_heads * dim, 7);
  const Buffer<float> cache = numbers(batch * pages * shape.page_bytes() / 4, 8);
  std::vector<std::byte*> table;
  for (int64_t p = 0; p < batch * pages; ++p)
    table.push_back(reinterpret_cast<std::byte*>(cache.data()) + p * shape.page_bytes());
  std::vector<AttentionSequence> sequences;
  for (int64_t b = 0; b < batch; ++b)
    sequences.push_back({b * queries, queries, length - queries, table.data() + b * pages});
  double pairs = 0;
  for (int64_t i = length - queries; i < length; ++i) pairs += static_cast<double>(i + 1);
  pairs *= static_cast<double>(batch * heads * dim);
  const std::string name = fmt::format(" {} x {} of {}, {}/{} heads of {}", batch, queries, length,
                                       heads, kv_heads, dim);
  report.measure(pool, "attention" + name, 4 * pairs, false, [&] {
    attention<float>(pool, shape, q.data(), out.data(), lse.data(), sequences);
  });
  if (queries < length) return;
  report.measure(pool, "d attention" + name, 10 * pairs, false, [&] {
    attention_backward<float>(pool, shape, q.data(), out.data(), lse.data(), dout.data(), dq.data(),
                              dk.data(), dv.data(), sequences);
  });
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false, quick = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    json = json || argument == "--json";
    quick = quick || argument == "--quick";
    if (argument != "--json" && argument != "--quick") {
      std::fprintf(stderr, "usage: gemm_bench [--json] [--quick]\n");
      return 2;
    }
  }
  Report report(json, quick ? 0.02 : 0.2);
  for (int threads : {1, 2}) {
    ThreadPool pool(threads);
    products(report, pool, 512, 512, 512);
    packed(report, pool, 512, 512, 512);
    constexpr int64_t kShapes[][2] = {{128, 128}, {192, 192},  {256, 256}, {128, 64},  {192, 512},
                                      {256, 704}, {256, 1024}, {704, 256}, {192, 1536}};
    for (const auto& [in, out] : kShapes) products(report, pool, 4096, in, out);
    for (int64_t n : {1, 4, 8}) packed(report, pool, n, 1024, 4096);
    attend(report, pool, 16, 256, 256, 8, 4, 32);
    attend(report, pool, 8, 512, 512, 8, 4, 64);
    attend(report, pool, 8, 2048, 1, 8, 4, 64);
  }
  return 0;
}
