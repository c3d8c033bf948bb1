// Rows of floats as one or two numbers of 16 bits each: the first has what it can of a value, the second what is left.
#pragma once
#include "common/common.cuh"

/** Whether rows need a scale, so that their pieces are in the range of the type. */
template <class T> struct Scaled { static constexpr bool VALUE = false; };
template <> struct Scaled<__half> { static constexpr bool VALUE = true; };

/** The power of two by which a row of f16 is multiplied, so that its largest magnitude m becomes 2^13 to 2^14; the scale is 1 by it. */
__device__ __forceinline__ float scaling(float m) {
  return __uint_as_float((unsigned)(267 - max(14, min((int)(__float_as_uint(m) >> 23), 254))) << 23);
}

/** Four values times a factor, as two numbers of 16 bits each. */
template <class T> __device__ __forceinline__ void split4(float4 v, float factor, uint2& high, uint2& low) {
  float f[4] = {v.x * factor, v.y * factor, v.z * factor, v.w * factor};
  __align__(8) T h[4], l[4];
#pragma unroll
  for (int i = 0; i < 4; i++) h[i] = from_float<T>(f[i]), l[i] = from_float<T>(f[i] - to_float(h[i]));
  high = *(uint2*)h, low = *(uint2*)l;
}

/** A row in shared memory as one or two pieces, as few_split.cu leaves it; by a block of THREADS threads, which see all of it. */
template <int THREADS, class T> __device__ __forceinline__ void split_row(const float4* row, int K, T* to, int ld, int piece, float* scale) {
  __shared__ float room[THREADS / 32];
  float factor = 1.f;
  if constexpr (Scaled<T>::VALUE) {
    float m = 0.f;
    for (int i = threadIdx.x; i < ceil_div(K, 4); i += THREADS) {
      float4 v = row[i];
      m = fmaxf(m, fmaxf(fmaxf(fabsf(v.x), fabsf(v.y)), fmaxf(fabsf(v.z), fabsf(v.w))));
    }
    m = warp_max(m);
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = m;
    __syncthreads();
    m = room[0];
#pragma unroll
    for (int i = 1; i < THREADS / 32; i++) m = fmaxf(m, room[i]);
    factor = scaling(m);
  }
  if (threadIdx.x == 0) *scale = 1.f / factor;
  for (int k = 4 * threadIdx.x; k < ld; k += 4 * THREADS) {
    uint2 high, low;
    split4<T>(k < K ? row[k / 4] : make_float4(0.f, 0.f, 0.f, 0.f), factor, high, low);
    *(uint2*)(to + k) = high;
    if (piece > 0) *(uint2*)(to + piece + k) = low;
  }
}
