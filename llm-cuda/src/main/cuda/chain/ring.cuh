// What the warps of a block share in a chain of products: a ring of stages in shared memory, filled by bulk copies, and the vector that weights meet.
#pragma once
#include "product/gemv.cuh"

// Threads of a block: those that multiply, then a warp that copies, then those that attend.
static constexpr int RING_WARPS = 8, RING_CONSUMERS = 32 * RING_WARPS;
static constexpr int ATTEND_WARPS = 4, ATTENDERS = 32 * ATTEND_WARPS, ATTENDERS_FROM = RING_CONSUMERS + 32;
static constexpr int RING_THREADS = ATTENDERS_FROM + ATTENDERS;
static constexpr int MOST_STAGES = 16;

/** Bytes of a stage: a chunk of four rows for each thread that multiplies, 16 bytes a part, and its share of the scales. */
__host__ __device__ constexpr int stage_bytes(int parts) { return RING_CONSUMERS * 4 * (16 * parts + 2); }

__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

#if __CUDA_ARCH__ >= 900
__device__ __forceinline__ void barrier_init(uint64_t* b,
int count) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(count) : "memory"); }
__device__ __forceinline__ void barrier_expect(uint64_t* b, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes) : "memory");
}
__device__ __forceinline__ void barrier_arrive(uint64_t* b) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(b))
    : "memory"); }
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
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(shared_address(to)),
      "l"(from),
               "r"(bytes), "r"(shared_address(b)), "l"(policy)
               : "memory");
}
#endif
/** A barrier of the warps that multiply. */
__device__ __forceinline__ void consumers() { asm volatile("bar.sync 1, %0;" ::"n"(RING_CONSUMERS) : "memory"); }

