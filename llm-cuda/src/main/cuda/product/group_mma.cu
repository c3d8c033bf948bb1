// Products of many rows of 16 bits by the experts that they chose, on tensor cores from Ampere on: a block has a tile of up to 64 or 128 pairs of one
// expert by 128 rows of its matrix. Columns come 64 at a time, some stages ahead; weights of blocks become f16 on their way to shared memory.
#include "common/formats.cuh"
#include "common/layout.cuh"
#include "product/group.cuh"
#include "product/halves.cuh"

static constexpr int THREADS = 256, COLUMNS = 128, DEPTH = 64, ROW_STAGES = 3;
static constexpr int PITCH = DEPTH * 2, COLUMN_BYTES = COLUMNS * PITCH; // bytes

/** 16 bytes to shared memory; zeros if there are none. */
__device__ __forceinline__ void fetch16(unsigned to, const void* from, bool any) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(any ? 16 : 0) : "memory");
}
__device__ __forceinline__ void put16(unsigned to, uint4 v) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w) : "memory");
}
/** Where a piece of 16 bytes of a tile's row stands: eight rows' same pieces fall into different banks. */
__device__ __forceinline__ unsigned place(int row, int piece) { return row * PITCH + ((piece ^ (row & 7)) << 4); }

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

/** How a thread brings its part of 128 rows of W to shared memory: half of the columns of a row. */
template <class F> struct Blocks {
  static constexpr int STAGES = 2;
  static constexpr bool COPIES = false;
  typedef __half Operand;
  const uchar* W;
  int N, K, row;
  uint4 v[4];
  __device__ __forceinline__ Blocks(const uchar* W, int N, int K, int row) : W(W), N(N), K(K), row(row) {}
  /** Reads. */
  __device__ __forceinline__ void read(int k0) {
    int c = k0 / 32 + threadIdx.x % 2;
    if (c < K / 32) {
      halves_of<F>(W, N, K, row, c, v);
    } else {
#pragma unroll
      for (int i = 0; i < 4; i++) v[i] = make_uint4(0, 0, 0, 0);
    }
  }
  /** Puts down what has been read. */
  __device__ __forceinline__ void put(unsigned to) const {
#pragma unroll
    for (int i = 0; i < 4; i++) put16(to + place(threadIdx.x / 2, threadIdx.x % 2 * 4 + i), v[i]);
  }
};
template <class T> struct Plain {
  static constexpr int STAGES = ROW_STAGES;
  static constexpr bool COPIES = true;
  typedef T Operand;
  const T* from;
  int K;
  __device__ __forceinline__ Plain(const uchar* W, int, int K, int row) : from((const T*)W + row * Dense<T>::stride(K)), K(K) {}
  __device__ __forceinline__ void copy(int k0, unsigned to) const {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int p = threadIdx.x % 2 * 4 + i, k = k0 + 8 * p;
      fetch16(to + place(threadIdx.x / 2, p), k < K ? from + k : from, k < K);
    }
  }
};

/**
 * Block (x, tile) of up to ROWS pairs. ldx: from row to row of x, of which each of `pieces` has a multiple of 64 columns, zeros behind the last.
 * `act` < 0: plain products by W; else act(W x) * (up x): then 8 rows of gate and the 8 of up that belong to them stand side by side in a tile.
 */
