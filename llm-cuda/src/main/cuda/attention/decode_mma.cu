// Attention of many queries over pages of 16 bits on tensor cores, also with the rotation and storing before it in the same kernel. decode.cu does it
// for pages of floats, and for heads whose rows do not start at 16 bytes; decode_few.cu for queries and heads that are fewer than warps.
//
// Warps stay, and each by itself takes an even share of all positions of all queries and groups of heads, in slices: any number of sequences of any
// length fills the device. A warp brings the keys of 32 positions, then their values, and so on, into a ring of its own in shared memory, ahead over
// the ends of pieces, and asks for the next queries meanwhile. Where a share ends within a piece, the next warp goes on with its sums. Who ends an
// entry's last piece puts all together, in order.
#include "attention/gate.cuh"
#include "attention/queries.cuh"
#include "attention/shares.cuh"
#include "common/layout.cuh"

template <class T, int D, int W, int SLOTS, bool FRESH> struct Many {
  static constexpr int HALF = Group<D>::HALF, SLOT = 2 * HALF, THREADS = W * 32, PITCH = D + 8;
  static constexpr int QUEUE = SLOTS > 3 ? 8 : 4, ROWS = 3, NEW = FRESH ? 2 : 0; // jobs that a warp knows; rows of floats that it asks for ahead
  static constexpr int AHEAD = 2;                                                // heads of queries whose loads are in flight
  static_assert(SharedQueries<T, D>::bytes(HEADS) <= SLOT && HEADS * (PITCH * 4 + 8) <= SLOT, "a slot is room between jobs, too");

  struct Turns {
    float cos[D / 2], sin[D / 2];
  };
  /** A job as it is attended. */
  struct Known {
    Item it;
    int base, slice, to; // the first of its positions, the last of its first slice, and of all
    int before, end;     // slices of the item that another warp has put together; up to which this one does, if another goes on
    bool asked;          // whether its rows are asked for
  };
  struct Shared {
    uchar rings[W][SLOTS][SLOT]; // of groups of keys, or of values
    float rows[W][ROWS][D];      // of the next job: the newest key and value, queries
    T newest[W][2][D];
    Turns turns[W];
    Known jobs[W][QUEUE];
    Share shares[W];
    float left[W][HEADS * (D + 2)]; // sums for the next warp, as pieces leave them
    Gate left_for[W];               // the warp before has left some
    List list;
  };
  static constexpr int BYTES = sizeof(Shared);

  const Singles& s;
  const Fresh& f;
  Shared& shared;
  int warp, first; // entry

  __device__ __forceinline__ Many(const Singles& s, const Fresh& f, uchar* dynamic)
      : s(s), f(f), shared(*(Shared*)dynamic), warp(threadIdx.x >> 5), first(blockIdx.y * MOST_ENTRIES) {}

  __device__ __forceinline__ void run() {
    dependents();
    const List& list = shared.list;
    if (lane_here() == 0) shared.left_for[warp].init();
    shared.list.fill(s, first);
    Share& share = shared.shares[warp];
    share.find(list, s, blockIdx.x * W + warp, gridDim.x * W);
    if (lane_here() == 0) share.takes &= warp > 0, share.gives &= warp < W - 1;
    __syncwarp();
    int jobs = share.jobs();
    if (!FRESH || jobs == 0) wait_previous();
    if (jobs == 0) return;
    unsigned ring = shared_address(shared.rings[warp]);
    // What is copied: a job, its next positions and the last, whether the next are values, and to which slot.
    Job job;
    job.first(list, s, share);
    int base, to, known = 0, done = 0, filled = 0, opened = -1; // jobs that are known, that are begun; the entry whose pages the window has
    bool values = false, more = true;
    Window window;
    auto enter = [&]() {
      const Entry& e = list.entries[job.it.entry];
      int start = e.start + job.it.piece * e.size, slices = List::first_slice(e, job.it, s) + job.before;
      base = max(start + slices * e.slice, job.it.from / STEP * STEP), to = min(job.it.to, start + (slices + job.count) * e.slice - 1);
      bool asks = known > 0 && done == known && job.it.heads + NEW <= ROWS;
      if (lane_here() == 0)
        shared.jobs[warp][known % QUEUE] = Known{job.it, base, start + (slices + 1) * e.slice - 1, to, job.before,
                                                 job.gives(share) ? job.before + job.count : 0, asks};
      __syncwarp();
      known++;
      if (asks) ask(e, job.it, to);
      if (job.it.entry != opened) window.open(s.table + e.tableAt);
      opened = job.it.entry;
    };
    auto fill = [&]() {
      if (more) {
        const uchar* head = s.kv + s.layerAt + (job.it.kvHead + (values ? s.kvHeads : 0)) * (long long)(s.blockSize * s.headDim * 2);
        int newest = list.entries[opened].context - 1;
#pragma unroll 1
        for (int g = 0; g < 2; g++)
          copy_group<D, false>(s, ring + filled * SLOT + g * HALF, head, window, newest, base + g * GROUP, job.it.from, to);
        if (values) {
          base += STEP;
          if (base > to) {
            more = job.number + 1 < jobs;
            if (more) job.next(list, s, share), enter();
          }
          if (more && s.blockSize == GROUP) window.see(base / GROUP, (list.entries[opened].context - 1) / GROUP);
        }
        values = !values;
      }
      copies_end();
      filled = filled + 1 == SLOTS ? 0 : filled + 1;
    };
    enter();
    // What is attended: a job, its next positions and the last of the slice, whether keys are next, the slot; the entry of the turns.
    const Known* now = nullptr;
    int p = 0, last = 0, at = 0, turned = -1;
    bool keys = true;
    Queries<T, D> q;
    Sums<D> sums, all;
    Weights w;
#pragma unroll 1
    for (int wait = SLOTS - 1;; fill()) {
      if (wait > 0) { // slots to fill before
        wait--;
        continue;
      }
      uchar* slot = shared.rings[warp][now ? at : SLOTS - 1];
      if (now) {
        copies_wait<SLOTS - 1>();
        __syncwarp();
        unsigned rows = shared_address(slot);
        int context = list.entries[now->it.entry].context, newest = context - 1 - p;
        if (FRESH && now->to == context - 1 && newest >= 0 && newest < STEP)
          put_newest(shared.newest[warp][keys ? 0 : 1], rows + newest / GROUP * HALF, newest % GROUP);
        if (keys) attend_keys<T, D>(sums, w, q, rows, p, now->it.from, min(last, now->to), s.softCap);
        else attend_values<T, D>(sums, w, rows);
        __syncwarp();
        at = at + 1 == SLOTS ? 0 : at + 1;
        keys = !keys;
        if (!keys) continue;
        p += STEP;
        if (p <= min(last, now->to)) continue;
        sums.end();
        all.join(sums);
        sums.clear();
        last += list.entries[now->it.entry].slice;
        if (p <= now->to) continue;
        end_job(*now, all, (float*)slot);
        if (done == known) return;
      }
      now = &shared.jobs[warp][done % QUEUE];
      p = now->base, last = now->slice;
      begin_job(*now, q, all, turned, done++ == 0, (unsigned*)slot);
      sums.clear();
    }
  }

  /** Asks for the rows of a job to come. */
  __device__ __forceinline__ void ask(const Entry& e, const Item& it, int to) {
    const float* row = s.q + (long long)e.row * s.ldq;
    auto copy = [&](float* place, int head) {
#pragma unroll
      for (int i = 0; i < D; i += 128)
        if (int d = i + 4 * lane_here(); d < s.headDim) copy16(shared_address(place + d), (const uchar*)(row + head * s.headDim + d), true);
    };
    if (FRESH && to == e.context - 1) copy(shared.rows[warp][0], s.heads + it.kvHead), copy(shared.rows[warp][1], s.heads + s.kvHeads + it.kvHead);
#pragma unroll 1
    for (int h = 0; h < it.heads; h++) copy(shared.rows[warp][NEW + h], it.head0 + h);
  }

  /** Makes the queries, and the newest key and value; takes over what another warp has put together. */
  __device__ __forceinline__ void begin_job(const Known& job, Queries<T, D>& q, Sums<D>& all, int& turned, bool waits, unsigned* room) {
    const Entry& e = shared.list.entries[job.it.entry];
    Turns& turns = shared.turns[warp];
    if (FRESH && job.it.entry != turned && e.context > 0) {
#pragma unroll 1
      for (int i = lane_here(); i < f.rotation.rotaryDim / 2; i += 32) { // as Angles
        float sin, cos;
        sincosf((float)(e.context - 1) * f.rotation.invFreq[i], &sin, &cos);
        turns.cos[i] = cos * f.rotation.factor, turns.sin[i] = sin * f.rotation.factor;
      }
      turned = job.it.entry;
      __syncwarp();
    }
    if (FRESH && waits) wait_previous();
    const float *row = s.q + (long long)e.row * s.ldq, *rows = shared.rows[warp][0];
    auto from = [](const float* p) { return [p](int i) { return *(const volatile float*)(p + i); }; }; // past the first cache
    SharedQueries<T, D> queries{room, job.it.heads};
    auto query = [&](int h) { return from(job.asked ? rows + (NEW + h) * D : row + (job.it.head0 + h) * s.headDim); };
    if constexpr (FRESH) {
      bool newest = e.context > 0 && job.to == e.context - 1;
      int slot = newest ? f.kvSlots[e.row] : 0;
      auto key = from(job.asked ? rows : row + (s.heads + job.it.kvHead) * s.headDim);
      Newest<T, D> kv;
      if (newest) kv.load(s, f, key, from(job.asked ? rows + D : row + (s.heads + s.kvHeads + job.it.kvHead) * s.headDim));
      take_queries<FRESH, AHEAD>(s, queries, query, 0, 1, f, &turns);
      if (newest)
        kv.store(s, job.it.kvHead, slot, f, turns, key, [&](int d) { return &shared.newest[warp][0][d]; },
                 [&](int d) { return &shared.newest[warp][1][d]; });
    } else {
      take_queries<FRESH, AHEAD>(s, queries, query, 0, 1, f, &turns);
    }
    __syncwarp();
    q.load(queries);
    __syncwarp();
    all.clear();
    if (job.before > 0) take_over(job, all);
  }

  /** The newest key, or value, over what was copied of it, as a row of a group. */
  __device__ __forceinline__ void put_newest(const T* from, unsigned group, int row) {
    int lane = lane_here();
    if (8 * lane < s.headDim) {
      uint4 v = ((const uint4*)from)[lane];
      asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(group + Group<D>::at(row, lane)), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                   : "memory");
    }
    __syncwarp();
  }

  __device__ __forceinline__ unsigned* handed(const Item& it) const { return s.handed + place_of(s, first + it.entry, it.piece, it.head0); }
  __device__ __forceinline__ float* left(const Item& it) const { return partial_of(s, first + it.entry, it.piece, it.head0); }

  __device__ __forceinline__ void take_over(const Known& job, Sums<D>& all) {
    int lane = lane_here();
    const float* from = shared.left[warp];
    if (shared.shares[warp].takes) {
      shared.left_for[warp].wait(0);
    } else {
      unsigned now;
      do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(now) : "l"(handed(job.it)) : "memory");
      while (now != (unsigned)job.before);
      __syncwarp();
      if (lane == 0) *handed(job.it) = 0;
      from = left(job.it);
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const volatile float* p = from + min(2 * (lane & 3) + h, job.it.heads - 1) * (s.headDim + 2);
      all.highest[h] = p[0], all.total[h] = p[1];
#pragma unroll
      for (int i = 0; i < D / 8; i++) {
        int d = 8 * i + lane / 4;
        all.o[i / 2][h + i % 2 * 2] = d < s.headDim ? p[2 + d] : 0.f;
      }
    }
  }

  /** Writes the result, or what a piece leaves, or its slices so far if another warp goes on with it. */
  __device__ __forceinline__ void end_job(const Known& job, const Sums<D>& all, float* rows) {
    const Item& it = job.it;
    const Entry& e = shared.list.entries[it.entry];
    int lane = lane_here();
    float2* state = (float2*)(rows + HEADS * PITCH);
    all.each(it.heads, [&](int h, int d, float v) { rows[h * PITCH + d] = v; },
             [&](int h, float highest, float total) { state[h] = make_float2(highest, it.to < it.from ? 1.f : total); }); // padding: zeros
    __syncwarp();
    auto sum = [&](int h, int d) { return *(const float2*)(rows + h * PITCH + d); };
    if (e.pieces == 1 && job.end == 0) {
      write_heads<32>(s, lane, e.row, it.head0, it.heads, [&](int h, int d) {
        float2 v = sum(h, d);
        return make_float2(v.x / state[h].y, v.y / state[h].y);
      });
      __syncwarp();
      return;
    }
    bool near = job.end > 0 && shared.shares[warp].gives;
    float* to = near ? shared.left[warp + 1] : left(it);
    each_pair<32>(it.heads, s.headDim, lane, [&](int h, int d) {
      if (h >= it.heads) return;
      *(float2*)(to + h * (s.headDim + 2) + 2 + d) = sum(h, d);
      if (d == 0) *(float2*)(to + h * (s.headDim + 2)) = state[h];
    });
    if (near) {
      __syncwarp();
      if (lane == 0) shared.left_for[warp + 1].arrive();
      return;
    }
    asm volatile("fence.acq_rel.gpu;" ::: "memory");
    __syncwarp();
    if (job.end > 0) {
      if (lane == 0) asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(handed(it)), "r"(job.end) : "memory");
      return;
    }
    bool last = lane == 0 && last_piece(s, first + it.entry, it.kvHead, e.pieces);
    if (__shfl_sync(ALL, last, 0)) merge_pieces<32>(s, lane, first + it.entry, e.row, it.kvHead, e.pieces);
  }
};

