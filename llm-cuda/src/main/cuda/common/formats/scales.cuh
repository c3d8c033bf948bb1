// Scales that formats of blocks share: what a block has in the file, and what stands on the device for four rows side by side.
#pragma once
#include "common/weights.cuh"

/** A scale in half precision. */
struct HalfScale {
  typedef uint2 Four; // of four rows
  static constexpr bool ADDS = false;
  static constexpr int FILE_BYTES = 2, PER = 1; // sub-blocks that share it
  /** What values are multiplied by, and what is added. */
  static __device__ __forceinline__ float2 of(uint2 s, int r) { return make_float2(half_of(s, r), 0.f); }
  static __device__ __forceinline__ float2 of(const uchar* p) { return make_float2(half_bits(stream2(p)), 0.f); }
  static __device__ __forceinline__ uint2 load(const uchar* p) { return stream8(p); }
  static __device__ __forceinline__ uint2 none() { return make_uint2(0, 0); }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* to) { *(unsigned short*)to = (unsigned short)u16(from); }
};

/** A scale and what is added, in half precision. */
struct ScaleAndMinimum {
  typedef uint4 Four;
  static constexpr bool ADDS = true;
  static constexpr int FILE_BYTES = 4, PER = 1;
  static __device__ __forceinline__ float2 of(uint4 s, int r) { return half2_bits(word(s, r)); }
  static __device__ __forceinline__ float2 of(const uchar* p) { return half2_bits(stream4(p)); }
  static __device__ __forceinline__ uint4 load(const uchar* p) { return stream16(p); }
  static __device__ __forceinline__ uint4 none() { return make_uint4(0, 0, 0, 0); }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* to) { *(unsigned*)to = u32(from); }
};

/**
 * A float as the scale of 64 values, whose numbers are parts of it. A part is rounded to 22 bits: the number at which few_blocks.cuh starts its sums
 * has two, so that their product is exact.
 */
template <int PARTS> struct FloatScale {
  typedef uint4 Four;
  static constexpr bool ADDS = false;
  static constexpr int FILE_BYTES = 4, PER = 2;
  static __device__ __forceinline__ float2 of(uint4 s, int r) { return make_float2(__uint_as_float(word(s, r)), 0.f); }
  static __device__ __forceinline__ float2 of(const uchar* p) { return make_float2(__uint_as_float(stream4(p)), 0.f); }
  static __device__ __forceinline__ uint4 load(const uchar* p) { return stream16(p); }
  static __device__ __forceinline__ uint4 none() { return make_uint4(0, 0, 0, 0); }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* to) {
    *(unsigned*)to = __float_as_uint(__uint_as_float(u32(from)) / PARTS) + 2 & ~3u;
  }
};
