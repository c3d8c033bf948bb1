// What formats of 256 values share that have two numbers of six bits for each 32: scales of their halves, or a scale and a minimum. Planes, of four
// rows side by side: a byte for each 32 values with the lower four bits of both; a byte for each 64 with the upper two bits of their four.
#pragma once
#include "common/weights.cuh"

/** Those of a sub-block of four rows. */
struct SixBits {
  typedef Side<4> Lower;
  typedef Side<4, 2> Upper;
  unsigned lower, upper, shift; // `upper` is of two sub-blocks: what is loaded is not touched before it is used

  static __host__ __device__ __forceinline__ long long bytes(int N, int K) { return Lower::bytes(N, K) + Upper::bytes(N, K); }
  static __device__ __forceinline__ SixBits none() { return {0, 0, 0}; }
  static __device__ __forceinline__ SixBits load(const uchar* lower, const uchar* upper, int row, int nb, int c) {
    return {stream4(lower + Lower::at(row, nb, c)), stream4(upper + Upper::at(row, nb, c)), 4u * (c & 1)};
  }
  /** The first number of each row, a byte each. */
  __device__ __forceinline__ unsigned first() const { return (lower & 0x0f0f0f0f) | (upper >> shift << 4 & 0x30303030); }
  __device__ __forceinline__ unsigned second() const { return (lower >> 4 & 0x0f0f0f0f) | (upper >> shift << 2 & 0x30303030); }

  /** Both of one row; `planes` is where the first plane starts. */
  static __device__ __forceinline__ int2 of(const uchar* planes, int N, int K, int row, int c) {
    unsigned l = planes[Lower::of(row, K / 32, c)], u = planes[Lower::bytes(N, K) + Upper::of(row, K / 32, c)] >> 4 * (c & 1);
    return make_int2((l & 15) | (u & 3) << 4, l >> 4 | (u >> 2 & 3) << 4);
  }
  /** Writes those of a sub-block; `pair` has both by the sub-block's number. */
  template <class Pair> static __device__ __forceinline__ void put(uchar* planes, int N, int K, int row, int c, Pair pair) {
    uint2 p = pair(c), next = pair(c ^ 1);
    planes[Lower::of(row, K / 32, c)] = (uchar)((p.x & 15) | (p.y & 15) << 4);
    if (c % 2 == 0)
      planes[Lower::bytes(N, K) + Upper::of(row, K / 32, c)] = (uchar)(p.x >> 4 | p.y >> 4 << 2 | next.x >> 4 << 4 | next.y >> 4 << 6);
  }
};
