// What products by groups share on Hopper: boxes of experts' matrices come by the copy engine, rows of x one by one, both into a ring of stages; rows
// of W are the rows of products, pairs their columns.
#pragma once
#include "product/group.cuh"
#include "product/hopper.cuh"

static constexpr int DEPTH = 64, LINE = 128; // columns of a box, and their bytes

/** Arrives at a barrier when all copies of this thread are there. */
__device__ __forceinline__ void barrier_arrive_copied(unsigned barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void copy16(unsigned to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}
/** Tensor cores see what threads have copied, once a barrier has told of it. */
__device__ __forceinline__ void see_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
/** Where a piece of 16 bytes of a line stands, as the copy engine would have put it down. */
__device__ __forceinline__ unsigned place(int line, int piece) { return line * LINE + ((piece ^ (line & 7)) << 4); }

/** A ring of stages in shared memory: which is next, and which of its uses it is. */
template <int STAGES> struct Ring {
  unsigned barriers;
  int stage = 0;
  unsigned parity = 0;
  __device__ __forceinline__ explicit Ring(unsigned barriers) : barriers(barriers) {}
  __device__ __forceinline__ unsigned full() const { return barriers + 8 * stage; }
  __device__ __forceinline__ unsigned empty() const { return barriers + 8 * (STAGES + stage); }
  __device__ __forceinline__ void next() {
    if (++stage == STAGES) stage = 0, parity ^= 1;
  }
  /** `fills`: arrivals that fill a stage; `empties`: those that free it. */
  __device__ __forceinline__ void init(int fills, int empties) const {
    for (int s = 0; s < STAGES; s++) barrier_init(barriers + 8 * s, fills), barrier_init(barriers + 8 * (STAGES + s), empties);
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
  }
};

/** What a block does: units, each some outputs of a tile of pairs. */
struct Units {
  const Groups& groups;
  int across, all;
  __device__ __forceinline__ Units(const Groups& groups, int across)
      : groups(groups), across(across), all(__ldcg((const int*)groups.tiles) * across) {}
  __device__ __forceinline__ int4 tile(int unit) const {
    return unit < all ? __ldcg(groups.tiles + 1 + unit / across) : make_int4(0, 0, 0, 0);
  }
};

#define LIST48 LIST32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define LIST80 LIST64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define LIST96 LIST80 ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define R16(d, i) R8(d, i), R8(d, i + 8)
#define R32(d, i) R16(d, i), R16(d, i + 16)
#define GROUP_WGMMA(N, TYPE, LIST, A, B, ADD, ...)                                                                                              \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" N "k16.f32." TYPE "." TYPE " {" LIST "}, %" A ", %" B \
               ", p, 1, 1, 0, 0;}"                                                                                                              \
               : __VA_ARGS__                                                                                                                     \
               : "l"(a), "l"(b), "r"(add))
#define MULTIPLY(T, TYPE)                                                                                                           \
  template <int V> __device__ __forceinline__ void multiply(float (&d)[V], unsigned long long a, unsigned long long b, int add, T) { \
    if constexpr (V == 8) GROUP_WGMMA("16", TYPE, LIST8, "8", "9", "10", R8(d, 0));                                                 \
    else if constexpr (V == 16) GROUP_WGMMA("32", TYPE, LIST16, "16", "17", "18", R16(d, 0));                                       \
    else if constexpr (V == 32) GROUP_WGMMA("64", TYPE, LIST32, "32", "33", "34", R32(d, 0));                                       \
    else if constexpr (V == 48) GROUP_WGMMA("96", TYPE, LIST48, "48", "49", "50", R32(d, 0), R16(d, 32));                           \
    else if constexpr (V == 64) GROUP_WGMMA("128", TYPE, LIST64, "64", "65", "66", R64(d, 0));                                      \
    else if constexpr (V == 80) GROUP_WGMMA("160", TYPE, LIST80, "80", "81", "82", R64(d, 0), R16(d, 64));                          \
    else GROUP_WGMMA("192", TYPE, LIST96, "96", "97", "98", R64(d, 0), R32(d, 64));                                                 \
  }
/** Sums of 64 rows by 2 V columns, 16 products deep; adds to what stands there if `add`. */
MULTIPLY(__half, "f16")
MULTIPLY(bf16, "bf16")
