// architectures: 90a
// A norm, the product that scores experts, and the choice, in one launch for few rows: each block of a cluster norms its row, or two, for itself and
// scores some experts; the first one chooses, and the second one for a second row. Bit for bit what norm.cu, router.cu and route.cu do one after the
// other.
#include "common/layout.cuh"
#include "common/formats/dense.cuh"
#include "product/hopper.cuh"
#include "product/pieces.cuh"
#include "rows/rms.cuh"
#include "rows/route.cuh"

/** Threads, those of norm.cu; blocks of a cluster. */
static constexpr int THREADS = 512, WARPS = THREADS / 32, BLOCKS = 8;
static constexpr int CHUNK = 128; // columns that a warp takes together

__device__ __forceinline__ void write_there(unsigned address, float v) {
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(address), "f"(v) : "memory");
}

#define PARAMETERS                                                                                                                              \
  const float *W, const float *x, int ldx, const int *rowIndex, const float *norm, float eps, float *y, int ldy, signed char *q, Scale *s,     \
      const float *bias, int K, __half *halves, bf16 *brains, int ld, int piece, float *scales, const float *choiceBias, int scoring,          \
      float jitter, int groups, int chosen, int best, int normalised, float scale, int topK, int experts, float *out, int ldo, int rows
#define PASS                                                                                                                                    \
  W, x, ldx, rowIndex, norm, eps, y, ldy, q, s, bias, K, halves, brains, ld, piece, scales, choiceBias, scoring, jitter, groups, chosen, best, \
      normalised, scale, topK, experts, out, ldo, rows

/**
 * Block (x, y): rows from M y on. AHEAD chunks of weights are there before rows are. Dynamic shared memory: the normed rows. A warp scores every
 * 128th expert.
 */
