// y = act(G x) * (U x) for one row x, and for up to 4 rows of bytes; W is the rows of G, then those of U. N is a multiple of 32.
#include "common/layout.cuh"
#include "product/gemv_one.cuh"

// A block has 32 outputs, since so many are quantised together; for one vector it has twice as many warps, of which three blocks fit.
static constexpr int OUTPUTS = GATED_OUTPUTS, ROWS = 2 * OUTPUTS, THREADS_ONE = 2 * GEMV_THREADS;
__host__ __device__ constexpr int threads(int M) { return M == 1 ? THREADS_ONE : GEMV_THREADS; }
/** Groups in flight: for one vector the registers have room for one or two. */
template <class Read> __host__ __device__ constexpr int depth(int M) { return M > 1 ? Read::depth(M) : sizeof(typename Read::Group) <= 112 ? 2 : 1; }
__host__ __device__ constexpr int blocks(int M) { return M == 1 ? 3 : at_once(M); }

template <class Read, int M, class Load>
__device__ __forceinline__ void gemv_gated(const uchar* W, Load load, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows,
                                           int act) {
  if constexpr (M == 1) {
    dependents();
    ReadyRow<Load> row{load};
    gated_one<Read, THREADS_ONE / 32, depth<Read>(1)>(W, row, y, yq, ys, N, K, act);
  } else {
    __shared__ Gemv<Read, M, ROWS, depth<Read>(M)> part;
    dependents();
    int n0 = blockIdx.x * OUTPUTS, chunks = ceil_div(K, Read::K_CHUNK);
    Sharing sharing(chunks);
    part.run(Read(W, 2 * N, K), 2 * N, chunks, sharing, ROWS, [&](int r) { return r < OUTPUTS ? n0 + r : N + n0 + r - OUTPUTS; }, load);
    int lane = threadIdx.x & 31;
    for (int m = threadIdx.x >> 5; m < rows; m += GEMV_WARPS) {
      float v = gated_value(part.result(lane, m, sharing), part.result(lane + OUTPUTS, m, sharing), act);
      if (y) y[(long long)m * ldy + n0 + lane] = v;
      if (yq) quantize32(v, lane, yq + (long long)m * N + n0, ys + (long long)m * (N / 32) + n0 / 32);
    }
  }
}

#define DENSE1(FMT, F, M)                                                                                                        \
  extern "C" __global__ void __launch_bounds__(threads(M), blocks(M)) gemv_gated_##FMT##_m##M(                                   \
      const uchar* W, const float* x, int ldx, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) { \
    gemv_gated<F::Read, M>(                                                                                                      \
        W, [&](auto& acts, int c, bool valid) { acts.load(x, ldx, K, rows, c, valid); }, y, ldy, yq, ys, N, K, rows, act);       \
  }
#define BLOCKS1(FMT, F, M)                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(threads(M), blocks(M)) gemv_gated_##FMT##_m##M(                                                \
      const uchar* W, const signed char* q, const Scale* s, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) { \
    gemv_gated<F::Read, M>(                                                                                                                   \
        W, [&](auto& acts, int c, bool valid) { acts.load(q, s, K, rows, c, valid); }, y, ldy, yq, ys, N, K, rows, act);                      \
  }
/** One row that each block norms for itself, in dynamic shared memory. */
#define NORMED(FMT, F)                                                                                                             \
  extern "C" __global__ void __launch_bounds__(threads(1), blocks(1)) gemv_gated_normed_##FMT(                                     \
      const uchar* W, const float* x, const float* norm, float eps, float* y, signed char* yq, Scale* ys, int N, int K, int act) { \
    dependents();                                                                                                                  \
    NormedRow<InOrder> row(dynamic_room(), x, norm, K, eps);                                                                       \
    gated_one<F::Read, THREADS_ONE / 32, depth<F::Read>(1)>(W, row, y, yq, ys, N, K, act);                                         \
  }
#define DENSE(FMT, NUMBER, F) DENSE1(FMT, F, 1) NORMED(FMT, F)
#define BLOCKS(FMT, NUMBER, F) BLOCKS1(FMT, F, 1) BLOCKS1(FMT, F, 2) BLOCKS1(FMT, F, 4)
#define NONE(FMT, NUMBER, F)
FORMATS(DENSE, NONE, BLOCKS)
EXPORT_SHAPE(gemv_gated, GEMV_THREADS, OUTPUTS, THREADS_ONE, GATED_BYTES)
