// Attention of few queries over pages of 16 bits on tensor cores, also with the rotation and storing before it in the same kernel. A block, or a
// cluster of some, does an entry's pieces for some heads: each warp slices of them, whose sums the first block puts together in its shared memory.
// Where there are several pieces, the blocks of a cluster do some each by itself. A step of one query is nothing but latency: the kernel has few
// instructions, and asks early for what it will need.
#include "attention/results.cuh"
#include "common/layout.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
static constexpr int MOST_CLUSTER = 8;
#else
static constexpr int MOST_CLUSTER = 1;
#endif

/** The blocks of a cluster; also of one that is none. */
struct Cluster {
  int rank, size;
  __device__ __forceinline__ Cluster(int rank, int size) : rank(rank), size(size) {}
  __device__ __forceinline__ Cluster() : rank(0), size(1) {
#if __CUDA_ARCH__ >= 900
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
#endif
  }
  /** That a block has begun: others may write to it then. */
  __device__ __forceinline__ void begun() const {
#if __CUDA_ARCH__ >= 900
    if (size > 1) asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
#endif
  }
  __device__ __forceinline__ void arrive() const {
#if __CUDA_ARCH__ >= 900
    if (size > 1) asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
  }
  __device__ __forceinline__ void await() const {
#if __CUDA_ARCH__ >= 900
    if (size > 1) asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
  }
  __device__ __forceinline__ void sync() const {
    if (size > 1) arrive(), await();
    else __syncthreads();
  }
  /** The same place in the shared memory of the first block. */
  __device__ __forceinline__ unsigned first(const void* p) const {
    unsigned address = shared_address(p);
#if __CUDA_ARCH__ >= 900
    if (size > 1) asm volatile("mapa.shared::cluster.u32 %0, %0, 0;" : "+r"(address));
#endif
    return address;
  }
  static __device__ __forceinline__ void put(unsigned to, float a) {
#if __CUDA_ARCH__ >= 900
    asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(to), "f"(a) : "memory");
#else
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(to), "f"(a) : "memory");
#endif
  }
};

template <class T, int D> struct Room {
  SharedQueries<T, D> queries;
  Angles angles;
  float2 state[SLICE_ROWS];
  bool last;
};

