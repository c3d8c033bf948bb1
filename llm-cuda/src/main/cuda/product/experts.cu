// The experts of one row: each chosen expert's gate and up rows with the activation behind them, then the weighted sum of what the experts make of
// it. A warp has a few rows of one expert's matrix, whose sums stay in registers; blocks of all chosen experts run side by side.
#include "common/layout.cuh"
#include "product/gemv.cuh"

/** Warps of a block: blocks of quantised outputs are of 32. Rows of the sum that a block has. */
static constexpr int DENSE_WARPS = 4, BLOCK_WARPS = 8, SUM_WARPS = 8, SUM_ROWS = 8;
/**
 * Chunks of a lane on their way: of gated products and of sums of plain weights; of blocks, whose lanes rarely have more than one or two, so that two
 * blocks find room on a multiprocessor.
 */
static constexpr int GATED_DEPTH = 2, SUM_DEPTH = 2, BLOCKS_DEPTH = 1;

/** A row of bytes, which lanes read where it is. */
template <class Load> struct RowThere {
  Load fill;
  __device__ __forceinline__ void begin() const {}
  __device__ __forceinline__ void end() const {}
  template <class Acts> __device__ __forceinline__ void load(Acts& acts, int c, bool valid) const { fill(acts, c, valid); }
};

/** A row of floats that a block of THREADS threads keeps in dynamic shared memory: lanes would wait for the second cache with each chunk. */
template <int THREADS> struct KeptRow {
  static constexpr int HELD = 4;
  float4* room;
  const float* row;
  int K;
  float4 held[HELD];

  __device__ __forceinline__ KeptRow(float4* room, const float* row, int K) : room(room), row(row), K(K) {}
  __device__ __forceinline__ int fours() const { return ceil_div(K, 16) * 4; } // zeros behind K
  /** Asks for what is read first. */
  __device__ __forceinline__ void begin() {
#pragma unroll
    for (int i = 0; i < HELD; i++) held[i] = row4_masked(row, 4 * (threadIdx.x + i * THREADS), K);
  }
  /** All is there then; by all threads. */
  __device__ __forceinline__ void end() const {
#pragma unroll
    for (int i = 0; i < HELD; i++)
      if ((int)threadIdx.x + i * THREADS < fours()) room[threadIdx.x + i * THREADS] = held[i];
#pragma unroll 1
    for (int at = threadIdx.x + HELD * THREADS; at < fours(); at += THREADS) room[at] = row4_masked(row, 4 * at, K);
    __syncthreads();
  }
  template <int E> __device__ __forceinline__ void load(Floats<1, E>& acts, int c, bool valid) const {
#pragma unroll
    for (int i = 0; i < E; i += 4) {
      float4 v = valid ? room[(E * c + i) / 4] : make_float4(0.f, 0.f, 0.f, 0.f);
      acts.x[0][i] = v.x, acts.x[0][i + 1] = v.y, acts.x[0][i + 2] = v.z, acts.x[0][i + 3] = v.w;
    }
  }
};

/** Sums of GROUPS groups of four rows over the lanes of a warp: lane l gets row l / (8 / GROUPS); the chunks of a row come in order, then lanes. */
template <class Read, int GROUPS, int DEPTH> struct Rows4 {
  typedef typename Read::Group Group;
  Group ring[DEPTH][GROUPS];

  /** Starts to read; `read` and `first` say where each group's rows are. */
  template <class Each> __device__ __forceinline__ void begin(int chunks, Each each) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int d = 0; d < DEPTH; d++)
