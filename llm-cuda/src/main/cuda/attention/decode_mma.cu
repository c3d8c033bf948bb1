// Attention of many queries over pages of 16 bits on tensor cores, also with the rotation and storing before it in the same kernel. decode.cu does it
// for pages of floats, and for heads whose rows do not start at 16 bytes; decode_few.cu for queries and heads that are fewer than warps.
//
// Warps stay, and each by itself takes an even share of all pieces of all queries and groups of heads: any number of sequences of any length fills
// the device, and nobody waits for anybody. A warp brings 16 positions after another into a ring of its own in shared memory, some ahead, over the
// ends of pieces. Who ends an entry's last piece puts all together, in order.
#include "attention/shares.cuh"
#include "common/layout.cuh"

template <class T, int D, int W, int SLOTS, bool FRESH> struct Many {
  static constexpr int SLOT = Group<D>::BYTES, RING = W * SLOTS * SLOT, PITCH = D + 8, ANGLES = FRESH ? W * (int)sizeof(Angles) : 0;
  static constexpr int BYTES = RING + ANGLES + sizeof(List);
  static constexpr int AHEAD = 2; // heads of queries whose loads are in flight
  static_assert(sizeof(SharedQueries<T, D>) <= SLOT && HEADS * (PITCH * 4 + 8) <= SLOT && SLOTS >= 2, "a slot is room between items, too");

  const Singles& s;
  const Fresh& f;
  uchar* dynamic;

  __device__ __forceinline__ void run() {
    dependents();
    List& list = *(List*)(dynamic + RING + ANGLES);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, first = blockIdx.y * MOST_ENTRIES;
    Angles* angles = (Angles*)(dynamic + RING) + (FRESH ? warp : 0);
    list.fill(s, first);
    int worker = warp * gridDim.x + blockIdx.x, workers = gridDim.x * W, entry, behind; // neighbours are on different multiprocessors
    int begin = list.begin(worker, workers, entry), left = list.begin(worker + 1, workers, behind) - begin;
    if (!FRESH || left == 0) wait_previous();
    if (left == 0) return;
    uchar* ring = dynamic + warp * SLOTS * SLOT;
    unsigned ringAt = shared_address(ring);
    Window window;
    Item it = list.item(s, begin, entry), ahead = it;  // whose positions are taken in; are copied
    int toCopy = left, base = 0, newest = 0, filled = 0; // items; the first position of the next group, its entry's last; the slot for it
    bool open = false, next = false; // whether there is a next group; whether it is of the next item
    auto fill = [&]() {
#pragma unroll 1
      while (!open && toCopy > 0) {
        if (next) list.next(s, ahead);
        next = true, open = ahead.from <= ahead.to;
        if (!open) toCopy--; // padding
        window.open(s.table + list.entries[ahead.entry].tableAt);
        base = ahead.from / STEP * STEP, newest = list.entries[ahead.entry].context - 1;
      }
      if (open) {
        copy_group<D>(s, ringAt + filled * SLOT, window, newest, ahead.kvHead, base, ahead.from, ahead.to);
        base += GROUP;
        if (base % STEP == 0 && base > ahead.to) open = false, toCopy--;
      }
      copies_end();
      filled = filled + 1 == SLOTS ? 0 : filled + 1;
    };
#pragma unroll 1
    for (int k = 0; k < SLOTS - 1; k++) fill();
    int free = 1, at = 0, turned = -1; // slots to fill; slot of the next group; the entry whose angles the warp has
    bool waited = !FRESH;
    Queries<T, D> q;
#pragma unroll 1
    for (; left > 0; left--) {
      const Entry& e = list.entries[it.entry];
      if constexpr (FRESH) {
        if (it.entry != turned && e.context > 0) {
          angles->fill(f.rotation, e.context - 1, lane, 32);
          turned = it.entry;
          __syncwarp();
        }
        if (!waited) wait_previous();
        waited = true;
      }
      uchar* spare = ring + filled * SLOT;
      int newestSlot = FRESH ? f.kvSlots[e.row] : 0;
      SharedQueries<T, D>& queries = *(SharedQueries<T, D>*)spare;
      take_queries<FRESH, AHEAD>(s, queries, e.row, it.head0, it.heads, 0, 1, f, angles);
      __syncwarp();
      q.load(queries, it.heads);
      __syncwarp();
      Sums<D> all;
      all.clear();
      int p = it.from / STEP * STEP, end = e.start + it.piece * e.size;
#pragma unroll 1
      while (p <= it.to) {
        end += e.slice;
        if (end <= p) continue; // what a window hides
        int to = min(it.to, end - 1);
        Sums<D> sums;
        sums.clear();
#pragma unroll 1
        for (; p <= to; p += STEP) {
#pragma unroll 1
          for (; free > 0; free--) fill();
          copies_wait<SLOTS - 2>();
          __syncwarp();
          int second = at + 1 == SLOTS ? 0 : at + 1;
          if constexpr (FRESH)
            if (e.context - 1 - p < STEP && to == e.context - 1)
              store_newest<T, D>(s, e, it.kvHead, ring + (e.context - 1 - p < GROUP ? at : second) * SLOT, newestSlot, f, *angles);
          attend32<T, D>(sums, q, ringAt + at * SLOT, ringAt + second * SLOT, p, it.from, to, s.softCap);
          at = second + 1 == SLOTS ? 0 : second + 1, free = 2;
        }
        sums.end();
        all.join(sums);
      }
      if (it.to < it.from) all.total[0] = all.total[1] = 1.f; // padding: zeros
      __syncwarp();
      end_item(it, e, all, first, (float*)(ring + filled * SLOT));
      __syncwarp();
      if (left > 1) list.next(s, it);
    }
  }

  /** Writes the result, or what a piece leaves; through a slot of the ring. */
  __device__ __forceinline__ void end_item(const Item& it, const Entry& e, const Sums<D>& all, int first, float* rows) {
    int lane = threadIdx.x & 31;
    float2* state = (float2*)(rows + HEADS * PITCH);
    all.each(it.heads, [&](int h, int d, float v) { rows[h * PITCH + d] = v; },
             [&](int h, float highest, float total) { state[h] = make_float2(highest, total); });
    __syncwarp();
    auto sum = [&](int h, int d) { return *(const float2*)(rows + h * PITCH + d); };
    if (e.pieces == 1) {
      write_heads<32>(s, lane, e.row, it.head0, it.heads, [&](int h, int d) {
        float2 v = sum(h, d);
        return make_float2(v.x / state[h].y, v.y / state[h].y);
      });
      return;
    }
    each_pair<32>(it.heads, s.headDim, lane, [&](int h, int d) {
      if (h >= it.heads) return;
      float* to = partial_of(s, first + it.entry, it.piece, it.head0 + h);
      *(float2*)(to + 2 + d) = sum(h, d);
      if (d == 0) *(float2*)to = state[h];
    });
    __threadfence();
    __syncwarp();
    bool last = lane == 0 && last_piece(s, first + it.entry, it.kvHead, e.pieces);
    if (__shfl_sync(ALL, last, 0)) merge_pieces<32>(s, lane, first + it.entry, e.row, it.kvHead, e.pieces);
  }
};

