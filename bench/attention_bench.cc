// attention_bench [--quick] [--threads N] [--type TYPE] [--hadamard]: attention over the cache at
// the shapes of a 1B and an 8B model. Prefill: a chunk of 512 queries behind a context, in GFLOP/s
// and as a share of the measured f32 peak. Decoding: one query per sequence, in GB/s of cache
// beside the speed of reading memory.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/thread_pool.h"
#include "kernels/attention/attention.h"
#include "kernels/isa.h"
#include "kernels/peak/peak.h"
#include "tensor/buffer.h"

namespace {

using namespace avocado;
using namespace avocado::kernels;

Buffer<float> numbers(int64_t count, uint32_t stream) {
  Buffer<float> buffer(static_cast<size_t>(count));
  const Random random(1, Purpose::test, stream);
  for (int64_t i = 0; i < count; ++i)
    buffer.data()[i] = random.uniform(static_cast<uint64_t>(i % 65536)) - 0.5f;
  return buffer;
}

double best_seconds(double budget, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  double best = 1e30;
  work();
  for (int i = 0; i < 2 || std::chrono::duration<double>(Clock::now() - begin).count() < budget;
       ++i) {
    const auto start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

struct Model {
  const char* name;
  int64_t heads, kv_heads, dim;
};

struct Bench {
  ThreadPool& pool;
  CacheType type;
  bool hadamard;
  double budget, peak, read;

  // `batch` sequences of `length` positions, the last `queries` of which are asked for.
  void run(const Model& model, int64_t batch, int64_t length, int64_t queries) {
    AttentionShape shape;
    shape.heads = model.heads;
    shape.kv_heads = model.kv_heads;
    shape.head_dim = model.dim;
    shape.cache = {type, type, hadamard};
    const int64_t tiles = (length + kTile - 1) / kTile, rows = batch * queries;
    const auto page = static_cast<size_t>(shape.page_bytes());
    const Buffer<float> q = numbers(rows * model.heads * model.dim, 1);
    const Buffer<float> k = numbers(kTile * model.kv_heads * model.dim, 2);
    const Buffer<float> out(q.size());
    const Buffer<std::byte> memory(static_cast<size_t>(batch * tiles) * page);
    std::vector<std::byte*> pages;
    for (int64_t t = 0; t < batch * tiles; ++t)
      pages.push_back(memory.data() + static_cast<size_t>(t) * page);
    for (std::byte*& one : pages) {
      const AttentionSequence sequence{0, kTile, 0, &one};
      attention_store<float>(pool, shape, k.data(), k.data(), {&sequence, 1});
    }
    std::vector<AttentionSequence> sequences;
    for (int64_t b = 0; b < batch; ++b)
      sequences.push_back({b * queries, queries, length - queries, pages.data() + b * tiles});
    const double time = best_seconds(
        budget, [&] { attention<float>(pool, shape, q.data(), out.data(), nullptr, sequences); });
    double keys = 0;
    for (int64_t i = length - queries; i < length; ++i) keys += static_cast<double>(i + 1);
    const double flops = 4 * keys * static_cast<double>(batch * model.heads * model.dim);
    const double bytes = static_cast<double>(batch * length) / kTile * static_cast<double>(page);
    const std::string name = fmt::format("{} {} x {} of {}", model.name, batch, queries, length);
    if (queries > 1) {
      std::printf("%-28s %9.3f ms %8.1f GFLOP/s %5.1f %% of %.0f\n", name.c_str(), time * 1e3,
                  flops / time * 1e-9, 100 * flops / time * 1e-9 / peak, peak);
    } else {
      std::printf("%-28s %9.3f ms %8.1f GB/s    %5.1f %% of %.1f\n", name.c_str(), time * 1e3,
                  bytes / time * 1e-9, 100 * bytes / time * 1e-9 / read, read);
    }
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  int threads = 1;
  CacheType type = CacheType::f16;
  bool hadamard = false;
  double budget = 0.3;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      budget = 0.02;
    } else if (argument == "--type" && i + 1 < argc) {
      const std::string name = argv[++i];
      for (CacheType one : kCacheTypes)
        if (name == cache_type_name(one)) type = one;
    } else if (argument == "--hadamard") {
      hadamard = true;
    } else if (argument == "--threads" && i + 1 < argc) {
      threads = std::max(1, std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr,
                   "usage: attention_bench [--quick] [--threads N] [--type TYPE] [--hadamard]\n");
      return 2;
    }
  }
  ThreadPool pool(threads);
  std::printf("%s, %d thread%s, cache of %s%s\n", isa_name(active_isa()), threads,
              threads == 1 ? "" : "s", cache_type_name(type), hadamard ? ", rotated" : "");
  Bench bench{pool, type, hadamard, budget, peak_f32(pool), peak_read(pool)};
  constexpr Model kModels[] = {{"1B", 32, 8, 64}, {"8B", 32, 8, 128}};
  for (const Model& model : kModels) {
    for (const int64_t length : {512, 8192, 32768}) bench.run(model, 1, length, 512);
    for (const int64_t length : {4096, 32768}) bench.run(model, 1, length, 1);
    bench.run(model, 16, 4096, 1);
  }
  return 0;
}
