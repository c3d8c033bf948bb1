// y = residual + bias + W x for one row x, and for up to 4 rows of bytes: beyond, tensor cores are faster.
#include "common/layout.cuh"
#include "product/gemv_one.cuh"

// One vector: as many blocks as multiprocessors can have at once share the matrix evenly, unless a block would have more than ROWS_ONE rows. More
// vectors: ROWS a block.
static constexpr int ROWS = 16, ROWS_ONE = 64;

template <class Read, int M, class Load>
__device__ __forceinline__ void gemv(const uchar* W, Load load, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K,
                                     int rows) {
  if constexpr (M == 1) {
    dependents();
    ReadyRow<Load> row{load};
    gemv_one<Read, GEMV_WARPS>(W, row, dynamic_room(), bias, residual, y, N, K);
  } else {
    __shared__ Gemv<Read, M, ROWS, Read::depth(M)> part;
    dependents();
    int n0 = blockIdx.x * ROWS, chunks = ceil_div(K, Read::K_CHUNK);
    Sharing sharing(chunks);
    part.run(Read(W, N, K), N, chunks, sharing, ROWS, [&](int r) { return n0 + r; }, load);
    for (int i = threadIdx.x; i < ROWS * rows; i += GEMV_THREADS) {
      int m = i / ROWS, r = i % ROWS, n = n0 + r;
      if (n < N) {
        float v = part.result(r, m, sharing);
        if (bias) v += bias[n];
        if (residual) v += row1(residual + (long long)m * ldr + n);
        y[(long long)m * ldy + n] = v;
      }
    }
  }
}

#define DENSE1(FMT, F, M)                                                                                                                            \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS, at_once(M))                                                                             \
      gemv_##FMT##_m##M(const uchar* W, const float* x, int ldx, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K, \
                        int rows) {                                                                                                                  \
    gemv<F::Read, M>(                                                                                                                                \
        W, [&](auto& acts, int c, bool valid) { acts.load(x, ldx, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                   \
  }
#define BLOCKS1(FMT, F, M)                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS, at_once(M))                                                                            \
      gemv_##FMT##_m##M(const uchar* W, const signed char* q, const Scale* s, const float* bias, const float* residual, int ldr, float* y, int ldy, \
                        int N, int K, int rows) {                                                                                                   \
    gemv<F::Read, M>(                                                                                                                               \
        W, [&](auto& acts, int c, bool valid) { acts.load(q, s, K, rows, c, valid); }, bias, residual, ldr, y, ldy, N, K, rows);                    \
  }
/** One row that each block norms for itself; `partsBytes` of shared memory are for sums, the others for the row. */
#define NORMED(FMT, F)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS, at_once(1))                                                                           \
      gemv_normed_##FMT(const uchar* W, const float* x, const float* norm, float eps, const float* bias, float* y, int N, int K, int partsBytes) { \
    dependents();                                                                                                                                  \
    NormedRow<InOrder> row(dynamic_room() + partsBytes / 16, x, norm, K, eps);                                                                     \
    gemv_one<F::Read, GEMV_WARPS>(W, row, dynamic_room(), bias, nullptr, y, N, K);                                                                 \
  }
#define DENSE(FMT, NUMBER, F) DENSE1(FMT, F, 1) NORMED(FMT, F)
#define BLOCKS(FMT, NUMBER, F) BLOCKS1(FMT, F, 1) BLOCKS1(FMT, F, 2) BLOCKS1(FMT, F, 4)
#define NONE(FMT, NUMBER, F)
FORMATS(DENSE, NONE, BLOCKS)
EXPORT_SHAPE(gemv, GEMV_THREADS, ROWS, at_once(1), ROWS_ONE, GROUP_BYTES)
