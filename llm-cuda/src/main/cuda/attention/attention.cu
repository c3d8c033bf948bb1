// Rotation and storing of keys and values, attention of tiles of queries, copies of blocks. Attention of single queries is in decode.cu.
#include "attention/any_pages.cuh"
#include "common/layout.cuh"

static constexpr int ROPE_THREADS = 256, ROPE_HEADS = 16, PREFILL_THREADS = 128, COPY_THREADS = 256, COPY_BLOCKS = 32;

/** Some heads of a row, queries, keys and values as they stand: angles are the same for all, so they are computed once. */
template <class T>
__device__ __forceinline__ void rope_store(const float* qkv, int ldqkv, float* q, int ldq, uchar* kv, long long blockBytes, long long layerAt,
                                           const int* positions, const int* kvSlots, int blockSize, int heads, int kvHeads, int headDim,
                                           const Rotation& rotation, const float* qNorm, const float* kNorm) {
  __shared__ Angles angles;
  dependents();
  int t = blockIdx.y, slot = kvSlots[t], first = blockIdx.x * ROPE_HEADS;
  if (first < heads + kvHeads) angles.fill(rotation, positions[t]); // values are not rotated
  wait_previous();
  __syncthreads();
#pragma unroll 2
  for (int h = first + (int)(threadIdx.x >> 5); h < min(first + ROPE_HEADS, heads + 2 * kvHeads); h += ROPE_THREADS / 32) {
    const float* from = qkv + (long long)t * ldqkv + h * headDim;
    if (h < heads) {
      float* to = q + (long long)t * ldq + h * headDim;
      rotate_head(from, headDim, qNorm, rotation, angles, [&](int i, float v) { to[i] = v; });
    } else if (slot >= 0) {
      Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, (h - heads) % kvHeads, headDim);
      int block = slot / blockSize, row = slot % blockSize;
      if (h >= heads + kvHeads) {
        store_row(value_row(pages, block, row), headDim, 0, 32, [&](int i) { return row1(from + i); });
      } else if constexpr (SCALED<T>) {
        __shared__ float room[ROPE_THREADS / 32][MOST_DIM];
        float* key = room[threadIdx.x >> 5];
        rotate_head(from, key, headDim, kNorm, rotation, angles);
        store_row(key_row(pages, block, row), headDim, 0, 32, [&](int i) { return key[i]; });
        __syncwarp();
      } else {
        T* to = pages.key(block, row);
        rotate_head(from, headDim, kNorm, rotation, angles, [&](int i, float v) { to[i] = from_float<T>(v); });
      }
    }
  }
}

static constexpr int QUERIES = 16, SUBS = TILE / QUERIES, TILE_FLOATS = 4096, MOST_POSITIONS = 64;

/**
 * Flash attention in floats: 16 queries of one head beside tiles of positions, whose keys and then values stand as floats in shared memory. Warp w
 * has queries 4 w to 4 w + 3 for the scores; thread d sums dimension d (and d + 128) of all queries.
 */
template <class T>
__device__ __forceinline__ void prefill(const float* q, int ldq, float* y, int ldy, const uchar* kv, long long blockBytes, long long layerAt,
const int* tileRow,
                                        const int* tileRows, const int* tileSeq, const int* positions, const int* tableAt, const int* table,
                                        int blockSize, int heads,
                                        int kvHeads, int headDim, float scale, int window, float softCap) {
  __shared__ __align__(16) float qs[QUERIES * MOST_DIM];
  __shared__ float tile[TILE_FLOATS + MOST_POSITIONS];
  __shared__ __align__(16) float p[MOST_POSITIONS][QUERIES];
  __shared__ float rescale[QUERIES], total[QUERIES];
  dependents();
  wait_previous();
  int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, head = blockIdx.y;
  int t = blockIdx.x / SUBS, before = (SUBS - 1 - (int)blockIdx.x % SUBS) * QUERIES; // what sees most first
  int row0 = tileRow[t] + before, rows = min(QUERIES, tileRows[t] - before);
  if (rows <= 0) return;
  const int* blocks = table + tableAt[tileSeq[t]];
  Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, head / (heads / kvHeads), headDim);
  for (int i = tid; i < QUERIES * headDim; i += PREFILL_THREADS) {
    int r = i / headDim;
    qs[i] = r < rows ? row1(q + (long long)(row0 + r) * ldq + head * headDim + i % headDim) * scale : 0.f;
  }
  int last = positions[row0 + rows - 1], first = window > 0 ? max(0, positions[row0] - window + 1) : 0;
  int each = min(MOST_POSITIONS, TILE_FLOATS / headDim) & ~31; // positions a tile: 16 for long heads, else 32 or 64
  if (each == 0) each = 16;
  int stride = headDim | 1; // odd: neighbouring positions fall into different banks
  float highest[4], sum[4], acc[2][QUERIES];
  int limit[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    highest[i] = -INFINITY, sum[i] = 0.f;
    limit[i] = 4 * warp + i < rows ? positions[row0 + 4 * warp + i] : -1;
  }
