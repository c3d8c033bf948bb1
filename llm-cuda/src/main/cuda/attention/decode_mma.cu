// Attention of many queries over pages of 16 bits on tensor cores, also with the rotation and storing before it in the same kernel. decode.cu does it
// for pages of floats, and for heads whose rows do not start at 16 bytes; decode_few.cu for queries and heads that are fewer than warps.
//
// Blocks stay, and share all positions of all queries and heads evenly. In a block some warps bring 32 positions after another to rings in shared
// memory, some make queries ahead, and each of the others takes a slice after another, whose sums it puts to those of the slices before. Where a
// share ends within a head, the next block goes on from what this one leaves: this one has done that head first, the next does it last.
#include "attention/gate.cuh"
#include "attention/shares.cuh"
#include "common/layout.cuh"

/** C warps that multiply, with a ring of R steps each, P that bring these, and Q that make queries. */
template <class T, int D, int C, int R, int P, int Q, int LIMIT, bool FRESH> struct Many {
  typedef SharedQueries<T, D, 1> OneQuery;
  static constexpr int SLOT = Group<D>::BYTES, STEP_BYTES = 2 * SLOT, RING = C * R * STEP_BYTES, WARPS = C + P + Q, THREADS = WARPS * 32;
  static constexpr int MOST_JOBS = 8, PITCH = D + 8, HEADER = 32;
  static constexpr int QUERY_BYTES = (sizeof(OneQuery) + 15) / 16 * 16, SUM_BYTES = PITCH * 4, NEWEST_BYTES = 2 * D * 2;
  static constexpr int HEAD_BYTES = QUERY_BYTES + 2 * SUM_BYTES; // of a job: the query, sums of a piece, sums of pieces
  enum { FIRST = 1, LAST = 2, PIECE_BEGINS = 4, PIECE_ENDS = 8, JOB_ENDS = 16, NEWEST = 32, FIRST_PIECE = 64, END = 128 };

  /** What a warp is told of 32 positions. */
  struct alignas(16) Step {
    int flags, job, order, unused; // where its job's data are; number of the slice
    int base, from, to, number;    // first position, which of all count; number of the job
  };
  /** What warps know of a job; behind it stand newest key and value, queries of heads, sums of a piece and of pieces. */
  struct Header {
    int turn, entry, row, head0, heads, pieces, gives, newest; // which slice is to be put to the sums; the last position
  };
  struct Shared {
    List list;
    Angles angles[FRESH ? Q : 1];
    Step steps[C * R];
    uint64_t full[C * R], empty[C * R];
    int made[MOST_JOBS], done[MOST_JOBS]; // number of the last job whose data are there; which nobody needs any more
  };
  static constexpr int FIXED = RING + (sizeof(Shared) + 127) / 128 * 128;
  static constexpr int BYTES = LIMIT / 128 * 128, JOBS_ROOM = BYTES - FIXED;
  static_assert(sizeof(Header) == HEADER && JOBS_ROOM >= HEADER + NEWEST_BYTES + HEADS * HEAD_BYTES, "");

  const Singles& s;
  const Fresh& f;
  uchar* dynamic;

  __device__ __forceinline__ Shared& shared() const { return *(Shared*)(dynamic + RING); }
  __device__ __forceinline__ int job_bytes() const { return HEADER + NEWEST_BYTES + min(s.group(), HEADS) * HEAD_BYTES; }
  __device__ __forceinline__ int jobs() const { return min(MOST_JOBS, JOBS_ROOM / job_bytes()); }
  __device__ __forceinline__ uchar* job_at(int i) const { return dynamic + FIXED + i * job_bytes(); }

  __device__ __forceinline__ void run() {
    dependents();
    Shared& sh = shared();
    int warp = threadIdx.x >> 5;
    if (threadIdx.x < C * R) gate_init(shared_address(&sh.full[threadIdx.x]), 32 * P + 1), gate_init(shared_address(&sh.empty[threadIdx.x]), 1);
    if (threadIdx.x < MOST_JOBS) sh.made[threadIdx.x] = sh.done[threadIdx.x] = -1;
    int first = blockIdx.y * MOST_ENTRIES;
    sh.list.fill(s, first, blockIdx.x, gridDim.x);
    if (warp < C) multiply_all(warp);
    else if (warp < C + P) bring_all(warp - C);
    else make_all(warp - C - P, first);
  }

  /** Each of these warps brings its part of all positions: keys or values of one or several of every two groups. */
  __device__ __forceinline__ void bring_all(int mine) {
    Shared& sh = shared();
    int lane = lane_here(), most = jobs(), parts = s.parts(), filled = 0; // slot of worker `lane`
    unsigned parity = 1;
    long long keyBytes = (long long)s.blockSize * s.headDim * 2, valueBytes = s.kvHeads * keyBytes;
    const uchar* layer = s.kv + s.layerAt;
    if (!FRESH) wait_previous();
    Walk walk(sh.list, s);
#pragma unroll 1
    while (walk.any) {
      int count = 0, steps = 0, base = 0, to = -1, flags = 0, order = 0, job = 0, number = 0, head = 0, entry = 0; // of the slice of worker `lane`
#pragma unroll 1
      for (; count < C && walk.any; count++) {
        if (lane == count) {
          base = walk.from, to = walk.end - 1, order = walk.order, job = walk.turn.at, number = walk.number, head = walk.j.part, entry = walk.j.entry;
          bool newest = walk.end == walk.context;
          flags = (walk.begins ? PIECE_BEGINS : 0) | (walk.piece == 0 ? FIRST_PIECE : 0) | (newest || walk.end == walk.pieceEnd ? PIECE_ENDS : 0) |
                  (walk.end >= walk.j.end ? JOB_ENDS : 0) | (FRESH && newest ? NEWEST : 0);
        }
        steps = max(steps, ceil_div(walk.end - walk.from, STEP));
        walk.next(most);
      }
      head /= parts;
      const Entry& e = sh.list.entries[entry];
      int first = e.first, newest = e.context - 1, tableAt = e.tableAt;
#pragma unroll 1
      for (int k = 0; k < steps; k++) {
        int pages[P < 2 ? 2 : 1] = {};
        if (s.blockSize == GROUP && base + k * STEP <= to) {
#pragma unroll
          for (int i = 0; i < (P < 2 ? 2 : 1); i++)
            pages[i] = __ldg(s.table + tableAt + min(base + k * STEP + (mine * (4 / P) + 2 * i) / 2 * GROUP, newest) / GROUP);
        }
#pragma unroll 1
        for (int w = 0; w < count; w++) {
          int at = __shfl_sync(ALL, base, w) + k * STEP, last = __shfl_sync(ALL, to, w);
          if (at > last) continue;
          int slot = w * R + __shfl_sync(ALL, filled, w), from = __shfl_sync(ALL, first, w);
          gate_wait(shared_address(&sh.empty[slot]), __shfl_sync(ALL, parity, w));
          const uchar* keys = layer + __shfl_sync(ALL, head, w) * keyBytes;
          const int* table = s.table + __shfl_sync(ALL, tableAt, w);
          unsigned room = shared_address(dynamic) + slot * STEP_BYTES;
#pragma unroll
          for (int i = 0; i < 4 / P; i++) {
            int part = mine * (4 / P) + i, group = part / 2, page = __shfl_sync(ALL, pages[P < 2 ? i / 2 : 0], w);
            copy(room + group * SLOT + part % 2 * (SLOT / 2), table, page, keys + (part % 2 ? valueBytes : 0), at + group * GROUP, from, last);
          }
          if (mine == 0 && lane == w) {
            int now = (flags & (PIECE_BEGINS | FIRST_PIECE)) | (k == 0 ? FIRST : 0);
            if (at + STEP > last) now |= LAST | (flags & (PIECE_ENDS | JOB_ENDS | NEWEST));
            *(int4*)&sh.steps[slot] = make_int4(now, job, order, 0);
            *((int4*)&sh.steps[slot] + 1) = make_int4(at, from, last, number);
          }
          close(slot, mine, w);
          if (lane == w && ++filled == R) filled = 0, parity ^= 1;
        }
      }
    }
#pragma unroll 1
    for (int c = 0; c < C; c++) {
      int slot = c * R + __shfl_sync(ALL, filled, c);
      gate_wait(shared_address(&sh.empty[slot]), __shfl_sync(ALL, parity, c));
      if (mine == 0 && lane == c) sh.steps[slot].flags = END;
      close(slot, mine, c);
    }
  }
  /** `teller` is the lane that has written what the worker is told. */
  __device__ __forceinline__ void close(int slot, int mine, int teller) {
    unsigned full = shared_address(&shared().full[slot]);
    gate_arrive_copied(full);
    if (mine == 0 && lane_here() == teller) gate_arrive(full);
  }
  /**
   * Starts copying keys or values of 16 positions from `base` on, those from `from` to `to`; others become zeros. `rows` are the head's in block 0,
   * `page` the number of theirs if pages have so many positions.
   */
  __device__ __forceinline__ void copy(unsigned room, const int* table, int page, const uchar* rows, int base, int from, int to) {
    constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS;
    auto place = [](int row, int c) { return Group<D>::at(row, c); };
    int lane = lane_here(), column = lane % CHUNKS;
    if (s.blockSize == GROUP && s.headDim == D) {
      rows += page * s.blockBytes;
      if (base >= from && base + GROUP - 1 <= to) {
        copy_rows<D, GROUP>(room, rows, place);
        return;
      }
#pragma unroll
      for (int i = 0; i < GROUP / AT_ONCE; i++) {
        int row = i * AT_ONCE + lane / CHUNKS;
        copy16(room + place(row, column), rows + lane * 16 + i * 512, base + row >= from && base + row <= to);
      }
      return;
    }
    int p = base + lane % GROUP;
    long long at = -1; // of the lane's position
    if (p >= from && p <= to) {
      int block = p / s.blockSize;
      at = __ldg(table + block) * s.blockBytes + (long long)(p - block * s.blockSize) * s.headDim * 2;
    }
#pragma unroll 1
    for (int r = lane / CHUNKS; r < GROUP; r += AT_ONCE) {
      long long row = __shfl_sync(ALL, at, r);
      bool there = row >= 0 && 8 * column < s.headDim;
      copy16(room + place(r, column), there ? rows + row + 16 * column : rows, there);
    }
  }

  __device__ __forceinline__ void make_all(int mine, int firstEntry) {
    Shared& sh = shared();
    int lane = lane_here(), most = jobs(), parts = s.parts(), group = s.group();
    Jobs walk(sh.list, s);
    Job j;
    JobTurn turn;
    Angles* angles = &sh.angles[FRESH ? mine : 0];
    int turned = -1, makers = min(Q, most), number = 0;
    bool waits = true;
#pragma unroll 1
    for (int n = 0; walk.next(j); n = n + 1 == makers ? 0 : n + 1, turn.next(most), number++) {
      if (n != mine) continue;
      const Entry& e = sh.list.entries[j.entry];
      if (FRESH && j.entry != turned) {
        __syncwarp();
        angles->fill(f.rotation, e.context - 1, lane, 32);
        turned = j.entry;
        __syncwarp();
      }
      if (waits) wait_previous();
      waits = false;
      int kvHead = j.part / parts, head0 = kvHead * group + (j.part - kvHead * parts) * HEADS, heads = min(HEADS, (kvHead + 1) * group - head0);
      int last = e.context - 1, row = e.row;
      const float* queries = s.q + (long long)row * s.ldq + head0 * s.headDim;
      const float* from = s.q + (long long)row * s.ldq + (s.heads + kvHead) * s.headDim;
      Head<D, FRESH> head, key;
      float value[D / 32];
      int slot = -1;
      head.load(queries, s.headDim, f.rotation);
      bool newest = FRESH && j.end > last;
      if (newest) {
        key.load(from, s.headDim, f.rotation);
#pragma unroll
        for (int k = 0; k < D / 32; k++) value[k] = lane + 32 * k < s.headDim ? row1(from + s.kvHeads * s.headDim + lane + 32 * k) : 0.f;
        slot = __ldcg(f.kvSlots + row);
      }
      if (number >= most) turn_wait(shared_address(&sh.done[turn.at]), number - most);
      __syncwarp();
      uchar* job = job_at(turn.at);
      if (lane == 0) {
        Header& h = *(Header*)job;
        h.turn = 0, h.entry = firstEntry + j.entry, h.row = row, h.head0 = head0, h.heads = heads, h.pieces = e.pieces, h.gives = j.gives;
        h.newest = last;
      }
      if (newest) put_newest((T*)(job + HEADER), key, value, from, kvHead, slot, angles);
      uchar* to = job + HEADER + NEWEST_BYTES;
#pragma unroll 1
      for (int i = 0; i < heads; i++) {
        Head<D, FRESH> next;
        if (i + 1 < heads) next.load(queries + (i + 1) * s.headDim, s.headDim, f.rotation);
        if constexpr (FRESH) head.turn(queries + i * s.headDim, s.headDim, f.qNorm, f.rotation, *angles);
        ((OneQuery*)(to + i * QUERY_BYTES))->put(0, head.x, head.y, [&](int k, int& a, int& b) { Head<D, FRESH>::dims(f.rotation, lane, k, a, b); },
                                                s.scale);
        head = next;
      }
      if (j.takes) take(flag(sh.list.giver), to + heads * QUERY_BYTES, firstEntry + j.entry, head0, heads, e.pieces);
      __syncwarp();
      if (lane == 0) turn_give(shared_address(&sh.made[turn.at]), number);
    }
    if (waits) wait_previous();
#pragma unroll 1
    for (int e = blockIdx.x * Q + mine; e < sh.list.count; e += gridDim.x * Q)
      if (sh.list.entries[e].context == 0)
        write_heads<32>(s, lane, sh.list.entries[e].row, 0, s.heads, [](int, int) { return make_float2(0.f, 0.f); });
  }
  /** The newest key, rotated, and value: to the job and to the page. */
  __device__ __forceinline__ void put_newest(T* to, Head<D, FRESH>& key, const float (&value)[D / 32], const float* from, int kvHead, int slot,
                                             const Angles* angles) {
    if constexpr (FRESH) {
      int lane = lane_here();
      Pages<T> pages(s.kv, s.blockBytes, s.layerAt, s.blockSize, s.kvHeads, kvHead, s.headDim);
      T* page = pages.key(slot / s.blockSize, slot % s.blockSize);
      auto put = [&](int d, float v, int behind, long long far) {
        T x = d < s.headDim ? from_float<T>(v) : from_float<T>(0.f);
        if (d < D) to[behind + d] = x;
        if (d < s.headDim && slot >= 0) page[far + d] = x;
      };
#pragma unroll
      for (int k = 0; k < D / 32; k++) put(lane + 32 * k, value[k], D, pages.valueAt - pages.keyAt);
      key.turn(from, s.headDim, f.kNorm, f.rotation, *angles);
#pragma unroll
      for (int k = 0; k < D / 64; k++) {
        int a, b;
        Head<D, FRESH>::dims(f.rotation, lane, k, a, b);
        put(a, key.x[k], 0, 0), put(b, key.y[k], 0, 0);
      }
    }
  }

  // Sums in shared memory, and where another block finds them.
  __device__ __forceinline__ float* sums_of(uchar* sums, int heads, int kind, int head) const {
    return (float*)(sums + (kind * heads + head) * SUM_BYTES);
  }
  __device__ __forceinline__ unsigned* flag(int block) const { return s.counters + blockIdx.y * gridDim.x + block; }
  __device__ __forceinline__ void take(unsigned* from, uchar* sums, int entry, int head0, int heads, int pieces) {
    if (lane_here() == 0) {
      unsigned there;
      do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(there) : "l"(from) : "memory");
      while (there == 0);
      *from = 0;
    }
    __syncwarp();
#pragma unroll 1
    for (int kind = 0; kind < min(pieces, 2); kind++)
      each_pair<32>(heads, s.headDim, lane_here(), [&](int h, int d) {
        if (h >= heads) return;
        const float* there = partial_of(s, entry, kind, head0 + h);
        float* to = sums_of(sums, heads, kind, h);
        *(float2*)(to + d) = __ldcg((const float2*)(there + 2 + d));
        if (d == 0) *(float2*)(to + D) = __ldcg((const float2*)there);
      });
  }
  __device__ __forceinline__ void give(uchar* sums, int entry, int head0, int heads, int pieces) {
#pragma unroll 1
    for (int kind = 0; kind < min(pieces, 2); kind++)
      each_pair<32>(heads, s.headDim, lane_here(), [&](int h, int d) {
        if (h >= heads) return;
        float *to = partial_of(s, entry, kind, head0 + h), *from = sums_of(sums, heads, kind, h);
        *(float2*)(to + 2 + d) = *(float2*)(from + d);
        if (d == 0) *(float2*)to = *(float2*)(from + D);
      });
    __threadfence();
    __syncwarp();
    if (lane_here() == 0) asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(flag(blockIdx.x)), "r"(1) : "memory");
  }

  __device__ __forceinline__ void multiply_all(int warp) {
    Shared& sh = shared();
    int filled = 0, held = -1;
    unsigned parity = 0;
    Queries<T, D> q;
    Sums<D> sums;
    unsigned ring = shared_address(dynamic) + warp * R * STEP_BYTES;
#pragma unroll 1
    for (;;) {
      int slot = warp * R + filled;
      gate_wait(shared_address(&sh.full[slot]), parity);
      int4 now = *(int4*)&sh.steps[slot], at = *((int4*)&sh.steps[slot] + 1);
      int flags = now.x;
      if (flags & END) return;
      uchar* job = job_at(now.y);
      const Header& h = *(const Header*)job;
      if (flags & FIRST) {
        sums.clear();
        if (held != at.w) {
          held = at.w;
          turn_wait(shared_address(&sh.made[now.y]), held);
          __syncwarp();
          q.load(job + HEADER + NEWEST_BYTES, QUERY_BYTES, h.heads);
        }
      }
      unsigned room = ring + filled * STEP_BYTES;
      if (FRESH && (flags & NEWEST)) {
        int lane = lane_here(), row = h.newest - at.x;
        const uint4* from = (const uint4*)(job + HEADER);
        uchar* to = dynamic + slot * STEP_BYTES + row / GROUP * SLOT;
#pragma unroll
        for (int i = lane; i < D / 4; i += 32)
          *(uint4*)(to + (i < D / 8 ? 0 : Group<D>::HALF) + Group<D>::at(row % GROUP, i % (D / 8))) = from[i];
        __syncwarp();
      }
      attend32<T, D>(sums, q, room, room + SLOT, at.x, at.y, at.z, s.softCap);
      __syncwarp();
      if (lane_here() == 0) gate_arrive(shared_address(&sh.empty[slot]));
      if (++filled == R) filled = 0, parity ^= 1;
      if (flags & LAST) end_slice(sums, job, flags, now.y, now.z, held);
    }
  }
  __device__ __forceinline__ void end_slice(Sums<D>& sums, uchar* job, int flags, int at, int order, int number) {
    Header& h = *(Header*)job;
    int heads = h.heads, lane = lane_here();
    uchar* to = job + HEADER + NEWEST_BYTES + heads * QUERY_BYTES;
    unsigned turn = shared_address(&h.turn);
    sums.end();
    turn_wait(turn, order);
    __syncwarp();
    join(sums, to, heads, 0, flags & PIECE_BEGINS);
    int kind = 0;
    if ((flags & PIECE_ENDS) && h.pieces > 1) join(sums, to, heads, kind = 1, flags & FIRST_PIECE);
    if (!(flags & JOB_ENDS)) {
      if (lane == 0) turn_give(turn, order + 1);
      return;
    }
    if (h.gives) {
      give(to, h.entry, h.head0, heads, h.pieces);
    } else {
      write_heads<32>(s, lane, h.row, h.head0, heads, [&](int i, int d) {
        const float* from = sums_of(to, heads, kind, i);
        float2 v = *(const float2*)(from + d);
        float total = from[D + 1];
        return make_float2(v.x / total, v.y / total);
      });
    }
    __syncwarp();
    if (lane == 0) turn_give(shared_address(&shared().done[at]), number);
  }
  /** Puts sums to those in shared memory, and keeps them, too. */
  __device__ __forceinline__ void join(Sums<D>& sums, uchar* to, int heads, int kind, bool first) {
    int lane = lane_here(), pair = 2 * (lane & 3);
    float2 before[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
      before[h] = make_float2(-INFINITY, 0.f);
      if (pair + h < heads && !first) before[h] = *(const float2*)(sums_of(to, heads, kind, pair + h) + D);
    }
    __syncwarp();
#pragma unroll
    for (int h = 0; h < 2; h++)
      if (pair + h < heads) {
        float* row = sums_of(to, heads, kind, pair + h);
        Joint joint(before[h].x, sums.highest[h]);
        sums.highest[h] = joint.highest, sums.total[h] = joint(before[h].y, sums.total[h]);
#pragma unroll
        for (int i = 0; i < D / 8; i++) {
          int d = i / 2 * 16 + lane / 4 + i % 2 * 8;
          float& v = sums.o[i / 2][h + i % 2 * 2];
          v = joint(first ? 0.f : row[d], v);
          row[d] = v;
        }
        if (lane < 4) *(float2*)(row + D) = make_float2(sums.highest[h], sums.total[h]);
      }
    __syncwarp();
  }
};