template <class M> __device__ __forceinline__ void many(const Singles& s, const Fresh& f) {
  extern __shared__ __align__(128) uchar dynamic[];
  M(s, f, dynamic).run();
}

#ifndef NO_KERNELS
#define FRESH_OF Fresh{kvSlots, {rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm}
#define KERNEL(KV, T, D, W, SLOTS)                                                                                                         \
  extern "C" __global__ void __launch_bounds__(W * 32) attn_decode_d##D##_##KV(const float* q, int ldq, FROM_Y) {                          \
    many<Many<T, D, W, SLOTS, false>>(Singles{q, ldq, PASS_Y}, Fresh{});                                                                   \
  }                                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(W * 32) attn_decode_rope_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, ROTATION_FROM) {  \
    many<Many<T, D, W, SLOTS, true>>(Singles{qkv, ldqkv, PASS_Y}, FRESH_OF);                                                               \
  }
#define KERNELS(D, W, SLOTS)       \
  KERNEL(f16, __half, D, W, SLOTS) \
  KERNEL(bf16, bf16, D, W, SLOTS)  \
  EXPORT_SHAPE(attn_decode_d##D, W * 32, MOST_ENTRIES, 1, Many<bf16, D, W, SLOTS, true>::BYTES)
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1200) // less shared memory
KERNELS(64, 4, 4)
KERNELS(128, 3, 2)
#else
KERNELS(64, 8, 4)
KERNELS(128, 8, 2)
KERNELS(256, 4, 2)
#endif
#endif
