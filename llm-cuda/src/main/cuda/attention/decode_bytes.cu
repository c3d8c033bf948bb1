// Attention of single queries over pages of 8 bits on tensor cores, also with the rotation and storing before it in the same kernel: heads of 64 and
// 128 dimensions, pages of whole groups of 16 positions. decode.cu does it for others.
//
// A block takes pieces of the positions for up to eight heads that share keys and values; its warps share a piece, each a slice of it, 16 positions
// at a time straight from the pages: keys of the next ones are on their way while the values of these are summed, and the other way round. Scores are
// products of keys and queries, bytes of q8 by whole numbers of 15 bits, else halves; values, and their weights, become halves. Pieces and slices
// depend on the query's context, the window and the heads alone, and are put together in order.
#include "attention/bytes.cuh"
#include "common/layout.cuh"

static constexpr int WARPS = 4, THREADS = 32 * WARPS, HEADS = 8, BLOCKS = 4;
// Positions that are one piece; pieces of more have at least SMALLEST, and are about as many as fill a device. Of one they are multiples of ROUND.
static constexpr int ALONE = 256, SMALLEST = 256, FILLED = 256, ROUND = GROUP * WARPS, MOST_PIECES = 128;

struct Decode {
  const float* q; // of all rows: queries, or all of qkv
  int ldq;
  float* y;
  int ldy;
  signed char* yq;
  Scale* ys;
  const uchar* kv;
  long long blockBytes, layerAt;
  const int *row, *seq, *context, *tableAt, *table;
  int blockSize, heads, kvHeads;
  float scale;
  int window;
  float softCap;
  float* partial; // [piece][head][headDim + 2]: the highest exponent of two, the sum of weights, the sum of weighted values
  unsigned* counters;
  const int* pieces;
};
/** What a kernel that rotates and stores knows besides. */
struct Fresh {
  const int* kvSlots;
  Rotation rotation;
  const float *qNorm, *kNorm;
};

/** A block's query, heads and pieces. */
struct Work {
  int entry, row, context, kvHead, head0, heads, parts; // heads from head0 on; into how many blocks those that share keys go
  int first, start, size, pieces;                       // the first position that counts, where its piece starts; positions of a piece

  __device__ __forceinline__ Work(const Decode& d) {
    int group = d.heads / d.kvHeads, s = d.seq[blockIdx.z];
    parts = ceil_div(group, HEADS), kvHead = blockIdx.y / parts, head0 = kvHead * group + blockIdx.y % parts * HEADS;
    heads = min(HEADS, (kvHead + 1) * group - head0);
    entry = blockIdx.z, row = d.row[entry], context = d.context[s];
    first = d.window > 0 ? max(0, context - d.window) : 0;
    int seen = context - first, filled = min(ceil_div(FILLED, d.kvHeads * parts), MOST_PIECES);
    int many = seen > ALONE ? min(filled, ceil_div(seen, SMALLEST)) : 1;
    size = max(ceil_div(d.pieces[0], ROUND), ceil_div(ceil_div(seen, many), ROUND)) * ROUND;
    start = first / size * size;
    pieces = ceil_div(context - start, size);
  }
};