#pragma unroll
  for (int i = 0; i < QUERIES; i++) acc[0][i] = acc[1][i] = 0.f;
  for (int base = first / each * each; base <= last; base += each) {
    __syncthreads(); // the tile's values have been used
    for (int i = tid; i < each * headDim; i += PREFILL_THREADS) {
      int j = i / headDim, at = base + j;
      tile[j * stride + i % headDim] =
          at <= last && at >= first ? key_row(pages, blocks[at / blockSize], at % blockSize).load(i % headDim) : 0.f;
    }
    __syncthreads();
    float s[4][2];
#pragma unroll
    for (int i = 0; i < 4; i++) s[i][0] = s[i][1] = 0.f;
    int j0 = lane < each ? lane : 0, j1 = lane + 32 < each ? lane + 32 : 0;
    for (int d = 0; d < headDim; d++) {
      float k0 = tile[j0 * stride + d], k1 = tile[j1 * stride + d];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        float v = qs[(4 * warp + i) * headDim + d];
        s[i][0] = fmaf(v, k0, s[i][0]), s[i][1] = fmaf(v, k1, s[i][1]);
      }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int u = 0; u < 2; u++) {
        int j = lane + 32 * u, at = base + j;
        if (softCap > 0.f) s[i][u] = softCap * tanhf(s[i][u] / softCap);
        bool seen = j < each && at <= limit[i] && (window <= 0 || at > limit[i] - window);
        s[i][u] = seen ? s[i][u] : -INFINITY;
      }
      float m = fmaxf(highest[i], warp_max(fmaxf(s[i][0], s[i][1]))), safe = m == -INFINITY ? 0.f : m;
      float factor = expf(highest[i] - safe), p0 = expf(s[i][0] - safe), p1 = expf(s[i][1] - safe);
      highest[i] = m;
      sum[i] = sum[i] * factor + warp_sum(p0 + p1);
      if (lane < each) p[lane][4 * warp + i] = p0;
      if (lane + 32 < each) p[lane + 32][4 * warp + i] = p1;
      if (lane == 0) rescale[4 * warp + i] = factor;
    }
    __syncthreads(); // the keys have been used
    for (int i = tid; i < each * headDim; i += PREFILL_THREADS) {
      int j = i / headDim, at = base + j;
      tile[j * stride + i % headDim] =
          at <= last && at >= first ? value_row(pages, blocks[at / blockSize], at % blockSize).load(i % headDim) : 0.f;
    }
    __syncthreads();
#pragma unroll
    for (int u = 0; u < 2; u++) {
      int d = tid + PREFILL_THREADS * u;
      if (d < headDim) {
#pragma unroll
        for (int i = 0; i < QUERIES; i++) acc[u][i] *= rescale[i];
        for (int j = 0; j < each; j++) {
          float v = tile[j * stride + d];
#pragma unroll
          for (int i = 0; i < QUERIES; i += 4) {
            float4 w = *(const float4*)&p[j][i];
            acc[u][i] = fmaf(w.x, v, acc[u][i]), acc[u][i + 1] = fmaf(w.y, v, acc[u][i + 1]);
            acc[u][i + 2] = fmaf(w.z, v, acc[u][i + 2]), acc[u][i + 3] = fmaf(w.w, v, acc[u][i + 3]);
          }
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (lane == 0) total[4 * warp + i] = sum[i];
  __syncthreads();
#pragma unroll
  for (int u = 0; u < 2; u++) {
    int d = tid + PREFILL_THREADS * u;
#pragma unroll
    for (int i = 0; i < QUERIES; i++)
      if (d < headDim && i < rows) y[(long long)(row0 + i) * ldy + head * headDim + d] = acc[u][i] / total[i];
  }
}

extern "C" __global__ void __launch_bounds__(COPY_THREADS) copy_blocks(uchar* kv, long long blockBytes, const int* fromTo) {
  dependents();
  wait_previous();
  const uint4* from = (const uint4*)(kv + fromTo[2 * blockIdx.y] * blockBytes);
  uint4* to = (uint4*)(kv + fromTo[2 * blockIdx.y + 1] * blockBytes);
  for (long long i = blockIdx.x * COPY_THREADS + threadIdx.x; i < blockBytes / 16; i += COPY_BLOCKS * COPY_THREADS) to[i] = __ldcg(from + i);
}

#define KERNELS(KV, T)                                                                                                                               \
  extern "C" __global__ void __launch_bounds__(ROPE_THREADS) rope_store_##KV(                                                                        \
      const float* qkv, int ldqkv, float* q, int ldq, uchar* kv, long long blockBytes, long long layerAt, const int* positions, const int* kvSlots,  \
      int blockSize, int heads, int kvHeads, int headDim, int rotaryDim, int interleaved, const float* invFreq, float factor, const float* qNorm,    \
      const float* kNorm, float eps) {                                                                                                               \
    rope_store<T>(qkv, ldqkv, q, ldq, kv, blockBytes, layerAt, positions, kvSlots, blockSize, heads, kvHeads, headDim,                               \
                  Rotation{rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm);                                                             \
  }                                                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(PREFILL_THREADS) attn_prefill_##KV(                                                                   \
      const float* q, int ldq, float* y, int ldy, const uchar* kv, long long blockBytes, long long layerAt, const int* tileRow, const int* tileRows, \
      const int* tileSeq, const int* positions, const int* tableAt, const int* table, int blockSize, int heads, int kvHeads, int headDim,            \
      float scale,                                                                                                                                   \
      int window, float softCap) {                                                                                                                   \
    prefill<T>(q, ldq, y, ldy, kv, blockBytes, layerAt, tileRow, tileRows, tileSeq, positions, tableAt, table, blockSize, heads, kvHeads, headDim,   \
               scale,                                                                                                                                \
               window, softCap);                                                                                                                     \
  }
KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, bf16)
KERNELS(f8_e4m3, fp8)
KERNELS(q8_0, q8)
EXPORT_SHAPE(rope_store, ROPE_THREADS, ROPE_HEADS)
EXPORT_SHAPE(attn_prefill, PREFILL_THREADS, TILE, SUBS)
EXPORT_SHAPE(copy_blocks, COPY_THREADS, COPY_BLOCKS)
