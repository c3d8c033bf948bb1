// Products of some rows by the experts that they chose, weights of 16 bits, each of which is read once: tiles of up to 8 NT pairs of one expert on
// tensor cores, whose rows of x have been split by few_split.cu into two rows of the weights' own type. Lanes load weights as mma wants
// them, without a detour: a lane has 8 neighbouring columns of two rows of W and of a row of x, which mma may take in any order.
#include "common/layout.cuh"
#include "common/formats/dense.cuh"
#include "product/group.cuh"
#include "product/mma16.cuh"

static constexpr int WARPS = 4, ROWS = 32 * WARPS; // rows of W a block; of gated products half of gate, half of up
static constexpr int CHUNK = 32, AHEAD = 4;        // columns at a time, and chunks that are loaded ahead
static constexpr int STEP = 256, PAD = 32;         // columns of x that are copied at a time; values between its rows, against bank conflicts
static constexpr int PIECES = 2;

template <class T, int NT> struct Columns {
  T x[2][PIECES][8 * NT][STEP + PAD];
};

__device__ __forceinline__ void copy16(void* to, const void* from, bool any) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned)__cvta_generic_to_shared(to)), "l"(from), "r"(any ? 16 : 0) : "memory");
}
/** 16 bytes of a row of weights, of which more are wanted soon: memory is read by longer pieces. */
__device__ __forceinline__ uint4 stream_row(const void* p) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
  return v;
}

/** Block (x, tile). `act` < 0: plain products by W; else act(W x) * (up x), each W with a bias if there is one. y has a row of N for each pair. */
template <class T, int NT>
__device__ __forceinline__ void product(const uchar* W, const uchar* up, const T* x, int ld, int piece, const float* scale, Groups groups,
                                        const float* bias, const float* upBias, float* y, int N, int K, int act) {
  __shared__ Columns<T, NT> columns;
  __shared__ int pairs[8 * NT];
  dependents();
  wait_previous();
  int4 tile = groups.tile(blockIdx.y);
  if (tile.z == 0) return;
  bool gated = act >= 0;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  if (threadIdx.x < tile.z) pairs[threadIdx.x] = groups.pair(tile, threadIdx.x);
  // A warp has 16 rows of gate and the same of up, or 32 of W, from n0 on.
  int n0 = blockIdx.x * (gated ? ROWS / 2 : ROWS) + warp * (gated ? 16 : 32), second = gated ? 0 : 16, chunks = ceil_div(K, CHUNK);
  long long pitch = Dense<T>::stride(K), all = (long long)tile.x * N;
  const uint4* from[4];
#pragma unroll
  for (int i = 0; i < 4; i++) { // rows g and g + 8 of both tiles
    int n = min(n0 + (i & 1) * 8 + g + (i >> 1) * second, N - 1);
    from[i] = (const uint4*)((const T*)(gated && i >> 1 ? up : W) + (all + n) * pitch) + t;
  }
  uint4 w[AHEAD][4];
  auto load = [&](uint4 (&to)[4], int chunk) {
    bool any = chunk < chunks && chunk * CHUNK + 8 * t < K;
#pragma unroll
    for (int i = 0; i < 4; i++) to[i] = any ? stream_row(from[i] + (long long)chunk * 4) : make_uint4(0, 0, 0, 0);
  };
#pragma unroll
  for (int i = 0; i < AHEAD - 1; i++) load(w[i], i);
  __syncthreads();
  constexpr int COPIES = STEP / 8;
  auto fetch = [&](int step) {
    for (int i = threadIdx.x; i < PIECES * tile.z * COPIES; i += 32 * WARPS) {
      int at = i % COPIES * 8, of = i / COPIES, m = of / PIECES, p = of % PIECES;
      bool any = step * STEP + at < K;
      const T* row = x + (long long)groups.row(pairs[m]) * ld + (long long)p * piece;
      copy16(&columns.x[step & 1][p][m][at], any ? row + step * STEP + at : row, any);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  fetch(0);
  float sums[2][NT][4] = {};
  int steps = ceil_div(K, STEP);
  for (int s = 0; s < steps; s++) {
    asm volatile("cp.async.wait_group 0;" ::: "memory");
    __syncthreads(); // the rows of x are there, and all have left those of the step before
    if (s + 1 < steps) fetch(s + 1);
#pragma unroll
    for (int c = 0; c < STEP / CHUNK; c++) {
      int chunk = s * (STEP / CHUNK) + c;
      if (chunk >= chunks) break;
      load(w[(c + AHEAD - 1) % AHEAD], chunk + AHEAD - 1);
      const uint4(&a)[4] = w[c % AHEAD];
#pragma unroll
      for (int j = 0; j < NT; j++) {
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
          uint4 b = *(const uint4*)&columns.x[s & 1][p][8 * j + g][c * CHUNK + 8 * t];
#pragma unroll
          for (int i = 0; i < 2; i++) {
            mma<T>(sums[i][j], a[2 * i].x, a[2 * i + 1].x, a[2 * i].y, a[2 * i + 1].y, b.x, b.y);
            mma<T>(sums[i][j], a[2 * i].z, a[2 * i + 1].z, a[2 * i].w, a[2 * i + 1].w, b.z, b.w);
          }
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < NT; j++) {
#pragma unroll
    for (int c = 0; c < 2; c++) {
      int m = 8 * j + 2 * t + c;
      if (m >= tile.z) continue;
      float factor = row1(scale + groups.row(pairs[m]));
      float* to = y + (long long)pairs[m] * N;
#pragma unroll
      for (int i = 0; i < 2; i++) { // rows g and g + 8
        int n = n0 + 8 * i + g;
        float v = sums[0][j][2 * i + c] * factor, u = sums[1][j][2 * i + c] * factor;
        if (gated) {
          if (n >= N) continue;
          if (bias) v += bias[all + n], u += upBias[all + n];
          to[n] = gated_any(v, u, act);
        } else {
          if (n < N) to[n] = bias ? v + bias[all + n] : v;
          if (n + 16 < N) to[n + 16] = bias ? u + bias[all + n + 16] : u;
        }
      }
    }
  }
}

#define KERNEL(FMT, T, NT)                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(32 * WARPS, 4) group_##FMT##_n##NT(                                                              \
      const uchar* W, const uchar* up, const T* x, int ld, int piece, const float* scale, GROUPS, const float* bias, const float* upBias,       \
      float* y, int N, int K, int act) {                                                                                                        \
    product<T, NT>(W, up, x, ld, piece, scale, PASS_GROUPS, bias, upBias, y, N, K, act);                                                        \
  }
KERNEL(f16, __half, 1)
KERNEL(f16, __half, 2)
KERNEL(bf16, bf16, 1)
KERNEL(bf16, bf16, 2)
EXPORT_SHAPE(group_dense, 32 * WARPS, ROWS)
