// Rows of single queries in steps of prompts, where queries and results have 16 bits: floats for the kernels of single queries (decode.cu and its
// like), and what these leave to 16 bits.
#include "attention/pages.cuh"
#include "common/layout.cuh"
#include "common/quads.cuh"

static constexpr int THREADS = 256;

/** A block takes row[blockIdx.x], a thread four numbers of it after another. */
template <class T> __device__ __forceinline__ void widen(const T* x, int ldx, const int* row, float* y, int ldy, int width) {
  dependents();
  wait_previous();
  long long r = row[blockIdx.x];
  for (int i = 4 * threadIdx.x; i < width; i += 4 * THREADS) {
    uint2 four = __ldcg((const uint2*)(x + r * ldx + i));
    float2 a = Chunk<T, 8>::pair(four.x, T()), b = Chunk<T, 8>::pair(four.y, T());
    *(float4*)(y + r * ldy + i) = make_float4(a.x, a.y, b.x, b.y);
  }
}
template <class T> __device__ __forceinline__ void narrow(const float* x, int ldx, const int* row, T* y, int ldy, int width) {
  dependents();
  wait_previous();
  long long r = row[blockIdx.x];
  for (int i = 4 * threadIdx.x; i < width; i += 4 * THREADS) {
    float4 v = row4(x + r * ldx + i);
    *(uint2*)(y + r * ldy + i) = make_uint2(pack_two<T>(make_float2(v.x, v.y)), pack_two<T>(make_float2(v.z, v.w)));
  }
}

#define KERNELS(FMT, T)                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS) widen_singles_##FMT(const T* x, int ldx, const int* row, float* y, int ldy, int width) {    \
    widen<T>(x, ldx, row, y, ldy, width);                                                                                                           \
  }                                                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) narrow_singles_##FMT(const float* x, int ldx, const int* row, T* y, int ldy, int width) {   \
    narrow<T>(x, ldx, row, y, ldy, width);                                                                                                          \
  }
KERNELS(f16, __half)
KERNELS(bf16, bf16)
EXPORT_SHAPE(single_rows, THREADS)
