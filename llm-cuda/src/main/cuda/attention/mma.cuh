// Numbers of 16 bits, copies in the background, and mma for them: what any device has.
#pragma once
#include "common/two16.cuh"

static constexpr float LOG2E = 1.4426950408889634f;

/** Volatile: it must not move behind the waits that stand after it. */
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float soft_cap(float x, float cap) { // cap * tanh(x / cap), to an error of some 1e-7 of the cap
  float reciprocal;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(reciprocal) : "f"(exp2_fast(2.f * LOG2E / cap * x) + 1.f));
  return cap * (1.f - 2.f * reciprocal);
}
/** The exponent of a number, as far as the power of two of it and that of its opposite are numbers. */
__device__ __forceinline__ int exponent_of(float x) { return min(max((int)(__float_as_uint(x) >> 23) - 127, -120), 120); }
__device__ __forceinline__ float power_of_two(int e) { return __uint_as_float((unsigned)(127 + e) << 23); }
__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

/** 16 bytes from global to shared memory in the background; zeros where there are none. */
__device__ __forceinline__ void copy16(unsigned to, const uchar* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0) : "memory");
}
/**
 * A warp starts copying COUNT rows of D numbers that stand one behind the other, by few instructions. `place(row, chunk)` says where chunks go: eight
 * rows further, it is a constant more.
 */
template <int D, int COUNT, class Place> __device__ __forceinline__ void copy_rows(unsigned to, const uchar* from, Place place) {
  constexpr int CHUNKS = D / 8, AT_ONCE = 32 / CHUNKS, KINDS = 8 / AT_ONCE;
  static_assert(COUNT % 8 == 0, "");
  int lane = threadIdx.x & 31, row = lane / CHUNKS, c = lane % CHUNKS;
  unsigned starts[KINDS];
#pragma unroll
  for (int k = 0; k < KINDS; k++) starts[k] = to + place(k * AT_ONCE + row, c);
  from += row * D * 2 + c * 16;
#pragma unroll
  for (int i = 0; i < COUNT / AT_ONCE; i++)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(starts[i % KINDS] + i / KINDS * (place(8, 0) - place(0, 0))),
                 "l"(from + i * AT_ONCE * D * 2)
                 : "memory");
}
__device__ __forceinline__ void copies_end() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> __device__ __forceinline__ void copies_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

// Fragments of mma by lane: of A, rows lane / 4 and 8 further, columns 2 (lane % 4) and the next, and 8 further; of B the same of its columns; of C
// as of A, without the columns 8 further.

/** Four matrices of 8 rows of 16 bytes: lane l says where row l % 8 of matrix l / 8 is; a lane gets two neighbours of row lane / 4. */
__device__ __forceinline__ void read4(unsigned (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from));
}
/** The same, each with rows and columns exchanged. */
__device__ __forceinline__ void read4_turned(unsigned (&r)[4], unsigned from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from));
}
/** c += A B: 16 rows, 8 columns, 16 products each. */
template <class T> __device__ __forceinline__ void multiply(float* c, const unsigned (&a)[4], unsigned b0, unsigned b1) {
  if constexpr (std::is_same<T, __half>::value)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/** A matrix of 8 rows of 8 numbers, two neighbours of row lane / 4 a lane, with rows and columns exchanged. */
__device__ __forceinline__ unsigned turned(unsigned a) {
  unsigned d;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(d) : "r"(a));
  return d;
}
