// Two numbers as a word of 16 bits each.
#pragma once
#include "common/common.cuh"
#include <type_traits>

template <class T> __device__ __forceinline__ unsigned pack16(float a, float b);
template <> __device__ __forceinline__ unsigned pack16<__half>(float a, float b) {
  unsigned d;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(b), "f"(a));
  return d;
}
template <> __device__ __forceinline__ unsigned pack16<bf16>(float a, float b) {
  unsigned d;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(b), "f"(a));
  return d;
}

/** Two numbers, rounded to 16 bits, and what that has cost them. */
template <class T> __device__ __forceinline__ void split16(float a, float b, unsigned& high, unsigned& low) {
  high = pack16<T>(a, b);
  float2 rounded;
  if constexpr (std::is_same<T, __half>::value) rounded = half2_bits(high);
  else rounded = bf16x2_bits(high);
  low = pack16<T>(a - rounded.x, b - rounded.y);
}
