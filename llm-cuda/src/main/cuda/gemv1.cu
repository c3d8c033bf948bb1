// Products by one vector, at batch 1: y = residual + bias + W (norm of x), and y = act(G x) * (U x). See stream.cuh. Weights of blocks quantise the vector for themselves.
#include "stream.cuh"

template <class F>
__device__ __forceinline__ void linear(const uchar* W, const Source& from, const float* bias, const float* residual, float* y, int N, int K, unsigned* counter) {
  stream<F, false>(W, from, N, K, counter, [&](int n, float v) {
    if (bias) v += bias[n];
    if (residual) v += row1(residual + n);
    y[n] = v;
  });
}

// Three blocks' worth of registers: two products and an attention between them are on a multiprocessor at the same time.
// Shapes: threads, least rows a block, blocks a multiprocessor, dynamic shared memory and how much more of it for 32 columns.
#define GEMV1(FMT, F)                                                                                                                                       \
  extern "C" __constant__ const int gemv1_##FMT##_shape[5] = {STREAM_THREADS, 4, 1, STREAM_RING + 128, F::BYTES ? 40 : 128};                                \
  extern "C" __constant__ const int gemv1_gated_##FMT##_shape[5] = {STREAM_THREADS, 4, 1, STREAM_RING + 128, F::BYTES ? 40 : 128};                          \
  extern "C" __global__ void __launch_bounds__(STREAM_THREADS, 3) gemv1_##FMT(const uchar* W, const float* x, const float* norm, float eps,                 \
                                                                               const float* bias, const float* residual, float* y, int N, int K,            \
                                                                               unsigned* counter) {                                                         \
    linear<F>(W, Source{x, norm, eps}, bias, residual, y, N, K, counter);                                                                                   \
  }                                                                                                                                                         \
  extern "C" __global__ void __launch_bounds__(STREAM_THREADS, 3) gemv1_gated_##FMT(const uchar* W, const float* x, const float* norm, float eps, float* y, \
                                                                                     int N, int K, int act, unsigned* counter) {                            \
    stream<F, true>(W, Source{x, norm, eps}, N, K, counter, [&](int n, float gate, float up) { y[n] = gated_value(gate, up, act); });                       \
  }
GEMV1(f32, StreamDense<float>)
GEMV1(f16, StreamDense<__half>)
GEMV1(bf16, StreamDense<bf16>)