#pragma unroll
      for (int g = 0; g < GROUPS; g++) each(ring[d][g], g, lane + 32 * d, lane + 32 * d < chunks);
  }
  template <class Each, class Load> __device__ __forceinline__ float sum(int chunks, Each each, Load load) {
    int lane = threadIdx.x & 31;
    float all[4 * GROUPS] = {};
    typename Read::template Acts<1> acts;
    for (int c0 = 0; c0 < chunks; c0 += 32 * DEPTH) {
#pragma unroll
      for (int d = 0; d < DEPTH; d++) {
        int c = c0 + 32 * d + lane;
        if (c0 + 32 * d < chunks) {
          load(acts, c, c < chunks);
#pragma unroll
          for (int g = 0; g < GROUPS; g++) {
            float v[4];
#pragma unroll
            for (int r = 0; r < 4; r++) Read::template dots<1>(ring[d][g], r, acts, v + r);
            if (c0 + 32 * (d + DEPTH) < chunks) each(ring[d][g], g, c + 32 * DEPTH, c + 32 * DEPTH < chunks);
#pragma unroll
            for (int r = 0; r < 4; r++) all[4 * g + r] += v[r];
          }
        }
      }
    }
    return sum_lanes(all, lane);
  }
};

/** The number of the k-th expert that a row chose, whatever stands there. */
__device__ __forceinline__ int expert_of(const float* route, int k, int experts) { return min(max((int)row1(route + k), 0), experts - 1); }

/** Block (x, k, t): outputs of the k-th expert of row t; N is a multiple of 4, and of 32 where bytes are written. */
template <class Read, int WARPS, int DEPTH, class Row>
__device__ __forceinline__ void gated(const uchar* gate, const uchar* up, Row x, const float* route, int ldr, int slots, int experts,
                                      const float* gateBias, const float* upBias, float* y, int ldy, signed char* yq, Scale* ys, int N, int K,
                                      int act) {
  __shared__ float values[4 * WARPS];
  wait_previous();
  dependents(); // they read what rows chose before they wait, so not sooner
  long long t = blockIdx.z;
  int k = blockIdx.y, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, chunks = ceil_div(K, Read::K_CHUNK);
  x.begin();
  int expert = expert_of(route + t * ldr, k, experts), n0 = (blockIdx.x * WARPS + warp) * 4, row = expert * N + n0;
  Read reads[2] = {Read(gate, experts * N, K), Read(up, experts * N, K)};
  auto each = [&](auto& group, int g, int c, bool any) { reads[g].load(group, row, experts * N, c, any); };
  Rows4<Read, 2, DEPTH> rows;
  if (n0 < N) rows.begin(chunks, each);
  x.end();
  if (n0 < N) {
    float v = rows.sum(chunks, each, [&](auto& acts, int c, bool any) { x.load(acts, c, any); }), other = __shfl_down_sync(ALL, v, 16);
    if (lane < 16 && lane % 4 == 0) {
      int r = lane / 4;
      if (gateBias) v += gateBias[row + r], other += upBias[row + r];
      v = gated_any(v, other, act);
      values[4 * warp + r] = v;
      if (y) y[t * ldy + (long long)k * N + n0 + r] = v;
    }
  }
  if (yq) {
    __syncthreads();
    if (threadIdx.x < 32) {
      long long at = (t * slots + k) * N + blockIdx.x * 4 * WARPS;
      quantize32(values[threadIdx.x], threadIdx.x, yq + at, ys + at / 32);
    }
  }
}

/** Block (x, t): some outputs of row t, the sum over its experts; a warp has every so many of them, each with its part of x. */
template <class Read, int DEPTH, class Load>
__device__ __forceinline__ void sum(const uchar* W, Load load, const float* route, int ldr, int slots, int experts, int weighted, const float* bias,
                                    const float* residual, int ldres, float* y, int ldy, int N, int K) {
  extern __shared__ float sums[]; // [slot][row]
  constexpr int GROUPS = SUM_ROWS / 4, LANES = 8 / GROUPS;
  dependents();
  long long t = blockIdx.y;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, chunks = ceil_div(K, Read::K_CHUNK), n0 = blockIdx.x * SUM_ROWS, row = 0;
  Read read(W, experts * N, K);
  Rows4<Read, GROUPS, DEPTH> rows;
  auto each = [&](auto& group, int g, int c, bool any) { read.load(group, row + 4 * g, experts * N, c, any && n0 + 4 * g < N); };
  auto begin = [&](int k) {
    row = expert_of(route + t * ldr, k, experts) * N + n0;
    rows.begin(chunks, each);
  };
  if (warp < slots) begin(warp); // what rows chose is older than the launch before, which lets this one start when it has seen it
  wait_previous();
  for (int k = warp; k < slots; k += SUM_WARPS) {
    if (k > warp) begin(k);
    float v = rows.sum(chunks, each, [&](auto& acts, int c, bool any) { load(acts, k, c, any); });
    if (lane % LANES == 0) {
      int r = lane / LANES;
      if (bias && n0 + r < N) v += bias[row + r];
      sums[k * SUM_ROWS + r] = v;
    }
  }
  __syncthreads();
  int n = n0 + threadIdx.x;
  if (threadIdx.x < SUM_ROWS && n < N) {
    float v = residual ? row1(residual + t * ldres + n) : 0.f;
    for (int k = 0; k < slots; k++) v = fmaf(weighted ? row1(route + t * ldr + slots + k) : 1.f, sums[k * SUM_ROWS + threadIdx.x], v);
    y[t * ldy + n] = v;
  }
}

