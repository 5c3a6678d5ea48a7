#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "kernels/isa.h"

namespace avocado::kernels {
namespace {

constexpr float kGuard = 12345.0f;
constexpr size_t kGuards = 16;

std::vector<float> numbers(int64_t count, uint32_t stream) {
  const Random random(7, Purpose::test, stream);
  std::vector<float> v(static_cast<size_t>(count));
  for (size_t i = 0; i < v.size(); ++i) v[i] = 4 * random.uniform(i) - 2;
  return v;
}

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

testing::AssertionResult same(const std::vector<float>& got, const std::vector<float>& want) {
  if (got.size() != want.size()) return testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < got.size(); ++i) {
    if (!same(got[i], want[i]))
      return testing::AssertionFailure()
             << "element " << i << ": " << got[i] << ", wanted " << want[i];
  }
  return testing::AssertionSuccess();
}

// Pages of one sequence, filled with bytes that are a NaN as a float, a half or a scale until
// something is stored; their order in memory can be any permutation.
template <class T>
struct Cache {
  Cache(const AttentionShape& shape, int64_t positions, uint64_t seed = 0) {
    const auto count = static_cast<size_t>((positions + kTile - 1) / kTile);
    const auto size = static_cast<size_t>(shape.page_bytes<T>());
    memory.assign(count * size, std::byte{0x7f});
    for (size_t i = 0; i < memory.size(); i += 2) memory[i] = std::byte{0xff};
    for (size_t i = 0; i < count; ++i)
      pages.push_back(memory.data() + (seed ? permute(i, count, seed, 0) : i) * size);
  }
  std::vector<std::byte> memory;
  std::vector<std::byte*> pages;
};

struct Result {
  std::vector<float> out, lse, dq, dk, dv;
};

testing::AssertionResult same(const Result& got, const Result& want) {
  const std::vector<float>* pairs[][2] = {{&got.out, &want.out},
                                          {&got.lse, &want.lse},
                                          {&got.dq, &want.dq},
                                          {&got.dk, &want.dk},
                                          {&got.dv, &want.dv}};
  const char* names[] = {"out", "lse", "dq", "dk", "dv"};
  for (size_t i = 0; i < 5; ++i) {
    if (auto ok = same(*pairs[i][0], *pairs[i][1]); !ok) return ok << " in " << names[i];
  }
  return testing::AssertionSuccess();
}

std::vector<float> guarded(int64_t count) {
  return std::vector<float>(static_cast<size_t>(count) + 2 * kGuards, kGuard);
}

// A batch of sequences of the given lengths, with forward and backward results between guards.
struct Batch {
  Batch(AttentionShape s, std::vector<int64_t> sequence_lengths)
      : shape(s), lengths(std::move(sequence_lengths)) {
    rows = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
    q = numbers(rows * shape.heads * shape.head_dim, 1);
    k = numbers(rows * shape.kv_heads * shape.head_dim, 2);
    v = numbers(rows * shape.kv_heads * shape.head_dim, 3);
    dout = numbers(rows * shape.heads * shape.head_dim, 4);
  }

  // Chunks of `chunk` positions (0: whole), then the backward when whole.
  Result run(ThreadPool& pool, int64_t chunk = 0, uint64_t page_seed = 0) const {
    Result r;
    r.out = guarded(rows * shape.heads * shape.head_dim);
    r.lse = guarded(rows * shape.heads);
    r.dq = r.out;
    r.dk = r.dv = guarded(rows * shape.kv_heads * shape.head_dim);
    std::vector<Cache<float>> caches;
    for (int64_t n : lengths) caches.emplace_back(shape, n, page_seed);
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    const int64_t step = chunk > 0 ? chunk : longest;
    std::vector<AttentionSequence> sequences;
    for (int64_t start = 0; start < longest; start += step) {
      sequences.clear();
      int64_t row = 0;
      for (size_t s = 0; s < lengths.size(); ++s) {
        if (start < lengths[s]) {
          sequences.push_back(
              {row + start, std::min(step, lengths[s] - start), start, caches[s].pages.data()});
        }
        row += lengths[s];
      }
      attention_store<float>(pool, shape, k.data(), v.data(), sequences);
      attention<float>(pool, shape, q.data(), r.out.data() + kGuards, r.lse.data() + kGuards,
                       sequences);
    }
    const CacheTypes& cache = shape.cache;
    const bool exact = cache.k == CacheType::f32 && cache.v == CacheType::f32 && !cache.hadamard;
    if (chunk == 0 && exact) {
      attention_backward<float>(pool, shape, q.data(), r.out.data() + kGuards,
                                r.lse.data() + kGuards, dout.data(), r.dq.data() + kGuards,
                                r.dk.data() + kGuards, r.dv.data() + kGuards, sequences);
    }
    return r;
  }

