// Every operation on every instruction set against the scalar reference, bit by bit: random and
// adversarial inputs, ragged sizes, unaligned pointers, guards around every buffer, several thread
// counts, in place where the contract allows it. A digest of all reference results is recorded, so
// machines that cannot be compared side by side are compared too.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "kernels/adamw/adamw.h"
#include "kernels/add/add.h"
#include "kernels/attention/attention.h"
#include "kernels/block8/block8.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/embed/embed.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/implementations.h"
#include "kernels/linear/linear.h"
#include "kernels/lion/lion.h"
#include "kernels/math/math.h"
#include "kernels/quantized/quantized.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/sgd/sgd.h"
#include "kernels/swiglu/swiglu.h"

namespace avocado::kernels {
namespace {

enum class Inputs { ordinary, wide, special, subnormal };
constexpr Inputs kInputs[] = {Inputs::ordinary, Inputs::wide, Inputs::special, Inputs::subnormal};

float draw(const Random& random, uint64_t i, Inputs kind) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),
                                kInf,
                                -kInf,
                                0.0f,
                                -0.0f,
                                0x1p-149f,
                                -0x1p-149f,
                                0x1.fffffep-127f,
                                0x1p-126f,
                                0x1.fffffep127f,
                                -0x1.fffffep127f,
                                88.8f,
                                -87.5f,
                                -104.0f};
  const PhiloxBlock block = random.block(i);
  const float uniform = static_cast<float>(block[0] >> 8) * 0x1p-23f - 1.0f;
  switch (kind) {
    case Inputs::ordinary:
      return 3.0f * uniform;
    case Inputs::wide:  // any finite exponent
      return std::bit_cast<float>((block[0] & 0x807fffff) | ((block[1] % 255) << 23));
    case Inputs::special:  // rare enough that most rows keep a number or two
      return block[1] % 24 == 0 ? kSpecial[block[2] % std::size(kSpecial)] : 3.0f * uniform;
    case Inputs::subnormal:
      return block[1] % 2 == 0 ? std::bit_cast<float>(block[0] & 0x800fffff) : 0x1p-60f * uniform;
  }
  return 0;
}

// One trial of one operation: hands out guarded buffers and collects the results as bits.
class Trial {
 public:
  Trial(ThreadPool& run_pool, Inputs inputs, int64_t row_count, int64_t col_count, int shift,
        bool alias)
      : pool(run_pool),
        rows(row_count),
        cols(col_count),
        in_place(alias),
        kind_(inputs),
        shift_(shift) {}

  ThreadPool& pool;
  const int64_t rows, cols;
  const bool in_place;

  // A buffer of drawn numbers, the same for the same place in the sequence of calls.
  float* data(int64_t count, bool positive = false) {
    buffers_.push_back(std::make_unique<std::vector<uint32_t>>(
        static_cast<size_t>(count + 2 * kGuard + shift_), kGuardBits));
    auto* p = reinterpret_cast<float*>(buffers_.back()->data()) + kGuard + shift_;
    const Random random(11, Purpose::test, static_cast<uint32_t>(buffers_.size()));
    for (int64_t i = 0; i < count; ++i) {
      p[i] = draw(random, static_cast<uint64_t>(i), kind_);
      if (positive && p[i] < 0) p[i] = -p[i];
    }
    counts_.push_back(count);
    return p;
  }
  std::vector<int32_t> numbers(int64_t count, int64_t below) {
    const Random random(12, Purpose::test);
    std::vector<int32_t> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(static_cast<int32_t>(
          random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(below))));
    return values;
  }
  void result(const float* p, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      results.push_back(p[i] != p[i] ? 0x7fc00000u : std::bit_cast<uint32_t>(p[i]));
  }
  void result(double x) {
    const auto b = x != x ? 0x7ff8000000000000u : std::bit_cast<uint64_t>(x);
    results.push_back(static_cast<uint32_t>(b));
    results.push_back(static_cast<uint32_t>(b >> 32));
  }
  bool guards_intact() const {
    for (size_t b = 0; b < buffers_.size(); ++b) {
      const std::vector<uint32_t>& all = *buffers_[b];
      const size_t begin = static_cast<size_t>(kGuard + shift_);
      for (size_t i = 0; i < all.size(); ++i)
        if ((i < begin || i >= begin + static_cast<size_t>(counts_[b])) && all[i] != kGuardBits)
          return false;
    }
    return true;
  }

  std::vector<uint32_t> results;

 private:
  static constexpr int kGuard = 32;
  static constexpr uint32_t kGuardBits = 0x7fabcdef;
  Inputs kind_;
  int shift_;
  std::vector<std::unique_ptr<std::vector<uint32_t>>> buffers_;
  std::vector<int64_t> counts_;
};