template <class Weights, int ROWS>
__device__ __forceinline__ void product(const uchar* W, const uchar* up, const typename Weights::Operand* x, int ldx, const float* scale,
                                        Groups groups, int experts, const float* bias, const float* upBias, float* y, int N, int K, int pieces,
                                        int act) {
  typedef typename Weights::Operand T;
  constexpr int EACH = ROWS / 32, ROW_BYTES = ROWS * PITCH, SHARE = THREADS / ROWS, COPIES = 8 / SHARE;
  extern __shared__ __align__(128) uchar memory[];
  __shared__ int pairs[ROWS];
  dependents();
  wait_previous();
  int4 tile = groups.tile(blockIdx.y);
  if (tile.z == 0) return;
  for (int i = threadIdx.x; i < tile.z; i += THREADS) pairs[i] = groups.pair(tile, i);
  __syncthreads();
  bool gated = act >= 0;
  unsigned base = (unsigned)__cvta_generic_to_shared(memory), columns = base + ROW_STAGES * ROW_BYTES;
  // Warps have every other 16 pairs, so that tiles that are not full keep all at work.
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, wm = warp / 4, wn = warp % 4 * 32, live = (tile.z - 16 * wm + 31) / 32;
  int n0 = blockIdx.x * (gated ? COLUMNS / 2 : COLUMNS), in = threadIdx.x / 2;
  int n = gated ? n0 + in / 16 * 8 + in % 8 : n0 + in;
  Weights weights(gated && in & 8 ? up : W, experts * N, K, tile.x * N + min(n, N - 1));
  int row = threadIdx.x / SHARE, piece = threadIdx.x % SHARE * COPIES;
  bool mine = row < tile.z;
  const T* xr = x + (long long)groups.row(pairs[mine ? row : 0]) * ldx + 8 * piece;
  int round = ceil_div(K, DEPTH), steps = round * pieces;
  auto bring = [&](int s) {
    if (s < steps) {
      if (mine) {
#pragma unroll
        for (int i = 0; i < COPIES; i++) fetch16(base + s % ROW_STAGES * ROW_BYTES + place(row, piece + i), xr + (long long)s * DEPTH + 8 * i, true);
      }
      if constexpr (Weights::COPIES) weights.copy(s % round * DEPTH, columns + s % Weights::STAGES * COLUMN_BYTES);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  float sums[EACH][4][4] = {};
#pragma unroll
  for (int s = 0; s < ROW_STAGES - 1; s++) bring(s);
  if constexpr (!Weights::COPIES) weights.read(0), weights.put(columns);
  for (int s = 0; s < steps; s++) {
    asm volatile("cp.async.wait_group %0;" ::"n"(ROW_STAGES - 2) : "memory");
    __syncthreads();
    bring(s + ROW_STAGES - 1);
    if constexpr (!Weights::COPIES) {
      if (s + 1 < steps) weights.read((s + 1) % round * DEPTH);
    }
    unsigned a = base + s % ROW_STAGES * ROW_BYTES, b = columns + s % Weights::STAGES * COLUMN_BYTES;
    auto multiply = [&](auto there) {
#pragma unroll
      for (int k = 0; k < DEPTH / 16; k++) {
        unsigned xs[EACH][4], ws[2][4];
#pragma unroll
        for (int i = 0; i < EACH; i++)
          if (there(i)) load_matrices(xs[i], a + place((2 * i + wm) * 16 + lane % 16, 2 * k + lane / 16));
#pragma unroll
        for (int j = 0; j < 2; j++) load_matrices(ws[j], b + place(wn + 16 * j + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
#pragma unroll
        for (int i = 0; i < EACH; i++) {
          if (there(i)) {
#pragma unroll
            for (int j = 0; j < 4; j++) mma<T>(sums[i][j], xs[i], ws[j / 2][j % 2 * 2], ws[j / 2][j % 2 * 2 + 1]);
          }
        }
      }
    };
    if (live >= EACH) multiply([](int) { return true; });
    else multiply([&](int i) { return i < live; });
    if constexpr (!Weights::COPIES) {
      if (s + 1 < steps) weights.put(columns + (s + 1) % Weights::STAGES * COLUMN_BYTES);
    }
  }
  long long all = (long long)tile.x * N;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
#pragma unroll
    for (int below = 0; below < 2; below++) {
      int m = (2 * i + wm) * 16 + lane / 4 + 8 * below;
      if (m >= tile.z) continue;
      float factor = scale ? row1(scale + groups.row(pairs[m])) : 1.f;
      float* to = y + (long long)pairs[m] * N;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        if (gated && j & 1) continue; // up of those before
        int at = n0 + (gated ? wn / 2 + j * 4 : wn + j * 8) + lane % 4 * 2;
        if (at >= N) continue; // N is even
        float2 v = make_float2(sums[i][j][2 * below] * factor, sums[i][j][2 * below + 1] * factor);
        if (bias) v.x += bias[all + at], v.y += bias[all + at + 1];
        if (gated) {
          float2 u = make_float2(sums[i][j | 1][2 * below] * factor, sums[i][j | 1][2 * below + 1] * factor);
          if (bias) u.x += upBias[all + at], u.y += upBias[all + at + 1];
          v = make_float2(gated_any(v.x, u.x, act), gated_any(v.y, u.y, act));
        }
        *(float2*)(to + at) = v;
      }
    }
  }
}

#define KERNEL(FMT, WEIGHTS, ROWS)                                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS, 2) group_##FMT##_r##ROWS(                                                                \
      const uchar* W, const uchar* up, const WEIGHTS::Operand* x, int ldx, const float* scale, GROUPS, int experts, const float* bias,           \
      const float* upBias, float* y, int N, int K, int pieces, int act) {                                                                        \
    product<WEIGHTS, ROWS>(W, up, x, ldx, scale, PASS_GROUPS, experts, bias, upBias, y, N, K, pieces, act);                                      \
  }
#define BOTH(FMT, WEIGHTS) KERNEL(FMT, WEIGHTS, 64) KERNEL(FMT, WEIGHTS, 128)
#define NONE(FMT, NUMBER, F)
#define BLOCKS(FMT, NUMBER, F) BOTH(FMT, Blocks<F>)
BOTH(f16, Plain<__half>)
BOTH(bf16, Plain<bf16>)
FORMATS(NONE, BLOCKS, BLOCKS)
/** Bytes of shared memory for tiles of so many pairs. */
__host__ __device__ constexpr int bytes(int rows, int stages) { return ROW_STAGES * rows * PITCH + stages * COLUMN_BYTES; }
// Threads, rows of W a block; bytes of shared memory for 64 and 128 pairs, by plain weights and by blocks.
EXPORT_SHAPE(group_mma, THREADS, COLUMNS, bytes(64, Plain<__half>::STAGES), bytes(128, Plain<__half>::STAGES), bytes(64, 2), bytes(128, 2))