  AttentionShape shape;
  std::vector<int64_t> lengths;
  int64_t rows = 0;
  std::vector<float> q, k, v, dout;
};

AttentionShape make_shape(int64_t kv_heads, int64_t group, int64_t dim, int64_t window) {
  AttentionShape shape;
  shape.heads = kv_heads * group;
  shape.kv_heads = kv_heads;
  shape.head_dim = dim;
  shape.window = window;
  return shape;
}

class AttentionTest : public testing::Test {
 protected:
  ~AttentionTest() override { set_active_isa(before_); }

  void compare(const Batch& batch) {
    set_active_isa(Isa::scalar);
    const Result want = batch.run(one_);
    for (Isa isa : available_isas()) {
      set_active_isa(isa);
      ASSERT_TRUE(same(batch.run(one_), want))
          << isa_name(isa) << ": heads " << batch.shape.heads << " kv_heads "
          << batch.shape.kv_heads << " head_dim " << batch.shape.head_dim << " window "
          << batch.shape.window << " length " << batch.lengths[0] << " keys "
          << cache_type_name(batch.shape.cache.k) << " values "
          << cache_type_name(batch.shape.cache.v) << " hadamard " << batch.shape.cache.hadamard;
    }
  }

  ThreadPool one_{1};
  const Isa before_ = active_isa();
};

TEST_F(AttentionTest, EveryInstructionSetEqualsScalar) {
  for (int64_t dim : {8, 16, 20, 32, 64, 80, 96, 128}) {
    for (int64_t group : {1, 2, 4}) {
      for (int64_t window : {0, 1, 5, 64, 70}) {
        compare(Batch(make_shape(dim > 64 ? 1 : 2, group, dim, window), {dim > 64 ? 70 : 131, 3}));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(AttentionTest, EveryInstructionSetEqualsScalarAtEveryLength) {
  for (int64_t n :
       {1, 2, 5, 6, 7, 13, 31, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 193}) {
    compare(Batch(make_shape(1, 2, 16, 0), {n}));
    compare(Batch(make_shape(1, 1, 24, 20), {n}));
    if (HasFatalFailure()) return;
  }
}

TEST_F(AttentionTest, GuardsStayIntact) {
  const Batch batch(make_shape(2, 2, 24, 0), {70, 1});
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const Result r = batch.run(one_);
    for (const auto* v : {&r.out, &r.lse, &r.dq, &r.dk, &r.dv}) {
      for (size_t i = 0; i < kGuards; ++i) {
        ASSERT_EQ((*v)[i], kGuard);
        ASSERT_EQ((*v)[v->size() - 1 - i], kGuard);
      }
    }
  }
}

TEST_F(AttentionTest, ChunksPagesAndThreadsAreFree) {
  for (int64_t window : {0, 37}) {
    const Batch batch(make_shape(2, 2, 32, window), {150, 64, 1, 200});
    for (Isa isa : available_isas()) {
      set_active_isa(isa);
      const Result want = batch.run(one_);
      for (int64_t chunk : {1, 5, 64}) {
        const Result got = batch.run(one_, chunk, 9);
        ASSERT_TRUE(same(got.out, want.out)) << isa_name(isa) << " chunk " << chunk;
        ASSERT_TRUE(same(got.lse, want.lse)) << isa_name(isa) << " chunk " << chunk;
      }
      ASSERT_TRUE(same(batch.run(one_, 0, 5), want)) << isa_name(isa) << ", pages in another order";
      for (int threads : {2, 3, 7}) {
        ThreadPool pool(threads);
        ASSERT_TRUE(same(batch.run(pool), want)) << isa_name(isa) << " threads " << threads;
      }
    }
  }
}

TEST_F(AttentionTest, ASequenceDoesNotFeelItsNeighbours) {
  const AttentionShape shape = make_shape(1, 2, 16, 0);
  const Batch batch(shape, {70, 100});
  Batch alone(shape, {70});
  for (Isa isa : available_isas()) {
    set_active_isa(isa);
    const Result got = batch.run(one_), want = alone.run(one_);
    const auto head = [](const std::vector<float>& v, size_t n) {
      return std::vector<float>(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n - kGuards));
    };
    ASSERT_TRUE(same(head(got.out, want.out.size()), head(want.out, want.out.size())));
    ASSERT_TRUE(same(head(got.dk, want.dk.size()), head(want.dk, want.dk.size())));
  }
}

TEST_F(AttentionTest, EveryCacheTypeEqualsScalar) {
  for (CacheType k : kCacheTypes) {
    for (CacheType v : kCacheTypes) {
      for (int64_t dim : {5, 16, 40, 48, 64, 72, 128, 256}) {
        if (k != v && dim != 72) continue;
        for (int64_t group : {1, 3, 8}) {
          AttentionShape shape = make_shape(dim > 64 ? 1 : 2, group, dim, group == 3 ? 33 : 0);
          shape.cache = {k, v, group == 3};
          compare(Batch(shape, {dim > 64 ? 70 : 131, 3}));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Stored, chunks and single positions, pages and threads: the same for every type.
TEST_F(AttentionTest, ChunksPagesAndThreadsAreFreeForEveryCacheType) {
  for (CacheType type : kCacheTypes) {
    for (int64_t window : {0, 90}) {
      AttentionShape shape = make_shape(2, 4, 48, window);
      shape.cache = {type, type, window > 0};
      const Batch batch(shape, {150, 64, 1, 200});
      set_active_isa(Isa::scalar);
      const Result want = batch.run(one_);
      for (Isa isa : available_isas()) {
        set_active_isa(isa);
        for (int64_t chunk : {0, 1, 5, 64}) {
          for (int threads : {1, 2, 3, 7}) {
            ThreadPool pool(threads);
            const Result got = batch.run(pool, chunk, 9);
            ASSERT_TRUE(same(got.out, want.out) && same(got.lse, want.lse))
                << isa_name(isa) << " " << cache_type_name(type) << " chunk " << chunk
                << " threads " << threads;
          }
        }
      }
    }
  }
}

// Contexts of many tiles are cut into runs that threads share; a query alone, a few together.
TEST_F(AttentionTest, LongContextsEqualScalar) {
  constexpr int64_t kLength = 40 * kTile + 17;
  for (CacheType type : kCacheTypes) {
    for (int64_t window : {int64_t{0}, 20 * kTile + 5}) {
      for (int64_t queries : {1, 3, 6}) {
        AttentionShape shape = make_shape(2, 4, 24, window);
        shape.cache = {type, type};
        const std::vector<float> k = numbers(kLength * 2 * 24, 1), v = numbers(kLength * 2 * 24, 2);
        const std::vector<float> q = numbers(queries * 8 * 24, 3);
        Cache<float> cache(shape, kLength);
        const AttentionSequence all = {0, kLength, 0, cache.pages.data()};
        const AttentionSequence last = {0, queries, kLength - queries, cache.pages.data()};
        std::vector<float> want, want_lse;
        for (Isa isa : {Isa::scalar, available_isas().front(), Isa::avx2, Isa::neon}) {
          const auto& isas = available_isas();
          if (std::find(isas.begin(), isas.end(), isa) == isas.end()) continue;
          set_active_isa(isa);
          for (int threads : {1, 2, 3, 7}) {
            if (isa == Isa::scalar && threads > 1) continue;
            ThreadPool pool(threads);
            std::vector<float> out(q.size()), lse(static_cast<size_t>(queries * 8));
            attention_store<float>(pool, shape, k.data(), v.data(), {&all, 1});
            attention<float>(pool, shape, q.data(), out.data(), lse.data(), {&last, 1});
            if (want.empty()) want = out, want_lse = lse;
            ASSERT_TRUE(same(out, want) && same(lse, want_lse))
                << isa_name(isa) << " " << cache_type_name(type) << " window " << window
                << " queries " << queries << " threads " << threads;
          }
        }
      }
    }
  }
}

// Numbers at the edges of the stored types: infinities, NaN, subnormal halves and scales, zeros,
// and what overflows a half, each in a group of its own.
TEST_F(AttentionTest, EdgesOfCacheTypesEqualScalar) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (CacheType type : kCacheTypes) {
    for (float edge : {0.0f, -0.0f, 1e-40f, 3e-8f, 6e-6f, 1e-4f, 65504.0f, 65519.9f, 65520.0f,
                       5.2e5f, 5.25e5f, 7e6f, 8.4e6f, 1e30f, inf, -inf, nan}) {
      AttentionShape shape = make_shape(1, 2, 72, 0);
      shape.cache = {type, type};
      Batch batch(shape, {20});
      const float size = std::isfinite(edge) ? std::fabs(edge) : 1.0f;
      for (int64_t i = 3 * 72 + 32; i < 3 * 72 + 64; ++i) {
        batch.k[i] *= size;
        batch.v[i] *= size;
      }
      batch.k[3 * 72 + 40] = batch.v[3 * 72 + 41] = edge;
      compare(batch);
      if (HasFatalFailure()) return;
    }
  }
}

// What is stored is what attention.h says, seen through a value alone in its sum.
TEST_F(AttentionTest, ValuesAreRoundedAsTheTypeSays) {
  const auto stored = [&](CacheType type, std::vector<float> v) {
    AttentionShape shape = make_shape(1, 1, static_cast<int64_t>(v.size()), 0);
    shape.cache = {CacheType::f32, type};
    Cache<float> cache(shape, 1);
    const AttentionSequence one = {0, 1, 0, cache.pages.data()};
    const std::vector<float> zeros(v.size());
    attention_store<float>(one_, shape, zeros.data(), v.data(), {&one, 1});
    attention<float>(one_, shape, zeros.data(), v.data(), nullptr, {&one, 1});
    return v;
  };
  EXPECT_EQ(stored(CacheType::f32, {1.0f / 3})[0], 1.0f / 3);
  EXPECT_EQ(stored(CacheType::f16, {1 + 0x1p-11f})[0], 1.0f);  // half way: to even
  EXPECT_EQ(stored(CacheType::f16, {1 + 0x1.8p-10f})[0], 1 + 0x1p-9f);
  EXPECT_EQ(stored(CacheType::f16, {0x1p-24f})[0], 0x1p-24f);
  EXPECT_EQ(stored(CacheType::bf16, {1 + 0x1p-8f})[0], 1.0f);
  EXPECT_EQ(stored(CacheType::bf16, {1 + 0x1.8p-7f})[0], 1 + 0x1p-6f);
  // d = 1: halves go to even; the second group, shorter, has a scale of its own.
  std::vector<float> x(40, 0.5f);
  x[0] = 127, x[1] = 1.5f, x[2] = -2.5f, x[3] = 3.75f;
  x[32] = -254, x[33] = 3;
  const std::vector<float> y = stored(CacheType::q8_0, x);
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 5), (std::vector<float>{127, 2, -2, 4, 0}));
  EXPECT_EQ(std::vector<float>(y.begin() + 32, y.begin() + 35), (std::vector<float>{-254, 4, 0}));
  x[4] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isnan(stored(CacheType::q8_0, x)[0]));
  EXPECT_EQ(stored(CacheType::q8_0, x)[32], -254);
  // d = -1, so that 8 is a multiple and -8 is not; in the shorter group, of equals, d = 0.5.
  x[0] = 8, x[1] = -7.5f, x[2] = 2.5f, x[3] = 3.5f, x[4] = -0.75f;
  x[32] = -4, x[33] = 4, x[34] = 1.2f;
  const std::vector<float> z = stored(CacheType::q4_0, x);
  EXPECT_EQ(std::vector<float>(z.begin(), z.begin() + 6), (std::vector<float>{8, -7, 2, 4, -1, 0}));
  EXPECT_EQ(std::vector<float>(z.begin() + 32, z.begin() + 36),
            (std::vector<float>{-4, 3.5f, 1, 0.5f}));
  x[20] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(stored(CacheType::q4_0, x)[0]));
  EXPECT_EQ(stored(CacheType::q4_0, x)[32], -4);
}

// Keys and values that left the window have no part in what follows, whatever they are; the last
// that is still in it has.
TEST_F(AttentionTest, WindowsHideWhatLeftThemForEveryCacheType) {
  constexpr int64_t kWindow = 70, kLength = 200, kChanged = 100;
  for (CacheType type : kCacheTypes) {
    for (bool hadamard : {false, true}) {
      AttentionShape shape = make_shape(2, 2, 40, kWindow);
      shape.cache = {type, type, hadamard};
      const Batch batch(shape, {kLength});
      Batch other(shape, {kLength});
      const int64_t width = 2 * 40;
      for (int64_t i = kChanged * width; i < (kChanged + 1) * width; ++i)
        other.k[i] = other.v[i] = std::numeric_limits<float>::quiet_NaN();
      for (Isa isa : available_isas()) {
        set_active_isa(isa);
        const Result one = batch.run(one_, 7), two = other.run(one_, 7);
        for (int64_t position = 0; position < kLength; ++position) {
          const bool seen = position >= kChanged && position < kChanged + kWindow;
          const auto at = static_cast<std::ptrdiff_t>(kGuards) + position * shape.heads * 40;
          const auto row = [&](const Result& r) {
            return std::vector<float>(r.out.begin() + at, r.out.begin() + at + shape.heads * 40);
          };
          ASSERT_EQ(static_cast<bool>(same(row(one), row(two))), !seen)
              << isa_name(isa) << " " << cache_type_name(type) << " hadamard " << hadamard
              << " position " << position;
        }
      }
    }
  }
}

// But for rounding the answer stays; and one element that stands out costs the others of its group
// their bits only without the rotation.
TEST_F(AttentionTest, RotationKeepsTheAnswerAndThePrecision) {
  AttentionShape shape = make_shape(1, 2, 64, 0);
  Batch batch(shape, {100});
  for (int64_t i = 0; i < 100; ++i) batch.k[i * 64 + 9] = batch.v[i * 64 + 9] = 40;
  for (int64_t i = 0; i < 200; ++i) batch.q[i * 64 + 9] = 0;
  const auto error = [&](CacheTypes cache) {
    const Result want = batch.run(one_);
    Batch stored = batch;
    stored.shape.cache = cache;
    const Result got = stored.run(one_);
    double sum = 0;
    for (size_t i = kGuards; i < want.out.size() - kGuards; ++i)
      if ((i - kGuards) % 64 != 9) sum += std::pow(got.out[i] - want.out[i], 2);
    return std::sqrt(sum / static_cast<double>(want.out.size()));
  };
  EXPECT_LT(error({CacheType::f32, CacheType::f32, true}), 1e-5);
  const double plain = error({CacheType::q4_0, CacheType::q4_0});
  const double rotated = error({CacheType::q4_0, CacheType::q4_0, true});
  EXPECT_LT(rotated, plain / 2);
}

TEST(AttentionShape, BytesOfAPage) {
  AttentionShape shape = make_shape(8, 4, 64, 0);
  const auto bits = [&](CacheType k, CacheType v) {
    shape.cache = {k, v};
    return static_cast<double>(shape.page_bytes()) * 8 / (kTile * shape.kv_heads * 64 * 2);
  };
  EXPECT_EQ(bits(CacheType::f16, CacheType::f16), 16);
  EXPECT_EQ(bits(CacheType::q8_0, CacheType::q8_0), 8.5);
  EXPECT_EQ(bits(CacheType::q4_0, CacheType::q4_0), 4.5);
  EXPECT_EQ(bits(CacheType::q8_0, CacheType::q4_0), 6.5);
}

// Extreme scores: one key takes all the weight, equal scores, scores that overflow to infinity.
TEST_F(AttentionTest, ExtremeScoresEqualScalar) {
  for (float factor : {0.0f, 1e-30f, 40.0f, 1e18f, 3e19f}) {
    Batch batch(make_shape(1, 2, 16, 0), {140});
    for (float& x : batch.q) x *= factor;
    compare(batch);
    if (HasFatalFailure()) return;
  }
}

TEST_F(AttentionTest, NanInAVisibleKeySpreadsAsInScalar) {
  Batch batch(make_shape(1, 1, 16, 40), {140});
  batch.k[70 * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  batch.v[20 * 16 + 5] = std::numeric_limits<float>::infinity();
  compare(batch);
}

TEST(AttentionShape, NonsenseIsRefused) {
  ThreadPool pool(1);
  AttentionShape shape = make_shape(2, 1, 8, 0);
  shape.heads = 3;
  EXPECT_THROW(attention_store<float>(pool, shape, nullptr, nullptr, {}), Error);
}

// What the words say, in double: a softmax over the last `window` keys up to the query's own.
TEST(AttentionWindow, EqualsTheSoftmaxOverItsKeys) {
  ThreadPool pool(1);
  const int64_t n = 150, dim = 8;
  for (int64_t window : {0, 1, 2, 63, 64, 65, 100, 1000}) {
    AttentionShape shape = make_shape(2, 2, dim, window);
    shape.scale = 0.3;
    const int64_t q_width = shape.heads * dim, k_width = shape.kv_heads * dim;
    const auto widen = [](const std::vector<float>& v) {
      return std::vector<double>(v.begin(), v.end());
    };
    const std::vector<double> q = widen(numbers(n * q_width, 1)),
                              k = widen(numbers(n * k_width, 2)),
                              v = widen(numbers(n * k_width, 3));
    std::vector<double> out(q.size()), lse(static_cast<size_t>(n * shape.heads));
    Cache<double> cache(shape, n);
    const AttentionSequence sequences[] = {{0, n, 0, cache.pages.data()}};
    attention_store<double>(pool, shape, k.data(), v.data(), sequences);
    attention<double>(pool, shape, q.data(), out.data(), lse.data(), sequences);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        const int64_t of_head = h / (shape.heads / shape.kv_heads) * dim;
        std::vector<double> sums(dim);
        double total = 0;
        for (int64_t j = window == 0 ? 0 : std::max<int64_t>(0, i - window + 1); j <= i; ++j) {
          double score = 0;
          for (int64_t d = 0; d < dim; ++d)
            score += q[i * q_width + h * dim + d] * k[j * k_width + of_head + d];
          const double weight = std::exp(score * shape.scale);
          total += weight;
          for (int64_t d = 0; d < dim; ++d) sums[d] += weight * v[j * k_width + of_head + d];
        }
        for (int64_t d = 0; d < dim; ++d)
          ASSERT_NEAR(out[i * q_width + h * dim + d], sums[d] / total, 1e-12)
              << "window " << window << " query " << i;
      }
    }
  }
}

// The gradients in double against central differences of the forward function.
TEST(AttentionGradient, EqualsCentralDifferences) {
  ThreadPool pool(1);
  double worst = 0;
  for (int64_t window : {0, 5}) {
    const AttentionShape shape = make_shape(2, 2, 4, window);
    const int64_t n = 9;
    const auto widen = [](const std::vector<float>& v) {
      return std::vector<double>(v.begin(), v.end());
    };
    std::vector<double> q = widen(numbers(n * shape.heads * 4, 1)),
                        k = widen(numbers(n * shape.kv_heads * 4, 2));
    std::vector<double> v = widen(numbers(n * shape.kv_heads * 4, 3));
    const std::vector<double> dout = widen(numbers(n * shape.heads * 4, 4));
    std::vector<double> out(q.size()), lse(static_cast<size_t>(n * shape.heads)), dq(q.size()),
        dk(k.size()), dv(v.size());
    Cache<double> cache(shape, n);
    const AttentionSequence sequences[] = {{0, n, 0, cache.pages.data()}};
    const auto value = [&] {
      attention_store<double>(pool, shape, k.data(), v.data(), sequences);
      attention<double>(pool, shape, q.data(), out.data(), lse.data(), sequences);
      double sum = 0;
      for (size_t i = 0; i < out.size(); ++i) sum += out[i] * dout[i];
      return sum;
    };
    value();
    attention_backward<double>(pool, shape, q.data(), out.data(), lse.data(), dout.data(),
                               dq.data(), dk.data(), dv.data(), sequences);
    const auto check = [&](std::vector<double>& input, const std::vector<double>& gradient) {
      for (size_t i = 0; i < input.size(); ++i) {
        // Fourth order: the error of the difference itself is below 1e-10.
        const double old = input[i], h = 1e-3;
        const auto at = [&](double step) {
          input[i] = old + step;
          const double result = value();
          input[i] = old;
          return result;
        };
        const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        worst = std::max(worst,
                         std::fabs(numeric - gradient[i]) / std::max(1e-2, std::fabs(gradient[i])));
      }
    };
    check(q, dq);
    check(k, dk);
    check(v, dv);
  }
  std::printf("attention: largest relative error of a gradient %.2g\n", worst);
  EXPECT_LT(worst, 1e-8);
}

}  // namespace
}  // namespace avocado::kernels
