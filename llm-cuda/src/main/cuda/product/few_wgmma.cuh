// What products of up to 64 rows share on Hopper's tensor cores: 128 rows of W a block, half of them for each of two warpgroups; a cluster of blocks
// shares the columns out and puts its sums together in the order of its blocks.
#pragma once
#include "product/hopper.cuh"

static constexpr int ROWS = 128, GROUPS = 2, WORKERS = GROUPS * 128, THREADS = WORKERS + 32, TILE = 64; // columns of a tile, 128 bytes
static constexpr int PITCH = ROWS + 4; // floats from row to row of x in sums: stores of a warp fall into different banks

struct Output {
  const float *scale, *bias, *residual;
  int ldr;
  float* y;
  int ldy;
  signed char* yq; // of gated products
  Scale* ys;
  int N, rows, act; // act < 0: not gated

  __device__ __forceinline__ bool gated() const { return act >= 0; }
  /** Row of W of the first or second 64 rows of a block. */
  __device__ __forceinline__ int row(int tile, int half) const { return gated() ? tile * 64 + half * N : tile * ROWS + half * 64; }

  /** Sums of all blocks of the cluster, of rows of x in turn; by the warps of workers. */
  __device__ __forceinline__ void write(unsigned sums, int tile, int rank, int split) const {
    int lane = threadIdx.x & 31, quarters = gated() ? 2 : 4;
    auto sum = [&](int m, int r) {
      float v = 0.f;
#pragma unroll 4
      for (int k = 0; k < split; k++) {
        float part;
        asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(part) : "r"(of_block(sums + (m * PITCH + r) * 4, k)) : "memory");
        v += part;
      }
      return v;
    };
#pragma unroll 1
    for (int job = threadIdx.x >> 5;; job += WORKERS / 32) {
      int m = rank + job / quarters * split, r = job % quarters * 32 + lane, n = row(tile, 0) + r;
      if (m >= rows) break;
      if (n - lane >= N) continue;
      float factor = row1(scale + m), v = sum(m, r) * factor;
      if (gated()) {
        v = gated_value(v, sum(m, r + 64) * factor, act);
        if (yq) quantize32(v, lane, yq + (long long)m * N + n - lane, ys + (long long)m * (N / 32) + n / 32);
        if (y && n < N) y[(long long)m * ldy + n] = v;
      } else if (n < N) {
        if (bias) v += bias[n];
        if (residual) v += row1(residual + (long long)m * ldr + n);
        y[(long long)m * ldy + n] = v;
      }
    }
  }
};

#define D4(d, i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define NARROW(N, TYPE, LIST, A, B, ADD, ...)                                                                                          \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" N "k16.f32." TYPE "." TYPE " {" LIST "}, %" A ", %" B \
               ", p, 1, 1, 0, 0;}"                                                                                                    \
               : __VA_ARGS__                                                                                                           \
               : "l"(a), "l"(b), "r"(add))
/** Sums of 64 rows by 2 V columns, 16 products deep. */
template <int V> __device__ __forceinline__ void multiply16(float (&d)[V], unsigned long long a, unsigned long long b, int add) {
  if constexpr (V == 4) NARROW("8", "f16", LIST4, "4", "5", "6", D4(d, 0));
  else if constexpr (V == 8) NARROW("16", "f16", LIST8, "8", "9", "10", R8(d, 0));
  else if constexpr (V == 16) NARROW("32", "f16", LIST16, "16", "17", "18", R8(d, 0), R8(d, 8));
  else NARROW("64", "f16", LIST32, "32", "33", "34", R8(d, 0), R8(d, 8), R8(d, 16), R8(d, 24));
}

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
  __device__ __forceinline__ void init() const {
    for (int s = 0; s < STAGES; s++) barrier_init(barriers + 8 * s, 1), barrier_init(barriers + 8 * (STAGES + s), GROUPS);
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
  }
};

/** What a block does: of the steps along the columns those from `from` to `to`. */
struct Place {
  int split, rank, tile, from, to, lane, warp, group;
  __device__ __forceinline__ explicit Place(int steps) {
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(split));
    rank = cluster_rank(), tile = blockIdx.x / split;
    from = steps * rank / split, to = steps * (rank + 1) / split;
    lane = threadIdx.x & 31, warp = threadIdx.x >> 5, group = threadIdx.x >> 7;
  }
  __device__ __forceinline__ bool works() const { return group < GROUPS; }
};

__device__ __forceinline__ void workers_meet() { asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory"); }

/** Lays the sums of the workers down where nothing is needed any more, and writes what comes of those of the cluster; by all threads. */
template <int V> __device__ __forceinline__ void finish(const float (&d)[V], float* sums, const Place& p, const Output& out) {
  if (p.works()) {
    workers_meet(); // all have multiplied
    float* to = sums + 2 * (p.lane & 3) * PITCH + p.warp * 16 + (p.lane >> 2);
#pragma unroll
    for (int i = 0; i < V; i++) to[(i / 4 * 8 + i % 2) * PITCH + i / 2 % 2 * 8] = d[i];
  }
  __syncwarp();
  cluster_sync();
  if (p.works()) out.write(shared_address(sums), p.tile, p.rank, p.split);
  __syncwarp();
  cluster_sync();
}
