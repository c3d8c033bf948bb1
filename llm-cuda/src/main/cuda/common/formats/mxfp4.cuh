// mxfp4: 32 values share a power of two, each is a float of 4 bits (sign, two bits of exponent, one of mantissa): 0, 0.5, 1, 1.5, 2, 3, 4 or 6.
// Source: Open Compute Project, Microscaling Formats 1.0, 2023.
#pragma once
#include "common/formats/code_book.cuh"
#include "common/formats/nibbles.cuh"

/** Values are taken twice, as whole numbers, and the power of two half; and 12 more, so that none is negative. */
struct TwiceFloats {
  static constexpr int ZERO = 12;
  static constexpr unsigned FIRST[2] = {four_bytes(12, 13, 14, 15), four_bytes(12, 11, 10, 9)};
  static constexpr unsigned SECOND[2] = {four_bytes(16, 18, 20, 24), four_bytes(8, 6, 4, 0)};
};
/** An exponent of 8 bits. */
struct HalfPower {
  typedef unsigned Four;
  static constexpr bool ADDS = false;
  static constexpr int FILE_BYTES = 1, PER = 1;
  /** 2^(e - 128), half of what the exponent e stands for. */
  static __device__ __forceinline__ float power(unsigned e) { return __uint_as_float(e < 2 ? 0x00200000u << e : (e - 1) << 23); }
  static __device__ __forceinline__ float2 of(unsigned s, int r) { return make_float2(power(s >> 8 * r & 255), 0.f); }
  static __device__ __forceinline__ float2 of(const uchar* p) { return make_float2(power(__ldg(p)), 0.f); }
  static __device__ __forceinline__ unsigned load(const uchar* p) { return stream4(p); }
  static __device__ __forceinline__ unsigned none() { return 0; }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* to) { *to = *from; }
};

typedef Nibbles<HalfPower, Coded<TwiceFloats>> Mxfp4;
