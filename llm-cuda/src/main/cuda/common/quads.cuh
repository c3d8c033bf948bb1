// Tensor cores leave a row to four lanes, of every 8 columns a pair of neighbours to each: what those exchange, so that each writes 16 bytes.
#pragma once
#include "common/common.cuh"

/** Two numbers of 16 bits; of f16 what is too large becomes the largest there is. */
template <class T> __device__ __forceinline__ unsigned pack_two(float2 v);
template <> __device__ __forceinline__ unsigned pack_two<__half>(float2 v) {
  __half2 most = __float2half2_rn(65504.f), h = __hmax2_nan(__hmin2_nan(__floats2half2_rn(v.x, v.y), most), __hneg2(most));
  return *(unsigned*)&h;
}
template <> __device__ __forceinline__ unsigned pack_two<bf16>(float2 v) {
  __nv_bfloat162 h = __floats2bfloat162_rn(v.x, v.y);
  return *(unsigned*)&h;
}

/** Four lanes have a word of each of four blocks; then lane i has the four words of block i. */
__device__ __forceinline__ uint4 exchange(unsigned (&w)[4]) {
  bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    unsigned other = __shfl_xor_sync(ALL, odd ? w[i] : w[i + 1], 1);
    (odd ? w[i] : w[i + 1]) = other;
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    unsigned other = __shfl_xor_sync(ALL, upper ? w[i] : w[i + 2], 2);
    (upper ? w[i] : w[i + 2]) = other;
  }
  return make_uint4(w[0], w[1], w[2], w[3]);
}

/** Two lanes have neighbouring pairs of two blocks; then the even one has those of the first, the odd one those of the second. */
__device__ __forceinline__ float4 exchange(float2 first, float2 second) {
  bool odd = threadIdx.x & 1;
  float2 away = odd ? first : second, mine = odd ? second : first;
  float2 other = make_float2(__shfl_xor_sync(ALL, away.x, 1), __shfl_xor_sync(ALL, away.y, 1));
  return odd ? make_float4(other.x, other.y, mine.x, mine.y) : make_float4(mine.x, mine.y, other.x, other.y);
}
