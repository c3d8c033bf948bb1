// What the warps of a block share in a chain of products: a ring of stages in shared memory, filled by bulk copies, and the vector that weights meet.
#pragma once
#include "product/gemv.cuh"

// Threads of a block: those that multiply, then those that copy, then those that attend.
static constexpr int RING_WARPS = 8, RING_CONSUMERS = 32 * RING_WARPS;
static constexpr int COPY_WARPS = 4, COPIERS = 2; // registers move between groups of four warps; so many of them copy
static constexpr int IDLE_NANOS = 60;
static constexpr int ATTEND_WARPS = 4, ATTENDERS = 32 * ATTEND_WARPS, ATTENDERS_FROM = RING_CONSUMERS + 32 * COPY_WARPS;
static constexpr int RING_THREADS = ATTENDERS_FROM + ATTENDERS;
static constexpr int COPY_REGISTERS = 56, ATTEND_REGISTERS = 200; // instead of 128, where registers can move
template <int N> __device__ __forceinline__ void take_registers() {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
#endif
}
template <int N> __device__ __forceinline__ void give_registers() {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
#endif
}
static constexpr int MOST_STAGES = 24;
static constexpr int PIECE = 128, ROW_PIECE = 4 * PIECE; // chunks of a row that a stage has, if it has four rows or one

/** Bytes of a stage: PIECE chunks of four rows, 16 bytes a part, and their share of the scales. */
__host__ __device__ constexpr int stage_bytes(int parts, bool scales) { return PIECE * 4 * (16 * parts + (scales ? 2 : 0)); }

/** A place in shared memory, of which the compiler knows that it is there. */
__device__ __forceinline__ uchar* shared_memory(int at) {
  extern __shared__ __align__(128) uchar memory[];
  return memory + at;
}
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
/** The same for one who has time: it leaves the others alone. */
__device__ __forceinline__ void barrier_idle(uint64_t* b, unsigned phase) {
  unsigned done;
  while (true) {
    asm volatile("{\n.reg .pred p;\nmbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
                 : "=r"(done)
                 : "r"(shared_address(b)), "r"(phase)
                 : "memory");
    if (done) break;
    __nanosleep(IDLE_NANOS);
  }
}
/** Weights are read once a token: they should not drive code and activations out of the second cache. */
__device__ __forceinline__ uint64_t once_policy() {
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}
__device__ __forceinline__ void copy_bulk(unsigned to, const void* from, unsigned bytes, uint64_t* b, uint64_t policy) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(to), "l"(from),
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
  static __device__ __forceinline__ float dot(const uchar* row, int c, const typename Read::template Acts<1>& a) { // of one row
    typename Read::Group g;
    float v;
    g.w[0] = ((const uint4*)row)[c];
    Read::template dots<1>(g, 0, a, &v);
    return v;
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
  /** As Read::dots: sums begin at floats whose last bit is 1, so that they need not become floats. */
  static __device__ __forceinline__ float dot(const Read::Group& g, int r, const Read::Acts<1>& a) {
    constexpr unsigned LOW = 0x0f0f0f0f, HIGH = 0xf0f0f0f0;
    constexpr int ONE = 0x4b400000; // 1.5 * 2^23
    const uint4& q = g.q[r];
    int low = ONE - 8 * a.sum[0], high = ONE;
    low = dot4u(q.x & LOW, a.x[0][0], low), high = dot4u(q.x & HIGH, a.x[0][4], high);
    low = dot4u(q.y & LOW, a.x[0][1], low), high = dot4u(q.y & HIGH, a.x[0][5], high);
    low = dot4u(q.z & LOW, a.x[0][2], low), high = dot4u(q.z & HIGH, a.x[0][6], high);
    low = dot4u(q.w & LOW, a.x[0][3], low), high = dot4u(q.w & HIGH, a.x[0][7], high);
    return (fmaf(__int_as_float(high), 0.0625f, __int_as_float(low)) - 1.0625f * 12582912.f) * a.d[0] * half_of(g.s, r);
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
  static __device__ __forceinline__ float dot(const Read::Group& g, int r, const Read::Acts<1>& a) {
    float v;
    Read::dots<1>(g, r, a, &v);
    return v;
  }
};

/** The vector as it stands in shared memory: chunk c's words stand in planes of 16 bytes a chunk; for bytes, scales behind them. */
template <class F> struct Vector {
  uchar* at;
  int chunks;
  __device__ __forceinline__ void put4(int i, float4 v) const { // values 4 i to 4 i + 3
    constexpr int Q = F::Read::K_CHUNK / 4;
    ((float4*)at)[(i % Q) * chunks + i / Q] = v;
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