template <class T, int D, int W, int SLOTS, bool FRESH> __device__ __forceinline__ void many(const Singles& s, const Fresh& f) {
  extern __shared__ __align__(128) uchar dynamic[];
  Many<T, D, W, SLOTS, FRESH>{s, f, dynamic}.run();
}

#ifndef NO_KERNELS
#define KERNEL(KV, T, D, W, SLOTS, BLOCKS)                                                                                                          \
  extern "C" __global__ void __launch_bounds__(W * 32, BLOCKS) attn_decode_d##D##_##KV(const float* q, int ldq, FROM_Y) {                           \
    many<T, D, W, SLOTS, false>(Singles{q, ldq, PASS_Y}, Fresh{});                                                                                  \
  }                                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(W * 32, BLOCKS) attn_decode_rope_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, ROTATION_FROM) {   \
    many<T, D, W, SLOTS, true>(Singles{qkv, ldqkv, PASS_Y}, Fresh{kvSlots, {rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm});          \
  }
#define KERNELS(D, W, SLOTS, BLOCKS)       \
  KERNEL(f16, __half, D, W, SLOTS, BLOCKS) \
  KERNEL(bf16, bf16, D, W, SLOTS, BLOCKS)  \
  EXPORT_SHAPE(attn_decode_d##D, W * 32, MOST_ENTRIES, BLOCKS, Many<bf16, D, W, SLOTS, true>::BYTES)
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1200) // less shared memory
KERNELS(64, 4, 3, 1)
KERNELS(128, 3, 3, 1)
#else
KERNELS(64, 8, 5, 1)
KERNELS(128, 8, 2, 1)
KERNELS(256, 4, 3, 1)
#endif
#endif
