// Rows of a table of positions, added to rows.
#include "common/formats.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 128;

template <class F>
__device__ __forceinline__ void add_positions(const uchar* table, int N, int K, const int* positions, int offset, const float* x, int ldx, float* y,
                                              int ldy) {
  dependents();
  wait_previous();
  long long r = blockIdx.x;
  int at = min(max(positions[r] + offset, 0), N - 1);
  for (int k = threadIdx.x; k < K; k += THREADS) y[r * ldy + k] = row1(x + r * ldx + k) + F::value(table, N, K, at, k);
}

#define POSITIONS(FMT, NUMBER, F)                                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS) add_positions_##FMT(const uchar* table, int N, int K, const int* positions, int offset, \
                                                                            const float* x, int ldx, float* y, int ldy) {                       \
    add_positions<F>(table, N, K, positions, offset, x, ldx, y, ldy);                                                                           \
  }
FORMATS(POSITIONS, POSITIONS, POSITIONS)
EXPORT_SHAPE(add_positions, THREADS)
