// Attention of single queries over pages (flash-decoding), also with the rotation and storing before it in the same kernel.
//
// A block takes pieces of the positions for one head of keys and values and the heads of queries that share it, four at a time. In it, L lanes hold one position: each
// 16 bytes of its key and of its value; so 128 / L groups of lanes have U positions each in flight at once, both keys and values, and a piece costs one trip to memory.
// Groups are merged through shared memory. The last block of an entry and head to finish merges the pieces in the order of their positions.
#include "pages.cuh"

static constexpr int THREADS = 128, HEADS = 4, GROUP_FLOATS = 1024;

struct Decode {
  const float* q; // of the row, all heads: queries, or all of qkv
  float* y;       // or 0; of the row and the first head of the group
  signed char* yq;
  Scale* ys;
  const int* blocks;
  int blockSize, heads, kvHeads, headDim, context, window;
  float scale, softCap;
  float* partial; // of the entry: [piece][head][headDim + 2]
  unsigned* counter;
  int pieceSize;
  long long blockBytes;
};

struct Room {
  float q[HEADS][MOST_DIM];
  float sums[HEADS][GROUP_FLOATS]; // [group of lanes][dimension]; then results
  float highest[HEADS][64], total[HEADS][64];
  long long at[64]; // bytes from the base to the keys of the positions of a tile
  bool last;
};

__device__ __forceinline__ float* piece_of(const Decode& d, int piece, int head) { return d.partial + ((long long)piece * d.heads + head) * (d.headDim + 2); }

/** Writes results of up to four heads, divided by their sums, from room.sums[i][0 .. headDim - 1]. All threads take part. */
__device__ __forceinline__ void finish(const Decode& d, Room& room, int head0, int n) {
  __syncthreads();
  int width = n * d.headDim, at0 = head0 * d.headDim; // from the first head of the group
  for (int i = threadIdx.x; i - (i & 31) < width; i += THREADS) {
    float v = i < width ? room.sums[i / d.headDim][i % d.headDim] : 0.f;
    if (d.y && i < width) d.y[at0 + i] = v;
    if (d.yq) quantize32(v, i & 31, d.yq + at0 + i - (i & 31), d.ys + (at0 + i) / 32);
  }
  __syncthreads();
}

