// Attention of single queries over pages of 16 bits on tensor cores, also with the rotation and storing before it in the same kernel. decode.cu does
// it for pages of floats, and for heads whose rows do not start at 16 bytes.
//
// Blocks stay and take an even share of all pieces of all queries and groups of heads: any number of sequences of any length fills the device. A
// piece is a range of positions that depends on the query's own context alone; up to eight heads that share keys and values go through it together.
// Each warp brings 16 positions of it after another into a ring of its own in shared memory, some ahead, over the ends of pieces. Scores are keys
// times queries, results values times weights: positions, and then dimensions, are the rows of products, heads their columns. Queries and weights go
// in as two numbers of 16 bits each, so that little more than keys and values is rounded. Who ends the last piece puts all together, in order.
#include "attention/attend16.cuh"
#include "attention/pages.cuh"
#include "attention/shares.cuh"
#include "common/layout.cuh"

template <int D> struct Room {
  static constexpr int PITCH = D + 8;
  float queries[HEADS * PITCH]; // of the heads of some items
  float2 state[WARPS][HEADS];   // of the warps: highest, sum
  int spare[WARPS];             // the stage of a warp's ring that nothing is copied to
  List list;
  bool last;
};

template <class T, int D, int STAGES, bool FRESH> struct Decode {
  static constexpr int HALF = Chunks<D>::BYTES, STAGE = 2 * HALF, RING = WARPS * STAGES * STAGE, PITCH = Room<D>::PITCH;
  static constexpr int BYTES = RING + (int)sizeof(Room<D>) + (FRESH ? WARPS * (int)sizeof(Angles) : 0);

  const Singles& s;
  Room<D>& room;
  Angles* angles; // a warp's each
  uchar* rings;   // a warp's each
  int lane, warp, end, turned; // the item behind this block's last; the entry whose angles the warp has

  /** Where a warp is in its positions, and where those are. */
  struct Cursor {
    int i, base; // item, first of 16 positions
    Item it;
    long long at; // of the lane's position (lane % 16), bytes from a block's first key of the layer; -1 for none
  };
  __device__ __forceinline__ const uchar* layer() const { return s.kv + s.layerAt; }
  __device__ __forceinline__ void settle(Cursor& c) const {
    while (c.i < end && c.base > c.it.to) {
      if (++c.i < end) {
        c.it = room.list.item(c.i);
        c.base = c.it.from / ROUND * ROUND + warp * STEP;
      }
    }
    c.at = -1;
    int p = c.base + lane % STEP;
    if (c.i < end && p >= c.it.from && p <= c.it.to) {
      int block = p / s.blockSize, at = room.list.entries[c.it.entry].tableAt + block;
      c.at = __ldg(s.table + at) * s.blockBytes + ((long long)c.it.kvHead * s.blockSize + p - block * s.blockSize) * s.headDim * 2;
    }
  }
  /** Starts copying the cursor's positions and moves it on; not, if it has none, or may not read the newest yet. */
  __device__ __forceinline__ bool copy(Cursor& c, unsigned to, bool newest) const {
    constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS;
    if (c.i >= end || !newest && c.base + STEP >= room.list.entries[c.it.entry].context) return false;
    long long valueBytes = (long long)s.kvHeads * s.blockSize * s.headDim * 2, first = __shfl_sync(ALL, c.at, 0);
    auto place = [](int row, int column) { return Chunks<D>::at(row, column); };
    if (s.headDim == D && s.blockSize % STEP == 0 && first >= 0 && __shfl_sync(ALL, c.at, STEP - 1) >= 0) {
      copy_rows<D, STEP>(to, layer() + first, place);
      copy_rows<D, STEP>(to + HALF, layer() + first + valueBytes, place);
    } else {
      int column = lane % CHUNKS;
#pragma unroll 1
      for (int r = lane / CHUNKS; r < STEP; r += AT_ONCE) {
        long long at = __shfl_sync(ALL, c.at, r);
        bool there = at >= 0 && 8 * column < s.headDim;
        const uchar* from = layer() + (there ? at + 16 * column : 0);
        copy16(to + place(r, column), from, there);
        copy16(to + HALF + place(r, column), from + (there ? valueBytes : 0), there);
      }
    }
    c.base += ROUND;
    settle(c);
    return true;
  }

  /** A stage of a warp's ring, for floats. */
  __device__ __forceinline__ float* floats(int of, int stage) const { return (float*)(rings + (of * STAGES + stage) * STAGE); }

  /** The warp's angles are those of an entry. */
  __device__ __forceinline__ void turn(int entry, const Rotation& rotation) {
    if (entry == turned) return;
    angles[warp].fill(rotation, room.list.entries[entry].context - 1, lane, 32);
    __syncwarp();
    turned = entry;
  }

  /**
   * Queries of items from `i` on as floats, a row a head, of as many items as there are rows for; tells which is the next. Pieces of the same heads
   * that follow each other share them. All threads, who need a barrier before they use them. Warps take heads in turn, the second one first: the
   * first may have stored a key just before.
   */
  __device__ __forceinline__ int queries(int i, const Rotation& rotation, const float* qNorm) {
    int row = 0, entry = -1, head0 = -1;
#pragma unroll 1
    for (; i < end; i++) {
      Item it = room.list.item(i);
      if (it.to < it.from || it.entry == entry && it.head0 == head0) continue; // padding, or the next piece
      if (row + it.heads > HEADS) break;
      entry = it.entry, head0 = it.head0;
      const Entry& e = room.list.entries[it.entry];
#pragma unroll 1
      for (int h = (warp - 1 - row) & (WARPS - 1); h < it.heads; h += WARPS) {
        const float* from = s.q + (long long)e.row * s.ldq + (it.head0 + h) * s.headDim;
        float* to = room.queries + (row + h) * PITCH;
        if constexpr (FRESH) {
          turn(it.entry, rotation);
          rotate_head(from, to, s.headDim, qNorm, rotation, angles[warp]);
        } else {
          for (int d = lane; d < s.headDim; d += 32) to[d] = row1(from + d);
        }
      }
      row += it.heads;
    }
    return i;
  }

  /** Writes `value(head, dimension)` of some heads as floats, bytes or both; ends with a barrier. */
  template <class Value> __device__ __forceinline__ void finish(int row, int head0, int heads, Value value) const {
    long long at0 = (long long)head0 * s.headDim, bytes = (long long)row * s.heads * s.headDim + at0;
    int width = heads * s.headDim;
    for (int i = threadIdx.x; i - lane < width; i += THREADS) {
      float v = i < width ? value(i / s.headDim, i % s.headDim) : 0.f;
      if (s.y && i < width) s.y[(long long)row * s.ldy + at0 + i] = v;
      if (s.yq) quantize32(v, lane, s.yq + bytes + i - lane, s.ys + (bytes + i) / 32);
    }
    __syncthreads();
  }

  /** What the warps have of a head together: the highest score, and the sum of weights. */
  __device__ __forceinline__ float2 together(int head) const {
    float highest = -INFINITY, total = 0.f;
#pragma unroll
    for (int w = 0; w < WARPS; w++) highest = fmaxf(highest, room.state[w][head].x);
#pragma unroll
    for (int w = 0; w < WARPS; w++) total += exp2_fast(room.state[w][head].x - highest) * room.state[w][head].y;
    return make_float2(highest, total);
  }

  /**
   * Puts the warps' sums together, in order, and writes the result, or what a piece leaves. Sums go through the warps' spare stages; ends with a
   * barrier.
   */
  __device__ __forceinline__ void end_piece(const Item& it, Sums<D>& a, int spare) const {
    const Entry& e = room.list.entries[it.entry];
    int pair = 2 * (lane & 3);
    float* mine = floats(warp, spare);
    if (lane == 0) room.spare[warp] = spare;
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
      for (int o = 4; o < 32; o <<= 1) a.total[h] += __shfl_xor_sync(ALL, a.total[h], o);
      if (lane < 4) room.state[warp][pair + h] = make_float2(a.highest[h], a.total[h]);
    }
    __syncwarp(); // all lanes have read the stage
#pragma unroll
    for (int i = 0; i < D / 4; i++)
      if (pair + i % 2 < it.heads) mine[(pair + i % 2) * PITCH + i / 4 * 16 + lane / 4 + i % 4 / 2 * 8] = a.o[i / 4][i % 4];
    __syncthreads();
    auto sum = [&](int h, int d, float highest) {
      float v = 0.f;
#pragma unroll
      for (int w = 0; w < WARPS; w++) v = fmaf(exp2_fast(room.state[w][h].x - highest), floats(w, room.spare[w])[h * PITCH + d], v);
      return v;
    };
    if (e.pieces == 1) {
      finish(e.row, it.head0, it.heads, [&](int h, int d) {
        float2 all = together(h);
        return sum(h, d, all.x) / all.y;
      });
      return;
    }
    float* to = s.partial + ((long long)(s.pieces[1 + first_entry() + it.entry] + it.piece) * s.heads + it.head0) * (s.headDim + 2);
    for (int i = threadIdx.x; i < it.heads * s.headDim; i += THREADS) {
      int h = i / s.headDim, d = i % s.headDim;
      float2 all = together(h);
      float* part = to + h * (s.headDim + 2);
      part[2 + d] = sum(h, d, all.x);
      if (d == 0) *(float2*)part = all;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      unsigned* counter = s.counters + (first_entry() + it.entry) * s.kvHeads + it.kvHead;
      room.last = atomicAdd(counter, 1u) == (unsigned)(e.pieces * room.list.parts - 1);
      if (room.last) *counter = 0;
    }
    __syncthreads();
    if (room.last) merge(it);
  }
  __device__ __forceinline__ int first_entry() const { return blockIdx.y * MOST_ENTRIES; }

  /** Puts the pieces of all heads of a group together. */
  __device__ __forceinline__ void merge(const Item& it) const {
    __threadfence();
    const Entry& e = room.list.entries[it.entry];
    long long stride = (long long)s.heads * (s.headDim + 2);
    float* results = floats(0, room.spare[0]);
#pragma unroll 1
    for (int h0 = 0; h0 < room.list.group; h0 += HEADS) {
      int n = min(HEADS, room.list.group - h0), head0 = it.kvHead * room.list.group + h0;
#pragma unroll 1
      for (int h = warp; h < n; h += WARPS) {
        const float* from = s.partial + ((long long)s.pieces[1 + first_entry() + it.entry] * s.heads + head0 + h) * (s.headDim + 2);
        float2 pieces[MOST_PIECES / 32];
        float highest = -INFINITY, weights[MOST_PIECES / 32], total = 0.f;
#pragma unroll
        for (int k = 0; k < MOST_PIECES / 32; k++) {
          int p = lane + 32 * k;
          pieces[k] = p < e.pieces ? __ldcg((const float2*)(from + p * stride)) : make_float2(-INFINITY, 0.f);
          highest = fmaxf(highest, pieces[k].x);
        }
        highest = warp_max(highest);
#pragma unroll
        for (int k = 0; k < MOST_PIECES / 32; k++) weights[k] = exp2_fast(pieces[k].x - highest), total += weights[k] * pieces[k].y;
        float by = 1.f / warp_sum(total);
        float2 sum[(D + 63) / 64];
#pragma unroll
        for (int j = 0; j < (D + 63) / 64; j++) sum[j] = make_float2(0.f, 0.f);
#pragma unroll 1
        for (int p0 = 0; p0 < e.pieces; p0 += 8) {
          float2 v[8][(D + 63) / 64];
#pragma unroll
          for (int u = 0; u < 8; u++)
#pragma unroll
            for (int j = 0; j < (D + 63) / 64; j++) {
              int d = 2 * lane + 64 * j;
              v[u][j] = p0 + u < e.pieces && d < s.headDim ? __ldcg((const float2*)(from + (p0 + u) * stride + 2 + d)) : make_float2(0.f, 0.f);
            }
#pragma unroll
          for (int u = 0; u < 8; u++) {
            float w = __shfl_sync(ALL, p0 < 32 ? weights[0] : p0 < 64 ? weights[1] : weights[2], (p0 + u) & 31);
#pragma unroll
            for (int j = 0; j < (D + 63) / 64; j++) sum[j].x = fmaf(w, v[u][j].x, sum[j].x), sum[j].y = fmaf(w, v[u][j].y, sum[j].y);
          }
        }
#pragma unroll
        for (int j = 0; j < (D + 63) / 64; j++) {
          int d = 2 * lane + 64 * j;
          if (d < D) results[h * PITCH + d] = sum[j].x * by, results[h * PITCH + d + 1] = sum[j].y * by;
        }
      }
      __syncthreads();
      finish(e.row, head0, n, [&](int h, int d) { return results[h * PITCH + d]; });
    }
  }

  /** The newest key, rotated, and value of an item whose piece has it: to the page; by a warp. */
  __device__ __forceinline__ void store(const Item& it, const int* kvSlots, const Rotation& rotation, const float* kNorm) {
    const Entry& e = room.list.entries[it.entry];
    int slot = kvSlots[e.row];
    if (slot < 0) return;
    const float* from = s.q + (long long)e.row * s.ldq + (s.heads + it.kvHead) * s.headDim;
    float* rotated = floats(warp, STAGES - 1); // which is spare when a block begins
    turn(it.entry, rotation);
    rotate_head(from, rotated, s.headDim, kNorm, rotation, angles[warp]);
    Pages<T> pages(s.kv, s.blockBytes, s.layerAt, s.blockSize, s.kvHeads, it.kvHead, s.headDim);
    T* to = pages.key(slot / s.blockSize, slot % s.blockSize);
    for (int i = lane; i < s.headDim; i += 32) {
      to[i] = from_float<T>(rotated[i]);
      to[pages.valueAt - pages.keyAt + i] = from_float<T>(row1(from + s.kvHeads * s.headDim + i));
    }
    __syncwarp();
  }

  __device__ __forceinline__ void run(const int* kvSlots, const Rotation& rotation, const float* qNorm, const float* kNorm) {
    room.list.fill(s, first_entry());
    int begin = room.list.begin(blockIdx.x);
    end = room.list.begin(blockIdx.x + 1);
    unsigned ring = shared_address(floats(warp, 0));
    Cursor cursor;
    int ahead = 0;
    cursor.i = begin - 1, cursor.base = 1, cursor.it.to = 0;
    if (begin < end) settle(cursor);
    else cursor.i = end;
    for (; ahead < STAGES - 1 && copy(cursor, ring + ahead * STAGE, false); ahead++) copies_end();
    if constexpr (FRESH)
      if (begin < end && room.list.entries[room.list.item(begin).entry].context > 0) turn(room.list.item(begin).entry, rotation);
    wait_previous();
    if (begin == end) return;
    if constexpr (FRESH) {
      int mine = warp;
      for (int i = begin; i < end; i++) {
        Item it = room.list.item(i);
        if (it.to >= it.from && it.to == room.list.entries[it.entry].context - 1 && mine-- == 0) {
          store(it, kvSlots, rotation, kNorm);
          mine = WARPS - 1;
        }
      }
    }
    int next = queries(begin, rotation, qNorm);
    __syncthreads();
    for (; ahead < STAGES - 1; ahead++) {
      copy(cursor, ring + ahead * STAGE, true);
      copies_end();
    }
    int stage = 0, row = 0, heads = 0, entry = -1, head0 = -1; // the row of queries, and whose they are
    Queries<T, D> q;
#pragma unroll 1
    for (int i = begin; i < end; i++) {
      Item it = room.list.item(i);
      if (it.to < it.from) { // padding
        finish(room.list.entries[it.entry].row, it.head0, it.heads, [](int, int) { return 0.f; });
        continue;
      }
      bool other = it.entry != entry || it.head0 != head0;
      if (i == next) {
        next = queries(i, rotation, qNorm);
        __syncthreads();
        row = 0, other = true;
      } else if (other) {
        row += heads;
      }
      if (other) {
        q.load(room.queries + (row + lane / 4) * PITCH, lane / 4 < it.heads ? s.headDim : 0, s.scale);
        entry = it.entry, head0 = it.head0, heads = it.heads;
      }
      Sums<D> sums;
      sums.clear();
#pragma unroll 1
      for (int base = it.from / ROUND * ROUND + warp * STEP; base <= it.to; base += ROUND) {
        copies_wait<STAGES - 2>();
        __syncwarp();
        copy(cursor, ring + (stage + STAGES - 1) % STAGES * STAGE, true);
        copies_end();
        attend16<T, D>(sums, q, ring + stage * STAGE, base, it.from, it.to, s.softCap);
        stage = (stage + 1) % STAGES;
      }
      end_piece(it, sums, (stage + STAGES - 1) % STAGES);
    }
  }
};

