// Attention of single queries over pages (flash-decoding), also with the rotation and storing before it in the same kernel.
//
// A block takes pieces of the positions for one head of keys and values and the heads of queries that share it, four at a time. In it, L lanes hold
// one position: each 16 bytes of its key and of its value; so 128 / L groups of lanes have U positions each in flight at once, both keys and values,
// and a piece costs one trip to memory. Groups are merged through shared memory. The last block of an entry and head to finish merges the pieces in
// the order of their positions.
#include "attention/any_pages.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 128, HEADS = 4, GROUP_FLOATS = 1024;
static constexpr int PIECE = 64; // positions of a piece, or a multiple

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
  float sums[HEADS][GROUP_FLOATS]; // [group of lanes][dimension]
  float out[HEADS][MOST_DIM];      // of the tiles so far, then results
  float highest[HEADS][16], total[HEADS][16];
  float2 state[2][HEADS]; // of the tiles so far: highest score and sum; after even and odd numbers of tiles
  __align__(16) uchar fresh[2][MOST_DIM * 4]; // key and value of the newest position, where this kernel stores them
  long long at[PIECE];       // bytes from the base to the keys of the positions of a tile
  long long scalesAt[PIECE]; // and to their scales
  bool last;
  /** Scales of `fresh`, where they have some. */
  __device__ __forceinline__ __half* scales(int i) { return (__half*)(fresh[i] + MOST_DIM); }
};


__device__ __forceinline__ float* piece_of(const Decode& d, int piece, int head) { return d.partial + ((long long)piece * d.heads + head) * (d.headDim
    + 2); }

template <int VEC> __device__ __forceinline__ void shared_floats(float (&to)[VEC], const float* from) {
  if constexpr (VEC == 1) {
    to[0] = *from;
  } else {
#pragma unroll
    for (int i = 0; i < VEC; i += 4) {
      float4 v = *(const float4*)(from + i);
      to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
    }
  }
}

/** A condition that the compiler knows nothing of: it shall not make copies of loops for either case. */
__device__ __forceinline__ bool opaque(bool condition) {
  int c = condition;
  asm volatile("" : "+r"(c));
  return c;
}

/** Writes results of up to four heads, divided by their sums, from room.out[i][0 .. headDim - 1]. All threads take part. */
__device__ __forceinline__ void finish(const Decode& d, Room& room, int head0, int n) {
  __syncthreads();
  int width = n * d.headDim, at0 = head0 * d.headDim; // from the first head of the group
  for (int i = threadIdx.x; i - (i & 31) < width; i += THREADS) {
    float v = i < width ? room.out[i / d.headDim][i % d.headDim] : 0.f;
    if (d.y && i < width) d.y[at0 + i] = v;
    if (d.yq) quantize32(v, i & 31, d.yq + at0 + i - (i & 31), d.ys + (at0 + i) / 32);
  }
  __syncthreads();
}

/**
 * Keys and values of older positions were there before this step: those of the first tile are fetched before the wait. `begin` runs after it; with
 * FRESH it stores the newest key and value and leaves them in room.fresh. `queries(h0, n, to)` puts n heads from h0 on into shared memory and ends
 * with a barrier.
 */
