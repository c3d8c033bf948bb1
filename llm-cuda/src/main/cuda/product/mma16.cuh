// Products of tensor cores from Ampere on: 16 rows of W by 8 rows of x, 16 columns deep, of 16 bits.
#pragma once
#include "common/common.cuh"

template <class T> __device__ __forceinline__ void mma16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
#define MMA16(T, NAME)                                                                                                                              \
  template <> __device__ __forceinline__ void mma16<T>(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {                           \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." NAME "." NAME ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"      \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                                                   \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                                                   \
  }
MMA16(__half, "f16")
MMA16(bf16, "bf16")

// The same of words, which may move past other instructions.
template <class T> __device__ __forceinline__ void mma(float (&d)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1);
#define MMA_OF_WORDS(T, NAME)                                                                                                                            \
  template <>                                                                                                                                   \
  __device__ __forceinline__ void mma<T>(float (&d)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {         \
    asm("mma.sync.aligned.m16n8k16.row.col.f32." NAME "." NAME ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"           \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                                                        \
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));                                                                                \
  }
MMA_OF_WORDS(__half, "f16")
MMA_OF_WORDS(bf16, "bf16")