struct Operation {
  const char* name;
  bool may_alias;
  void (*run)(Trial&);
};

template <void (*function)(const float*, float*, int64_t)>
void run_unary(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float* x = r.data(n);
  float* y = r.in_place ? x : r.data(n);
  function(x, y, n);
  r.result(y, n);
}

void run_add(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *a = r.data(n), *b = r.data(n), *y = r.in_place ? b : r.data(n);
  add<float>(r.pool, a, b, y, n);
  r.result(y, n);
}

void run_embed(Trial& r) {
  constexpr int64_t kVocab = 7;
  const std::vector<int32_t> ids = r.numbers(r.rows, kVocab);
  float *table = r.data(kVocab * r.cols), *y = r.data(r.rows * r.cols);
  embed<float>(r.pool, ids.data(), table, y, r.rows, r.cols);
  r.result(y, r.rows * r.cols);
  embed_backward<float>(r.pool, ids.data(), y, table, r.rows, r.cols);
  r.result(table, kVocab * r.cols);
}

void run_rms_norm(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *x = r.data(n), *w = r.data(r.cols), *inv = r.data(r.rows);
  float* y = r.in_place ? x : r.data(n);
  rms_norm<float>(r.pool, x, w, y, r.in_place ? nullptr : inv, r.rows, r.cols, 1e-5);
  r.result(y, n);
}

template <bool add>
void run_rms_norm_backward(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *x = r.data(n), *w = r.data(r.cols), *inv = r.data(r.rows), *dy = r.data(n);
  float *dw = r.data(r.cols), *dx = r.in_place && !add ? dy : r.data(n);
  rms_norm_backward<float>(r.pool, x, w, inv, dy, dx, dw, r.rows, r.cols, add);
  r.result(dx, n);
  r.result(dw, r.cols);
}

void run_swiglu(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *gate = r.data(n), *up = r.data(n), *y = r.in_place ? gate : r.data(n);
  swiglu<float>(r.pool, gate, up, y, n);
  r.result(y, n);
}

void run_swiglu_backward(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *gate = r.data(n), *up = r.data(n), *dy = r.data(n);
  float *dgate = r.in_place ? gate : r.data(n), *dup = r.in_place ? dy : r.data(n);
  swiglu_backward<float>(r.pool, gate, up, dy, dgate, dup, n);
  r.result(dgate, n);
  r.result(dup, n);
}

void run_cross_entropy(Trial& r) {
  const int64_t n = r.rows * r.cols;
  std::vector<int32_t> targets = r.numbers(r.rows, r.cols);
  for (size_t i = 2; i < targets.size(); i += 3) targets[i] = -1;
  float *x = r.data(n), *loss = r.data(r.rows), *dx = r.in_place ? x : r.data(n);
  float* loss_only = r.data(r.rows);
  cross_entropy<float>(r.pool, x, targets.data(), loss_only, nullptr, r.rows, r.cols, 1);
  cross_entropy<float>(r.pool, x, targets.data(), loss, dx, r.rows, r.cols, 0.3);
  r.result(loss_only, r.rows);
  r.result(loss, r.rows);
  r.result(dx, n);
}