/** How a chunk of a stage meets its activations. A row stands in a stage in parts of 16 bytes a chunk. */
template <class T> struct StageDense {
  typedef typename Dense<T>::Read Read;
  static constexpr bool BYTES = false;
  static constexpr int PARTS = 1;
  static __device__ __forceinline__ void group(typename Read::Group& g, const uchar* stage, int rowBytes, int, int c, const uchar*) {
#pragma unroll
    for (int r = 0; r < 4; r++) g.w[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
  }
};
struct StageQ40 {
  typedef Q40::Read Read;
  static constexpr bool BYTES = true;
  static constexpr int PARTS = 1;
  static __device__ __forceinline__ void group(Read::Group& g, const uchar* stage, int rowBytes, int, int c, const uchar* scales) {
#pragma unroll
    for (int r = 0; r < 4; r++) g.q[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
    g.s = *(const uint2*)(scales + c * 8);
  }
};
struct StageQ80 {
  typedef Q80::Read Read;
  static constexpr bool BYTES = true;
  static constexpr int PARTS = 2;
  static __device__ __forceinline__ void group(Read::Group& g, const uchar* stage, int rowBytes, int partBytes, int c, const uchar* scales) {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      g.a[r] = *(const uint4*)(stage + r * rowBytes + c * 16);
      g.b[r] = *(const uint4*)(stage + r * rowBytes + partBytes + c * 16);
    }
    g.s = *(const uint2*)(scales + c * 8);
  }
};

/** The vector as it stands in shared memory: chunk c's words stand in planes of 16 bytes a chunk; for bytes, scales behind them. */
template <class F> struct Vector {
  uchar* at;
  int chunks;
  __device__ __forceinline__ void put4(int i, float4 v, int K) const { // values 4 i to 4 i + 3; for bytes all lanes of a warp take part
    if constexpr (F::BYTES) {
      Scale s;
      int packed = quantize8x4(v, s), c = i >> 3;
      if (c < chunks) ((int*)at)[((i >> 2 & 1) * chunks + c) * 4 + (i & 3)] = packed;
      if ((i & 7) == 0 && 4 * i < K) ((Scale*)(at + 32ll * chunks))[c] = s;
    } else {
      constexpr int Q = F::Read::K_CHUNK / 4;
      if (4 * i < chunks * F::Read::K_CHUNK) ((float4*)at)[(i % Q) * chunks + i / Q] = v;
    }
  }
  __device__ __forceinline__ void get(typename F::Read::template Acts<1>& a, int c) const {
    if constexpr (F::BYTES) {
      int4 x = ((const int4*)at)[c], y = ((const int4*)at)[chunks + c];
      Scale s = ((const Scale*)(at + 32ll * chunks))[c];
      a.x[0][0] = x.x, a.x[0][1] = x.y, a.x[0][2] = x.z, a.x[0][3] = x.w, a.x[0][4] = y.x, a.x[0][5] = y.y, a.x[0][6] = y.z, a.x[0][7] = y.w;
      a.take(0, s.d, s.sum);
    } else {
#pragma unroll
      for (int j = 0; j < F::Read::K_CHUNK / 4; j++) {
        float4 v = ((const float4*)at)[j * chunks + c];
        a.x[0][4 * j] = v.x, a.x[0][4 * j + 1] = v.y, a.x[0][4 * j + 2] = v.z, a.x[0][4 * j + 3] = v.w;
      }
    }
  }
};

/** Fills the vector with a row, normed if `norm` is there; norm weights are fetched before `wait`. `room`: a float for each warp. */
template <class F, class Wait>
__device__ __forceinline__ void fill(const Vector<F>& v, const float* row, const float* norm, float eps, int K, float* room, Wait wait) {
  constexpr int BATCH = 4, STRIDE = BATCH * RING_CONSUMERS;
  int t = threadIdx.x, all = ceil_div(v.chunks * F::Read::K_CHUNK, 4);
  float4 x[BATCH], w[BATCH], z[BATCH]; // w: norm weights or, without a norm, the values behind x, and z those behind them
  auto load = [&](float4(&to)[BATCH], int start) {
#pragma unroll
    for (int j = 0; j < BATCH; j++) to[j] = row4_masked(row, 4 * (start + j * RING_CONSUMERS), K);
  };
  auto load_norm = [&](int start) {
#pragma unroll
    for (int j = 0; j < BATCH; j++) w[j] = weight4(norm, 4 * (start + j * RING_CONSUMERS), K);
  };
  auto put = [&](float4(&from)[BATCH], int start) {
#pragma unroll 1 // short code and few registers, but two at a time
    for (int i = start; i < start + STRIDE && i - (t & 31) < all; i += 2 * RING_CONSUMERS) { // whole warps
      v.put4(i, from[0], K);
      if (i + RING_CONSUMERS - (t & 31) < all) v.put4(i + RING_CONSUMERS, from[1], K);
#pragma unroll
      for (int j = 0; j + 2 < BATCH; j++) from[j] = from[j + 2];
    }
  };
  if (norm) load_norm(t);
  wait();
  load(x, t);
  if (!norm) {
#pragma unroll 1
    for (int start = t; start - (t & 31) < all; start += 3 * STRIDE) {
      if (start > t) load(x, start);
      load(w, start + STRIDE);
      load(z, start + 2 * STRIDE);
      put(x, start);
      put(w, start + STRIDE);
      put(z, start + 2 * STRIDE);
    }
  } else {
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < BATCH; j++) sum += x[j].x * x[j].x + x[j].y * x[j].y + x[j].z * x[j].z + x[j].w * x[j].w;
#pragma unroll 4
    for (int i = t + STRIDE; i < all; i += RING_CONSUMERS) {
      float4 y = row4_masked(row, 4 * i, K);
      sum += y.x * y.x + y.y * y.y + y.z * y.z + y.w * y.w;
    }
    sum = warp_sum(sum);
    if ((t & 31) == 0) room[t >> 5] = sum;
    consumers();
    sum = 0.f;
#pragma unroll
    for (int i = 0; i < RING_WARPS; i++) sum += room[i];
    float factor = 1.f / sqrtf(sum / K + eps);
#pragma unroll 1
    for (int start = t; start - (t & 31) < all; start += STRIDE) {
      if (start > t) {
        load(x, start);
        load_norm(start);
      }
#pragma unroll
      for (int j = 0; j < BATCH; j++) x[j] = make_float4(x[j].x * factor * w[j].x, x[j].y * factor * w[j].y, x[j].z * factor * w[j].z,
      x[j].w * factor * w[j].w);
      put(x, start);
    }
  }
  consumers();
}

/**
 * How a matrix is shared out. Groups of four rows: `perRow` warps share a row, `sets` groups pass at a time, a row takes `pieces` stages. A unit is
 * what a block takes at a time, `each` groups in `turns` stages; with a gate, groups of gate and of up take turns, and both are in one unit.
 */
struct Split {
  int chunks, perRow, sets, slots, pieces, each, units, turns;
  __device__ __forceinline__ Split(int chunks, int N, bool gated) : chunks(chunks) {
    int loads = ceil_div(chunks, 32);
    perRow = loads >= 8 && ceil_div(loads, 8) * 8 * 3 <= loads * 4 ? 8 : loads > 2 ? 4 : loads;
    sets = RING_WARPS / perRow, slots = 32 * perRow, pieces = ceil_div(chunks, slots);
    each = gated && sets == 1 ? 2 : sets;
    units = ceil_div((gated ? 2 : 1) * ceil_div(N, 4), each);
    turns = each / sets * pieces;
  }
};