template <class T, int D, int W, int SLOTS, bool FRESH> struct Few {
  static constexpr int SLOT = Group<D>::BYTES, RING = W * SLOTS * SLOT, THREADS = W * 32, PITCH = D + 8;
  static constexpr int BYTES = RING + (sizeof(Room<T, D>) + 15) / 16 * 16, HEAD_BYTES = MOST_SLICES * PITCH * 4; // besides, for each head
  static_assert(SLOTS % 2 == 0 && THREADS >= D / 2, "");

  const Singles& s;
  const Fresh& f;
  uchar* dynamic;
  Cluster cluster;

  /** The groups of a warp: piece after piece, and slice after slice, each of an even number of groups. */
  struct Walk {
    int piece, slice, base, from, to, last; // slice of the piece; first position of the group, first and last of the slice, last of the piece
    __device__ __forceinline__ bool any() const { return base <= last; }
    __device__ __forceinline__ void enter(const Entry& e, int p, int mine, int team) {
      piece = p, slice = mine, from = e.from(p), last = e.to(p);
      skip(e, team);
    }
    __device__ __forceinline__ void next(const Entry& e, int team) {
      slice += team;
      skip(e, team);
    }
    __device__ __forceinline__ void skip(const Entry& e, int team) { // what a window hides
      int start = e.start + piece * e.size;
#pragma unroll 1
      while (start + (slice + 1) * e.slice <= from) slice += team;
      base = max(start + slice * e.slice, from / STEP * STEP), to = min(last, start + (slice + 1) * e.slice - 1);
    }
  };

  __device__ __forceinline__ void run() {
    dependents();
    Room<T, D>& room = *(Room<T, D>*)(dynamic + RING);
    float* rows = (float*)(dynamic + BYTES);
    int warp = threadIdx.x >> 5, worker = blockIdx.x, workers = gridDim.x;
    cluster.begun();
    float frequency = FRESH && 2 * threadIdx.x < f.rotation.rotaryDim ? f.rotation.invFreq[threadIdx.x] : 0.f;
    int group = s.group(), kvHead = blockIdx.y, head0 = kvHead * group, heads = group;
    if (group > HEADS) {
      int parts = s.parts(), part = kvHead % parts;
      kvHead /= parts, head0 = kvHead * group + part * HEADS, heads = min(HEADS, group - part * HEADS);
    }
    Entry e(s, blockIdx.z);
    cluster.await();
    if (e.pieces > 1) cluster = Cluster{0, 1};
    else worker /= cluster.size, workers = 1;
    if (worker >= e.pieces) {
      wait_previous();
      return;
    }
    int team = W * cluster.size, mine = cluster.rank * W + warp;
    uchar* ring = dynamic + warp * SLOTS * SLOT;
    unsigned ringAt = shared_address(ring);
    Window window;
    window.open(s.table + e.tableAt);
    Walk ahead;
    int filled = 0;
    auto settle = [&]() { // on a slice that is there, or behind all
#pragma unroll 1
      while (!ahead.any() && ahead.piece + workers < e.pieces) ahead.enter(e, ahead.piece + workers, mine, team);
    };
    auto fill = [&]() {
      if (ahead.any() || ahead.base % STEP) {
        copy_group<D>(s, ringAt + filled * SLOT, window, e.context - 1, kvHead, ahead.base, ahead.from, ahead.to);
        ahead.base += GROUP;
        if (ahead.base % STEP == 0 && ahead.base > ahead.to) {
          ahead.next(e, team);
          settle();
        }
      }
      copies_end();
      filled = filled + 1 == SLOTS ? 0 : filled + 1;
    };
    if (!FRESH) wait_previous();
    ahead.enter(e, worker, mine, team);
    settle();
#pragma unroll 1
    for (int k = 0; k < SLOTS; k++) fill();
    if constexpr (FRESH) {
      if (2 * threadIdx.x < f.rotation.rotaryDim) {
        float sin, cos;
        sincosf((float)(e.context - 1) * frequency, &sin, &cos);
        room.angles.cos[threadIdx.x] = cos * f.rotation.factor, room.angles.sin[threadIdx.x] = sin * f.rotation.factor;
      }
      __syncthreads();
    }
    if (FRESH) wait_previous();
    if (e.context == 0) { // padding
      if (cluster.rank == 0) write_heads<THREADS>(s, threadIdx.x, e.row, head0, heads, [](int, int) { return make_float2(0.f, 0.f); });
      return;
    }
    int newestSlot = FRESH ? f.kvSlots[e.row] : 0;
    take_queries<FRESH, 1>(s, room.queries, e.row, head0, heads, warp, W, f, &room.angles);
    __syncthreads();
    Queries<T, D> q;
    q.load(room.queries, heads);
    int at = 0, used = 0; // slot; slots that may be filled again
#pragma unroll 1
    for (int p = worker; p < e.pieces; p += workers) {
      Walk walk;
#pragma unroll 1
      for (walk.enter(e, p, mine, team); walk.any(); walk.next(e, team)) {
        Sums<D> sums;
        sums.clear();
#pragma unroll 1
        for (; walk.base <= walk.to; walk.base += STEP) {
#pragma unroll 1
          for (; used > 0; used--) fill();
          copies_wait<SLOTS - 2>();
          __syncwarp();
          if constexpr (FRESH) {
            int newest = e.context - 1 - walk.base;
            if (newest < STEP && walk.to == e.context - 1)
              store_newest<T, D>(s, e, kvHead, ring + (newest < GROUP ? at : at + 1) * SLOT, newestSlot, f, room.angles);
          }
          attend32<T, D>(sums, q, ringAt + at * SLOT, ringAt + at * SLOT + SLOT, walk.base, walk.from, walk.to, s.softCap);
          at = at + 2 == SLOTS ? 0 : at + 2, used = 2;
        }
        sums.end();
        unsigned row = cluster.first(rows) + walk.slice * heads * PITCH * 4, state = cluster.first(room.state) + walk.slice * heads * 8;
        sums.each(heads, [&](int h, int d, float v) { Cluster::put(row + (h * PITCH + d) * 4, v); },
                  [&](int h, float highest, float total) { Cluster::put(state + h * 8, highest), Cluster::put(state + h * 8 + 4, total); });
      }
      cluster.sync();
      if (cluster.rank == 0) {
        int start = e.start + p * e.size, k0 = s.quotient(e.from(p) - start, e.slice), k1 = s.quotient(e.to(p) - start, e.slice) + 1;
        auto fold = [&](int h, int d) {
          Folded sum;
          sum.template fold<4>(k0, k1, [&](int k) { return room.state[k * heads + h]; },
                               [&](int k) { return *(const float2*)(rows + (k * heads + h) * PITCH + d); });
          return sum;
        };
        if (e.pieces == 1) {
          write_heads<THREADS>(s, threadIdx.x, e.row, head0, heads, [&](int h, int d) { return fold(h, d).result(); });
        } else {
          each_pair<THREADS>(heads, s.headDim, threadIdx.x, [&](int h, int d) {
            if (h >= heads) return;
            Folded sum = fold(h, d);
            float* to = partial_of(s, blockIdx.z, p, head0 + h);
            *(float2*)(to + 2 + d) = sum.value;
            if (d == 0) *(float2*)to = make_float2(sum.highest, sum.total);
          });
          __threadfence();
          __syncthreads();
          if (threadIdx.x == 0) room.last = last_piece(s, blockIdx.z, kvHead, e.pieces);
          __syncthreads();
          if (room.last) merge_pieces<THREADS>(s, threadIdx.x, blockIdx.z, e.row, kvHead, e.pieces);
        }
      }
      if (p + workers < e.pieces) cluster.sync();
    }
  }
};

