// y = residual + bias + W x for up to 8 rows x.
#include "gemv.cuh"

static constexpr int ROWS = 16;

template <class Read, int M, int DEPTH, class Load>
__device__ __forceinline__ void gemv(const uchar* W, Load load, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K,
int rows) {
  __shared__ Gemv<Read, M, ROWS, DEPTH> part;
  dependents();
  int n0 = blockIdx.x * ROWS, chunks = ceil_div(K, Read::K_CHUNK), perRow = warps_a_row(chunks);
  part.run(Read(W, N, K), N, chunks, perRow, [&](int r) { return n0 + r; }, load);
  for (int i = threadIdx.x; i < ROWS * rows; i += GEMV_THREADS) {
    int m = i / ROWS, n = n0 + i % ROWS;
    if (n < N) {
      float v = part.result(i % ROWS, m, perRow);
      if (bias) v += bias[n];
      if (residual) v += row1(residual + (long long)m * ldr + n);
      y[(long long)m * ldy + n] = v;
    }
  }
}

#define SHAPE(FMT) extern "C" __constant__ const int gemv_##FMT##_shape[2] = {GEMV_THREADS, ROWS};

#define DENSE1(FMT, T, M, DEPTH)                                                                                                                     \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS)                                                                                         \
      gemv_##FMT##_m##M(const uchar* W, const float* x, int ldx, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K, \
                        int rows) {                                                                                                                  \
    gemv<ReadDense<T>, M, DEPTH>(                                                                                                                    \
        W, [&](auto& acts, int c, bool valid) { acts.load(x, ldx, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                   \
  }
#define DENSE(FMT, T) SHAPE(FMT) DENSE1(FMT, T, 1, 4) DENSE1(FMT, T, 2, 4) DENSE1(FMT, T, 4, 3) DENSE1(FMT, T, 8, 2)

#define BLOCKS1(FMT, READ, M, DEPTH)                                                                                                               \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS)                                                                                       \
      gemv_##FMT##_m##M(const uchar* W, const signed char* q, const Scale* s, const float* bias, const float* residual, int ldr, float* y, int ldy, \
                        int N, int K, int rows) {                                                                                                  \
    gemv<READ, M, DEPTH>(                                                                                                                          \
        W, [&](auto& acts, int c, bool valid) { acts.load(q, s, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                   \
  }
#define BLOCKS(FMT, READ, DEPTH) SHAPE(FMT) BLOCKS1(FMT, READ, 1, DEPTH) BLOCKS1(FMT, READ, 2, DEPTH) BLOCKS1(FMT, READ, 4, 2) BLOCKS1(FMT, READ, 8, 2)

DENSE(f32, float)
DENSE(f16, __half)
DENSE(bf16, bf16)
BLOCKS(q4_0, ReadQ40, 3)
BLOCKS(q8_0, ReadQ80, 2)
BLOCKS(q4_k, ReadQ4K, 2)
BLOCKS(q5_k, ReadQ5K, 2)
BLOCKS(q6_k, ReadQ6K, 2)
