#pragma once
// attention: causal grouped-query attention over keys that lie in pages of kTile positions
// (Ainslie et al., "GQA", 2023; tiling after Dao et al., "FlashAttention", 2022).
//   out[i, h, :] = sum_j softmax_j(scale * <q[i, h, :], k[j, h / group, :]>) v[j, h / group, :]
// over keys j with j <= position(i) and, with a window, j > position(i) - window.
// scale = 1 / sqrt(head_dim) unless the shape says otherwise.
//
// ORDER OF ROUNDING. Keys come in tiles of kTile positions, aligned at multiples of kTile. In a
// tile, over the keys the query may see:
//   s_j = scale * (one accumulator from zero, head_dim ascending, one FMA each)
//   m = max s_j;  p_j = exp(s_j - m)
//   l = sum p_j: 16 lanes, lane j mod 16, j ascending, tree 16 -> 8 -> 4 -> 2 -> 1
//   o_d = one accumulator from zero, j ascending, fma(p_j, v[j, d], o_d)
// Tiles without visible keys are skipped. The first tile gives (M, L, O) = (m, l, o); each next
// one, ascending: n = max(M, m), a = exp(M - n), b = exp(m - n), L = fma(L, a, l * b), O_d =
// fma(O_d, a, o_d * b), M = n. At the end out_d = O_d / L and lse = M + log(L). So prefill, chunks
// of any size, decode and paging are the same sum. Keys a query may not see are never read into its
// sum (a NaN there does no harm).
//
// CACHE TYPES. k and v are rounded once, when they are stored; from then on the stored values are
// exact floats, and everything above is computed in f32 from them. So what holds for one type holds
// for all.
//   f32   as they are
//   f16   to nearest even; infinity from 65520 on, subnormals kept
//   bf16  to nearest even
//   q8_0  d * q per kScaleGroup neighbouring elements of a head's row (the last group of a head_dim
//         that is no multiple is shorter): d = max|x| / 127 rounded to f16, q = x * (1 / d) rounded
//         to nearest even and kept in [-127, 127] (d may have been rounded down). d * q is exact in
//         f32. When d is 0 (max|x| below about 2^-18), all are zero, with the sign of plus; a
//         subnormal d counts as it is. A group with an infinity or a NaN, or whose d is too large
//         for f16 (max|x| from about 8.3e6 on), is NaN as a whole, as in kernels/quantized.
//   q4_0  the same with d = m / -8, m the element of largest magnitude (the negative one of two),
//   so
//         that m itself is the end of the longer side, and q in [-8, 7]. Zero below max|x| of about
//         2^-22; NaN from 524160 on.
//
// ROTATION. With cache.hadamard q, k and v are multiplied by the orthonormal Hadamard matrix of
// kernels/hadamard before all of the above, and out after it, with the roundings given there. But
// for these the answer is the same: <Hq, Hk> = <q, k>, and H is its own inverse. What is stored,
// though, has no elements that stand out, which would take the bits of their neighbours in a group.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/attention/page.h"

namespace avocado::kernels {

struct CacheTypes {
  CacheType k = CacheType::f32, v = CacheType::f32;
  bool hadamard = false;
};

// "f32", "f16", "bf16", "q8_0", "q4_0".
const char* cache_type_name(CacheType type);

struct AttentionShape {
  int64_t heads =
      0;  // query heads, a multiple of kv_heads; head h reads kv head h / (heads / kv_heads)
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  double scale = 0;
  int64_t window = 0;  // 0: unlimited

  CacheTypes cache = {};

  // Bytes of one page: the parts of the kv heads, one after the other (page.h). For double the
  // cache holds doubles, whatever `cache` says of floats: it must be f32, without rotation.
  template <class T = float>
  int64_t page_bytes() const;
};

// One sequence of a batch: `count` queries at positions start, start + 1, ... whose rows in q, k, v
// and out begin at first_row. pages[t] holds positions [t * kTile, (t + 1) * kTile); a page begins
// at a multiple of sizeof(T), best of a cache line.
struct AttentionSequence {
  int64_t first_row = 0;
  int64_t count = 0;
  int64_t start = 0;
  std::byte* const* pages = nullptr;
};

// Writes k, v [n, kv_heads, head_dim] into the pages at their positions.
template <class T>
void attention_store(ThreadPool& pool, const AttentionShape& shape, const T* k, const T* v,
                     std::span<const AttentionSequence> sequences);

// q, out [n, heads, head_dim]; lse [n, heads] may be null when no backward follows.
template <class T>
void attention(ThreadPool& pool, const AttentionShape& shape, const T* q, T* out, T* lse,
               std::span<const AttentionSequence> sequences);

// Gradient for whole sequences (start = 0, pages filled by attention_store, cache of f32, not
// rotated).
// Overwrites dq, dk, dv.
//   P_ij = exp(s_ij - lse_i);  D_i = <dout_i, out_i> (16 lanes over head_dim, FMA, tree)
//   dP_ij = <dout_i, v_j>;     dS_ij = P_ij * (dP_ij - D_i)
//   dv_j = sum P_ij dout_i;    dk_j = scale * sum dS_ij q_i;   dq_i = scale * sum_j dS_ij k_j
// Every sum: one accumulator, FMA; head_dim ascending in products; for dv and dk the heads of the
// group ascending, then i ascending; for dq j ascending. `scale` is multiplied last.
template <class T>
void attention_backward(ThreadPool& pool, const AttentionShape& shape, const T* q, const T* out,
                        const T* lse, const T* dout, T* dq, T* dk, T* dv,
                        std::span<const AttentionSequence> sequences);

}  // namespace avocado::kernels
