// The kernels that are not matrix products, at a training step's shapes, on one thread and for each
// instruction set. bytes_per_second counts each operand once, as the operation must read or write
// it.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "kernels/adamw/adamw.h"
#include "kernels/add/add.h"
#include "kernels/block8/block8.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/embed/embed.h"
#include "kernels/isa.h"
#include "kernels/lion/lion.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"

namespace {

using namespace avocado;
using namespace avocado::kernels;

constexpr int64_t kRows = 2048, kWidth = 256, kVocab = 4096, kHeads = 8, kHeadDim = 32;
constexpr int64_t kCount = kRows * kWidth;
constexpr int64_t kLossRows = kCount / kVocab;

struct Data {
  ThreadPool pool{1};
  std::vector<float> a, b, c, d, e, w, per_row, angles;
  std::vector<int32_t> ids;
  std::vector<uint8_t> codes;

  Data() : per_row(kRows, 1.0f), angles(kRows * kHeadDim), ids(kRows), codes(kCount) {
    uint32_t stream = 0;
    for (auto* v : {&a, &b, &c, &d, &e, &w}) {
      const Random random(1, Purpose::test, stream++);
      v->resize(kCount);
      for (size_t i = 0; i < v->size(); ++i) (*v)[i] = random.uniform(i);
    }
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i * 37 % 1000);
  }
};

Data& data() {
  static Data d;
  return d;
}

struct Case {
  const char* name;
  int operands;  // arrays of kCount floats read or written
  std::function<void(Data&)> run;
};

const AdamwStep kStep = {1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 1.5f, 1.5f, 1.0f};

const Case kCases[] = {
    {"add", 3, [](Data& d) { add<float>(d.pool, d.a.data(), d.b.data(), d.c.data(), kCount); }},
    {"rms_norm", 2,
     [](Data& d) {
       rms_norm<float>(d.pool, d.a.data(), d.w.data(), d.b.data(), d.per_row.data(), kRows, kWidth,
                       1e-5);
     }},
    {"rms_norm_backward", 3,
     [](Data& d) {
       rms_norm_backward<float>(d.pool, d.a.data(), d.w.data(), d.per_row.data(), d.b.data(),
                                d.c.data(), d.e.data(), kRows, kWidth, false);
     }},
    {"rope_pairs", 2,
     [](Data& d) {
       rope<float>(d.pool, d.a.data(), d.angles.data(), d.b.data(), kRows, kHeads, kHeadDim,
                   kHeadDim, RopeStyle::pairs, false);
     }},
    {"rope_halves", 2,
     [](Data& d) {
       rope<float>(d.pool, d.a.data(), d.angles.data(), d.b.data(), kRows, kHeads, kHeadDim,
                   kHeadDim, RopeStyle::halves, false);
     }},
    {"swiglu", 3,
     [](Data& d) { swiglu<float>(d.pool, d.a.data(), d.b.data(), d.c.data(), kCount); }},
    {"swiglu_backward", 5,
     [](Data& d) {
       swiglu_backward<float>(d.pool, d.a.data(), d.b.data(), d.c.data(), d.d.data(), d.e.data(),
                              kCount);
     }},
    {"cross_entropy", 2,
     [](Data& d) {
       cross_entropy<float>(d.pool, d.a.data(), d.ids.data(), d.per_row.data(), d.b.data(),
                            kLossRows, kVocab, 1.0);
     }},
    {"embed", 2,
     [](Data& d) { embed<float>(d.pool, d.ids.data(), d.a.data(), d.b.data(), kRows, kWidth); }},
    {"embed_backward", 3,
     [](Data& d) {
       embed_backward<float>(d.pool, d.ids.data(), d.a.data(), d.b.data(), kRows, kWidth);
     }},
    {"adamw", 7,
     [](Data& d) { adamw(d.a.data(), d.b.data(), d.c.data(), d.d.data(), kCount, kStep); }},
    {"lion", 5,
     [](Data& d) {
       lion(d.a.data(), d.b.data(), d.c.data(), kCount, {1e-3f, 0.9f, 0.99f, 0, 1});
     }},
    {"encode8", 1,
     [](Data& d) { encode8(Code8::fourth_power, d.a.data(), d.codes.data(), d.b.data(), kCount); }},
    {"decode8", 1,
     [](Data& d) { decode8(Code8::fourth_power, d.codes.data(), d.b.data(), d.c.data(), kCount); }},
    {"sum_squares", 1,
     [](Data& d) { benchmark::DoNotOptimize(sum_squares(d.pool, d.a.data(), kCount)); }},
};

void rope_angles_bench(benchmark::State& state) {
  Data& d = data();
  const std::vector<double> frequencies(kHeadDim / 2, 0.37);
  for (auto _ : state)
    rope_angles<float>(d.pool, d.ids.data(), frequencies.data(), d.angles.data(), kRows,
                       kHeadDim / 2, 1.0);
  state.SetItemsProcessed(state.iterations() * kRows * kHeadDim / 2);
}
BENCHMARK(rope_angles_bench)->Name("rope_angles (pairs)")->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : kCases) {
    for (Isa isa : available_isas()) {
      benchmark::RegisterBenchmark(
          (std::string(c.name) + "/" + isa_name(isa)).c_str(),
          [&c, isa](benchmark::State& state) {
            set_active_isa(isa);
            for (auto _ : state) c.run(data());
            state.SetBytesProcessed(state.iterations() * kCount * 4 * c.operands);
          })
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