void run_cross_entropy_row_scales(Trial& r) {
  const int64_t n = r.rows * r.cols;
  std::vector<int32_t> targets = r.numbers(r.rows, r.cols);
  for (size_t i = 1; i < targets.size(); i += 3) targets[i] = -1;
  float *x = r.data(n), *scales = r.data(r.rows), *loss = r.data(r.rows);
  float* dx = r.in_place ? x : r.data(n);
  cross_entropy<float>(r.pool, x, targets.data(), loss, dx, r.rows, r.cols, 0.7, scales);
  r.result(loss, r.rows);
  r.result(dx, n);
}

template <RopeStyle style, bool inverse>
void run_rope(Trial& r) {
  const int64_t heads = 3, n = r.rows * heads * r.cols;
  // Whole heads are turned, or all but a few elements.
  const int64_t rope_dim = (r.cols - (r.cols % 3 == 0 ? r.cols / 3 : 0)) / 2 * 2;
  float *x = r.data(n), *cos_sin = r.data(r.rows * rope_dim), *y = r.in_place ? x : r.data(n);
  rope<float>(r.pool, x, cos_sin, y, r.rows, heads, r.cols, rope_dim, style, inverse);
  r.result(y, n);
}

void run_adamw(Trial& r) {
  const int64_t n = r.rows * r.cols;
  const AdamwStep step = {1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 1.9f, 3.1f, 0.37f};
  float *p = r.data(n), *grad = r.data(n), *m = r.data(n), *v = r.data(n, true);
  r.pool.run_chunks(n, kElementsPerTask, [&](int64_t i, int64_t end) {
    adamw(p + i, grad + i, m + i, v + i, end - i, step);
  });
  r.result(p, n);
  r.result(m, n);
  r.result(v, n);
}

void run_lion(Trial& r) {
  const int64_t n = r.rows * r.cols;
  const LionStep step = {1e-3f, 0.9f, 0.99f, 0.1f, 0.37f};
  float *p = r.data(n), *grad = r.data(n), *m = r.data(n);
  r.pool.run_chunks(n, kElementsPerTask,
                    [&](int64_t i, int64_t end) { lion(p + i, grad + i, m + i, end - i, step); });
  r.result(p, n);
  r.result(m, n);
}

template <bool momentum, bool nesterov>
void run_sgd(Trial& r) {
  const int64_t n = r.rows * r.cols;
  const SgdStep step = {1e-3f, 0.9f, 0.1f, 0.37f, nesterov};
  float *p = r.data(n), *grad = r.data(n), *m = r.data(n);
  r.pool.run_chunks(n, kElementsPerTask, [&](int64_t i, int64_t end) {
    sgd(p + i, grad + i, momentum ? m + i : nullptr, end - i, step);
  });
  r.result(p, n);
  r.result(m, n);
}

// There and back; the codes are results too.
template <Code8 code>
void run_block8(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *x = r.data(n, code == Code8::fourth_power), *y = r.data(n), *scales = r.data(blocks8(n));
  auto* codes = reinterpret_cast<uint8_t*>(r.data((n + 3) / 4));
  r.pool.run_chunks(n, kElementsPerTask, [&](int64_t i, int64_t end) {
    encode8(code, x + i, codes + i, scales + i / kBlock8, end - i);
    decode8(code, codes + i, scales + i / kBlock8, y + i, end - i);
  });
  r.result(scales, blocks8(n));
  r.result(y, n);
  for (int64_t i = 0; i < n; ++i) r.results.push_back(codes[i]);
}

void run_sum_squares(Trial& r) {
  const int64_t n = r.rows * r.cols;
  r.result(sum_squares(r.pool, r.data(n), n));
}

void run_linear(Trial& r) {
  constexpr int64_t kOut = 35;
  const int64_t n = r.rows, in = r.cols;
  float *x = r.data(n * in), *w = r.data(kOut * in), *bias = r.data(kOut);
  float *y = r.data(n * kOut), *dx = r.data(n * in), *dw = r.data(kOut * in);
  linear<float>(r.pool, x, w, bias, y, n, kOut, in);
  linear_backward_input<float>(r.pool, y, w, dx, n, kOut, in, true);
  linear_backward_weight<float>(r.pool, y, x, dw, n, kOut, in);
  linear_backward_bias<float>(r.pool, y, bias, n, kOut);
  r.result(y, n * kOut);
  r.result(dx, n * in);
  r.result(dw, kOut * in);
  r.result(bias, kOut);
}