template <class T, int D> struct Bytes {
  static constexpr int WIDE = D / 8; // neighbouring dimensions that a lane sums
  struct Room {
    float q[HEADS][D + 4];
    float sums[WARPS][HEADS][D];
    float2 state[WARPS][HEADS]; // highest exponent of two, sum of weights
    bool last;
  };
  const Decode& d;
  const Work& w;
  Room& room;

  /** The sums of a slice, in `room`. */
  __device__ __forceinline__ void slice(const Query<T, D>& q, int from, int to, int& ahead, int then) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane / 4, t = lane & 3;
    Pages<T> pages(d.kv, d.blockBytes, d.layerAt, d.blockSize, d.kvHeads, w.kvHead, D);
    const int* table = d.table + d.tableAt[d.seq[w.entry]];
    float o[WIDE / 2][4], highest[2] = {-INFINITY, -INFINITY}, total[2] = {0.f, 0.f};
#pragma unroll
    for (int i = 0; i < WIDE / 2; i++) o[i][0] = o[i][1] = o[i][2] = o[i][3] = 0.f;
    int base = from / GROUP * GROUP, block = base / d.blockSize, at = base - block * d.blockSize, held = ahead, heldFrom = block;
    auto page = [&](int b) { // a lane holds the number of one
      if (b - heldFrom >= 32) heldFrom = b, held = __ldg(table + min(b + lane, (w.context - 1) / d.blockSize));
      return __shfl_sync(ALL, held, b - heldFrom);
    };
    ahead = pages_from(then);
    uint2 keys[2][D / 32];
    Scales<D> keyScales[2];
    Values<T, D> values;
    // Positions that do not count are read as the nearest that does.
    auto row_of = [&](int base, int r) { return min(max(base + r, from), to) - base; };
    auto load_keys = [&](int base, int page, int at) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        Row<T> key = key_row(pages, page, at + row_of(base, g + 8 * r));
#pragma unroll
        for (int j = 0; j < D / 32; j++) keys[r][j] = __ldcg((const uint2*)key.at + 4 * j + t);
        if constexpr (SCALED<T>) keyScales[r] = __ldcg((const Scales<D>*)key.scales);
      }
    };
    auto load_values = [&](int base, int page, int at) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        Row<T> value = value_row(pages, page, at + row_of(base, 2 * t + i % 2 + i / 2 * 8));
        if constexpr (SCALED<T>) values.load(i, (const uchar*)value.at, value.scales);
        else values.load(i, (const uchar*)value.at, nullptr);
      }
    };
    if (base <= to) {
      int p = page(block);
      load_keys(base, p, at), load_values(base, p, at);
    }
#pragma unroll 1
    for (; base <= to; base += GROUP) {
      float s[4], factor[2];
      q.score(s, keys, keyScales);
      at += GROUP;
      if (at >= d.blockSize) at -= d.blockSize, block++;
      bool more = base + GROUP <= to;
      int next = more ? page(block) : 0;
      if (more) load_keys(base + GROUP, next, at);
      bool all = base >= from && base + GROUP - 1 <= to;
#pragma unroll
      for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          float& x = s[2 * r + h];
          if (d.softCap > 0.f) x = soft_cap(x, d.softCap) * LOG2E;
          int p = base + g + 8 * r;
          if (!all) x = p >= from && p <= to ? x : -INFINITY;
        }
        float most = fmaxf(s[h], s[2 + h]);
#pragma unroll
        for (int x = 4; x < 32; x <<= 1) most = fmaxf(most, __shfl_xor_sync(ALL, most, x));
        float now = fmaxf(highest[h], most), under = now == -INFINITY ? 0.f : now;
        factor[h] = exp2_fast(highest[h] - under), highest[h] = now;
        s[h] = exp2_fast(s[h] - under), s[2 + h] = exp2_fast(s[2 + h] - under);
        total[h] = total[h] * factor[h] + s[h] + s[2 + h];
      }
      unsigned weights[2] = {turned(pack16<__half>(s[0], s[1])), turned(pack16<__half>(s[2], s[3]))};
      if (__any_sync(ALL, factor[0] != 1.f || factor[1] != 1.f)) {
#pragma unroll
        for (int i = 0; i < WIDE / 2; i++) o[i][0] *= factor[0], o[i][1] *= factor[1], o[i][2] *= factor[0], o[i][3] *= factor[1];
      }
#pragma unroll
      for (int i = 0; i < WIDE / 4; i++) {
        unsigned low[4], high[4];
        values.pairs(low, 0, i), values.pairs(high, 2, i);
        unsigned a[4] = {low[0], low[1], high[0], high[1]}, b[4] = {low[2], low[3], high[2], high[3]};
        multiply<__half>(o[2 * i], a, weights[0], weights[1]);
        multiply<__half>(o[2 * i + 1], b, weights[0], weights[1]);
      }
      if (more) load_values(base + GROUP, next, at);
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
      for (int x = 4; x < 32; x <<= 1) total[h] += __shfl_xor_sync(ALL, total[h], x);
      if (g == 0) room.state[warp][2 * t + h] = make_float2(highest[h], total[h]);
