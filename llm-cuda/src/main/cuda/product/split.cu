// What stands around products of dense weights by many rows where a library does them on tensor cores: these take operands of 16 bits, so rows of
// floats are split in two of them, which together have 21 bits (f16) or 16 (bf16) below the largest value of the row; afterwards biases and
// residuals are added.
#include "common/common.cuh"
#include "common/layout.cuh"

static constexpr int SPLIT_THREADS = 256, COMBINE_THREADS = 256;

template <class T> struct Low; // what the lower part is multiplied by, so that it stays a normal number
template <> struct Low<__half> { static constexpr float FACTOR = 2048.f; };
template <> struct Low<bf16> { static constexpr float FACTOR = 256.f; };

/** high + low / FACTOR = x / scale, scale the power of two above the row's largest magnitude. */
template <class T> __device__ __forceinline__ void split(const float* x, int ldx, T* high, T* low, int ld, float* scale, int K) {
  __shared__ float room[SPLIT_THREADS / 32];
  dependents();
  wait_previous();
  const float* row = x + (long long)blockIdx.x * ldx;
  long long at = (long long)blockIdx.x * ld;
  float m = 0.f;
  for (int k = threadIdx.x; k < K; k += SPLIT_THREADS) m = fmaxf(m, fabsf(row1(row + k)));
  m = warp_max(m);
  if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = m;
  __syncthreads();
  m = room[0];
#pragma unroll
  for (int i = 1; i < SPLIT_THREADS / 32; i++) m = fmaxf(m, room[i]);
  int e = 0;
  if (m > 0.f && m < INFINITY) frexpf(m, &e);
  e = max(-125, min(e, 127));
  float inverse = scalbnf(1.f, -e);
  if (threadIdx.x == 0) scale[blockIdx.x] = scalbnf(1.f, e);
  for (int k = threadIdx.x; k < ld; k += SPLIT_THREADS) {
    float v = k < K ? row1(row + k) * inverse : 0.f;
    T h = from_float<T>(v);
    high[at + k] = h;
    low[at + k] = from_float<T>((v - to_float(h)) * Low<T>::FACTOR);
  }
}
extern "C" __global__ void __launch_bounds__(SPLIT_THREADS) split_f16(const float* x, int ldx, __half* high, __half* low, int ld, float* scale,
    int K) {
  split<__half>(x, ldx, high, low, ld, scale, K);
}
extern "C" __global__ void __launch_bounds__(SPLIT_THREADS) split_bf16(const float* x, int ldx, bf16* high, bf16* low, int ld, float* scale, int K) {
  split<bf16>(x, ldx, high, low, ld, scale, K);
}

/** y = scale of the row * product + bias + residual, each of them if it is there. */
extern "C" __global__ void __launch_bounds__(COMBINE_THREADS) combine(const float* product, int ldp, const float* scale, const float* bias,
                                                                      const float* residual, int ldr, float* y,
                                                           int ldy, int N) {
  dependents();
  wait_previous();
  int n = blockIdx.x * COMBINE_THREADS + threadIdx.x;
  long long r = blockIdx.y;
  if (n >= N) return;
  float v = row1(product + r * ldp + n);
  if (scale) v *= row1(scale + r);
  if (bias) v += bias[n];
  if (residual) v += row1(residual + r * ldr + n);
  y[r * ldy + n] = v;
}

EXPORT_SHAPE(split_f16, SPLIT_THREADS, (int)Low<__half>::FACTOR)
EXPORT_SHAPE(split_bf16, SPLIT_THREADS, (int)Low<bf16>::FACTOR)
EXPORT_SHAPE(combine, COMBINE_THREADS)
