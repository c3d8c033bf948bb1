// architectures: 90a
// y = residual + bias + W x, or act(G x) * (U x), for up to 64 rows x on Hopper's tensor cores, where W is of f16: rows of W are the rows of products,
// which meet rows of x as few_split.cu leaves them. One warp brings both.
#include "common/layout.cuh"
#include "product/few_wgmma.cuh"

/** W of 16 bits; rows of x in PIECES, the second of which begins `piece` rows further. */
template <int NT, int PIECES> struct Dense16 {
  static constexpr int STAGES = 4, A_BYTES = ROWS * 128, B_BYTES = NT * 8 * 128, STAGE = A_BYTES + PIECES * B_BYTES;
  static constexpr int BYTES = STAGES * STAGE + 16 * STAGES;

  static __device__ __forceinline__ void run(const TensorMap& x, const TensorMap& w, int piece, int K, const Output& out) {
    extern __shared__ __align__(1024) uchar memory[];
    unsigned room = shared_address(memory);
    Ring<STAGES> ring(room + STAGES * STAGE);
    if (threadIdx.x == 0) ring.init();
    __syncthreads();
    dependents();
    Place p(ceil_div(K, TILE));
    float d[NT * 4];
#pragma unroll
    for (int i = 0; i < NT * 4; i++) d[i] = 0.f;
    if (!p.works()) {
      if (p.lane == 0) {
        int first = out.row(p.tile, 0), second = out.row(p.tile, 1);
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
      wait_previous();
    }
    __syncwarp();
    finish(d, (float*)memory, p, out);
  }
};

#define OUTPUT                                                                                                                        \
  const float *scale, const float *bias, const float *residual, int ldr, float *y, int ldy, signed char *yq, Scale *ys, int N, int K, \
      int rows, int act
#define PASS Output{scale, bias, residual, ldr, y, ldy, yq, ys, N, rows, act}
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