template <class T, int D, int STAGES, bool FRESH>
__device__ __forceinline__ void attend(const float* q, int ldq, FROM_Y, const int* kvSlots, const Rotation& rotation, const float* qNorm,
                                       const float* kNorm) {
  extern __shared__ __align__(128) uchar dynamic[];
  typedef Decode<T, D, STAGES, FRESH> Kernel;
  dependents();
  Singles s{q, ldq, PASS_Y};
  Room<D>& room = *(Room<D>*)(dynamic + Kernel::RING);
  Kernel kernel{s, room, (Angles*)(dynamic + Kernel::RING + sizeof(Room<D>)), dynamic, (int)threadIdx.x & 31, (int)threadIdx.x >> 5, 0, -1};
  kernel.run(kvSlots, rotation, qNorm, kNorm);
}

#define KERNEL(KV, T, D, STAGES, BLOCKS)                                                                                                            \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attn_decode_d##D##_##KV(const float* q, int ldq, FROM_Y) {                          \
    attend<T, D, STAGES, false>(q, ldq, PASS_Y, nullptr, Rotation{}, nullptr, nullptr);                                                             \
  }                                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)                                                                                     \
      attn_decode_rope_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, const int* kvSlots, int rotaryDim, int interleaved, const float* invFreq,   \
                                   float factor, const float* qNorm, const float* kNorm, float eps) {                                               \
    attend<T, D, STAGES, true>(qkv, ldqkv, PASS_Y, kvSlots, Rotation{rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm);                  \
  }
#define KERNELS(D, STAGES, BLOCKS)      \
  KERNEL(f16, __half, D, STAGES, BLOCKS) \
  KERNEL(bf16, bf16, D, STAGES, BLOCKS)  \
  EXPORT_SHAPE(attn_decode_d##D, THREADS, MOST_ENTRIES, BLOCKS, Decode<bf16, D, STAGES, true>::BYTES)
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900 // less shared memory
KERNELS(64, 3, 2)
KERNELS(128, 2, 1)
#else
KERNELS(64, 3, 3)
KERNELS(128, 3, 2)
KERNELS(256, 3, 1)
#endif