template <class T, int VEC, int L, int J, int U, class Queries>
__device__ __forceinline__ void decode(const Decode& d, const Pages<T>& pages, Room& room, Queries queries) {
  constexpr int GROUPS = THREADS / L, TILE = GROUPS * U;
  static_assert(TILE <= 64 && 64 % TILE == 0 && GROUPS * L * J * VEC <= GROUP_FLOATS, "");
  int tid = threadIdx.x, group = tid / L, li = tid % L, each = d.heads / d.kvHeads;
  int last = d.context - 1, first = d.window > 0 ? max(0, d.context - d.window) : 0;
  int firstPiece = first / d.pieceSize, lastPiece = last / d.pieceSize;
  bool alone = firstPiece == lastPiece;
  int head00 = blockIdx.y * each;
  long long valueBytes = (pages.valueAt - pages.keyAt) * (long long)sizeof(T);

  for (int h0 = 0; h0 < each; h0 += HEADS) {
    int n = min(HEADS, each - h0);
    __syncthreads();
    queries(h0, n, room.q);
    for (int piece = firstPiece + (blockIdx.x + gridDim.x - firstPiece % gridDim.x) % gridDim.x; piece <= lastPiece; piece += gridDim.x) {
      float high[HEADS], total[HEADS], out[HEADS][2]; // of thread tid: dimensions tid and tid + 128
#pragma unroll
      for (int h = 0; h < HEADS; h++) high[h] = -INFINITY, total[h] = out[h][0] = out[h][1] = 0.f;
      int from = max(piece * d.pieceSize, first), to = min((piece + 1) * d.pieceSize - 1, last);
      for (int base = from / TILE * TILE; base <= to; base += TILE) {
        __syncthreads();
        if (tid < TILE) {
          int p = min(max(base + tid, from), to);
          room.at[tid] = d.blocks[p / d.blockSize] * d.blockBytes + (long long)(p % d.blockSize) * d.headDim * sizeof(T);
        }
        __syncthreads();
        Chunk<T, VEC> k[U][J], v[U][J];
#pragma unroll
        for (int u = 0; u < U; u++) {
          const uchar* row = (const uchar*)(pages.base) + pages.keyAt * sizeof(T) + room.at[group + u * GROUPS];
#pragma unroll
          for (int j = 0; j < J; j++) {
            int e = (li + j * L) * VEC;
            if (e < d.headDim) {
              k[u][j].load((const T*)row + e);
              v[u][j].load((const T*)(row + valueBytes) + e);
            } else {
              k[u][j].clear(), v[u][j].clear();
            }
          }
        }
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
          if (h < n) {
            float s[U];
#pragma unroll
            for (int u = 0; u < U; u++) s[u] = 0.f;
#pragma unroll
            for (int j = 0; j < J; j++) {
              int e = (li + j * L) * VEC;
              float q[VEC];
#pragma unroll
              for (int i = 0; i < VEC; i++) q[i] = e + i < d.headDim ? room.q[h][e + i] : 0.f;
#pragma unroll
              for (int u = 0; u < U; u++) {
                float key[VEC];
                k[u][j].floats(key);
#pragma unroll
                for (int i = 0; i < VEC; i++) s[u] = fmaf(q[i], key[i], s[u]);
              }
            }
            float m = -INFINITY;
#pragma unroll
            for (int u = 0; u < U; u++) {
              s[u] = warp_sum<L>(s[u]) * d.scale;
              if (d.softCap > 0.f) s[u] = d.softCap * tanhf(s[u] / d.softCap);
              int p = base + group + u * GROUPS;
              if (p < from || p > to) s[u] = -INFINITY;
              m = fmaxf(m, s[u]);
            }
            float safe = m == -INFINITY ? 0.f : m, sum = 0.f;
#pragma unroll
            for (int u = 0; u < U; u++) {
              s[u] = expf(s[u] - safe);
              sum += s[u];
            }
#pragma unroll
            for (int j = 0; j < J; j++) {
              float acc[VEC];
#pragma unroll
              for (int i = 0; i < VEC; i++) acc[i] = 0.f;
#pragma unroll
              for (int u = 0; u < U; u++) {
                float value[VEC];
                v[u][j].floats(value);
#pragma unroll
                for (int i = 0; i < VEC; i++) acc[i] = fmaf(s[u], value[i], acc[i]);
              }
#pragma unroll
              for (int i = 0; i < VEC; i++) room.sums[h][group * (L * J * VEC) + (li + j * L) * VEC + i] = acc[i];
            }
            if (li == 0) room.highest[h][group] = m, room.total[h][group] = sum;
          }
        }
        __syncthreads();
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
          if (h < n) {
            float m = high[h];
#pragma unroll
            for (int g = 0; g < GROUPS; g++) m = fmaxf(m, room.highest[h][g]);
            float safe = m == -INFINITY ? 0.f : m, factor = expf(high[h] - safe);
            high[h] = m, total[h] *= factor, out[h][0] *= factor, out[h][1] *= factor;
#pragma unroll 4
            for (int g = 0; g < GROUPS; g++) {
              float w = expf(room.highest[h][g] - safe);
              total[h] = fmaf(w, room.total[h][g], total[h]);
              if (tid < d.headDim) out[h][0] = fmaf(w, room.sums[h][g * (L * J * VEC) + tid], out[h][0]);
              if (tid + THREADS < d.headDim) out[h][1] = fmaf(w, room.sums[h][g * (L * J * VEC) + tid + THREADS], out[h][1]);
            }
          }
        }
      }
      if (alone) __syncthreads(); // room.sums becomes the result
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
        if (h < n) {
          float* to = alone ? room.sums[h] : piece_of(d, piece, head00 + h0 + h) + 2;
          float by = alone ? 1.f / total[h] : 1.f;
          if (tid < d.headDim) to[tid] = out[h][0] * by;
          if (tid + THREADS < d.headDim) to[tid + THREADS] = out[h][1] * by;
          if (tid == 0 && !alone) to[-2] = high[h], to[-1] = total[h];
        }
      }
      if (alone) finish(d, room, h0, n);
    }
  }
  if (alone) return;
  __threadfence();
  __syncthreads();
  if (tid == 0) room.last = atomicAdd(d.counter, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!room.last) return;
  __threadfence();
  if (tid == 0) *d.counter = 0;
  for (int h0 = 0; h0 < each; h0 += HEADS) {
    int n = min(HEADS, each - h0);
    for (int h = 0; h < n; h++) {
      const float* from = piece_of(d, 0, head00 + h0 + h);
      long long stride = (long long)d.heads * (d.headDim + 2);
      float m = -INFINITY;
#pragma unroll 4
      for (int p = firstPiece; p <= lastPiece; p++) m = fmaxf(m, __ldcg(from + p * stride));
      float total = 0.f, a = 0.f, b = 0.f;
#pragma unroll 4
      for (int p = firstPiece; p <= lastPiece; p++) {
        const float* f = from + p * stride;
        float w = expf(__ldcg(f) - m);
        total = fmaf(w, __ldcg(f + 1), total);
        if (tid < d.headDim) a = fmaf(w, __ldcg(f + 2 + tid), a);
        if (tid + THREADS < d.headDim) b = fmaf(w, __ldcg(f + 2 + tid + THREADS), b);
      }
      if (tid < d.headDim) room.sums[h][tid] = a / total;
      if (tid + THREADS < d.headDim) room.sums[h][tid + THREADS] = b / total;
    }
    finish(d, room, h0, n);
  }
}

