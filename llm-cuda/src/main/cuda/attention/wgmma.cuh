// wgmma for 16-bit numbers, and the barriers around it. For sm_90a only.
#pragma once
#include "common/common.cuh"
#include <type_traits>

// Tiles stand in shared memory as rows of 128 bytes, 64 numbers, in which 16-byte chunks stand at their number xor the row's lower three bits
// ("128-byte swizzle"); wider rows are several such columns, one after the other. All start at multiples of 1,024 bytes.

/** Describes a tile whose rows are rows of the factor: of A or, turned, of B, along whose rows sums run. */
__device__ __forceinline__ unsigned long long by_rows(unsigned address) {
  return (unsigned long long)(address >> 4 & 0x3fff) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
/** Describes a tile down whose rows sums run, with `columnBytes` from one column of 64 numbers to the next. */
__device__ __forceinline__ unsigned long long by_columns(unsigned address, int columnBytes) {
  return (unsigned long long)(address >> 4 & 0x3fff) | (unsigned long long)(columnBytes >> 4) << 16 | 64ull << 32 | 1ull << 62;
}

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int N> __device__ __forceinline__ void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory"); }
/** Tells the compiler that numbers are written behind its back until here. */
template <int N> __device__ __forceinline__ void written(float (&x)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) asm volatile("" : "+f"(x[i])::"memory");
}

#define REGISTERS_32 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_64 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define REGISTERS_128 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define FLOATS_4(d, i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define FLOATS_16(d, i) FLOATS_4(d, i), FLOATS_4(d, i + 4), FLOATS_4(d, i + 8), FLOATS_4(d, i + 12)
#define FLOATS_32(d) FLOATS_16(d, 0), FLOATS_16(d, 16)
#define FLOATS_64(d) FLOATS_32(d), FLOATS_16(d, 32), FLOATS_16(d, 48)
#define FLOATS_128(d) FLOATS_64(d), FLOATS_16(d, 64), FLOATS_16(d, 80), FLOATS_16(d, 96), FLOATS_16(d, 112)

// 64 rows of A in shared memory, both by rows; `add` 0 starts anew. OUT is half of N: what a thread has of the result.
#define WGMMA_SHARED(N, OUT, TYPE, A0, A1, A2)                                                                                          \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %" #A2 ", 0;\n"                                                                          \
               "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." TYPE "." TYPE " {" REGISTERS_##OUT "}, %" #A0 ", %" #A1                 \
               ", p, 1, 1, 0, 0; }\n"                                                                                                   \
               : FLOATS_##OUT(d)                                                                                                        \
               : "l"(a), "l"(b), "r"(add));
// 64 rows of A in registers, B by columns; adds.
#define WGMMA_REGISTERS(N, OUT, TYPE, A0, A1, A2, A3, A4)                                                                               \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." TYPE "." TYPE " {" REGISTERS_##OUT "}, {%" #A0 ", %" #A1 ", %" #A2       \
               ", %" #A3 "}, %" #A4 ", 1, 1, 1, 1;\n"                                                                                   \
               : FLOATS_##OUT(d)                                                                                                        \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));

/** d = A B, or d + A B: 64 rows, 2 OUT columns, 16 products each; both factors in shared memory by rows. */
template <class T, int OUT> __device__ __forceinline__ void wgmma_shared(float (&d)[OUT], unsigned long long a, unsigned long long b, int add) {
  constexpr bool half = std::is_same<T, __half>::value;
  if constexpr (OUT == 32) {
    if constexpr (half) WGMMA_SHARED(64, 32, "f16", 32, 33, 34)
    else WGMMA_SHARED(64, 32, "bf16", 32, 33, 34)
  } else {
    static_assert(OUT == 64, "");
    if constexpr (half) WGMMA_SHARED(128, 64, "f16", 64, 65, 66)
    else WGMMA_SHARED(128, 64, "bf16", 64, 65, 66)
  }
}

/** d += A B: 64 rows, 2 OUT columns, 16 products each; A in registers, B in shared memory by columns. */
template <class T, int OUT> __device__ __forceinline__ void wgmma_registers(float (&d)[OUT], const unsigned (&a)[4], unsigned long long b) {
  constexpr bool half = std::is_same<T, __half>::value;
  if constexpr (OUT == 32) {
    if constexpr (half) WGMMA_REGISTERS(64, 32, "f16", 32, 33, 34, 35, 36)
    else WGMMA_REGISTERS(64, 32, "bf16", 32, 33, 34, 35, 36)
  } else if constexpr (OUT == 64) {
    if constexpr (half) WGMMA_REGISTERS(128, 64, "f16", 64, 65, 66, 67, 68)
    else WGMMA_REGISTERS(128, 64, "bf16", 64, 65, 66, 67, 68)
  } else {
    static_assert(OUT == 128, "");
    if constexpr (half) WGMMA_REGISTERS(256, 128, "f16", 128, 129, 130, 131, 132)
    else WGMMA_REGISTERS(256, 128, "bf16", 128, 129, 130, 131, 132)
  }
}

/** What ordinary stores and copies of this thread wrote to shared memory can be read by wgmma from the next barrier on. */
__device__ __forceinline__ void shared_for_wgmma() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Barriers in shared memory, by address; `turn` is the parity of how often one has been passed.
__device__ __forceinline__ void barrier_init(unsigned b, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(b), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void barrier_arrive(unsigned b) {
  asm volatile("{ .reg .b64 s; mbarrier.arrive.shared::cta.b64 s, [%0]; }" ::"r"(b) : "memory");
}
__device__ __forceinline__ void barrier_wait(unsigned b, int turn) {
  asm volatile("{ .reg .pred p;\n"
               "AGAIN_%=: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
               "@!p bra AGAIN_%=; }" ::"r"(b), "r"(turn) : "memory");
}