#pragma unroll
      for (int i = 0; i < WIDE / 2; i++) *(float2*)&room.sums[warp][2 * t + h][WIDE * g + 2 * i] = make_float2(o[i][h], o[i][2 + h]);
    }
  }

  /** Numbers of pages, one a lane, from that of a position on. */
  __device__ __forceinline__ int pages_from(int position) {
    int last = (w.context - 1) / d.blockSize;
    return __ldg(d.table + d.tableAt[d.seq[w.entry]] + min(max(position, 0) / d.blockSize + (int)(threadIdx.x & 31), last));
  }

  /** `value(head, dimension)` of some heads from `head0` on to y, as floats, bytes or both. By all threads. */
  template <class Value> __device__ __forceinline__ void write(int head0, int heads, Value value) {
#pragma unroll 1
    for (int i = threadIdx.x; i < heads * D; i += THREADS) { // whole warps
      float v = value(i / D, i % D);
      long long at = (long long)w.row * d.heads * D + head0 * D + i;
      if (d.y) d.y[(long long)w.row * d.ldy + head0 * D + i] = v;
      if (d.yq) quantize32(v, i & 31, d.yq + (at & ~31ll), d.ys + at / 32);
    }
  }

  /** Puts the slices of a piece together. */
  __device__ __forceinline__ void end_piece(int piece) {
    auto sum = [&](int h, int dim, float2& state) {
      float v = 0.f;
      state = make_float2(-INFINITY, 0.f);
#pragma unroll
      for (int i = 0; i < WARPS; i++) state.x = fmaxf(state.x, room.state[i][h].x);
#pragma unroll
      for (int i = 0; i < WARPS; i++) {
        float by = exp2_fast(room.state[i][h].x - state.x);
        state.y = fmaf(by, room.state[i][h].y, state.y), v = fmaf(by, room.sums[i][h][dim], v);
      }
      return v;
    };
    if (w.pieces == 1) {
      write(w.head0, w.heads, [&](int h, int dim) {
        float2 state;
        float v = sum(h, dim, state);
        return v / state.y;
      });
      return;
    }
#pragma unroll 1
    for (int i = threadIdx.x; i < w.heads * D; i += THREADS) {
      float2 state;
      float v = sum(i / D, i % D, state), *to = partial_of(piece, w.head0 + i / D);
      to[2 + i % D] = v;
      if (i % D == 0) *(float2*)to = state;
    }
  }
  __device__ __forceinline__ float* partial_of(int piece, int head) {
    return d.partial + ((long long)(d.pieces[1 + w.entry] + piece) * d.heads + head) * (D + 2);
  }

  /** The last block of a query and head of keys puts its pieces together. */
  __device__ __forceinline__ void merge() {
    __threadfence();
    __syncthreads();
    unsigned* counter = d.counters + w.entry * d.kvHeads + w.kvHead;
    if (threadIdx.x == 0) room.last = atomicAdd(counter, 1u) == gridDim.x * w.parts - 1;
    __syncthreads();
    if (!room.last) return;
    __threadfence();
    if (threadIdx.x == 0) *counter = 0;
    int group = d.heads / d.kvHeads, warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    long long stride = (long long)d.heads * (D + 2);
    float* weights = room.sums[0][0]; // [head][piece]
#pragma unroll 1
    for (int h0 = 0; h0 < group; h0 += HEADS) {
      int head0 = w.kvHead * group + h0, n = min(HEADS, group - h0);
      __syncthreads();
      for (int h = warp; h < n; h += WARPS) {
        const float* from = partial_of(0, head0 + h);
        float most = -INFINITY, total = 0.f;
        for (int p = lane; p < w.pieces; p += 32) most = fmaxf(most, __ldcg(from + p * stride));
        most = warp_max(most);
        for (int p = lane; p < w.pieces; p += 32) {
          float2 state = __ldcg((const float2*)(from + p * stride));
          float by = exp2_fast(state.x - most);
          weights[h * w.pieces + p] = by, total = fmaf(by, state.y, total);
        }
        total = warp_sum(total);
        if (lane == 0) room.state[0][h].y = total;
      }
      __syncthreads();
      write(head0, n, [&](int h, int dim) {
        const float *from = partial_of(0, head0 + h) + 2 + dim, *by = weights + h * w.pieces;
        float v = 0.f;
#pragma unroll 8
        for (int p = 0; p < w.pieces; p++) v = fmaf(by[p], __ldcg(from + p * stride), v);
        return v / room.state[0][h].y;
      });
    }
  }

  /** Rotates queries, and stores the newest key and value, if the block reads them. */
  __device__ __forceinline__ void begin(const Fresh& f, Angles& angles) {
    int warp = threadIdx.x >> 5, slot = f.kvSlots[w.row];
    angles.fill(f.rotation, w.context - 1);
    wait_previous();
    __syncthreads();
    const float* row = d.q + (long long)w.row * d.ldq;
#pragma unroll 1
    for (int h = warp; h < w.heads; h += WARPS) rotate_head(row + (w.head0 + h) * D, room.q[h], D, f.qNorm, f.rotation, angles);
    bool newest = slot >= 0 && (w.pieces - 1) % gridDim.x == blockIdx.x;
    if (newest && warp >= WARPS - 2) {
      Pages<T> pages(d.kv, d.blockBytes, d.layerAt, d.blockSize, d.kvHeads, w.kvHead, D);
      const float* from = row + (d.heads + w.kvHead) * D;
      int block = slot / d.blockSize, at = slot % d.blockSize;
      if (warp == WARPS - 1) {
        float* key = room.sums[0][0];
        rotate_head(from, key, D, f.kNorm, f.rotation, angles);
        store_row(key_row(pages, block, at), D, 0, 32, [&](int i) { return key[i]; });
      } else {
        from += d.kvHeads * D;
        store_row(value_row(pages, block, at), D, 0, 32, [&](int i) { return row1(from + i); });
      }
    }
    __threadfence_block();
    __syncthreads();
  }
  __device__ __forceinline__ void begin() {
    wait_previous();
    const float* from = d.q + (long long)w.row * d.ldq + w.head0 * D;
    for (int i = threadIdx.x; i < w.heads * D; i += THREADS) room.q[i / D][i % D] = row1(from + i);
    __syncthreads();
  }

  __device__ __forceinline__ void run() {
    int warp = threadIdx.x >> 5, head = (threadIdx.x & 31) / 4;
    Query<T, D> q;
    q.load(room.q[head], head < w.heads, d.softCap > 0.f ? d.scale : d.scale * LOG2E);
    int each = w.size / WARPS, start = w.start + blockIdx.x * w.size + warp * each, next = gridDim.x * w.size;
    int ahead = pages_from(max(w.first, start));
#pragma unroll 1
    for (int piece = blockIdx.x; piece < w.pieces; piece += gridDim.x, start += next) {
      __syncthreads(); // what the slices before have left is read
      slice(q, max(w.first, start), min(w.context, start + each) - 1, ahead, start + next);
      __syncthreads();
      end_piece(piece);
    }
    if (w.pieces > 1) merge();
  }
};

