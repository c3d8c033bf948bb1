// y = residual + bias + W x for many rows x: tiles of 64 rows of W by 64 rows of x, 4 by 4 results a thread. Plain arithmetic units, no tensor cores.
#include "common/formats.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 256, TILE = 64, SUBS = 4;

/** Results of a thread: rows n0 + tx + 16 i of W by rows m0 + ty + 16 j of x. */
__device__ __forceinline__ void store(float (&acc)[4][4], const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int rows) {
  int n0 = blockIdx.x * TILE + threadIdx.x % 16, m0 = blockIdx.y * TILE + threadIdx.x / 16;
#pragma unroll
  for (int j = 0; j < 4; j++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int n = n0 + 16 * i, m = m0 + 16 * j;
      if (n < N && m < rows) {
        float v = acc[i][j];
        if (bias) v += bias[n];
        if (residual) v += row1(residual + (long long)m * ldr + n);
        y[(long long)m * ldy + n] = v;
      }
    }
  }
}

template <class F>
__device__ __forceinline__ void gemm_blocks(const uchar* W, const signed char* q, const Scale* s, const float* bias, const float* residual, int ldr,
float* y,
                                            int ldy, int N, int K, int rows) {
  constexpr int STRIDE = 12; // words from row to row: eight rows' 16 bytes fall into different banks
  __shared__ __align__(16) int ws[SUBS][TILE][STRIDE], xs[SUBS][TILE][STRIDE];
  __shared__ float scale0[SUBS][TILE], scale1[SUBS][TILE], minimum[SUBS][TILE];
  __shared__ Scale xscale[SUBS][TILE];
  constexpr bool TWO = TwoMinima<F>::VALUE; // then sums of the first halves of x are wanted too
  __shared__ float minimum2[TWO ? SUBS : 1][TILE];
  __shared__ int xfirst[TWO ? SUBS : 1][TILE];
  dependents();
  wait_previous();
  int nb = K / 32, tx = threadIdx.x % 16, ty = threadIdx.x / 16, row = threadIdx.x / SUBS, sub = threadIdx.x % SUBS;
  int n = min(blockIdx.x * TILE + row, N - 1), m = min(blockIdx.y * TILE + row, rows - 1);
  float acc[4][4] = {};
  for (int c0 = 0; c0 < nb; c0 += SUBS) {
    int c = c0 + sub;
    Block b = {};
    int4 low = make_int4(0, 0, 0, 0), high = low;
    Scale scale = {0.f, 0};
    float second = 0.f;
    if (c < nb) {
      if constexpr (TWO) F::block(W, N, K, n, c, b, second);
      else F::block(W, N, K, n, c, b);
      const int4* p = (const int4*)(q + (long long)m * K + 32 * c);
      low = __ldcg(p), high = __ldcg(p + 1);
      int2 v = __ldcg((const int2*)(s + (long long)m * nb + c));
      scale = Scale{__int_as_float(v.x), v.y};
    }
    __syncthreads();
    *(int4*)&ws[sub][row][0] = make_int4(b.w[0], b.w[1], b.w[2], b.w[3]);
    *(int4*)&ws[sub][row][4] = make_int4(b.w[4], b.w[5], b.w[6], b.w[7]);
    scale0[sub][row] = b.scale[0], scale1[sub][row] = b.scale[1], minimum[sub][row] = b.minimum;
    *(int4*)&xs[sub][row][0] = low;
    *(int4*)&xs[sub][row][4] = high;
    xscale[sub][row] = scale;
    if constexpr (TWO) {
      minimum2[sub][row] = second;
      constexpr int ONES = 0x01010101;
      xfirst[sub][row] = __dp4a(low.x, ONES, __dp4a(low.y, ONES, __dp4a(low.z, ONES, __dp4a(low.w, ONES, 0))));
    }
    __syncthreads();
#pragma unroll
    for (int u = 0; u < SUBS; u++) {
      int t[4][4] = {}, h[4][4] = {};
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int4 a[4], x[4];
#pragma unroll
        for (int i = 0; i < 4; i++) a[i] = *(const int4*)&ws[u][tx + 16 * i][4 * half], x[i] = *(const int4*)&xs[u][ty + 16 * i][4 * half];
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
          for (int j = 0; j < 4; j++) {
            int v = __dp4a(a[i].w, x[j].w, __dp4a(a[i].z, x[j].z, __dp4a(a[i].y, x[j].y, __dp4a(a[i].x, x[j].x, 0))));
            if (half == 0) t[i][j] = v;
            else h[i][j] = v;
          }
      }
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
          Scale sx = xscale[u][ty + 16 * j];
          float s0 = scale0[u][tx + 16 * i], s1 = scale1[u][tx + 16 * i], mn = minimum[u][tx + 16 * i];
          if constexpr (TWO) {
            int first = xfirst[u][ty + 16 * j];
            acc[i][j] += sx.d * (s0 * t[i][j] + s1 * h[i][j] - mn * first - minimum2[u][tx + 16 * i] * (sx.sum - first));
          } else {
            acc[i][j] += sx.d * (s0 * t[i][j] + s1 * h[i][j] - mn * sx.sum);
          }
        }
    }
  }
  store(acc, bias, residual, ldr, y, ldy, N, rows);
}