template <class T, int D, int C, int R, int P, int Q, int LIMIT, bool FRESH> __device__ __forceinline__ void many(const Singles& s, const Fresh& f) {
  extern __shared__ __align__(128) uchar dynamic[];
  Many<T, D, C, R, P, Q, LIMIT, FRESH>{s, f, dynamic}.run();
}

#ifndef NO_KERNELS
#define KERNEL(KV, T, D, C, R, P, Q, LIMIT)                                                                                                         \
  extern "C" __global__ void __launch_bounds__((C + P + Q) * 32, 1) attn_decode_d##D##_##KV(const float* q, int ldq, FROM_Y) {                      \
    many<T, D, C, R, P, Q, LIMIT, false>(Singles{q, ldq, PASS_Y}, Fresh{});                                                                         \
  }                                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__((C + P + Q) * 32, 1)                                                                                 \
      attn_decode_rope_d##D##_##KV(const float* qkv, int ldqkv, FROM_Y, ROTATION_FROM) {                                                            \
    many<T, D, C, R, P, Q, LIMIT, true>(Singles{qkv, ldqkv, PASS_Y}, Fresh{kvSlots, {rotaryDim, interleaved, invFreq, factor, eps}, qNorm, kNorm}); \
  }
#define KERNELS(D, C, R, P, Q, LIMIT)       \
  KERNEL(f16, __half, D, C, R, P, Q, LIMIT) \
  KERNEL(bf16, bf16, D, C, R, P, Q, LIMIT)  \
  EXPORT_SHAPE(attn_decode_d##D, (C + P + Q) * 32, MOST_ENTRIES, 1, Many<bf16, D, C, R, P, Q, LIMIT, true>::BYTES)
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1200) // less shared memory
KERNELS(64, 4, 2, 2, 1, 99 * 1024)
KERNELS(128, 2, 2, 2, 1, 99 * 1024)
#else
KERNELS(64, 8, 2, 4, 4, 227 * 1024)
KERNELS(128, 8, 1, 4, 4, 227 * 1024)
KERNELS(256, 4, 1, 2, 2, 227 * 1024)
#endif
#endif
