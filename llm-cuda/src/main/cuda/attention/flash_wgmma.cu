// Attention of prompts over pages of 16 bits by wgmma, on Hopper; flash.cu says what is computed, and does it elsewhere.
// architectures: 90a
//
// Blocks stay and take jobs in turn. Two warpgroups have 64 rows each and compute; a third brings queries, where they need not become anything else,
// and keys and values into a ring in shared memory, in the order in which they are used: the keys of the first tile of positions, then by turns those
// of the next and the values of the last, then those of the next job. While a warpgroup makes weights of scores, the products of its next scores and
// last weights are on their way, and the other warpgroup computes.
#include "attention/softmax.cuh"
#include "attention/wgmma.cuh"

static constexpr int BRINGERS = 128, COMPUTERS = 256, THREADS = BRINGERS + COMPUTERS, ROWS = 128;
static constexpr int BRINGER_REGISTERS = 40, COMPUTER_REGISTERS = 232;

/** What a block does next; without rows, nothing more. */
struct Job {
  Work work;
  Seen seen[ROWS];
};

/** D: dimensions of a head, padded with zeros. N: positions of a tile. SLOTS: of the ring. JOBS: whose queries are there. */
template <class T, int D, int N, int SLOTS, int JOBS> struct Hopper {
  static constexpr int SLOT_BYTES = N * D * 2, QUERY_BYTES = ROWS * D * 2, SLOTS_AT = JOBS * QUERY_BYTES, BARRIERS_AT = SLOTS_AT + SLOTS * SLOT_BYTES;
  static constexpr int JOBS_AT = (BARRIERS_AT + (2 * SLOTS + JOBS) * 8 + 15) / 16 * 16;
  static constexpr int BYTES = JOBS_AT + JOBS * (int)sizeof(Job) + 1024; // the start is rounded up

  /** Bytes from the start of a tile of `rows` rows to a chunk of 8 dimensions. */
  static __device__ __forceinline__ int chunk(int rows, int row, int c) { return (c / 8 * rows + row) * 128 + ((c % 8 ^ (row & 7)) << 4); }

  struct Ring {
    unsigned slots, full, empty, taken; // the last ones tell of jobs that are done
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

  /** Starts copying the queries of a job, and says what they see; a thread knows all of one row. */
  static __device__ __forceinline__ void bring_queries(const Flash& f, const Work& w, Job& job, unsigned to) {
    constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS;
    int lane = threadIdx.x & 31, c = lane % CHUNKS, r0 = threadIdx.x - lane, query = threadIdx.x / w.each, position = -1;
    long long at = -1;
    if (threadIdx.x < w.rows) {
      position = f.positions[w.row0 + query];
      at = (long long)(w.row0 + query) * f.ldq + (w.head0 + threadIdx.x - query * w.each) * f.headDim;
    }
    job.seen[threadIdx.x] = Seen{position < 0 ? 0 : Work::first_seen(f, position), position, 1.f};
#pragma unroll 4
    for (int i = 0; i < 32; i += AT_ONCE) {
      int r = i + lane / CHUNKS;
      long long row = __shfl_sync(ALL, at, r);
      bool there = row >= 0 && 8 * c < f.headDim;
      copy16(to + chunk(ROWS, r0 + r, c), (const uchar*)f.q + (there ? 2 * row + 16 * c : 0), there);
    }
  }

  static __device__ __forceinline__ void bring(const Flash& f, const Ring& ring, uchar* room) {
    constexpr int PART = N / (BRINGERS / 32);
    int own = (threadIdx.x >> 5) * PART + (threadIdx.x & 31) % PART, u = 0, filled = 0, number = 0;
    auto fill_to = [&](int end) {
      for (; filled < end; filled++) ring.fill(filled);
    };
    auto add = [&](const Work& w, const uchar* from, long long rows) {
      ring.wait_empty(u);
      copy_part<D, PART>(f, ring.slot(u) + (threadIdx.x >> 5) * PART * 128, from, rows, [](int row, int c) { return chunk(N, row, c); });
      copies_wait<1>(); // those of the slot before are there
      fill_to(u++);
    };
    auto next = [&]() { // the number of its room, once that is free
      int turn = number / JOBS, at = number++ % JOBS;
      if (turn > 0) barrier_wait(ring.taken + 8 * at, turn + 1 & 1);
      return at;
    };
    Job* jobs = (Job*)(room + JOBS_AT);
#pragma unroll 1
    for (int round = 0;; round++) { // forwards and backwards, since the first jobs of each round are the longest
      int job = round * gridDim.x + (round % 2 ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
      if (job >= f.jobs) break;
      Work w(f, ROWS, job);
      if (w.rows == 0) continue;
      int to = next();
      if (threadIdx.x == 0) jobs[to].work = w;
      if (f.qKind != 0) bring_queries(f, w, jobs[to], shared_address(room) + to * QUERY_BYTES);
      int first = w.first / N, tiles = w.last / N + 1 - first;
      long long before = 0, at = w.at(f, first * N + own), after = w.at(f, (first + 1) * N + own);
#pragma unroll 1
      for (int i = 0; i < tiles; i++) {
        add(w, w.keys, at);
        if (i > 0) add(w, w.keys + w.valueBytes, before);
        before = at, at = after;
        after = w.at(f, (first + i + 2) * N + own);
      }
      add(w, w.keys + w.valueBytes, before);
      copies_wait<0>(); // else the end of a job would wait for the beginning of the next one
      fill_to(u);
    }
    int end = next();
    ring.wait_empty(u);
    if (threadIdx.x == 0) jobs[end].work.rows = 0;
    ring.fill(u);
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

  /** All jobs. */
  static __device__ __forceinline__ void compute(const Flash& f, const Ring& ring, uchar* room) {
    int u = 0;
#pragma unroll 1
    for (int number = 0;; number++) {
      Job& job = ((Job*)(room + JOBS_AT))[number % JOBS];
      ring.wait_full(u);
      if (job.work.rows == 0) break;
      compute(f, job, ring, room + number % JOBS * QUERY_BYTES, u);
      __syncwarp();
      if ((threadIdx.x & 31) == 0) barrier_arrive(ring.taken + 8 * (number % JOBS));
    }
  }

  /** A job, whose first keys are in slot u, which then is that of the next one. */
  static __device__ __forceinline__ void compute(const Flash& f, Job& job, const Ring& ring, uchar* own, int& u) {
    int thread = threadIdx.x - BRINGERS, warp = thread >> 5, lane = thread & 31, group = warp / 4, mine = 16 * warp + lane / 4;
    Seen* seen = job.seen;
    Work w = job.work;
    if (f.qKind == 0) {
      load_queries<T, D, 16>(f, w, 16 * warp, seen, [&](int r, int d) { return own + chunk(ROWS, r, d / 8) + 2 * (d % 8); });
      shared_for_wgmma();
      asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory"); // a warpgroup reads its own queries only
    }
    unsigned queries = shared_address(own) + group * 64 * 128;
    int first = w.first / N, tiles = w.last / N + 1 - first;
    float o[D / 2], s[N / 2], factor[2];
    unsigned p[N / 16][4];
    Softmax rows[2];
#pragma unroll
    for (int i = 0; i < D / 2; i++) o[i] = 0.f;
#pragma unroll
    for (int h = 0; h < 2; h++) rows[h].unit = adjusts(f) ? LOG2E : LOG2E * seen[mine + 8 * h].power;
    wgmma_fence();
    score(s, queries, ring.slot(u));
    wgmma_wait<0>();
    written(s);
    ring.release(u);
    soften<N / 8>(f, w, seen, mine, first * N, s, rows, factor);
#pragma unroll
    for (int k = 0; k < N / 16; k++) weights16<T, N / 8>(p[k], s, k);
    ring.wait_full(++u);
#pragma unroll 1
    for (int i = 1; i < tiles; i++, u += 2) {
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
    wgmma_fence();
    sum(o, p, ring.slot(u));
    wgmma_wait<0>();
    written(o);
    ring.release(u++);
    write_rows<D / 8>(f, w, mine, o, rows);
  }

  static __device__ __forceinline__ void run(const Flash& f) {
    extern __shared__ uchar dynamic[];
    uchar* room = dynamic + (-shared_address(dynamic) & 1023);
    unsigned barriers = shared_address(room) + BARRIERS_AT;
    Ring ring{shared_address(room) + SLOTS_AT, barriers, barriers + SLOTS * 8, barriers + 2 * SLOTS * 8};
    dependents();
    if (threadIdx.x == 0) {
      for (int i = 0; i < SLOTS; i++) {
        barrier_init(ring.full + 8 * i, BRINGERS);
        barrier_init(ring.empty + 8 * i, COMPUTERS / 32);
      }
      for (int i = 0; i < JOBS; i++) barrier_init(ring.taken + 8 * i, COMPUTERS / 32);
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    wait_previous();
    if (threadIdx.x < BRINGERS) {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(BRINGER_REGISTERS));
      bring(f, ring, room);
    } else {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COMPUTER_REGISTERS));
      compute(f, ring, room);
    }
  }
};

#define KERNEL(KV, T, D, N, SLOTS, JOBS)                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) attn_wgmma_d##D##_##KV(FLASH_PARAMETERS) {           \
    Hopper<T, D, N, SLOTS, JOBS>::run(FLASH_PASSED);                                                            \
  }
#define KERNELS(D, N, SLOTS, JOBS)       \
  KERNEL(f16, __half, D, N, SLOTS, JOBS) \
  KERNEL(bf16, bf16, D, N, SLOTS, JOBS)  \
  EXPORT_SHAPE(attn_wgmma_d##D, THREADS, TILE, ROWS, Hopper<bf16, D, N, SLOTS, JOBS>::BYTES)
KERNELS(64, 128, 8, 2)
KERNELS(128, 128, 4, 2)
KERNELS(256, 64, 5, 1)
