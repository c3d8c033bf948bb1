// Single queries: how their positions are cut, copies of pages, heads of queries and keys.
//
// Positions of a query are cut in pieces, and these in slices of steps of 32: by the query's own context and the shape of heads alone. A slice is the
// work of one warp. Sums of slices are put together in order, one after the other, and so are those of pieces: whoever does it gets the same bits.
#pragma once
#include "attention/attend32.cuh"
#include "attention/pages.cuh"

static constexpr int MOST_SLICES = 16, SLICE_ROWS = 64; // slices of a piece; slices times heads
// So many positions are one piece, as what puts several together has its price. Pieces of more have at least SMALLEST, and are about as many as fill
// a device.
static constexpr int ALONE = 512, SMALLEST = 256, FILLED = 128, ROUND = 64;

/** Results of 16 bits: f16, bf16, or f16 in the order of held.cuh. */
static constexpr int HALVES = 1, BRAINS = 2, LAID = 3;

struct Singles {
  const float* q; // queries, or all of qkv
  int ldq;
  float* y;
  int ldy;
  signed char* yq;
  Scale* ys;
  const uchar* kv;
  long long blockBytes, layerAt;
  const int *row, *seq, *context, *tableAt, *table;
  int blockSize, heads, kvHeads, headDim;
  float scale;
  int window;
  float softCap;
  float* partial; // [piece][head][headDim + 2]: the highest exponent of two, the sum of weights, the sum of weighted values
  unsigned* counters;
  const int* pieces;
  int entries;
  void* narrow; // results of 16 bits, or 0
  int ldn, narrowKind;
  float* narrowScale; // of rows of kind LAID

  __device__ __forceinline__ int group() const { return quotient(heads, kvHeads); } // heads that share keys and values
  __device__ __forceinline__ int parts() const { return (group() + HEADS - 1) / HEADS; } // in which they go
  /** n / d, of which n is less than 2^20 and the quotient less than 2^10: fewer instructions than a division. */
  static __device__ __forceinline__ int quotient(int n, int d) { return __float2int_rd(__fdividef(n + 0.5f, (float)d)); }
};
#define FROM_Y                                                                                                                                       \
  float *y, int ldy, signed char *yq, Scale *ys, const uchar *kv, long long blockBytes, long long layerAt, const int *row, const int *seq,           \
      const int *context, const int *tableAt, const int *table, int blockSize, int heads, int kvHeads, int headDim, float scale, int window,         \
      float softCap, float *partial, unsigned *counters, const int *pieces, int entries, void *narrow, int ldn, int narrowKind, float *narrowScale
#define PASS_Y                                                                                                                                    \
  y, ldy, yq, ys, kv, blockBytes, layerAt, row, seq, context, tableAt, table, blockSize, heads, kvHeads, headDim, scale, window, softCap, partial, \
      counters, pieces, entries, narrow, ldn, narrowKind, narrowScale
#define ROTATION_FROM                                                                                                                  \
  const int *kvSlots, int rotaryDim, int interleaved, const float *invFreq, float factor, const float *qNorm, const float *kNorm, float eps

/** What a kernel that rotates and stores knows besides. */
struct Fresh {
  const int* kvSlots;
  Rotation rotation;
  const float *qNorm, *kNorm;
};

/** A query. */
struct Entry {
  int row, context, tableAt, first, start; // first position that counts, where its piece starts
  int size, pieces, slice;                 // positions of a piece, how many there are; positions of a slice

