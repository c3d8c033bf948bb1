// Kernels on rows that not every family needs: layer norms, activations without a gate, sums of two values, factors and soft caps.
#include "common/common.cuh"
#include "common/layout.cuh"

static constexpr int NORM_THREADS = 512, ROW_THREADS = 256;

/** Value k of a row goes to y, q or both; all lanes of a warp take part, those beyond the width with 0. */
__device__ __forceinline__ void put(float v, int k, int r, float* y, int ldy, signed char* q, Scale* s, int width) {
  if (y && k < width) y[(long long)r * ldy + k] = v;
  if (q) quantize32(v, k & 31, q + (long long)r * width + k - (k & 31), s + (long long)r * (width / 32) + k / 32);
}

extern "C" __global__ void __launch_bounds__(NORM_THREADS) layer_norm(const float* x, int ldx, const float* w, const float* b, float eps, float* y,
                                                                      int ldy, signed char* q, Scale* s, int width) {
  __shared__ float room[2][NORM_THREADS / 32];
  dependents();
  wait_previous();
  int r = blockIdx.x, t = threadIdx.x;
  const float* row = x + (long long)r * ldx;
  float sum = 0.f, squares = 0.f;
  for (int k = t; k < width; k += NORM_THREADS) sum += row1(row + k);
  float mean = block_sum(sum, room[0]) / width;
  for (int k = t; k < width; k += NORM_THREADS) {
    float v = row1(row + k) - mean;
    squares += v * v;
  }
  float factor = 1.f / sqrtf(block_sum(squares, room[1]) / width + eps);
  for (int k = t; k - (k & 31) < width; k += NORM_THREADS) {
    float v = 0.f;
    if (k < width) {
      v = (row1(row + k) - mean) * factor;
      if (w) v *= w[k];
      if (b) v += b[k];
    }
    put(v, k, r, y, ldy, q, s, width);
  }
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) act(const float* x, int ldx, float* y, int ldy, signed char* q, Scale* s, int width,
                                                              int kind) {
  dependents();
  wait_previous();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x, r = blockIdx.y;
  if (k - (k & 31) >= width) return; // whole warps
  put(k < width ? activated(row1(x + (long long)r * ldx + k), kind) : 0.f, k, r, y, ldy, q, s, width);
}

/** y = a + scale * b, b by the sigmoid of the row's gate if there is one. */
extern "C" __global__ void __launch_bounds__(ROW_THREADS) add_rows(const float* a, int lda, const float* b, int ldb, float scale, const float* gate,
                                                                   int ldg, float* y, int ldy, int width) {
  dependents();
  wait_previous();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x;
  long long r = blockIdx.y;
  if (k >= width) return;
  if (gate) scale /= 1.f + expf(-row1(gate + r * ldg));
  y[r * ldy + k] = fmaf(scale, row1(b + r * ldb + k), row1(a + r * lda + k));
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) scale_rows(const float* x, int ldx, float factor, float softCap, float* y, int ldy,
                                                                     int width) {
  dependents();
  wait_previous();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x;
  long long r = blockIdx.y;
  if (k >= width) return;
  float v = factor * row1(x + r * ldx + k);
  y[r * ldy + k] = softCap > 0.f ? softCap * tanhf(v / softCap) : v;
}

EXPORT_SHAPE(layer_norm, NORM_THREADS)
EXPORT_SHAPE(act, ROW_THREADS)
EXPORT_SHAPE(add_rows, ROW_THREADS)
EXPORT_SHAPE(scale_rows, ROW_THREADS)
