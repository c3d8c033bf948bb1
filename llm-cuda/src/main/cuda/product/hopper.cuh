// Hopper's asynchronous instructions: barriers in shared memory, copies of boxes of a matrix by its tensor map, products by a warpgroup.
#pragma once
#include "common/common.cuh"

/** A matrix as the copy engine sees it, made by the driver. */
struct alignas(64) TensorMap {
  unsigned char opaque[128];
};

__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

// Barriers: 64 bits in shared memory, given by their address there. A phase ends when all have arrived and all bytes that were announced are there.
__device__ __forceinline__ void barrier_init(unsigned barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
/** Arrives, and announces bytes that copies will bring. */
__device__ __forceinline__ void barrier_expect(unsigned barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void barrier_arrive(unsigned barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
/** The same place in the shared memory of another block of the cluster. */
__device__ __forceinline__ unsigned of_block(unsigned address, int rank) {
  unsigned there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address), "r"(rank));
  return there;
}
/** Arrives at the barrier at the same place in another block of the cluster: says that tiles were read, nothing of what was written. */
__device__ __forceinline__ void barrier_arrive(unsigned barrier, int rank) {
  asm volatile("mbarrier.arrive.relaxed.cluster.shared::cluster.b64 _, [%0];" ::"r"(of_block(barrier, rank)) : "memory");
}
/** The same, and shows what was written before. Dear: it waits for all writes. */
__device__ __forceinline__ void barrier_show(unsigned barrier, int rank) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(of_block(barrier, rank)) : "memory");
}
/** Waits until the phase of that parity has ended; sees what copies brought. */
__device__ __forceinline__ void barrier_wait(unsigned barrier, unsigned parity) {
  unsigned done;
  do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
  } while (!done);
}
/** The same, and sees what all blocks of the cluster have shown. */
__device__ __forceinline__ void barrier_see(unsigned barrier, unsigned parity) {
  unsigned done;
  do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
  } while (!done);
}
/** All threads of all blocks of the cluster, in two parts: each says that it has come, and waits until all have. Warps do so as one. */
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.aligned;" ::: "memory"); }
__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.aligned;" ::: "memory"); }
/** A stage, and which of its uses it is. */
template <int STAGES> struct Turn {
  int stage = 0;
  unsigned parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage == STAGES) stage = 0, parity ^= 1;
  }
};

/** A ring of stages in shared memory, whose barriers stand together: those that tell of full stages, then those of empty ones. */
template <int STAGES> struct Ring : Turn<STAGES> {
  unsigned barriers;
  __device__ __forceinline__ explicit Ring(unsigned barriers) : barriers(barriers) {}
  __device__ __forceinline__ unsigned full() const { return barriers + 8 * this->stage; }
  __device__ __forceinline__ unsigned empty() const { return barriers + 8 * (STAGES + this->stage); }
  /** `fills`: arrivals that fill a stage; `empties`: those that free it. */
  __device__ __forceinline__ void init(int fills, int empties) const {
    for (int s = 0; s < STAGES; s++) barrier_init(barriers + 8 * s, fills), barrier_init(barriers + 8 * (STAGES + s), empties);
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
  }
};

/** All threads of all blocks of the cluster. */
__device__ __forceinline__ void cluster_sync() {
  asm volatile("barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;" ::: "memory");
}
__device__ __forceinline__ int cluster_rank() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
/** Values of a block of the cluster. */
__device__ __forceinline__ float2 cluster_read2(unsigned address) {
  float2 v;
  asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(address) : "memory");
  return v;
}

/** The same of four, or zeros if they are not wanted. */
__device__ __forceinline__ float4 cluster_read4(unsigned address, bool wanted) {
  float4 v = make_float4(0.f, 0.f, 0.f, 0.f);
  asm volatile("{.reg .pred p; setp.ne.b32 p, %5, 0; @p ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];}"
               : "+f"(v.x), "+f"(v.y), "+f"(v.z), "+f"(v.w) : "r"(address), "r"((int)wanted) : "memory");
  return v;
}

/** Brings the box of a matrix that starts at a column and a row; zeros where it has none. */
__device__ __forceinline__ void copy_box(unsigned to, const TensorMap& from, int column, int row, unsigned barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
               ::"r"(to), "l"(&from), "r"(barrier), "r"(column), "r"(row) : "memory");
}
/** The same to the same place in several blocks of the cluster, and to the barriers there. */
__device__ __forceinline__ void copy_box(unsigned to, const TensorMap& from, int column, int row, unsigned barrier, unsigned short blocks) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%4, %5}], [%2], %3;"
               ::"r"(to), "l"(&from), "r"(barrier), "h"(blocks), "r"(column), "r"(row) : "memory");
}

/** How the tensor cores read rows of 64 values of 16 bits that the copy engine has put down swizzled by 128 bytes, from 1,024 bytes on. */
__device__ __forceinline__ unsigned long long tile_of(unsigned address) {
  return (unsigned long long)(address >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
__device__ __forceinline__ void wgmma_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int LEFT> __device__ __forceinline__ void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory"); }
/** Keeps the compiler from reading sums before they are there. */
template <int V> __device__ __forceinline__ void keep(float (&v)[V]) {
#pragma unroll
  for (int i = 0; i < V; i++) asm volatile("" : "+f"(v[i])::"memory");
}

#define R8(d, i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define R64(d, i) R8(d, i), R8(d, i + 8), R8(d, i + 16), R8(d, i + 24), R8(d, i + 32), R8(d, i + 40), R8(d, i + 48), R8(d, i + 56)
// The first registers of a product, as the text of an instruction has them.
#define LIST4 "%0, %1, %2, %3"
#define LIST8 LIST4 ", %4, %5, %6, %7"
#define LIST16 LIST8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define LIST32 LIST16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define LIST64 LIST32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55" \
               ", %56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_256(TYPE, d, a, b, add)                                                                                \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %130, 0; "                                                              \
               "wgmma.mma_async.sync.aligned.m64n256k16.f32." TYPE "." TYPE " {"                                    \
               "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, " \
               "%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, " \
               "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, " \
               "%74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, " \
               "%98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, " \
               "%118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, %128, %129, p, 1, 1, 0, 0;}" \
               : R64(d, 0), R64(d, 64) : "l"(a), "l"(b), "r"(add))
#define WGMMA_128(TYPE, d, a, b, add)                                                                                \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %66, 0; "                                                              \
               "wgmma.mma_async.sync.aligned.m64n128k16.f32." TYPE "." TYPE " {"                                    \
               "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, " \
               "%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, " \
               "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, %64, %65, p, 1, 1, 0, 0;}" \
               : R64(d, 0) : "l"(a), "l"(b), "r"(add))

template <class T> __host__ __device__ constexpr bool is_half() { return false; }
template <> __host__ __device__ constexpr bool is_half<__half>() { return true; }
/** Sums of 64 rows by 2 V columns, 16 products deep; adds to what stands there if `add`. */
template <class T, int V> __device__ __forceinline__ void wgmma(float (&d)[V], unsigned long long a, unsigned long long b, int add) {
  if constexpr (V == 128) {
    if constexpr (is_half<T>()) WGMMA_256("f16", d, a, b, add);
    else WGMMA_256("bf16", d, a, b, add);
  } else {
    if constexpr (is_half<T>()) WGMMA_128("f16", d, a, b, add);
    else WGMMA_128("bf16", d, a, b, add);
  }
}
