// Matrix by one vector at the speed of memory, for devices with bulk copies (sm_90 and later). One block a multiprocessor. A warp of the block does nothing but copy:
// weights go in stages through a ring in shared memory, the first ring before the kernel waits for its predecessor, and its successor is let in when a thread of each
// block has let it, while copies are under way; so memory is never idle between two products. Eight warps multiply. The vector stands in shared memory, normed and quantised there by each block for itself.
#pragma once
#include "gemv.cuh"

static constexpr int STREAM_WARPS = 8, STREAM_CONSUMERS = 32 * STREAM_WARPS, STREAM_THREADS = STREAM_CONSUMERS + 32;
static constexpr int STREAM_RING = 72 * 1024, STREAM_STAGES = 16;
static constexpr int STREAM_FIXED = 5;   // eighths of the rows that are shared out beforehand
static constexpr int STREAM_ASKED = 2;   // further units that a block has asked for and not yet begun
static constexpr int STREAM_BUFFER = 64; // groups of four rows whose results wait for each other

__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

#if __CUDA_ARCH__ >= 900
__device__ __forceinline__ void barrier_init(uint64_t* b, int count) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(count) : "memory"); }
__device__ __forceinline__ void barrier_expect(uint64_t* b, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes) : "memory");
}
__device__ __forceinline__ void barrier_arrive(uint64_t* b) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(b)) : "memory"); }
__device__ __forceinline__ void barrier_wait(uint64_t* b, unsigned phase) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra.uni through;\n"
      "bra.uni again;\n"
      "through:\n"
      "}" ::"r"(shared_address(b)),
      "r"(phase)
      : "memory");
}
/** Weights are read once a token: they should not drive code and activations out of the second cache. */
__device__ __forceinline__ uint64_t once_policy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}
__device__ __forceinline__ void copy_bulk(void* to, const void* from, unsigned bytes, uint64_t* b, uint64_t policy) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(shared_address(to)), "l"(from),
               "r"(bytes), "r"(shared_address(b)), "l"(policy)
               : "memory");
}
#endif
/** A barrier of the warps that multiply. */
__device__ __forceinline__ void consumers() { asm volatile("bar.sync 1, %0;" ::"n"(STREAM_CONSUMERS) : "memory"); }