template <class T, bool FRESH, int VEC, int L, int J, int U, class Begin, class Queries>
__device__ __forceinline__ void decode(const Decode& d, const Pages<T>& pages, Room& room, Begin begin, Queries queries) {
  constexpr int GROUPS = THREADS / L, TILE = GROUPS * U;
  static_assert(GROUPS <= 16 && TILE <= PIECE && PIECE % TILE == 0 && GROUPS * L * J * VEC <= GROUP_FLOATS, "");
  int tid = threadIdx.x, group = tid / L, li = tid % L, each = d.heads / d.kvHeads;
  int last = d.context - 1, first = d.window > 0 ? max(0, d.context - d.window) : 0;
  int firstPiece = first / d.pieceSize, lastPiece = last / d.pieceSize;
  bool alone = opaque(firstPiece == lastPiece);
  int head00 = blockIdx.y * each, ownPiece = firstPiece + (blockIdx.x + gridDim.x - firstPiece % gridDim.x) % gridDim.x;
  long long valueBytes = (pages.valueAt - pages.keyAt) * (long long)sizeof(T);
  Chunk<T, VEC> k[U][J], v[U][J];

  auto fetch = [&](int u) {
    const uchar* row = pages.base + pages.keyAt * sizeof(T) + room.at[group + u * GROUPS];
#pragma unroll
    for (int j = 0; j < J; j++) {
      int e = (li + j * L) * VEC;
      if (e < d.headDim) {
        if constexpr (SCALED<T>) {
          const __half* scales = (const __half*)(pages.base + pages.keyScalesAt + room.scalesAt[group + u * GROUPS]) + e / SHARED;
          k[u][j].load((const T*)row + e, scales);
          v[u][j].load((const T*)(row + valueBytes) + e, scales + (pages.valueScalesAt - pages.keyScalesAt) / 2);
        } else {
          k[u][j].load((const T*)row + e);
          v[u][j].load((const T*)(row + valueBytes) + e);
        }
      } else {
        k[u][j].clear(), v[u][j].clear();
      }
    }
  };
  // Positions outside the piece are read as its first or last one, and do not count later.
  auto fetch_tile = [&](int base, int from, int to) {
    __syncthreads();
    if (tid < TILE) {
      int p = min(max(base + tid, from), to);
      long long block = d.blocks[p / d.blockSize] * d.blockBytes;
      room.at[tid] = block + (long long)(p % d.blockSize) * d.headDim * sizeof(T);
      if constexpr (SCALED<T>) room.scalesAt[tid] = block + (long long)(p % d.blockSize) * pages.scales * 2;
    }
    __syncthreads();
#pragma unroll
    for (int u = 0; u < U; u++) fetch(u);
  };
  bool early = ownPiece <= lastPiece;
  if (early) {
    int from = max(ownPiece * d.pieceSize, first);
    fetch_tile(from / TILE * TILE, from, min((ownPiece + 1) * d.pieceSize - 1, last));
  }
  wait_previous();
  begin();

  for (int h0 = 0; h0 < each; h0 += HEADS) {
    int n = min(HEADS, each - h0);
    if (h0 > 0) __syncthreads();
    queries(h0, n, room.q);
    for (int piece = ownPiece; piece <= lastPiece; piece += gridDim.x) {
      // Loops over heads are not unrolled: code that runs once costs its trip from memory.
#pragma unroll 1
      for (int h = 0; h < n; h++) { // thread tid has dimensions tid and tid + 128
        if (tid == 0) room.state[0][h] = make_float2(-INFINITY, 0.f);
        room.out[h][tid] = room.out[h][tid + THREADS] = 0.f;
      }
      int from = max(piece * d.pieceSize, first), to = min((piece + 1) * d.pieceSize - 1, last), tiles = 0;
#pragma unroll 1
      for (int base = from / TILE * TILE; base <= to; base += TILE) {
        if (!opaque(early)) {
          fetch_tile(base, from, to);
        } else {
          early = false;
#pragma unroll
          for (int u = 0; u < U; u++) {
            if (base + group + u * GROUPS >= last) { // the newest was not there yet; what is read in place of those behind it neither
              if constexpr (FRESH) {
#pragma unroll
                for (int j = 0; j < J; j++) {
                  int e = (li + j * L) * VEC;
                  if (e >= d.headDim) continue;
                  const T *key = (const T*)room.fresh[0] + e, *value = (const T*)room.fresh[1] + e;
                  if constexpr (SCALED<T>) k[u][j].share(key, room.scales(0) + e / SHARED), v[u][j].share(value, room.scales(1) + e / SHARED);
                  else k[u][j].share(key), v[u][j].share(value);
                }
              } else {
                fetch(u);
              }
            }
          }
        }
#pragma unroll 1
        for (int h = 0; h < n; h++) {
            float s[U];
#pragma unroll
            for (int u = 0; u < U; u++) s[u] = 0.f;
#pragma unroll
            for (int j = 0; j < J; j++) {
              int e = (li + j * L) * VEC;
              float q[VEC] = {};
              if (e < d.headDim) shared_floats<VEC>(q, &room.q[h][e]);
#pragma unroll
              for (int u = 0; u < U; u++) {
                float key[VEC];
                k[u][j].floats(key);
                if constexpr (SCALED<T>) {
                  float dot = 0.f;
#pragma unroll
                  for (int i = 0; i < VEC; i++) dot = fmaf(q[i], key[i], dot);
                  s[u] = fmaf(dot, k[u][j].factor(), s[u]);
                } else {
#pragma unroll
                  for (int i = 0; i < VEC; i++) s[u] = fmaf(q[i], key[i], s[u]);
                }
              }
            }
#pragma unroll
            for (int u = 0; u < U; u++) s[u] = warp_sum<L>(s[u]) * d.scale;
            if (d.softCap > 0.f) {
#pragma unroll
              for (int u = 0; u < U; u++) s[u] = d.softCap * tanhf(s[u] / d.softCap);
            }
            float m = -INFINITY;
#pragma unroll
            for (int u = 0; u < U; u++) {
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
                float value[VEC], weight = s[u];
                v[u][j].floats(value);
                if constexpr (SCALED<T>) weight *= v[u][j].factor();
#pragma unroll
                for (int i = 0; i < VEC; i++) acc[i] = fmaf(weight, value[i], acc[i]);
              }
              float* to = &room.sums[h][group * (L * J * VEC) + (li + j * L) * VEC];
              if constexpr (VEC == 1) {
                *to = acc[0];
              } else {
#pragma unroll
                for (int i = 0; i < VEC; i += 4) *(float4*)(to + i) = make_float4(acc[i], acc[i + 1], acc[i + 2], acc[i + 3]);
              }
            }
            if (li == 0) room.highest[h][group] = m, room.total[h][group] = sum;
        }
        __syncthreads();
#pragma unroll 1
        for (int h = 0; h < n; h++) {
          float2 state = room.state[tiles & 1][h];
          float m = state.x;
#pragma unroll
          for (int g = 0; g < GROUPS; g++) m = fmaxf(m, room.highest[h][g]);
          float safe = m == -INFINITY ? 0.f : m, factor = expf(state.x - safe), total = state.y * factor;
          float a = room.out[h][tid] * factor, b = room.out[h][tid + THREADS] * factor;
#pragma unroll 4
          for (int g = 0; g < GROUPS; g++) {
            float w = expf(room.highest[h][g] - safe);
            const float* sums = &room.sums[h][g * (L * J * VEC)];
            total = fmaf(w, room.total[h][g], total);
            if (tid < d.headDim) a = fmaf(w, sums[tid], a);
            if (tid + THREADS < d.headDim) b = fmaf(w, sums[tid + THREADS], b);
          }
          if (tid == 0) room.state[~tiles & 1][h] = make_float2(m, total);
          room.out[h][tid] = a, room.out[h][tid + THREADS] = b;
        }
        tiles++;
      }
      __syncthreads();
#pragma unroll 1
      for (int h = 0; h < n; h++) {
        float2 state = room.state[tiles & 1][h];
        float by = alone ? 1.f / state.y : 1.f;
        float* to = alone ? room.out[h] : piece_of(d, piece, head00 + h0 + h) + 2;
        if (tid < d.headDim) to[tid] = room.out[h][tid] * by;
        if (tid + THREADS < d.headDim) to[tid + THREADS] = room.out[h][tid + THREADS] * by;
        if (tid == 0 && !alone) to[-2] = state.x, to[-1] = state.y;
      }
      if (alone) finish(d, room, h0, n);
      else __syncthreads(); // the state has been read
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
#pragma unroll 1
  for (int h0 = 0; h0 < each; h0 += HEADS) {
    int n = min(HEADS, each - h0);
#pragma unroll 1
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
      if (tid < d.headDim) room.out[h][tid] = a / total;
      if (tid + THREADS < d.headDim) room.out[h][tid + THREADS] = b / total;
    }
    finish(d, room, h0, n);
  }
}

