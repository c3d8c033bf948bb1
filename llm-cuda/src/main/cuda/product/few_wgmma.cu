// architectures: 90a
// y = residual + bias + W x, or act(G x) * (U x), for up to 64 rows x on Hopper's tensor cores, where W is of f16: rows of W are the rows of
// products, which meet rows of x as few_split.cu leaves them. One warp brings both. Two warpgroups have 64 rows of W each; a cluster of blocks shares
// the columns out and puts its sums together in the order of its blocks.
#include "common/layout.cuh"
#include "product/sums.cuh"

static constexpr int GROUPS = 2, WORKERS = GROUPS * 128, THREADS = WORKERS + 32, TILE = 64; // columns of a tile, 128 bytes

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

/** W of 16 bits; rows of x in PIECES, the second of which begins `piece` rows further. */
template <int NT, int PIECES> struct Dense16 {
  static constexpr int STAGES = 4, A_BYTES = ROWS * 128, B_BYTES = NT * 8 * 128, STAGE = A_BYTES + PIECES * B_BYTES;
  static constexpr int BYTES = STAGES * STAGE + 16 * STAGES;
  typedef Sums<NT * 8, 1, WORKERS> AllSums;
  static_assert(AllSums::BYTES <= STAGES * STAGE, "sums take the place of what has been multiplied");

  static __device__ __forceinline__ void run(const TensorMap& x, const TensorMap& w, int piece, int K, const Output& out) {
    extern __shared__ __align__(1024) uchar memory[];
    unsigned room = shared_address(memory);
    Ring<STAGES> ring(room + STAGES * STAGE);
    if (threadIdx.x == 0) ring.init(1, GROUPS);
    __syncthreads();
    dependents();
    Place p(ceil_div(K, TILE));
    AllSums sums((float*)memory, p.rank, p.split);
    float d[NT * 4];
#pragma unroll
    for (int i = 0; i < NT * 4; i++) d[i] = 0.f;
    if (!p.works()) {
      if (p.lane == 0) {
        int first = p.tile * (out.gated() ? ROWS / 2 : ROWS), second = first + (out.gated() ? out.N : ROWS / 2);
        auto weights = [&](int s) {
          barrier_expect(ring.full(), STAGE);
          copy_box(room + ring.stage * STAGE, w, s * TILE, first, ring.full());
          copy_box(room + ring.stage * STAGE + A_BYTES / 2, w, s * TILE, second, ring.full());
        };
        auto rows = [&](int s) {
          unsigned to = room + ring.stage * STAGE + A_BYTES;
          copy_box(to, x, s * TILE, 0, ring.full());
          if (PIECES == 2) copy_box(to + B_BYTES, x, s * TILE, piece, ring.full());
        };
        int ahead = min(p.to, p.from + STAGES);
        for (int s = p.from; s < ahead; s++, ring.next()) weights(s);
        wait_previous();
        ring = Ring<STAGES>(room + STAGES * STAGE);
        for (int s = p.from; s < ahead; s++, ring.next()) rows(s);
        for (int s = ahead; s < p.to; s++, ring.next()) {
          barrier_wait(ring.empty(), ring.parity ^ 1);
          weights(s);
          rows(s);
        }
      }
    } else {
      wait_previous();
      float factor = threadIdx.x < NT * 8 ? out.factor(threadIdx.x) : 0.f;
      unsigned before = 0;
      for (int s = p.from; s < p.to; s++, ring.next()) {
        barrier_wait(ring.full(), ring.parity);
        unsigned a = room + ring.stage * STAGE + p.group * (A_BYTES / GROUPS), b = room + ring.stage * STAGE + A_BYTES;
        wgmma_begin();
#pragma unroll
        for (int n = 0; n < PIECES; n++)
#pragma unroll
          for (int k = 0; k < TILE / 16; k++) multiply16(d, tile_of(a) + 2 * k, tile_of(b + n * B_BYTES) + 2 * k, 1);
        wgmma_commit();
        if (s > p.from) {
          wgmma_wait<1>();
          if (threadIdx.x % 128 == 0) barrier_arrive(before);
        }
        before = ring.empty();
      }
      wgmma_wait<0>();
      keep(d);
      asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory"); // all have multiplied
      float* to = sums.sums + 2 * (p.lane & 3) * PITCH + p.warp * 16 + (p.lane >> 2);
#pragma unroll
      for (int i = 0; i < NT * 4; i++) to[(i / 4 * 8 + i % 2) * PITCH + i / 2 % 2 * 8] = d[i];
      if (threadIdx.x < NT * 8) sums.factors[threadIdx.x] = factor;
    }
    __syncwarp();
    cluster_sync();
    if (p.works()) sums.write(out, 0, p.tile);
    __syncwarp();
    if (p.split > 1) cluster_sync(); // others read what this block has
  }
};

#define OUTPUT                                                                                                                        \
  const float *scale, const float *bias, const float *residual, int ldr, float *y, int ldy, signed char *yq, Scale *ys, int N, int K, \
      int rows, int act
#define PASS Output{{scale, bias, residual, ldr, y, ldy, N, rows, act}, yq, ys}
#define BOUNDED __launch_bounds__(THREADS, 2)
#define DENSE16(NT, PIECES)                                                                                                        \
  extern "C" __global__ void BOUNDED few_wgmma_f16_n##NT(const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap w, \
                                                         int piece, OUTPUT) {                                                      \
    Dense16<NT, PIECES>::run(x, w, piece, K, PASS);                                                                                \
  }
DENSE16(2, 2) DENSE16(4, 1) DENSE16(8, 1)

// Threads; rows of W a block; columns that rows of x are rounded up to; rows of the boxes of dense W; bytes of shared memory.
EXPORT_SHAPE(few_wgmma_f16_n2, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<2, 2>::BYTES)
EXPORT_SHAPE(few_wgmma_f16_n4, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<4, 1>::BYTES)
EXPORT_SHAPE(few_wgmma_f16_n8, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<8, 1>::BYTES)
