// y = residual + bias + W x for up to 8 rows x.
#include "common/layout.cuh"
#include "product/gemv.cuh"

static constexpr int ROWS = 16;

template <class Read, int M, class Load>
__device__ __forceinline__ void gemv(const uchar* W, Load load, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K,
int rows) {
  __shared__ Gemv<Read, M, ROWS, Read::depth(M)> part;
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

#define DENSE1(FMT, F, M)                                                                                                                            \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS)                                                                                         \
      gemv_##FMT##_m##M(const uchar* W, const float* x, int ldx, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K, \
                        int rows) {                                                                                                                  \
    gemv<F::Read, M>(                                                                                                                                \
        W, [&](auto& acts, int c, bool valid) { acts.load(x, ldx, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                   \
  }
#define BLOCKS1(FMT, F, M)                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS)                                                                                        \
      gemv_##FMT##_m##M(const uchar* W, const signed char* q, const Scale* s, const float* bias, const float* residual, int ldr, float* y, int ldy, \
                        int N, int K, int rows) {                                                                                                   \
    gemv<F::Read, M>(                                                                                                                               \
        W, [&](auto& acts, int c, bool valid) { acts.load(q, s, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                    \
  }
#define DENSE(FMT, NUMBER, F) DENSE1(FMT, F, 1) DENSE1(FMT, F, 2) DENSE1(FMT, F, 4) DENSE1(FMT, F, 8)
#define BLOCKS(FMT, NUMBER, F) BLOCKS1(FMT, F, 1) BLOCKS1(FMT, F, 2) BLOCKS1(FMT, F, 4) BLOCKS1(FMT, F, 8)
FORMATS(DENSE, BLOCKS)
EXPORT_SHAPE(gemv, GEMV_THREADS, ROWS)