template <class T, int D, int W, int SLOTS, bool FRESH> __device__ __forceinline__ void few(const Singles& s, const Fresh& f) {
  extern __shared__ __align__(128) uchar dynamic[];
  Few<T, D, W, SLOTS, FRESH>{s, f, dynamic}.run();
}

#ifndef NO_KERNELS
#define KERNEL(NAME, KV, T, D, W, SLOTS)                                                                                                  \
  extern "C" __global__ void __launch_bounds__(W * 32) attn_decode_##NAME##_d##D##_##KV(const float* q, int ldq, FROM_Y) {                \
    few<T, D, W, SLOTS, false>(Singles{q, ldq, PASS_Y}, Fresh{});                                                                         \
  }                                                                                                                                       \
  extern "C" __global__ void __launch_bounds__(W * 32)                                                                                    \
      attn_decode_##NAME##_rope_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, ROTATION_FROM) {                                         \
    few<T, D, W, SLOTS, true>(Singles{qkv, ldqkv, PASS_Y}, Fresh{kvSlots, {rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm}); \
  }
#define SHAPE(NAME, D, W, ROOM) \
  EXPORT_SHAPE(attn_decode_##NAME##_d##D, W * 32, ROOM::BYTES, ROOM::HEAD_BYTES, SLICE_ROWS / MOST_SLICES, HEADS, MOST_CLUSTER)
#define KERNELS(NAME, D, W, SLOTS)             \
  KERNEL(NAME, f16, __half, D, W, SLOTS)       \
  KERNEL(NAME, bf16, bf16, D, W, SLOTS)        \
  typedef Few<bf16, D, W, SLOTS, true> NAME##D; \
  SHAPE(NAME, D, W, NAME##D)
// Less than a block for each multiprocessor; two for each.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1200) // less shared memory
KERNELS(few, 64, 4, 2)
KERNELS(some, 64, 4, 2)
KERNELS(few, 128, 2, 2)
KERNELS(some, 128, 2, 2)
#else
KERNELS(few, 64, 8, 2)
KERNELS(some, 64, 4, 2)
KERNELS(few, 128, 8, 2)
KERNELS(some, 128, 4, 2)
KERNELS(few, 256, 4, 2)
KERNELS(some, 256, 4, 2)
#endif
#endif
