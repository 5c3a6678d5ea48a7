// quantized_bench [--quick] [TYPE...]: products with weights in blocks. For many rows of x in Gop/s
// and as a share of the measured peak of vpdpbusd, for few as GB/s of weights, and for one also as
// a share of the measured peak of reading.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/peak/peak.h"
#include "kernels/quantized/quantized.h"
#include "tensor/buffer.h"

namespace {

using namespace avocado;
using namespace avocado::kernels;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double fastest(double budget, const std::function<void()>& work) {
  work();
  double best = 1e30;
  const double end = seconds() + budget;
  for (int repeat = 0; repeat < 3 || seconds() < end; ++repeat) {
    const double start = seconds();
    work();
    best = std::min(best, seconds() - start);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  const bool quick = std::erase(names, "--quick") > 0;
  for (const std::string& name : names) {
    const DTypeTraits* type = dtype_by_name(name);
    if (type != nullptr && QuantizedWeight::supports(type->type)) continue;
    std::fprintf(stderr, "quantized_bench: %s: no type that can be packed\n", name.c_str());
    return 2;
  }
  if (names.empty())
    names = {"Q4_0", "Q8_0",  "Q2_K",   "Q3_K",  "Q4_K",  "Q5_K",
             "Q6_K", "IQ1_M", "IQ2_XS", "IQ3_S", "IQ4_XS"};
  const double budget = quick ? 0.1 : 0.5;
  constexpr int64_t kIn = 2048;
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    for (const std::string& name : names) {
      const DTypeTraits& type = *dtype_by_name(name);
      // Enough rows to leave the caches when streamed.
      const int64_t rows = quick ? 65536 : 262144;
      std::vector<std::byte> blocks(*dtype_bytes(type.type, rows * kIn));
      const Random random(1, Purpose::test);
      for (size_t i = 0; i < blocks.size(); ++i)
        blocks[i] = static_cast<std::byte>(random.u32(i % 65536) & 0x3f);
      const double start = seconds();
      const QuantizedWeight large =
          QuantizedWeight::pack(pool, type.type, blocks.data(), rows, kIn);
      const double packing = static_cast<double>(blocks.size()) / (seconds() - start) * 1e-9;
      const QuantizedWeight small =
          QuantizedWeight::pack(pool, type.type, blocks.data(), 2048, kIn);
      Buffer<float> x(512 * kIn), y(static_cast<size_t>(std::max<int64_t>(rows, 512 * 2048)) * 16);
      for (int64_t i = 0; i < 512 * kIn; ++i)
        x.data()[i] = random.uniform(static_cast<uint64_t>(i % 65536)) - 0.5f;

      double peak = peak_int8(pool);
      const double time =
          fastest(budget, [&] { linear(pool, x.data(), small, nullptr, y.data(), 512); });
      peak = std::max(peak, peak_int8(pool));
      const double rate = 2.0 * 512 * 2048 * kIn / time * 1e-9;
      fmt::print("{:<7} {} thread{} packing {:4.2f} GB/s; 512 rows {:6.0f} Gop/s", name, threads,
                 threads == 1 ? " " : "s", packing, rate);
      if (peak > 0) fmt::print(", {:3.0f} % of {:.0f}", 100 * rate / peak, peak);
      fmt::print(";");
      const double read = peak_read(pool);
      for (const int64_t n : {1, 4, 16}) {
        const double t =
            fastest(budget, [&] { linear(pool, x.data(), large, nullptr, y.data(), n); });
        const double speed = static_cast<double>(large.bytes()) / t * 1e-9;
        fmt::print("  {} row{}: {:4.1f} GB/s", n, n == 1 ? "" : "s", speed);
        if (n == 1) fmt::print(", {:3.0f} %", 100 * speed / read);
      }
      fmt::print("\n");
      std::fflush(stdout);
    }
  }
  return 0;
}
