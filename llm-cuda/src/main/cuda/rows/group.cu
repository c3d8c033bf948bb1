// Pairs of a row and an expert that it chose, put together by expert, and cut into tiles of one expert each: what products by groups go through. All
// on the device: nobody waits for a count. Then the sums of what the experts made, and the norm behind them.
#include "common/common.cuh"
#include "common/layout.cuh"
#include "product/pieces.cuh"
#include "rows/rms.cuh"

static constexpr int THREADS = 256, WARPS = THREADS / 32, MOST_EXPERTS = 1024, SUM_THREADS = 256, NORMED_THREADS = 512;
static constexpr int TOGETHER = 8; // slots whose numbers are on their way at once

/** How many of the block's threads before this one say so, and how many in all; `room` is free again after the next barrier. */
__device__ __forceinline__ int2 before(bool yes, int* room) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, base = 0, all = 0;
  unsigned lanes = __ballot_sync(ALL, yes);
  if (lane == 0) room[warp] = __popc(lanes);
  __syncthreads();
#pragma unroll
  for (int w = 0; w < WARPS; w++) {
    if (w < warp) base += room[w];
    all += room[w];
  }
  return make_int2(base + __popc(lanes & (1u << lane) - 1), all);
}

/** By the last block: tiles of all experts, one expert after the other. */
__device__ __forceinline__ void cut(const int* counts, int experts, int rows, int tile, int4* tiles) {
  __shared__ int room[WARPS];
  constexpr int EACH = MOST_EXPERTS / THREADS;
  int count[EACH], mine = 0, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int e = EACH * threadIdx.x + i;
    count[i] = e < experts ? __ldcg(counts + e) : 0;
    mine += ceil_div(count[i], tile);
  }
  int sum = mine;
#pragma unroll
  for (int o = 1; o < 32; o <<= 1) {
    int other = __shfl_up_sync(ALL, sum, o);
    if (lane >= o) sum += other;
  }
  if (lane == 31) room[warp] = sum;
  __syncthreads();
  int at = 1 + sum - mine, all = 0;
#pragma unroll
  for (int w = 0; w < WARPS; w++) {
    if (w < warp) at += room[w];
    all += room[w];
  }
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int e = EACH * threadIdx.x + i;
    for (int n = 0; n < count[i]; n += tile) tiles[at++] = make_int4(e, e * rows + n, min(tile, count[i] - n), 0);
  }
  if (threadIdx.x == 0) tiles[0] = make_int4(all, 0, 0, 0);
}

/**
 * Block e finds the rows that chose expert e: pair t * slots + k is the k-th choice of row t. `order` gets them from e * rows on, in their order;
 * tiles[0].x the number of tiles, and from tiles[1] on for each tile its expert, where in `order` it begins, and how many pairs it has, up to `tile`.
 * An expert counts once for a row. counts[0] is 0 before and after; counts[1 .. experts] are for the blocks' use.
 */