template <int EACH, int AHEAD, int M> __device__ __forceinline__ void norm_and_choose(PARAMETERS) {
  constexpr int KEPT = M > 1 ? 1 : 2; // how many times a thread's four columns stay in registers
  static_assert(2 * M <= BLOCKS, "");
  extern __shared__ float4 normed[];
  __shared__ float4 room[M][WARPS / 4];
  __shared__ float scores[32 * EACH]; // of the block's row
  dependents();
  int t = threadIdx.x, lane = t & 31, warp = t >> 5, first = blockIdx.x * WARPS + warp, fours = ceil_div(K, 4), r0 = blockIdx.y * M;
  auto weight = [&](int e, int k0) {
    const float* w = W + min(e, experts - 1) * Dense<float>::stride(K);
    return k0 + 4 * lane < K ? __ldg((const float4*)(w + k0) + lane) : make_float4(0.f, 0.f, 0.f, 0.f);
  };
  float4 ws[AHEAD], weights[KEPT], kept[M][KEPT];
#pragma unroll
  for (int a = 0; a < AHEAD; a++) ws[a] = weight(first, a * CHUNK);
#pragma unroll
  for (int i = 0; i < KEPT; i++) weights[i] = weight4(norm, 4 * (t + i * THREADS), K);
  cluster_arrive();
  wait_previous();
  const float* from[M];
#pragma unroll
  for (int m = 0; m < M; m++) {
    int r = min(r0 + m, rows - 1);
    from[m] = x + (long long)(rowIndex ? max(rowIndex[r], 0) : r) * ldx;
#pragma unroll
    for (int i = 0; i < KEPT; i++) kept[m][i] = row4_masked(from[m], 4 * (t + i * THREADS), K);
  }
#pragma unroll
  for (int m = 0; m < M; m++) {
    float factor = rms_factor<THREADS>(kept[m], from[m], K, eps, room[m]);
    long long r = r0 + m;
    bool writes = blockIdx.x == m && r < rows;
    auto put = [&](float4 v, float4 g, int at) {
      v = make_float4(v.x * factor * g.x, v.y * factor * g.y, v.z * factor * g.z, v.w * factor * g.w);
      if (at < K) normed[m * fours + at / 4] = v;
      if (writes) put_row(v, at, K, r, y, ldy, q, s);
    };
    int begin = 4 * (t & ~31);
#pragma unroll
    for (int i = 0; i < KEPT; i++)
      if (begin + 4 * i * THREADS < K) put(kept[m][i], weights[i], 4 * (t + i * THREADS));
#pragma unroll 1
    for (int i = KEPT; begin + 4 * i * THREADS < K; i++) {
      int at = 4 * (t + i * THREADS);
      put(row4_masked(from[m], at, K), weight4(norm, at, K), at);
    }
  }
  __syncthreads();
  cluster_wait(); // blocks that choose run: others may write there
#pragma unroll
  for (int i = 0; i < ceil_div(32 * EACH, BLOCKS * WARPS); i++) {
    int e = first + i * BLOCKS * WARPS;
    float score[M] = {};
    auto add = [&](float4 a, int k0) {
#pragma unroll
      for (int m = 0; m < M; m++) {
        float4 v = k0 + 4 * lane < K ? normed[m * fours + k0 / 4 + lane] : make_float4(0.f, 0.f, 0.f, 0.f);
        score[m] = fmaf(a.w, v.w, fmaf(a.z, v.z, fmaf(a.y, v.y, fmaf(a.x, v.x, score[m]))));
      }
    };
#pragma unroll
    for (int a = 0; a < AHEAD; a++) add(i == 0 ? ws[a] : weight(e, a * CHUNK), a * CHUNK);
#pragma unroll 4
    for (int k0 = AHEAD * CHUNK; k0 < K; k0 += CHUNK) add(weight(e, k0), k0);
#pragma unroll
    for (int m = 0; m < M; m++) {
      float v = warp_sum(score[m]);
      if (lane == 0 && e < experts) write_there(of_block(shared_address(scores), m) + 4 * e, bias ? v + bias[e] : v);
    }
  }
  cluster_arrive();
  int m = blockIdx.x % M; // whose row is chosen for by the first blocks, and goes to pieces by those behind them
  long long r = r0 + m;
  if (blockIdx.x >= M) {
    if (blockIdx.x >= 2 * M || r >= rows) return;
    if (halves) split_row<THREADS>(normed + m * fours, K, halves + r * ld, ld, piece, scales + r);
    if (brains) split_row<THREADS>(normed + m * fours, K, brains + r * ld, ld, piece, scales + r);
    return;
  }
  cluster_wait();
  if (r >= rows) return;
  if (groups == 0 && scoring != SPARSE_MIXER) {
    choose_together<EACH, THREADS>(scores, choiceBias, scoring, normalised, scale, topK, experts, out + r * ldo);
    return;
  }
  if (warp > 0) return;
  float own[EACH];
#pragma unroll
  for (int i = 0; i < EACH; i++) own[i] = scores[32 * i + lane];
  choose<EACH>(own, choiceBias, scoring, jitter, groups, chosen, best, normalised, scale, topK, experts, out + r * ldo);
}

#define KERNEL(EXPERTS)                                                                                                            \
  extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1) __launch_bounds__(THREADS, 1) choose_##EXPERTS(PARAMETERS) {           \
    norm_and_choose<EXPERTS / 32, 16, 1>(PASS);                                                                                    \
  }                                                                                                                                \
  extern "C" __global__ void __cluster_dims__(BLOCKS, 1, 1) __launch_bounds__(THREADS, 2) choose_two_##EXPERTS(PARAMETERS) {       \
    norm_and_choose<EXPERTS / 32, 4, 2>(PASS);                                                                                     \
  }
KERNEL(64) KERNEL(128) KERNEL(256) KERNEL(512)
// Threads; blocks of a cluster; most experts of each kernel.
EXPORT_SHAPE(choose, THREADS, BLOCKS, 64, 128, 256, 512)
