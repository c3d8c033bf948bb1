// y = act(G x) * (U x) for up to 8 rows x; W is the rows of G, then those of U. N is a multiple of 32.
#include "gemv.cuh"

static constexpr int OUTPUTS = 32, ROWS = 2 * OUTPUTS;

template <class Read, int M, int DEPTH, class Load>
__device__ __forceinline__ void gemv_gated(const uchar* W, Load load, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows,
int act) {
  __shared__ Gemv<Read, M, ROWS, DEPTH> part;
  dependents();
  int n0 = blockIdx.x * OUTPUTS, chunks = ceil_div(K, Read::K_CHUNK), perRow = warps_a_row(chunks);
  part.run(Read(W, 2 * N, K), 2 * N, chunks, perRow, [&](int r) { return r < OUTPUTS ? n0 + r : N + n0 + r - OUTPUTS; }, load);
  int lane = threadIdx.x & 31;
  for (int m = threadIdx.x >> 5; m < rows; m += GEMV_WARPS) {
    float v = gated_value(part.result(lane, m, perRow), part.result(lane + OUTPUTS, m, perRow), act);
    if (y) y[(long long)m * ldy + n0 + lane] = v;
    if (yq) quantize32(v, lane, yq + (long long)m * N + n0, ys + (long long)m * (N / 32) + n0 / 32);
  }
}

#define SHAPE(FMT) extern "C" __constant__ const int gemv_gated_##FMT##_shape[2] = {GEMV_THREADS, OUTPUTS};

#define DENSE1(FMT, T, M, DEPTH)                                                                                                                       \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS) gemv_gated_##FMT##_m##M(                                                                  \
      const uchar* W, const float* x, int ldx, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) {                       \
    gemv_gated<ReadDense<T>, M, DEPTH>(                                                                                                                \
        W, [&](auto& acts, int c, bool valid) { acts.load(x, ldx, K, rows, c, valid); }, y, ldy, yq, ys, N, K, rows, act);                             \
  }
#define DENSE(FMT, T) SHAPE(FMT) DENSE1(FMT, T, 1, 4) DENSE1(FMT, T, 2, 4) DENSE1(FMT, T, 4, 3) DENSE1(FMT, T, 8, 2)

#define BLOCKS1(FMT, READ, M, DEPTH)                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(GEMV_THREADS) gemv_gated_##FMT##_m##M(                                                                  \
      const uchar* W, const signed char* q, const Scale* s, float* y, int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) {          \
    gemv_gated<READ, M, DEPTH>(                                                                                                                        \
        W, [&](auto& acts, int c, bool valid) { acts.load(q, s, K, rows, c, valid); }, y, ldy, yq, ys, N, K, rows, act);                               \
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
