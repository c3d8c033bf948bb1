// Floats of 8 bits: a sign, four bits of exponent, three of fraction (e4m3).
#pragma once
#include <cuda_fp8.h>
#include "common/common.cuh"

/** Two of them, those of the lower 16 bits, as halves, which is exact. What is no number stays none. */
__device__ __forceinline__ unsigned halves_of_eights(unsigned two) {
  __half2_raw h = __nv_cvt_fp8x2_to_halfraw2((__nv_fp8x2_storage_t)two, __NV_E4M3);
  return h.x | (unsigned)h.y << 16;
}