extern "C" __global__ void __launch_bounds__(THREADS) group_pairs(const float* route, int ldr, int slots, int experts, int rows, int tile,
                                                                  int* order, int4* tiles, int* counts) {
  __shared__ int room[2][WARPS];
  __shared__ bool last;
  dependents();
  wait_previous();
  int expert = blockIdx.x, count = 0, turn = 0;
  for (int t0 = 0; t0 < rows; t0 += THREADS, turn ^= 1) {
    int t = t0 + threadIdx.x, slot = -1;
    if (t < rows) {
      const float* from = route + (long long)t * ldr;
      for (int k = slots - 1; k >= 0; k--) // whatever stands there
        if (min(max((int)row1(from + k), 0), experts - 1) == expert) slot = k;
    }
    int2 at = before(slot >= 0, room[turn]);
    if (slot >= 0) order[(long long)expert * rows + count + at.x] = t * slots + slot;
    count += at.y;
  }
  if (threadIdx.x == 0) {
    counts[1 + expert] = count;
    __threadfence();
    last = atomicAdd(counts, 1) == experts - 1;
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (threadIdx.x == 0) counts[0] = 0;
  cut(counts + 1, experts, rows, tile, tiles);
}

/** Numbers n to n + 3 of row t: those of `row`, if it is there, and the sum over the slots of weight * z, slot after slot. */
__device__ __forceinline__ float4 summed(const float* z, const float* route, int ldr, int slots, int weighted, const float* row, long long t, int N,
                                         int n) {
  float4 v = row ? row4_masked(row, n, N) : make_float4(0.f, 0.f, 0.f, 0.f);
  if (!z) return v;
  for (int k0 = 0; k0 < slots; k0 += TOGETHER) {
    float w[TOGETHER];
    float4 a[TOGETHER];
#pragma unroll
    for (int i = 0; i < TOGETHER; i++) { // without branches, so that all are on their way at once
      int k = min(k0 + i, slots - 1);
      w[i] = weighted ? row1(route + t * ldr + slots + k) : 1.f;
      a[i] = row4(z + (t * slots + k) * N + n);
    }
#pragma unroll
    for (int i = 0; i < TOGETHER; i++)
      if (k0 + i < slots) v = make_float4(fmaf(w[i], a[i].x, v.x), fmaf(w[i], a[i].y, v.y), fmaf(w[i], a[i].z, v.z), fmaf(w[i], a[i].w, v.w));
  }
  return v;
}

#define SUM                                                                                                                                     \
  const float *z, const float *route, int ldr, int slots, int weighted, const float *residual, int ldres, float *y, int ldy, int N

/** Block (x, t): y = residual + the sum over the slots of weight * z, rows of which are pairs. N is a multiple of 4, and so are pitches. */
extern "C" __global__ void __launch_bounds__(SUM_THREADS) group_sum(SUM) {
  dependents();
  wait_previous();
  long long t = blockIdx.y;
  int n = 4 * (blockIdx.x * SUM_THREADS + threadIdx.x);
  if (n >= N) return;
  *(float4*)(y + t * ldy + n) = summed(z, route, ldr, slots, weighted, residual ? residual + t * ldres : nullptr, t, N, n);
}

/**
 * Block t: the same of a whole row, or without z the residual alone, and then its norm, bit for bit that of norm.cu: as floats, bytes, and pieces as
 * few_split.cu leaves them. Dynamic shared memory: the row.
 */
extern "C" __global__ void __launch_bounds__(NORMED_THREADS)
    group_sum_normed(SUM, const float* norm, float eps, float* normed, int ldn, signed char* q, Scale* s, __half* halves, bf16* brains, int ld,
                     int piece, float* scales) {
  extern __shared__ float4 row[];
  __shared__ float4 room[NORMED_THREADS / 128];
  dependents();
  int begin = 4 * (threadIdx.x & ~31), first = 4 * threadIdx.x;
  long long t = blockIdx.x;
  float4 weights = weight4(norm, first, N);
  wait_previous();
  float squares = 0.f;
#pragma unroll 1
  for (int at = first; at < N; at += 4 * NORMED_THREADS) {
    float4 v = summed(z, route, ldr, slots, weighted, residual ? residual + t * ldres : nullptr, t, N, at);
    squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
    row[at / 4] = v;
    if (y) *(float4*)(y + t * ldy + at) = v;
  }
  float factor = rms_factor_of<NORMED_THREADS>(squares, N, eps, room);
#pragma unroll 1
  for (int at = first; begin < N; at += 4 * NORMED_THREADS, begin += 4 * NORMED_THREADS) {
    float4 v = at < N ? row[at / 4] : make_float4(0.f, 0.f, 0.f, 0.f), g = at == first ? weights : weight4(norm, at, N);
    v = make_float4(v.x * factor * g.x, v.y * factor * g.y, v.z * factor * g.z, v.w * factor * g.w);
    if (at < N) row[at / 4] = v;
    put_row(v, at, N, t, normed, ldn, q, s);
  }
  if (!halves && !brains) return;
  __syncthreads();
  if (halves) split_row<NORMED_THREADS>(row, N, halves + t * ld, ld, piece, scales + t);
  else split_row<NORMED_THREADS>(row, N, brains + t * ld, ld, piece, scales + t);
}
EXPORT_SHAPE(group_pairs, THREADS, MOST_EXPERTS)
EXPORT_SHAPE(group_sum, SUM_THREADS)
EXPORT_SHAPE(group_sum_normed, NORMED_THREADS)
