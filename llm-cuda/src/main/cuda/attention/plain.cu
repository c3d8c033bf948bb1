// Attention of any kind, where the fast kernels do not do it: heads of up to 576 dimensions, windows that do not slide, linear biases, sinks. A block
// for each query and head, of a step of any kind. Its warps take positions in turns, some at once; which ones depends on the position alone.
#include "attention/any_pages.cuh"
#include "attention/any_rotation.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 256, WARPS = THREADS / 32;

struct Any {
  const float* q; // of the head
  const int* blocks;
  int blockSize, headDim, first, last, head;
  float scale, softCap;
  const float* slopes; // or 0
  float alibiFactor;
  int alibiRounded;
};

/** What the warps leave. */
struct Room {
  float highest[WARPS], total[WARPS], sums[WARPS][MOST_HEAD];
};

__device__ __forceinline__ float rounded(float x) { return __bfloat162float(__float2bfloat16_rn(x)); }

/** What linear biases add to the score of a position. */
__device__ __forceinline__ float alibi(const Any& a, int position) {
  float slope = a.slopes[a.head];
  return a.alibiFactor * (a.alibiRounded ? rounded(__fmul_rn(slope, rounded((float)position))) : slope * (float)(position - a.last));
}

/** A lane has J dimensions, 32 apart, of U positions at once. */
template <class T, int J, int U> __device__ __forceinline__ void attend(const Any& a, const Pages<T>& pages, Room& room) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  float q[J], acc[J], highest = -INFINITY, total = 0.f;
#pragma unroll
  for (int j = 0; j < J; j++) {
    q[j] = lane + 32 * j < a.headDim ? row1(a.q + lane + 32 * j) : 0.f;
    acc[j] = 0.f;
  }
  for (int base = a.first / (WARPS * U) * (WARPS * U) + warp * U; base <= a.last; base += WARPS * U) {
    float k[U][J], v[U][J], s[U];
#pragma unroll
    for (int u = 0; u < U; u++) {
      int p = min(max(base + u, a.first), a.last); // others are read as the nearest, and do not count
      Row<T> key = key_row(pages, a.blocks[p / a.blockSize], p % a.blockSize);
      Row<T> value = value_row(pages, a.blocks[p / a.blockSize], p % a.blockSize);
#pragma unroll
      for (int j = 0; j < J; j++) {
        int d = lane + 32 * j;
        k[u][j] = d < a.headDim ? key.load(d) : 0.f;
        v[u][j] = d < a.headDim ? value.load(d) : 0.f;
      }
    }
    float most = highest;
#pragma unroll
    for (int u = 0; u < U; u++) {
      float dot = 0.f;
#pragma unroll
      for (int j = 0; j < J; j++) dot = fmaf(q[j], k[u][j], dot);
      s[u] = warp_sum(dot) * a.scale;
      if (a.softCap > 0.f) s[u] = a.softCap * tanhf(s[u] / a.softCap);
      if (a.slopes) s[u] += alibi(a, base + u);
      if (base + u < a.first || base + u > a.last) s[u] = -INFINITY;
      most = fmaxf(most, s[u]);
    }
    float safe = most == -INFINITY ? 0.f : most, factor = expf(highest - safe);
    highest = most;
    total *= factor;
#pragma unroll
    for (int u = 0; u < U; u++) s[u] = expf(s[u] - safe), total += s[u];
#pragma unroll
    for (int j = 0; j < J; j++) {
      acc[j] *= factor;
#pragma unroll
      for (int u = 0; u < U; u++) acc[j] = fmaf(s[u], v[u][j], acc[j]);
    }
  }
#pragma unroll
  for (int j = 0; j < J; j++)
    if (lane + 32 * j < a.headDim) room.sums[warp][lane + 32 * j] = acc[j];
  if (lane == 0) room.highest[warp] = highest, room.total[warp] = total;
}

template <class T>
__device__ __forceinline__ void attn_plain(const float* q, int ldq, float* y, int ldy, const uchar* kv, long long blockBytes, long long layerAt,
                                           const int* row, const int* positions, const int* kvSlots, const int* sequence, const int* tableAt,
                                           const int* table, int blockSize, int heads, int kvHeads, int headDim, float scale, int window,
                                           float softCap, int chunked, const float* slopes, float alibiFactor, int alibiRounded, const float* sinks) {
  __shared__ Room room;
  dependents();
  wait_previous();
  int head = blockIdx.x, t = row ? row[blockIdx.y] : (int)blockIdx.y;
  float* to = y + (long long)t * ldy + head * headDim;
  if (kvSlots[t] < 0) { // padding
    for (int d = threadIdx.x; d < headDim; d += THREADS) to[d] = 0.f;
    return;
  }
  Any a;
  a.q = q + (long long)t * ldq + head * headDim;
  a.blocks = table + tableAt[sequence[t]];
  a.blockSize = blockSize, a.headDim = headDim, a.head = head, a.last = positions[t];
  a.first = window == 0 ? 0 : chunked ? a.last / window * window : max(0, a.last - window + 1);
  a.scale = scale, a.softCap = softCap, a.slopes = slopes, a.alibiFactor = alibiFactor, a.alibiRounded = alibiRounded;
  Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, head / (heads / kvHeads), headDim);
  if (headDim <= 64) attend<T, 2, 8>(a, pages, room);
  else if (headDim <= 128) attend<T, 4, 4>(a, pages, room);
  else if (headDim <= 256) attend<T, 8, 4>(a, pages, room);
  else attend<T, MOST_HEAD / 32, 2>(a, pages, room);
  __syncthreads();
  float most = sinks ? sinks[head] : -INFINITY;
  for (int w = 0; w < WARPS; w++) most = fmaxf(most, room.highest[w]);
  float total = sinks ? expf(sinks[head] - most) : 0.f;
  for (int w = 0; w < WARPS; w++) total = fmaf(expf(room.highest[w] - most), room.total[w], total);
  for (int d = threadIdx.x; d < headDim; d += THREADS) {
    float v = 0.f;
    for (int w = 0; w < WARPS; w++) v = fmaf(expf(room.highest[w] - most), room.sums[w][d], v);
    to[d] = v / total;
  }
}

#define KERNELS(KV, T)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS) attn_plain_##KV(                                                                           \
      const float* q, int ldq, float* y, int ldy, const uchar* kv, long long blockBytes, long long layerAt, const int* row, const int* positions,  \
      const int* kvSlots, const int* sequence, const int* tableAt, const int* table, int blockSize, int heads, int kvHeads, int headDim,           \
      float scale, int window, float softCap, int chunked, const float* slopes, float alibiFactor, int alibiRounded, const float* sinks) {         \
    attn_plain<T>(q, ldq, y, ldy, kv, blockBytes, layerAt, row, positions, kvSlots, sequence, tableAt, table, blockSize, heads, kvHeads, headDim,  \
                  scale, window, softCap, chunked, slopes, alibiFactor, alibiRounded, sinks);                                                      \
  }
KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, bf16)
KERNELS(f8_e4m3, fp8)
KERNELS(q8_0, q8)
EXPORT_SHAPE(attn_plain, THREADS, MOST_HEAD)