// Formats: where a row's parts of 16 bytes a chunk stand, how a chunk meets its activations. `plane`: chunk c's four or eight words of the vector stand at plane[j][c].
template <class T> struct StreamDense {
  typedef ReadDense<T> Read;
  static constexpr int PARTS = 1, E = 16 / sizeof(T), SCALE_BYTES = 0;
  static constexpr bool BYTES = false;
  static __device__ __forceinline__ const uchar* part(const uchar* W, int, int K, int row, int, int c) { return W + row * Dense<T>::stride(K) * (long long)sizeof(T) + 16ll * c; }
  static __device__ __forceinline__ const uchar* scale(const uchar*, int, int, int, int) { return nullptr; }
  static __device__ __forceinline__ bool fits(int K) { return true; }
  static __device__ __forceinline__ void group(typename Read::Group& g, const uchar* stage, int rowBytes, int, int c, const uchar*) {
#pragma unroll
    for (int r = 0; r < 4; r++) g.w[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
  }
};
struct StreamQ40 {
  typedef ReadQ40 Read;
  static constexpr int PARTS = 1, SCALE_BYTES = 8;
  static constexpr bool BYTES = true;
  static __device__ __forceinline__ const uchar* part(const uchar* W, int, int K, int row, int, int c) { return W + ((long long)row * (K / 32) + c) * 16; }
  static __device__ __forceinline__ const uchar* scale(const uchar* W, int N, int K, int row, int c) { return W + Q40::scales(N, K) + ((long long)(row >> 2) * (K / 32) + c) * 8; }
  static __device__ __forceinline__ bool fits(int K) { return K % 64 == 0; } // copies are of multiples of 16 bytes
  static __device__ __forceinline__ void group(Read::Group& g, const uchar* stage, int rowBytes, int, int c, const uchar* scales) {
#pragma unroll
    for (int r = 0; r < 4; r++) g.q[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
    g.s = *(const uint2*)(scales + c * 8);
  }
};
struct StreamQ80 {
  typedef ReadQ80 Read;
  static constexpr int PARTS = 2, SCALE_BYTES = 8;
  static constexpr bool BYTES = true;
  static __device__ __forceinline__ const uchar* part(const uchar* W, int, int K, int row, int p, int c) { return W + ((long long)row * 2 + p) * (K / 2) + 16ll * c; }
  static __device__ __forceinline__ const uchar* scale(const uchar* W, int N, int K, int row, int c) { return W + Q80::scales(N, K) + ((long long)(row >> 2) * (K / 32) + c) * 8; }
  static __device__ __forceinline__ bool fits(int K) { return K % 64 == 0; }
  static __device__ __forceinline__ void group(Read::Group& g, const uchar* stage, int rowBytes, int partBytes, int c, const uchar* scales) {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      g.a[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
      g.b[r] = *(const uint4*)(stage + r * rowBytes + partBytes + c * 16);
    }
    g.s = *(const uint2*)(scales + c * 8);
  }
};

/** The vector as it stands in shared memory. */
template <class F> struct Vector {
  uchar* at;
  int chunks;
  static __device__ __forceinline__ int bytes(int chunks) { return chunks * (F::BYTES ? 40 : F::Read::K_CHUNK * 4); }
  __device__ __forceinline__ void put4(int i, float4 v, int K) const { // values 4 i to 4 i + 3; for bytes all lanes of a warp take part
    if constexpr (F::BYTES) {
      Scale s;
      int packed = quantize8x4(v, s);
      put_word(i, packed);
      if ((i & 7) == 0 && 4 * i < K) put_scale(i >> 3, s);
    } else {
      constexpr int Q = F::Read::K_CHUNK / 4;
      if (4 * i < chunks * F::Read::K_CHUNK) ((float4*)at)[(i % Q) * chunks + i / Q] = v;
    }
  }
  __device__ __forceinline__ void put_word(int i, int v) const {
    if (i < 8 * chunks) ((int*)at)[((i >> 2 & 1) * chunks + (i >> 3)) * 4 + (i & 3)] = v;
  }
  __device__ __forceinline__ void put_scale(int c, Scale s) const { ((Scale*)(at + 32ll * chunks))[c] = s; }
  __device__ __forceinline__ void get(typename F::Read::template Acts<1>& a, int c) const {
    if constexpr (F::BYTES) {
      int4 x = ((const int4*)at)[c], y = ((const int4*)at)[chunks + c];
      Scale s = ((const Scale*)(at + 32ll * chunks))[c];
      a.x[0][0] = x.x, a.x[0][1] = x.y, a.x[0][2] = x.z, a.x[0][3] = x.w, a.x[0][4] = y.x, a.x[0][5] = y.y, a.x[0][6] = y.z, a.x[0][7] = y.w;
      a.d[0] = s.d, a.sum[0] = s.sum;
    } else {
#pragma unroll
      for (int j = 0; j < F::Read::K_CHUNK / 4; j++) {
        float4 v = ((const float4*)at)[j * chunks + c];
        a.x[0][4 * j] = v.x, a.x[0][4 * j + 1] = v.y, a.x[0][4 * j + 2] = v.z, a.x[0][4 * j + 3] = v.w;
      }
    }
  }
};

/** Where the vector comes from: floats, normed if `norm` is there. */
struct Source {
  const float* x;
  const float* norm;
  float eps;
};

__device__ __forceinline__ float4 row4_within(const float* row, int at, int width) {
  if (at >= width) return make_float4(0.f, 0.f, 0.f, 0.f);
  float4 v = row4(row + at);
  if (at + 1 >= width) v.y = 0.f;
  if (at + 2 >= width) v.z = 0.f;
  if (at + 3 >= width) v.w = 0.f;
  return v;
}
__device__ __forceinline__ float4 norm4(const float* w, int at, int width) {
  if (at + 3 < width) return __ldg((const float4*)(w + at));
  return make_float4(at < width ? w[at] : 0.f, at + 1 < width ? w[at + 1] : 0.f, at + 2 < width ? w[at + 2] : 0.f, 0.f);
}

/**
 * Fills the vector; by the warps that multiply. Waits for the kernel's predecessor. `room`: a float for each warp. What is loaded together is put away in a loop that
 * is not unrolled: code that runs once costs its trip from memory.
 */
template <class F> __device__ __forceinline__ void fill(const Vector<F>& v, const Source& from, int K, float* room) {
  constexpr int BATCH = 4, STEP = BATCH * STREAM_CONSUMERS;
  int t = threadIdx.x, all = ceil_div(v.chunks * F::Read::K_CHUNK, 4);
  float4 x[BATCH], w[BATCH];
  auto load = [&](float4(&to)[BATCH], int start) {
#pragma unroll
    for (int j = 0; j < BATCH; j++) to[j] = row4_within(from.x, 4 * (start + j * STREAM_CONSUMERS), K);
  };
  auto load_norm = [&](int start) {
#pragma unroll
    for (int j = 0; j < BATCH; j++) w[j] = norm4(from.norm, 4 * (start + j * STREAM_CONSUMERS), K);
  };
  if (from.norm) load_norm(t);
  wait_previous();
  load(x, t);
  float factor = 1.f;
  if (from.norm) {
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < BATCH; j++) sum += x[j].x * x[j].x + x[j].y * x[j].y + x[j].z * x[j].z + x[j].w * x[j].w;
#pragma unroll 1
    for (int i = t + STEP; i < all; i += STREAM_CONSUMERS) {
      float4 y = row4_within(from.x, 4 * i, K);
      sum += y.x * y.x + y.y * y.y + y.z * y.z + y.w * y.w;
    }
    sum = warp_sum(sum);
    if ((t & 31) == 0) room[t >> 5] = sum;
    consumers();
    sum = 0.f;
#pragma unroll
    for (int i = 0; i < STREAM_WARPS; i++) sum += room[i];
    factor = 1.f / sqrtf(sum / K + from.eps);
  }
#pragma unroll 1
  for (int start = t;;) {
    float4 next[BATCH];
    load(next, start + STEP);
#pragma unroll 1
    for (int j = 0; j < BATCH; j++) {
      int i = start + j * STREAM_CONSUMERS;
      if (i - (t & 31) >= all) break; // whole warps
      float4 y = x[0];
      if (from.norm) y = make_float4(y.x * factor * w[0].x, y.y * factor * w[0].y, y.z * factor * w[0].z, y.w * factor * w[0].w);
      v.put4(i, y, K);
#pragma unroll
      for (int k = 0; k + 1 < BATCH; k++) x[k] = x[k + 1], w[k] = w[k + 1];
    }
    start += STEP;
    if (start - (t & 31) >= all) break;
#pragma unroll
    for (int j = 0; j < BATCH; j++) x[j] = next[j];
    if (from.norm) load_norm(start);
  }
  consumers();
}

/** How the chunks of a row are shared out: `perRow` warps a row, `sets` groups of four rows at a time, `pieces` stages a row. */
struct Shares {
  int chunks, perRow, sets, slots, pieces;
  __device__ __forceinline__ explicit Shares(int chunks) : chunks(chunks) {
    int steps = ceil_div(chunks, 32);
    perRow = steps >= 8 && ceil_div(steps, 8) * 8 * 3 <= steps * 4 ? 8 : steps > 2 ? 4 : steps;
    sets = STREAM_WARPS / perRow, slots = 32 * perRow, pieces = ceil_div(chunks, slots);
  }
};

/** Without bulk copies, or where rows do not fit them: a group of four rows a warp, straight from memory. */
template <class F, bool GATED, class Write>
__device__ __noinline__ void slow(const uchar* W, const Vector<F>& vector, const Source& from, int N, int K, float* room, Write write) {
  typedef typename F::Read Read;
  constexpr int HALVES = GATED ? 2 : 1;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, rows = HALVES * N;
  dependents();
  if (warp == STREAM_WARPS) return;
  fill(vector, from, K, room);
  Read read(W, rows, K);
  for (int g = blockIdx.x * STREAM_WARPS + warp; g < ceil_div(N, 4); g += gridDim.x * STREAM_WARPS) {
    float acc[2][4] = {};
    for (int c = lane; c < vector.chunks; c += 32) {
      typename Read::template Acts<1> acts;
      vector.get(acts, c);
#pragma unroll
      for (int h = 0; h < HALVES; h++) {
        typename Read::Group w;
        read.load(w, h * N + 4 * g, rows, c, true);
#pragma unroll
        for (int r = 0; r < 4; r++) {
          float v;
          Read::template dots<1>(w, r, acts, &v);
          acc[h][r] += v;
        }
      }
    }
    __syncwarp();
    float a = sum_lanes(acc[0], lane), b = GATED ? sum_lanes(acc[1], lane) : 0.f;
    int n = 4 * g + (lane >> 3);
    if ((lane & 7) == 0 && n < N) {
      if constexpr (GATED) write(n, a, b);
      else write(n, a);
    }
  }
}

/**
 * W times the vector. GATED: rows n (gate) and N + n (up) of 2 N. `write(n, value)` or `write(n, gate, up)` puts results away.
 *
 * Groups of four rows are done in units: as many as fill the warps, with a gate those of gate and up in turn. Five eighths of the units are shared out beforehand; the
 * rest goes to whoever is early, since some multiprocessors get less of the memory's bandwidth than others. `counter` is 0 before and after.
 */
template <class F, bool GATED, class Write>
__device__ __forceinline__ void stream(const uchar* W, const Source& from, int N, int K, unsigned* counter, Write write) {
  extern __shared__ __align__(128) uchar memory[];
  __shared__ float room[STREAM_WARPS];
  typedef typename F::Read Read;
  constexpr int HALVES = GATED ? 2 : 1;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, rows = HALVES * N;
  Shares share(ceil_div(K, Read::K_CHUNK));
  Vector<F> vector = {memory, share.chunks};

#if __CUDA_ARCH__ >= 900
  if (F::fits(K)) {
    __shared__ uint64_t full[STREAM_STAGES], empty[STREAM_STAGES];
    __shared__ int unitOf[STREAM_STAGES], unitDone[STREAM_BUFFER];
    __shared__ float part[STREAM_WARPS][STREAM_BUFFER * 4];
    int each = GATED && share.sets == 1 ? 2 : share.sets, units = ceil_div(HALVES * ceil_div(N, 4), each); // groups a unit
    int turns = each / share.sets * share.pieces; // stages a unit
    int partBytes = share.slots * 16, rowBytes = partBytes * F::PARTS, stageBytes = share.sets * (4 * rowBytes + share.slots * F::SCALE_BYTES);
    int stages = min(STREAM_STAGES, STREAM_RING / stageBytes);
    uchar* ring = memory + ((Vector<F>::bytes(share.chunks) + 127) & ~127);
    auto row_of = [&](int group) { return GATED ? (group & 1) * N + (group >> 1) * 4 : group * 4; };
    if (threadIdx.x == 0) {
      for (int i = 0; i < stages; i++) {
        barrier_init(&full[i], 1);
        barrier_init(&empty[i], STREAM_WARPS);
      }
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    if (warp == STREAM_WARPS) { // copies
      int set = lane >> 2, r = lane & 3, fixed = (int)((long long)units * STREAM_FIXED / 8 / gridDim.x), later = fixed * gridDim.x;
      unsigned limit = units - later + (STREAM_ASKED + 1) * gridDim.x - 1; // every block asks for that many more than there are
      // Calls `then(row, first chunk, chunks)` in the lanes that have a row of stage `turn` of a unit.
      auto with_row = [&](int unit, int turn, auto then) {
        int group = unit * each + turn / share.pieces * share.sets + set, c = turn % share.pieces * share.slots;
        int row = row_of(group) + r, end = GATED ? ((group & 1) + 1) * N : N;
        if (set < share.sets && row < end) then(row, c, min(share.slots, share.chunks - c));
      };
      unsigned asked[STREAM_ASKED]; // of lane 0; answers take about a microsecond
      auto ask = [&]() { return lane == 0 ? atomicInc(counter, limit) : 0; };
#pragma unroll
      for (int a = 0; a < STREAM_ASKED; a++) asked[a] = ask();
      uint64_t policy = once_policy();
      int slot = 0, phase = 1;
      for (int i = 0;; i++) {
        int unit = (int)blockIdx.x * fixed + i;
        if (i >= fixed) {
          unit = later + __shfl_sync(ALL, (int)asked[0], 0);
#pragma unroll
          for (int a = 0; a + 1 < STREAM_ASKED; a++) asked[a] = asked[a + 1];
          asked[STREAM_ASKED - 1] = ask();
          if (unit >= units) break;
        }
        for (int turn = 0; turn < turns; turn++) {
          barrier_wait(&empty[slot], phase); // passes at once in the first round
          int bytes = 0;
          with_row(unit, turn, [&](int, int, int n) { bytes = n * 16 * F::PARTS + (r == 0 ? n * F::SCALE_BYTES : 0); });
          bytes = warp_sum(bytes);
          if (lane == 0) {
            unitOf[slot] = unit;
            barrier_expect(&full[slot], bytes);
          }
          __syncwarp();
          uchar* to = ring + slot * stageBytes;
          with_row(unit, turn, [&](int row, int c, int n) {
#pragma unroll
            for (int p = 0; p < F::PARTS; p++) copy_bulk(to + (set * 4 + r) * rowBytes + p * partBytes, F::part(W, rows, K, row, p, c), n * 16, &full[slot], policy);
            if (F::SCALE_BYTES > 0 && r == 0)
              copy_bulk(to + share.sets * 4 * rowBytes + set * share.slots * F::SCALE_BYTES, F::scale(W, rows, K, row, c), n * F::SCALE_BYTES, &full[slot], policy);
          });
          if (++slot == stages) slot = 0, phase ^= 1;
        }
      }
      dependents();
      barrier_wait(&empty[slot], phase);
      if (lane == 0) {
        unitOf[slot] = -1; // the end
        barrier_arrive(&full[slot]);
      }
      return;
    }
    dependents(); // the kernel's successor starts when the last thread has said so: when the last copy has been issued
    fill(vector, from, K, room);
    int set = warp / share.perRow, c = warp % share.perRow * 32 + lane;
    typename Read::template Acts<1> acts;
    if (c < share.chunks) vector.get(acts, c);
    float acc[4] = {0.f, 0.f, 0.f, 0.f};
    int slot = 0, phase = 0, piece = 0, done = 0; // groups of the block whose sums wait
    for (int turn = 0;; turn = turn + 1 == turns ? 0 : turn + 1) {
      int at = piece * share.slots + c;
      if (share.pieces > 1 && at < share.chunks) vector.get(acts, at);
      barrier_wait(&full[slot], phase);
      int unit = unitOf[slot];
      if (unit >= 0 && at < share.chunks) {
        const uchar* stage = ring + slot * stageBytes;
        typename Read::Group g;
        F::group(g, stage + set * 4 * rowBytes, rowBytes, partBytes, c, stage + share.sets * 4 * rowBytes + set * share.slots * F::SCALE_BYTES);
#pragma unroll
        for (int r = 0; r < 4; r++) {
          float v;
          Read::template dots<1>(g, r, acts, &v);
          acc[r] += v;
        }
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(&empty[slot]);
      if (++slot == stages) slot = 0, phase ^= 1;
      if (unit >= 0 && ++piece == share.pieces) {
        piece = 0;
        float sum = sum_lanes(acc, lane);
        if ((lane & 7) == 0) part[warp][(done + set) * 4 + (lane >> 3)] = sum;
        acc[0] = acc[1] = acc[2] = acc[3] = 0.f;
        if (threadIdx.x < share.sets) unitDone[done + threadIdx.x] = unit * each + turn / share.pieces * share.sets + threadIdx.x;
        done += share.sets;
      }
      if (unit < 0 || (done + each > STREAM_BUFFER && turn + 1 == turns)) {
        consumers();
        for (int o = threadIdx.x; o < done / HALVES * 4; o += STREAM_CONSUMERS) {
          auto result = [&](int local) { // over the warps that share the group
            float v = 0.f;
            int first = local % share.sets * share.perRow;
            for (int w = 0; w < share.perRow; w++) v += part[first + w][local * 4 + (o & 3)];
            return v;
          };
          int local = (o >> 2) * HALVES, n = unitDone[local] / HALVES * 4 + (o & 3);
          if (n < N) {
            if constexpr (GATED) write(n, result(local), result(local + 1));
            else write(n, result(local));
          }
        }
        if (unit < 0) return;
        done = 0;
        consumers();
      }
    }
  }
#endif
  slow<F, GATED>(W, vector, from, N, K, room, write);
}
