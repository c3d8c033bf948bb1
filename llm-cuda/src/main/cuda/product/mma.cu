// y = residual + bias + W x for many rows x of 16 bits, on tensor cores from Ampere on: a block has 128 rows of x by 128 rows of W, a warp 64 by 32.
// Columns come 32 at a time, some stages ahead. Rows of x may be in several pieces, which stand side by side: each meets the whole of W.
#include "common/layout.cuh"
#include "product/outputs.cuh"

static constexpr int THREADS = 256, TILE = 128, DEPTH = 32, STAGES = 4;
static constexpr int TILE_BYTES = TILE * DEPTH * 2, SHARED_BYTES = STAGES * 2 * TILE_BYTES;
typedef Walk<16> Tiles;

/** 16 bytes to shared memory; zeros if there are none. */
__device__ __forceinline__ void fetch16(unsigned to, const void* from, bool any) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(any ? 16 : 0) : "memory");
}
/** Where a piece of a tile's row stands: eight rows' same pieces fall into different banks. */
__device__ __forceinline__ unsigned place(int row, int piece) { return row * (DEPTH * 2) + ((piece ^ (row >> 1 & 3)) << 4); }

__device__ __forceinline__ void load_matrices(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at)
               : "memory");
}
template <class T> __device__ __forceinline__ void mma(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
#define MMA(T, TYPE)                                                                                                             \
  template <> __device__ __forceinline__ void mma<T>(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {          \
    asm("mma.sync.aligned.m16n8k16.row.col.f32." TYPE "." TYPE ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "             \
        "{%0, %1, %2, %3};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                     \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                                         \
  }
MMA(__half, "f16")
MMA(bf16, "bf16")

/**
 * ldx: from row to row of x, of which each piece has a multiple of 64 columns, zeros behind the last; ldw: from row to row of W, a multiple of 8,
 * zeros behind the last column. Of gated products 8 rows of gate and the 8 of up that belong to them stand side by side in a tile.
 */
template <class T>
__device__ __forceinline__ void product(const T* x, int ldx, const T* W, int ldw, const Outputs& out, int K, int pieces) {
  extern __shared__ __align__(128) uchar memory[];
  dependents();
  wait_previous();
  unsigned base = (unsigned)__cvta_generic_to_shared(memory);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, wm = warp / 4 * 64, wn = warp % 4 * 32;
  Tiles tiles = {ceil_div(out.rows, TILE), ceil_div(out.N, out.columns(TILE))};
  int2 tile = tiles.at(blockIdx.x);
  int m0 = tile.x * TILE, n0 = tile.y * out.columns(TILE);
  int row = threadIdx.x / 2, piece = threadIdx.x % 2 * 2; // of both tiles: two times 16 bytes of a row each
  int m = min(m0 + row, out.rows - 1), n = n0 + row;
  if (out.gated()) n = n0 + row / 16 * 8 + row % 8;
  const T* xr = x + (long long)m * ldx;
  const T* wr = W + (min(n, out.N - 1) + (out.gated() && row & 8 ? out.N : 0ll)) * ldw;
  int round = ceil_div(K, 2 * DEPTH) * 2, steps = round * pieces; // a piece of x has whole steps of 64
  auto bring = [&](int s) {
    if (s < steps) {
      unsigned to = base + s % STAGES * 2 * TILE_BYTES;
      int at = s % round * DEPTH;
#pragma unroll
      for (int p = piece; p < piece + 2; p++) {
        fetch16(to + place(row, p), xr + (long long)s * DEPTH + 8 * p, true);
        bool any = at + 8 * p < K;
        fetch16(to + TILE_BYTES + place(row, p), any ? wr + at + 8 * p : wr, any);
      }
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  float sums[4][4][4] = {};
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) bring(s);
  for (int s = 0; s < steps; s++) {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
    __syncthreads();
    bring(s + STAGES - 1);
    unsigned a = base + s % STAGES * 2 * TILE_BYTES, b = a + TILE_BYTES;
#pragma unroll
    for (int k = 0; k < DEPTH / 16; k++) {
      unsigned xs[4][4], ws[2][4];
#pragma unroll
      for (int i = 0; i < 4; i++) load_matrices(xs[i], a + place(wm + 16 * i + lane % 16, 2 * k + lane / 16));
#pragma unroll
      for (int j = 0; j < 2; j++) load_matrices(ws[j], b + place(wn + 16 * j + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) mma<T>(sums[i][j], xs[i], ws[j / 2][j % 2 * 2], ws[j / 2][j % 2 * 2 + 1]);
    }
  }
  bool whole = out.pairs() && n0 + out.columns(TILE) <= out.N;
  int column = n0 + (out.gated() ? wn / 2 : wn) + lane % 4 * 2;
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int up = 0; up < 2; up++) {
      int r = m0 + wm + 16 * i + lane / 4 + 8 * up;
      float factor = out.factor(r);
      float2 v[4];
#pragma unroll
      for (int j = 0; j < 4; j++) v[j] = make_float2(sums[i][j][2 * up] * factor, sums[i][j][2 * up + 1] * factor);
      if (out.gated()) {
        float2 two[2] = {out.activate(v[0], v[1]), out.activate(v[2], v[3])};
        out.put<2>(r, column, 8, two, whole);
      } else {
        out.put<4>(r, column, 8, v, whole);
      }
    }
  }
}

#define KERNEL(FMT, T)                                                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS, 2)                                                                                          \
      mma_##FMT(const T* x, int ldx, const T* W, int ldw, const float* scale, const float* bias, const float* residual, int ldr, float* y, int ldy, \
                int N, int K, int rows, int pieces, int act) {                                                                                      \
    product<T>(x, ldx, W, ldw, Outputs{scale, bias, residual, ldr, y, ldy, N, rows, act}, K, pieces);                                               \
  }
KERNEL(f16, __half)
KERNEL(bf16, bf16)
EXPORT_SHAPE(mma, THREADS, TILE, SHARED_BYTES)