/** Chooses how many lanes hold a position. */
template <class T, bool FRESH, class Begin, class Queries>
__device__ __forceinline__ void decode_any(const Decode& d, const Pages<T>& pages, Room& room, Begin begin, Queries queries) {
  constexpr int VEC = at_once<T>();
  int chunks = d.headDim % VEC == 0 ? d.headDim / VEC : 0;
  if (chunks == 0) {
    decode<T, FRESH, 1, 32, 8, 2>(d, pages, room, begin, queries);
  } else if constexpr (VEC == 4) {
    decode<T, FRESH, VEC, 32, 2, 4>(d, pages, room, begin, queries);
  } else {
    if (chunks > 16) decode<T, FRESH, VEC, 32, 1, 4>(d, pages, room, begin, queries);
    else if (chunks > 8) decode<T, FRESH, VEC, 16, 1, 8>(d, pages, room, begin, queries);
    else decode<T, FRESH, VEC, 8, 1, 4>(d, pages, room, begin, queries);
  }
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
  Decode d = entry(blockIdx.z, q, ldq, PASS_Y);
  int each = heads / kvHeads;
  if (d.context <= 0) {
    wait_previous();
    if (blockIdx.x == 0) no_context(d, each * headDim);
    return;
  }
  auto queries = [&](int h0, int n, float (*to)[MOST_DIM]) {
    const float* from = d.q + (blockIdx.y * each + h0) * headDim;
    for (int i = threadIdx.x; i < n * headDim; i += THREADS) to[i / headDim][i % headDim] = row1(from + i);
    __syncthreads();
  };
  decode_any<T, false>(d, Pages<T>(kv, blockBytes, layerAt, blockSize, kvHeads, blockIdx.y, headDim), room, [] {}, queries);
}