  __device__ __forceinline__ Entry() {}
  __device__ __forceinline__ Entry(const Singles& s, int e) {
    int q = s.seq[e], least = s.pieces[0];
    row = s.row[e], context = s.context[e], tableAt = s.tableAt[e];
    if (q != e) context = s.context[q], tableAt = s.tableAt[q]; // rarely: so the loads above need not wait for the first
    first = s.window > 0 ? max(0, context - s.window) : 0;
    int seen = context - first;
    size = max(least, (seen + ROUND - 1) / ROUND * ROUND), start = 0, pieces = 1;
    if (seen > ALONE) {
      int blocks = s.kvHeads * s.parts(), parts = min(ceil_div(FILLED, blocks), ceil_div(seen, SMALLEST));
      size = max(least, ceil_div(ceil_div(seen, parts), ROUND) * ROUND);
    }
    if (first > 0) start = first / size * size;
    if (context - start > size) pieces = ceil_div(context - start, size);
    int most = s.group() <= SLICE_ROWS / MOST_SLICES ? MOST_SLICES : SLICE_ROWS / HEADS;
    slice = (size + most * STEP - 1) / (most * STEP) * STEP;
  }
  /** The first position of a piece that counts, and the last. */
  __device__ __forceinline__ int from(int piece) const { return max(first, start + piece * size); }
  __device__ __forceinline__ int to(int piece) const { return min(context, start + (piece + 1) * size) - 1; }
};

/** The pages of an entry, for a warp: a lane holds the number of one. */
struct Window {
  const int* table;
  int first, held;

  __device__ __forceinline__ void open(const int* of) { table = of, first = -32; }
  /** `last` is the last page that there is. */
  __device__ __forceinline__ int page(int i, int last) {
    if ((unsigned)(i - first) >= 32) first = i, held = __ldg(table + min(i + (int)(threadIdx.x & 31), last));
    return __shfl_sync(ALL, held, i - first);
  }
};

/** Starts copying 16 positions from `base` on, those from `from` to `to`; others become zeros. By a warp. `newest` is the entry's last. */
template <int D>
__device__ __forceinline__ void copy_group(const Singles& s, unsigned room, Window& window, int newest, int kvHead, int base, int from, int to) {
  constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS, HALF = Group<D>::HALF;
  const uchar* heads = s.kv + s.layerAt + (long long)kvHead * s.blockSize * s.headDim * 2;
  long long valueBytes = (long long)s.kvHeads * s.blockSize * s.headDim * 2;
  auto place = [](int row, int c) { return Group<D>::at(row, c); };
  if (s.headDim == D && s.blockSize == GROUP && base >= from && base + GROUP - 1 <= to) {
    const uchar* keys = heads + window.page(base / GROUP, newest / GROUP) * s.blockBytes;
    copy_rows<D, GROUP>(room, keys, place);
    copy_rows<D, GROUP>(room + HALF, keys + valueBytes, place);
    return;
  }
  int lane = lane_here(), column = lane % CHUNKS, p = base + lane % GROUP;
  long long at = -1; // of the lane's position
  if (p >= from && p <= to) {
    int block = p / s.blockSize;
    at = __ldg(window.table + block) * s.blockBytes + (long long)(p - block * s.blockSize) * s.headDim * 2;
  }
#pragma unroll 1
  for (int r = lane / CHUNKS; r < GROUP; r += AT_ONCE) {
    long long row = __shfl_sync(ALL, at, r);
    bool there = row >= 0 && 8 * column < s.headDim;
    const uchar* keys = there ? heads + row + 16 * column : heads;
    copy16(room + place(r, column), keys, there);
    copy16(room + HALF + place(r, column), there ? keys + valueBytes : keys, there);
  }
}