/** Chooses how many lanes hold a position. */
template <class T, class Queries> __device__ __forceinline__ void decode_any(const Decode& d, const Pages<T>& pages, Room& room, Queries queries) {
  constexpr int VEC = 16 / sizeof(T);
  int chunks = d.headDim % VEC == 0 ? d.headDim / VEC : 0;
  if (chunks == 0) decode<T, 1, 32, 8, 4>(d, pages, room, queries);
  else if (chunks > 32) decode<T, VEC, 32, VEC == 4 ? 2 : 1, 4>(d, pages, room, queries);
  else if (chunks > 16) decode<T, VEC, 32, 1, 8>(d, pages, room, queries);
  else if (chunks > 8) decode<T, VEC, 16, 1, 8>(d, pages, room, queries);
  else if (chunks > 4) decode<T, VEC, 8, 1, 4>(d, pages, room, queries);
  else decode<T, VEC, 4, 1, 2>(d, pages, room, queries);
}

/** A padding entry has no context: its result is 0. */
__device__ __forceinline__ void no_context(const Decode& d, int width) {
  for (int i = threadIdx.x; i < width; i += THREADS) {
    if (d.y) d.y[i] = 0.f;
    if (d.yq) {
      d.yq[i] = 0;
      if (i % 32 == 0) d.ys[i / 32] = Scale{0.f, 0};
    }
  }
}

#define FROM_Y                                                                                                                                       \
  float *y, int ldy, signed char *yq, Scale *ys, const uchar *kv, long long blockBytes, long long layerAt, const int *row, const int *seq,           \
      const int *context, const int *tableAt, const int *table, int blockSize, int heads, int kvHeads, int headDim, float scale, int window,         \
      float softCap, float *partial, unsigned *counters, const int *pieces

