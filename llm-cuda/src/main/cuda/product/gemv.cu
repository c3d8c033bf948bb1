// y = residual + bias + W x for one row x, and for up to 4 rows of bytes: beyond, tensor cores are faster.
#include "common/layout.cuh"
#include "product/gemv.cuh"

// One vector: as many blocks as multiprocessors can have at once share the matrix evenly, unless a block would have more than ROWS_ONE rows. More
// vectors: ROWS a block.
static constexpr int ROWS = 16, ROWS_ONE = 128;

template <class Read, int M, class Load>
__device__ __forceinline__ void gemv(const uchar* W, Load load, const float* bias, const float* residual, int ldr, float* y, int ldy, int N, int K,
int rows) {
  __shared__ Gemv<Read, M, M == 1 ? ROWS_ONE : ROWS, Read::depth(M)> part;
  dependents();
  int mine = M == 1 ? 4 * ceil_div(ceil_div(N, 4), gridDim.x) : ROWS; // rows of the block
  int n0 = blockIdx.x * mine, chunks = ceil_div(K, Read::K_CHUNK);
  Sharing sharing(chunks);
  part.run(Read(W, N, K), N, chunks, sharing, mine, [&](int r) { return n0 + r; }, load);
  for (int i = threadIdx.x; i < mine * rows; i += GEMV_THREADS) {
    int m = M == 1 ? 0 : i / mine, r = i - m * mine, n = n0 + r;
    if (n < N) {
      float v = part.result(r, m, sharing);
      if (bias) v += bias[n];
      if (residual) v += row1(residual + (long long)m * ldr + n);
      y[(long long)m * ldy + n] = v;
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
#define DENSE(FMT, NUMBER, F) DENSE1(FMT, F, 1)
#define BLOCKS(FMT, NUMBER, F) BLOCKS1(FMT, F, 1) BLOCKS1(FMT, F, 2) BLOCKS1(FMT, F, 4)
FORMATS(DENSE, BLOCKS)
EXPORT_SHAPE(gemv, GEMV_THREADS, ROWS, at_once(1), ROWS_ONE)