template <class T, int D, bool FRESH> __device__ __forceinline__ void attend(const Decode& d, const Fresh& f) {
  __shared__ __align__(16) typename Bytes<T, D>::Room room;
  dependents();
  Work w(d);
  Bytes<T, D> b{d, w, room};
  if (w.context <= 0) { // padding
    wait_previous();
    if (blockIdx.x == 0) b.write(w.head0, w.heads, [](int, int) { return 0.f; });
    return;
  }
  if (blockIdx.x >= w.pieces) { // nothing to do
    wait_previous();
    if (w.pieces > 1) b.merge();
    return;
  }
  if constexpr (FRESH) {
    __shared__ Angles angles;
    b.begin(f, angles);
  } else {
    b.begin();
  }
  b.run();
}

#define FROM_Y                                                                                                                                       \
  float *y, int ldy, signed char *yq, Scale *ys, const uchar *kv, long long blockBytes, long long layerAt, const int *row, const int *seq,           \
      const int *context, const int *tableAt, const int *table, int blockSize, int heads, int kvHeads, int headDim, float scale, int window,         \
      float softCap, float *partial, unsigned *counters, const int *pieces
#define PASS(Q, LDQ)                                                                                                                                 \
  Decode {                                                                                                                                           \
    Q, LDQ, y, ldy, yq, ys, kv, blockBytes, layerAt, row, seq, context, tableAt, table, blockSize, heads, kvHeads, scale, window, softCap, partial,  \
        counters, pieces                                                                                                                             \
  }
#define KERNEL(KV, T, D)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attn_decode_bytes_d##D##_##KV(const float* q, int ldq, FROM_Y) {                     \
    attend<T, D, false>(PASS(q, ldq), Fresh{});                                                                                                      \
  }                                                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                                                      \
      attn_decode_rope_bytes_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, int rotaryDim, int interleaved,                    \
                                         const float* invFreq, float factor, const float* qNorm, const float* kNorm, float eps) {                    \
    attend<T, D, true>(PASS(qkv, ldqkv), Fresh{kvSlots, {rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm});                              \
  }
KERNEL(q8_0, q8, 64)
KERNEL(q8_0, q8, 128)
KERNEL(f8_e4m3, fp8, 64)
KERNEL(f8_e4m3, fp8, 128)
EXPORT_SHAPE(attn_decode_bytes, THREADS, HEADS, GROUP, BLOCKS)