#define ROUTE const float *route, int ldr, int slots, int experts
#define GATED_OUTPUT const float *gateBias, const float *upBias, float *y, int ldy, signed char *yq, Scale *ys, int N, int K, int act
#define SUM_OUTPUT int weighted, const float *bias, const float *residual, int ldres, float *y, int ldy, int N, int K
#define PASS_GATED route, ldr, slots, experts, gateBias, upBias, y, ldy, yq, ys, N, K, act
#define PASS_SUM route, ldr, slots, experts, weighted, bias, residual, ldres, y, ldy, N, K
#define DENSE(FMT, NUMBER, F)                                                                                                            \
  extern "C" __global__ void __launch_bounds__(32 * DENSE_WARPS, 4)                                                                      \
      experts_gated_##FMT(const uchar* gate, const uchar* up, const float* x, int ldx, ROUTE, GATED_OUTPUT) {                            \
    extern __shared__ float4 room[];                                                                                                     \
    KeptRow<32 * DENSE_WARPS> row(room, x + (long long)blockIdx.z * ldx, K);                                                             \
    gated<F::Read, DENSE_WARPS, GATED_DEPTH>(gate, up, row, PASS_GATED);                                                                 \
  }                                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS)                                                                           \
      experts_sum_##FMT(const uchar* W, const float* x, int ldx, ROUTE, SUM_OUTPUT) {                                                    \
    const float* row = x + (long long)blockIdx.y * ldx;                                                                                  \
    sum<F::Read, SUM_DEPTH>(                                                                                                             \
        W, [&](auto& acts, int k, int c, bool any) { acts.load(row + (long long)k * K, ldx, K, 1, c, any); }, PASS_SUM);                 \
  }
#define BLOCKS(FMT, NUMBER, F)                                                                                                           \
  extern "C" __global__ void __launch_bounds__(32 * BLOCK_WARPS, 2)                                                                      \
      experts_gated_##FMT(const uchar* gate, const uchar* up, const signed char* q, const Scale* s, ROUTE, GATED_OUTPUT) {               \
    long long t = blockIdx.z;                                                                                                            \
    auto load = [&](auto& acts, int c, bool any) { acts.load(q + t * K, s + t * (K / 32), K, 1, c, any); };                              \
    gated<F::Read, BLOCK_WARPS, BLOCKS_DEPTH>(gate, up, RowThere<decltype(load)>{load}, PASS_GATED);                                     \
  }                                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS, 2)                                                                        \
      experts_sum_##FMT(const uchar* W, const signed char* q, const Scale* s, ROUTE, SUM_OUTPUT) {                                       \
    long long t = blockIdx.y * (long long)slots;                                                                                         \
    sum<F::Read, BLOCKS_DEPTH>(                                                                                                          \
        W, [&](auto& acts, int k, int c, bool any) { acts.load(q + (t + k) * K, s + (t + k) * (K / 32), K, 1, c, any); }, PASS_SUM);     \
  }
FORMATS(DENSE, DENSE, BLOCKS)
// Threads and outputs of a block of gated products of plain weights and of blocks; then of sums.
EXPORT_SHAPE(experts, 32 * DENSE_WARPS, 4 * DENSE_WARPS, 32 * BLOCK_WARPS, 4 * BLOCK_WARPS, 32 * SUM_WARPS, SUM_ROWS)
