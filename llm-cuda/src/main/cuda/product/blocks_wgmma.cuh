// Rows of W that consist of blocks by rows of x of 16 bits on Hopper's tensor cores: what a block of threads does.
#pragma once
#include "common/formats.cuh"
#include "product/sums.cuh"

static constexpr int GROUPS = 2, WORKERS = GROUPS * 128, WARPS = WORKERS / 32, THREADS = WORKERS + 128;
/** Registers a thread of the warps that bring rows of x, and of those that multiply. */
static constexpr int FEW_REGISTERS = 24, MANY_REGISTERS = 240;
/** Columns of a step, of which a lane has a sub-block; columns of a box, 128 bytes, and boxes of a step. */
static constexpr int SUBS = 4, STEP = 32 * SUBS, BOX = 64, BOXES = STEP / BOX;

/** By which weights of blocks are too large: small scales stay normal numbers of f16. */
static constexpr float LARGER = 64.f;

/** Four signed bytes as f16, exactly. */
__device__ __forceinline__ uint2 halves(int bytes) {
  unsigned u = (unsigned)bytes ^ 0x80808080;
  __half2 less = __halves2half2(__ushort_as_half(0x6480), __ushort_as_half(0x6480)); // 1024 + 128
  unsigned a = __byte_perm(u, 0x64646464, 0x4140), b = __byte_perm(u, 0x64646464, 0x4342);
  __half2 low = __hsub2(*(__half2*)&a, less), high = __hsub2(*(__half2*)&b, less);
  return make_uint2(*(unsigned*)&low, *(unsigned*)&high);
}

#define A4(a) "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3])
#define FROM_REGISTERS(N, LIST, P0, P1, P2, P3, B, ...)                                                                                       \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" N "k16.f32.f16.f16 {" LIST "}, {%" P0 ", %" P1 ", %" P2 ", %" P3 "}, %" B ", 1, 1, 1, 0;" \
               : __VA_ARGS__                                                                                                                  \
               : A4(a), "l"(b))
/** Adds 64 rows by 2 V columns, 16 products deep, of which the thread holds its part of the rows. */
template <int V> __device__ __forceinline__ void multiply_held(float (&d)[V], const unsigned (&a)[4], unsigned long long b) {
  if constexpr (V == 32) FROM_REGISTERS("64", LIST32, "32", "33", "34", "35", "36", R8(d, 0), R8(d, 8), R8(d, 16), R8(d, 24));
  else FROM_REGISTERS("128", LIST64, "64", "65", "66", "67", "68", R64(d, 0));
}

/**
 * What a block does. A unit is ROWS rows of W by a tile of rows of x; units stand one after the other, those of the same rows of W together.
 * A cluster of blocks takes unit after unit, and its blocks share the steps along the columns.
 */
struct Share {
  int blocks, rank, unit, clusters, units, from, to; // blocks of the cluster; the first unit, how many further the next one is; steps
  __device__ __forceinline__ Share(int units, int steps) : units(units) {
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
    rank = cluster_rank(), unit = blockIdx.x / blocks, clusters = gridDim.x / blocks;
    from = steps * rank / blocks, to = steps * (rank + 1) / blocks;
  }
};