/** A head's numbers, of which a lane has D / 64 pairs; normed and rotated where FRESH. By a warp. */
template <int D, bool FRESH> struct Head {
  static constexpr int PAIRS = D / 64;
  float x[PAIRS], y[PAIRS];

  static __device__ __forceinline__ void dims(const Rotation& r, int lane, int k, int& a, int& b) {
    int i = lane + 32 * k, half = FRESH ? r.rotaryDim / 2 : 0;
    bool apart = i < half && !r.interleaved;
    a = apart ? i : 2 * i, b = apart ? i + half : 2 * i + 1;
  }
  __device__ __forceinline__ void load(const float* from, int headDim, const Rotation& r) {
    int lane = lane_here();
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
      int a, b;
      dims(r, lane, k, a, b);
      x[k] = a < headDim ? row1(from + a) : 0.f, y[k] = b < headDim ? row1(from + b) : 0.f;
    }
  }
  __device__ __forceinline__ void turn(const float* from, int headDim, const float* w, const Rotation& r, const Angles& angles) {
    int lane = lane_here();
    if (w) {
      float sum = 0.f;
#pragma unroll
      for (int j = 0; j < MOST_DIM / 32; j++) { // in the order of rotate_head
        float v = lane + 32 * j < headDim ? row1(from + lane + 32 * j) : 0.f;
        sum += v * v;
      }
      float f = 1.f / sqrtf(warp_sum(sum) / headDim + r.eps);
#pragma unroll
      for (int k = 0; k < PAIRS; k++) {
        int a, b;
        dims(r, lane, k, a, b);
        if (a < headDim) x[k] = x[k] * f * w[a];
        if (b < headDim) y[k] = y[k] * f * w[b];
      }
    }
#pragma unroll
    for (int k = 0; k < PAIRS; k++) {
      int i = lane + 32 * k;
      if (i < r.rotaryDim / 2) {
        float cos = angles.cos[i], sin = angles.sin[i], v = x[k];
        x[k] = v * cos - y[k] * sin, y[k] = v * sin + y[k] * cos;
      }
    }
  }
};

/** Queries of up to eight heads, those from `h` on, every `every`-th of them, to shared memory; by a warp. */
template <bool FRESH, int AHEAD, class T, int D>
__device__ __forceinline__ void take_queries(const Singles& s, SharedQueries<T, D>& to, int row, int head0, int heads, int h, int every,
                                             const Fresh& f, const Angles* angles) {
  const float* from = s.q + (long long)row * s.ldq + head0 * s.headDim;
#pragma unroll 1
  for (; h < heads; h += AHEAD * every) {
    Head<D, FRESH> head[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (h + i * every < heads) head[i].load(from + (h + i * every) * s.headDim, s.headDim, f.rotation);
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
      if (int n = h + i * every; n < heads) {
        if constexpr (FRESH) head[i].turn(from + n * s.headDim, s.headDim, f.qNorm, f.rotation, *angles);
        int lane = lane_here();
        to.put(n, head[i].x, head[i].y, [&](int k, int& a, int& b) { Head<D, FRESH>::dims(f.rotation, lane, k, a, b); }, s.scale);
      }
  }
}

/** The newest key, rotated, and value: over what was copied of them, to `group` in shared memory, and to the page; by a warp. */
template <class T, int D>
__device__ __forceinline__ void store_newest(const Singles& s, const Entry& e, int kvHead, uchar* group, int slot, const Fresh& f,
                                             const Angles& angles) {
  int lane = lane_here(), at = (e.context - 1) % GROUP;
  const float* from = s.q + (long long)e.row * s.ldq + (s.heads + kvHead) * s.headDim;
  Head<D, true> key;
  key.load(from, s.headDim, f.rotation);
  float value[D / 32];
#pragma unroll
  for (int k = 0; k < D / 32; k++) value[k] = lane + 32 * k < s.headDim ? row1(from + s.kvHeads * s.headDim + lane + 32 * k) : 0.f;
  Pages<T> pages(s.kv, s.blockBytes, s.layerAt, s.blockSize, s.kvHeads, kvHead, s.headDim);
  T* page = pages.key(slot / s.blockSize, slot % s.blockSize);
  auto put = [&](int d, float v, int half, long long far) {
    if (d >= s.headDim) return;
    T x = from_float<T>(v);
    *(T*)(group + half + Group<D>::at(at, d / 8) + d % 8 * 2) = x;
    if (slot >= 0) page[far + d] = x;
  };
#pragma unroll
  for (int k = 0; k < D / 32; k++) put(lane + 32 * k, value[k], Group<D>::HALF, pages.valueAt - pages.keyAt);
  key.turn(from, s.headDim, f.kNorm, f.rotation, angles);
#pragma unroll
  for (int k = 0; k < D / 64; k++) {
    int a, b;
    Head<D, true>::dims(f.rotation, lane, k, a, b);
    put(a, key.x[k], 0, 0), put(b, key.y[k], 0, 0);
  }
  __syncwarp();
}
