// Attention of prompts over pages of 16 bits by wgmma, on Hopper; flash.cu says what is computed, and does it elsewhere.
// architectures: 90a
//
// Two warpgroups have 64 rows each and compute; a third brings keys and values into a ring in shared memory, in the order in which they are used: the
// keys of the first tile of positions, then by turns those of the next and the values of the last. While a warpgroup makes weights of scores, the
// products of its next scores and last weights are on their way, and the other warpgroup computes.
#include "attention/flash.cuh"
#include "attention/wgmma.cuh"

static constexpr int BRINGERS = 128, COMPUTERS = 256, THREADS = BRINGERS + COMPUTERS, ROWS = 128;
static constexpr int BRINGER_REGISTERS = 40, COMPUTER_REGISTERS = 232, BEHIND = 2;

/** D: dimensions of a head, padded with zeros. N: positions of a tile. SLOTS: of the ring. */
template <class T, int D, int N, int SLOTS> struct Hopper {
  static constexpr int SLOT_BYTES = N * D * 2, QUERY_BYTES = ROWS * D * 2, BARRIERS_AT = QUERY_BYTES + SLOTS * SLOT_BYTES;
  static constexpr int SEEN_AT = BARRIERS_AT + 2 * SLOTS * 8, BYTES = SEEN_AT + ROWS * (int)sizeof(Seen) + 1024; // the start is rounded up

  /** Bytes from the start of a tile of `rows` rows to a chunk of 8 dimensions. */
  static __device__ __forceinline__ int chunk(int rows, int row, int c) { return (c / 8 * rows + row) * 128 + ((c % 8 ^ (row & 7)) << 4); }

  struct Ring {
    unsigned slots, full, empty;
    __device__ __forceinline__ unsigned slot(int u) const { return slots + u % SLOTS * SLOT_BYTES; }
    __device__ __forceinline__ void wait_full(int u) const { barrier_wait(full + u % SLOTS * 8, u / SLOTS & 1); }
    __device__ __forceinline__ void wait_empty(int u) const {
      if (u >= SLOTS) barrier_wait(empty + u % SLOTS * 8, u / SLOTS + 1 & 1);
    }
    /** A warp has used a slot. */
    __device__ __forceinline__ void release(int u) const {
      if ((threadIdx.x & 31) == 0) barrier_arrive(empty + u % SLOTS * 8);
    }
    /** What this thread has copied to a slot is there. */
    __device__ __forceinline__ void fill(int u) const {
      shared_for_wgmma();
      barrier_arrive(full + u % SLOTS * 8);
    }
  };

  static __device__ __forceinline__ void bring(const Flash& f, const Work& w, const Ring& ring) {
    constexpr int PART = N / (BRINGERS / 32);
    int first = w.first / N, tiles = w.last / N + 1 - first, own = (threadIdx.x >> 5) * PART + (threadIdx.x & 31) % PART;
    long long before = 0, at = w.at(f, first * N + own), next = w.at(f, (first + 1) * N + own);
    int u = 0;
    auto add = [&](const uchar* from, long long rows) {
      ring.wait_empty(u);
      copy_part<D, PART>(f, ring.slot(u) + (threadIdx.x >> 5) * PART * 128, from, rows, [](int row, int c) { return chunk(N, row, c); });
      if (u >= BEHIND) {
        copies_wait<BEHIND>();
        ring.fill(u - BEHIND);
      }
      u++;
    };
#pragma unroll 1
    for (int i = 0; i < tiles; i++) {
      add(w.keys, at);
      if (i > 0) add(w.keys + w.valueBytes, before);
      before = at, at = next;
      next = w.at(f, (first + i + 2) * N + own);
    }
    add(w.keys + w.valueBytes, before);
    copies_wait<0>();
    for (int i = max(0, u - BEHIND); i < u; i++) ring.fill(i);
  }

  /** Starts products of 64 rows with all keys of a slot. */
  static __device__ __forceinline__ void score(float (&s)[N / 2], unsigned queries, unsigned keys) {
#pragma unroll
    for (int k = 0; k < D / 16; k++)
      wgmma_shared<T, N / 2>(s, by_rows(queries + k / 4 * ROWS * 128 + k % 4 * 32), by_rows(keys + k / 4 * N * 128 + k % 4 * 32), k > 0);
    wgmma_commit();
  }
  /** Starts adding the values of a slot times their weights. */
  static __device__ __forceinline__ void sum(float (&o)[D / 2], const unsigned (&p)[N / 16][4], unsigned values) {
#pragma unroll
    for (int k = 0; k < N / 16; k++) wgmma_registers<T, D / 2>(o, p[k], by_columns(values + k * 2048, N * 128));
    wgmma_commit();
  }

  static __device__ __forceinline__ void compute(const Flash& f, const Work& w, const Ring& ring, uchar* room) {
    int thread = threadIdx.x - BRINGERS, warp = thread >> 5, lane = thread & 31, group = warp / 4, mine = 16 * warp + lane / 4;
    Seen* seen = (Seen*)(room + SEEN_AT);
    load_queries<T, D, 16>(f, w, 16 * warp, seen, [&](int r, int d) { return room + chunk(ROWS, r, d / 8) + 2 * (d % 8); });
    shared_for_wgmma();
    asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory"); // a warpgroup reads its own queries only
    unsigned queries = shared_address(room) + group * 64 * 128;
    int first = w.first / N, tiles = w.last / N + 1 - first;
    float o[D / 2], s[N / 2], factor[2];
    unsigned p[N / 16][4];
    Softmax rows[2];
#pragma unroll
    for (int i = 0; i < D / 2; i++) o[i] = 0.f;
#pragma unroll
    for (int h = 0; h < 2; h++) rows[h].unit = adjusts(f) ? LOG2E : LOG2E * seen[mine + 8 * h].power;
    ring.wait_full(0);
    wgmma_fence();
    score(s, queries, ring.slot(0));
    wgmma_wait<0>();
    written(s);
    ring.release(0);
    soften<N / 8>(f, w, seen, mine, first * N, s, rows, factor);
#pragma unroll
    for (int k = 0; k < N / 16; k++) weights16<T, N / 8>(p[k], s, k);
    ring.wait_full(1);
#pragma unroll 1
    for (int i = 1; i < tiles; i++) {
      int u = 2 * i - 1;
      wgmma_fence();
      score(s, queries, ring.slot(u));
      ring.wait_full(u + 1);
      sum(o, p, ring.slot(u + 1));
      wgmma_wait<1>();
      written(s);
      ring.release(u);
      soften<N / 8>(f, w, seen, mine, (first + i) * N, s, rows, factor);
      ring.wait_full(u + 2); // a loop: behind it the next wait cannot be moved before the weights have been made
      wgmma_wait<0>();
      written(o);
      ring.release(u + 1);
#pragma unroll
      for (int j = 0; j < D / 2; j++) o[j] *= factor[j / 2 % 2];
#pragma unroll
      for (int k = 0; k < N / 16; k++) weights16<T, N / 8>(p[k], s, k);
    }
    int u = 2 * tiles - 1;
    wgmma_fence();
    sum(o, p, ring.slot(u));
    wgmma_wait<0>();
    written(o);
    write_rows<D / 8>(f, w, mine, o, rows);
  }

  static __device__ __forceinline__ void run(const Flash& f) {
    extern __shared__ uchar dynamic[];
    uchar* room = dynamic + (-shared_address(dynamic) & 1023);
    dependents();
    wait_previous();
    Work w(f, ROWS);
    if (w.rows == 0) return;
    unsigned barriers = shared_address(room) + BARRIERS_AT;
    Ring ring{shared_address(room) + QUERY_BYTES, barriers, barriers + SLOTS * 8};
    if (threadIdx.x == 0) {
      for (int i = 0; i < SLOTS; i++) {
        barrier_init(ring.full + 8 * i, BRINGERS);
        barrier_init(ring.empty + 8 * i, COMPUTERS / 32);
      }
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    if (threadIdx.x < BRINGERS) {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(BRINGER_REGISTERS));
      bring(f, w, ring);
    } else {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COMPUTER_REGISTERS));
      compute(f, w, ring, room);
    }
  }
};

#define KERNEL(KV, T, D, N, SLOTS)                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) attn_wgmma_d##D##_##KV(FLASH_PARAMETERS) {           \
    Hopper<T, D, N, SLOTS>::run(FLASH_PASSED);                                                                  \
  }
#define KERNELS(D, N, SLOTS)           \
  KERNEL(f16, __half, D, N, SLOTS)     \
  KERNEL(bf16, bf16, D, N, SLOTS)      \
  EXPORT_SHAPE(attn_wgmma_d##D, THREADS, TILE, ROWS, Hopper<bf16, D, N, SLOTS>::BYTES)
KERNELS(64, 128, 6)
KERNELS(128, 128, 5)
KERNELS(256, 64, 5)