template <class F>
__device__ __forceinline__ void gemm_dense(const uchar* W, const float* x, int ldx, const float* bias, const float* residual, int ldr, float* y,
int ldy, int N,
                                           int K, int rows) {
  constexpr int DEPTH = 16, STRIDE = TILE + 1;
  __shared__ float ws[DEPTH][STRIDE], xs[DEPTH][STRIDE];
  dependents();
  wait_previous();
  int tx = threadIdx.x % 16, ty = threadIdx.x / 16, row = threadIdx.x / 4, k4 = threadIdx.x % 4 * 4;
  int n = min(blockIdx.x * TILE + row, N - 1);
  const float* xr = x + (long long)min(blockIdx.y * TILE + row, rows - 1) * ldx;
  float acc[4][4] = {};
  for (int k0 = 0; k0 < K; k0 += DEPTH) {
    int k = k0 + k4;
    float4 a = make_float4(0.f, 0.f, 0.f, 0.f), b = a;
    if (k < K) a = F::four(W, N, K, n, k), b = row4(xr + k);
    if (k + 1 >= K) b.y = 0.f; // what stands behind a row of x may be NaN; behind a row of W stand zeros
    if (k + 2 >= K) b.z = 0.f;
    if (k + 3 >= K) b.w = 0.f;
    __syncthreads();
    ws[k4][row] = a.x, ws[k4 + 1][row] = a.y, ws[k4 + 2][row] = a.z, ws[k4 + 3][row] = a.w;
    xs[k4][row] = b.x, xs[k4 + 1][row] = b.y, xs[k4 + 2][row] = b.z, xs[k4 + 3][row] = b.w;
    __syncthreads();
#pragma unroll
    for (int kk = 0; kk < DEPTH; kk++) {
      float wv[4], xv[4];
#pragma unroll
      for (int i = 0; i < 4; i++) wv[i] = ws[kk][tx + 16 * i], xv[i] = xs[kk][ty + 16 * i];
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) acc[i][j] = fmaf(wv[i], xv[j], acc[i][j]);
    }
  }
  store(acc, bias, residual, ldr, y, ldy, N, rows);
}

#define DENSE(FMT, NUMBER, F)                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS) gemm_##FMT(const uchar* W, const float* x, int ldx, const float* bias,                       \
                                                                   const float* residual,                                                            \
                                                                   int ldr, float* y, int ldy, int N, int K, int rows) {                             \
    gemm_dense<F>(W, x, ldx, bias, residual, ldr, y, ldy, N, K, rows);                                                                               \
  }
#define BLOCKS(FMT, NUMBER, F)                                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS) gemm_##FMT(const uchar* W, const signed char* q, const Scale* s, const float* bias,          \
                                                                   const float* residual, int ldr, float* y, int ldy, int N, int K, int rows) {      \
    gemm_blocks<F>(W, q, s, bias, residual, ldr, y, ldy, N, K, rows);                                                                                \
  }
FORMATS(DENSE, DENSE, BLOCKS)
EXPORT_SHAPE(gemm, THREADS, TILE)