/** Entry e: what its blocks need to know. */
__device__ __forceinline__ Decode entry(int e, const float* q, int ldq, FROM_Y) {
  int r = row[e], s = seq[e], each = heads / kvHeads;
  long long at = (long long)blockIdx.y * each * headDim, width = (long long)heads * headDim;
  Decode d;
  d.q = q + (long long)r * ldq;
  d.y = y ? y + (long long)r * ldy + at : nullptr;
  d.yq = yq ? yq + r * width + at : nullptr;
  d.ys = ys + (r * width + at) / 32;
  d.context = context[s];
  d.blocks = table + tableAt[s];
  d.blockSize = blockSize, d.heads = heads, d.kvHeads = kvHeads, d.headDim = headDim;
  d.scale = scale, d.window = window, d.softCap = softCap;
  d.partial = partial + (long long)pieces[1 + e] * heads * (headDim + 2);
  d.counter = counters + e * kvHeads + blockIdx.y;
  d.pieceSize = pieces[0];
  d.blockBytes = blockBytes;
  return d;
}
#define PASS_Y                                                                                                                                    \
  y, ldy, yq, ys, kv, blockBytes, layerAt, row, seq, context, tableAt, table, blockSize, heads, kvHeads, headDim, scale, window, softCap, partial, \
      counters, pieces

template <class T> __device__ __forceinline__ void attn_decode(const float* q, int ldq, FROM_Y) {
  __shared__ __align__(16) Room room;
  dependents();
  wait_previous();
  Decode d = entry(blockIdx.z, q, ldq, PASS_Y);
  int each = heads / kvHeads;
  if (d.context <= 0) {
    if (blockIdx.x == 0) no_context(d, each * headDim);
    return;
  }
  decode_any(d, Pages<T>(kv, blockBytes, layerAt, blockSize, kvHeads, blockIdx.y, headDim), room, [&](int h0, int n, float (*to)[MOST_DIM]) {
    const float* from = d.q + (blockIdx.y * each + h0) * headDim;
    for (int i = threadIdx.x; i < n * headDim; i += THREADS) to[i / headDim][i % headDim] = row1(from + i);
    __syncthreads();
  });
}

template <class T>
__device__ __forceinline__ void attn_decode_rope(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, const Rotation& rotation, const float* qNorm,
                                                 const float* kNorm) {
  __shared__ __align__(16) Room room;
  dependents();
  wait_previous();
  Decode d = entry(blockIdx.z, qkv, ldqkv, PASS_Y);
  int each = heads / kvHeads, warp = threadIdx.x >> 5, position = d.context - 1;
  if (d.context <= 0) {
    if (blockIdx.x == 0) no_context(d, each * headDim);
    return;
  }
  Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, blockIdx.y, headDim);
  int slot = kvSlots[row[blockIdx.z]];
  if ((unsigned)(position / d.pieceSize) % gridDim.x == blockIdx.x && slot >= 0) { // this block reads the new position, and nobody else does
    const float* from = d.q + (heads + (int)blockIdx.y) * headDim;
    if (warp == 0) rotate_head(from, room.q[0], headDim, kNorm, rotation, position);
    __syncthreads();
    T* to = pages.key(slot / blockSize, slot % blockSize);
    for (int i = threadIdx.x; i < headDim; i += THREADS) {
      to[i] = from_float<T>(room.q[0][i]);
      to[pages.valueAt - pages.keyAt + i] = from_float<T>(row1(from + kvHeads * headDim + i));
    }
    __threadfence_block();
  }
  decode_any(d, pages, room, [&](int h0, int n, float (*to)[MOST_DIM]) {
    if (warp < n) rotate_head(d.q + (blockIdx.y * each + h0 + warp) * headDim, to[warp], headDim, qNorm, rotation, position);
    __syncthreads();
  });
}

#define KERNELS(KV, T)                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) attn_decode_##KV(const float* q, int ldq, FROM_Y) { attn_decode<T>(q, ldq, PASS_Y); }          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                                                                \
      attn_decode_rope_##KV(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, int rotaryDim, int interleaved, const float* invFreq,             \
                            float factor, const float* qNorm, const float* kNorm, float eps) {                                                         \
    attn_decode_rope<T>(qkv, ldqkv, PASS_Y, kvSlots, Rotation{rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm);                            \
  }
KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, bf16)