void run_hadamard(Trial& r) {
  const int64_t n = r.rows * r.cols;
  float *x = r.data(n), *y = r.in_place ? x : r.data(n);
  hadamard(r.pool, x, y, r.rows, r.cols);
  r.result(y, n);
}

void run_attention(Trial& r) {
  AttentionShape shape;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = std::min<int64_t>(r.cols, 192);
  shape.scale = 0.3;
  const int64_t q_count = r.rows * shape.heads * shape.head_dim, kv_count = q_count / 2;
  const int64_t tiles = (r.rows + kTile - 1) / kTile;
  float *q = r.data(q_count), *k = r.data(kv_count), *v = r.data(kv_count);
  float *dout = r.data(q_count), *out = r.data(q_count), *lse = r.data(r.rows * shape.heads);
  float *dq = r.data(q_count), *dk = r.data(kv_count), *dv = r.data(kv_count);
  auto* memory = reinterpret_cast<std::byte*>(r.data(tiles * shape.page_bytes() / 4));
  std::vector<std::byte*> pages;
  for (int64_t t = 0; t < tiles; ++t) pages.push_back(memory + t * shape.page_bytes());
  const AttentionSequence sequence = {0, r.rows, 0, pages.data()};
  const std::span<const AttentionSequence> batch(&sequence, 1);
  attention_store<float>(r.pool, shape, k, v, batch);
  attention<float>(r.pool, shape, q, out, lse, batch);
  attention_backward<float>(r.pool, shape, q, out, lse, dout, dq, dk, dv, batch);
  r.result(out, q_count);
  r.result(lse, r.rows * shape.heads);
  r.result(dq, q_count);
  r.result(dk, kv_count);
  r.result(dv, kv_count);
}

const Operation kOperations[] = {
    {"exp", true, run_unary<exp>},
    {"log", true, run_unary<log>},
    {"sigmoid", true, run_unary<sigmoid>},
    {"tanh", true, run_unary<tanh>},
    {"add", true, run_add},
    {"embed", false, run_embed},
    {"rms_norm", true, run_rms_norm},
    {"rms_norm_backward", true, run_rms_norm_backward<false>},
    {"rms_norm_backward_add", false, run_rms_norm_backward<true>},
    {"swiglu", true, run_swiglu},
    {"swiglu_backward", true, run_swiglu_backward},
    {"cross_entropy", true, run_cross_entropy},
    {"cross_entropy_row_scales", true, run_cross_entropy_row_scales},
    {"rope_pairs", true, run_rope<RopeStyle::pairs, false>},
    {"rope_pairs_inverse", true, run_rope<RopeStyle::pairs, true>},
    {"rope_halves", true, run_rope<RopeStyle::halves, false>},
    {"rope_halves_inverse", true, run_rope<RopeStyle::halves, true>},
    {"adamw", false, run_adamw},
    {"lion", false, run_lion},
    {"sgd", false, run_sgd<true, false>},
    {"sgd_nesterov", false, run_sgd<true, true>},
    {"sgd_plain", false, run_sgd<false, false>},
    {"block8_signed_square", false, run_block8<Code8::signed_square>},
    {"block8_fourth_power", false, run_block8<Code8::fourth_power>},
    {"sum_squares", false, run_sum_squares},
    {"linear", false, run_linear},
    {"hadamard", true, run_hadamard},
    {"attention", false, run_attention},
};

struct Shape {
  int64_t rows, cols;
};

// Ragged rows, then shapes of several tasks, whose order of tasks threads may mix.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (int64_t cols : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 130, 257})
    for (int64_t rows : {1, 6}) all.push_back({rows, cols});
  all.push_back({200, 192});
  all.push_back({3, 20011});
  return all;
}

bool large(Shape shape) { return shape.rows * shape.cols > kElementsPerTask; }

