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