template <class T>
__device__ __forceinline__ void attn_decode_rope(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, const Rotation& rotation,
const float* qNorm,
                                                 const float* kNorm) {
  __shared__ __align__(16) Room room;
  __shared__ Angles angles;
  dependents();
  Decode d = entry(blockIdx.z, qkv, ldqkv, PASS_Y);
  int each = heads / kvHeads, warp = threadIdx.x >> 5, position = d.context - 1;
  if (d.context <= 0) {
    wait_previous();
    if (blockIdx.x == 0) no_context(d, each * headDim);
    return;
  }
  Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, blockIdx.y, headDim);
  int slot = kvSlots[row[blockIdx.z]];
  angles.fill(rotation, position);
  // Keys are rotated by the last warp, values stored by the last but one, queries rotated by the first ones.
  auto begin = [&] {
    __syncthreads();
    // this block reads the newest position, and nobody else does
    if (slot >= 0 && warp >= 2 && (unsigned)(position / d.pieceSize) % gridDim.x == blockIdx.x) {
      int lane = threadIdx.x & 31;
      bool key = warp == 3;
      const float* from = d.q + (heads + (int)blockIdx.y + (key ? 0 : kvHeads)) * headDim;
      int block = slot / blockSize, at = slot % blockSize;
      float* rotated = room.sums[3];
      if (key) rotate_head(from, rotated, headDim, kNorm, rotation, angles);
      auto number = [&](int i) { return key ? rotated[i] : row1(from + i); };
      if constexpr (SCALED<T>) {
        store_row(key ? key_row(pages, block, at) : value_row(pages, block, at), headDim, 0, 32, number);
        store_row(Row<T>{(T*)room.fresh[key ? 0 : 1], room.scales(key ? 0 : 1)}, headDim, 0, 32, number);
      } else {
        T* to = pages.key(block, at) + (key ? 0 : pages.valueAt - pages.keyAt);
        T* fresh = (T*)room.fresh[key ? 0 : 1];
#pragma unroll 4
        for (int i = lane; i < headDim; i += 32) to[i] = fresh[i] = from_float<T>(number(i));
      }
    }
  };
  auto queries = [&](int h0, int n, float (*to)[MOST_DIM]) {
    if (warp < n) rotate_head(d.q + (blockIdx.y * each + h0 + warp) * headDim, to[warp], headDim, qNorm, rotation, angles);
    __syncthreads();
  };
  decode_any<T, true>(d, pages, room, begin, queries);
}

#define KERNELS(KV, T)                                                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS, 3) attn_decode_##KV(const float* q, int ldq, FROM_Y) { attn_decode<T>(q, ldq, PASS_Y); }     \
  extern "C" __global__ void __launch_bounds__(THREADS, 3)                                                                                           \
      attn_decode_rope_##KV(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, int rotaryDim, int interleaved, const float* invFreq,           \
                            float factor, const float* qNorm, const float* kNorm, float eps) {                                                       \
    attn_decode_rope<T>(qkv, ldqkv, PASS_Y, kvSlots, Rotation{rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm);                          \
  }
KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, bf16)
KERNELS(f8_e4m3, fp8)
KERNELS(q8_0, q8)
EXPORT_SHAPE(attn_decode, THREADS, PIECE, MOST_DIM)