// What the reference gave for everything below; changes only when a definition changes.
constexpr const char* kRecordedDigest =
    "c472bed4427151d246b8acd56de94377560925b1bb20b8f043569e39d474f95c";

class Differential : public testing::Test {
 protected:
  void SetUp() override { before_ = active_isa(); }
  void TearDown() override { set_active_isa(before_); }

  static std::vector<uint32_t> run(const Operation& op, ThreadPool& pool, Inputs kind, Shape shape,
                                   int shift, bool in_place) {
    Trial r(pool, kind, shape.rows, shape.cols, shift, in_place);
    op.run(r);
    EXPECT_TRUE(r.guards_intact()) << op.name << " wrote outside its output";
    return r.results;
  }

 private:
  Isa before_ = Isa::scalar;
};

TEST_F(Differential, EveryInstructionSetGivesTheBitsOfTheReference) {
  std::vector<std::unique_ptr<ThreadPool>> pools;
  for (int threads : {1, 2, 3, 7}) pools.push_back(std::make_unique<ThreadPool>(threads));
  Sha256 digest;
  int64_t comparisons = 0;
  for (const Operation& op : kOperations) {
    for (const Shape shape : shapes()) {
      for (Inputs kind : kInputs) {
        if (large(shape) && kind != Inputs::ordinary && kind != Inputs::special) continue;
        set_active_isa(Isa::scalar);
        const std::vector<uint32_t> want = run(op, *pools[0], kind, shape, 0, false);
        digest.update_array<uint32_t>(want);
        // Large shapes run on every number of threads, every shape in place where that is allowed.
        for (Isa isa : available_isas()) {
          set_active_isa(isa);
          for (size_t p = 0; p < (large(shape) ? pools.size() : 1); ++p) {
            for (bool in_place : {false, true}) {
              if (in_place && (p != 0 || !op.may_alias)) continue;
              const int shift = static_cast<int>(p) + (in_place ? 3 : 0);
              ++comparisons;
              ASSERT_EQ(want, run(op, *pools[p], kind, shape, shift, in_place))
                  << op.name << " on " << isa_name(isa) << ", " << shape.rows << " x " << shape.cols
                  << ", inputs " << static_cast<int>(kind) << ", " << pools[p]->threads()
                  << " threads, in place " << in_place << ", shift " << shift;
            }
          }
        }
      }
    }
  }
  const std::string hex = digest.hex();
  std::printf("%lld comparisons, 0 differ; digest of the reference %s\n",
              static_cast<long long>(comparisons), hex.c_str());
  EXPECT_EQ(hex, kRecordedDigest);
}

// A test of a forced implementation is empty unless that one ran; and an operation that is in no
// table above would go untested.
TEST_F(Differential, TheForcedImplementationRuns) {
  ThreadPool pool(1);
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    std::vector<uint64_t> picks;
    for (const ImplementationList* list : all_implementations()) picks.push_back(list->picks(isa));
    for (const Operation& op : kOperations) run(op, pool, Inputs::ordinary, {2, 32}, 0, false);
    const std::vector<std::byte> blocks(18);  // tested in quantized_test.cc
    QuantizedWeight::pack(pool, DType::q4_0, blocks.data(), 1, 32);
    size_t i = 0;
    for (const ImplementationList* list : all_implementations()) {
      EXPECT_EQ(list->current(), isa) << list->name();
      EXPECT_GT(list->picks(isa), picks[i++]) << list->name() << " on " << isa_name(isa);
    }
  }
}

TEST_F(Differential, UnknownOrUnsupportedInstructionSetIsAnError) {
  EXPECT_EQ(parse_isa("scalar"), Isa::scalar);
  EXPECT_THROW(parse_isa("avx1024"), Error);
  EXPECT_THROW(parse_isa("AVX2"), Error);
#if defined(__x86_64__)
  EXPECT_THROW(parse_isa("neon"), Error);
#else
  EXPECT_THROW(parse_isa("avx2"), Error);
#endif
  try {
    parse_isa("avx1024");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace avocado::kernels
