// iq1_s and iq1_m: eight values are one of 2,048 points with coordinates -1, 0 and 1, plus or minus 1/8; all times 8 here, so that they are bytes.
#pragma once
#include "common/formats/grids.cuh"

/** Eight values of a sub-block: a point of the table less 1, or plus 1. */
__device__ __forceinline__ void put_shifted(Block& b, int l, const uchar* table, int point, bool less) {
  constexpr unsigned ONES = 0x01010101;
  uint2 p = __ldg((const uint2*)table + point);
  b.w[2 * l] = (int)(less ? __vsub4(p.x, ONES) : p.x | ONES), b.w[2 * l + 1] = (int)(less ? __vsub4(p.y, ONES) : p.y | ONES);
}

/** For 32 values: four points' lower 8 bits; their upper 3 bits, a scale of 3 bits and the sign of the shift in a short; then d for 256. */
struct Iq1S : Planes<2048 * 8, Plane<unsigned>, Plane<unsigned short>, Plane<unsigned short, 8>> {
  static constexpr int FILE_BYTES = 50;
  struct Raw {
    unsigned points, upper, d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<unsigned>::get(W + a(), sub), Plane<unsigned short>::get(W + b(N, K), sub), Plane<unsigned short, 8>::get(W + c(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
#pragma unroll
    for (int l = 0; l < 4; l++) put_shifted(b, l, table, (raw.points >> 8 * l & 255) | (raw.upper >> 3 * l & 7) << 8, raw.upper >> 15 & 1);
    b.scale[0] = b.scale[1] = half_bits(raw.d) * (2 * (int)(raw.upper >> 12 & 7) + 1) * 0.125f;
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<unsigned>::put(W + a(), sub, u32(from + 2 + 4 * j));
    Plane<unsigned short>::put(W + b(N, K), sub, (unsigned short)u16(from + 34 + 2 * j));
    if (j == 0) Plane<unsigned short, 8>::put(W + c(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq1S> IQ1S;

/**
 * For 32 values: four points' lower 8 bits; a nibble each with their upper 3 bits and the sign of the shift; for 256 four shorts, each with four
 * scales of 3 bits for 16 values, and 4 bits of d on top.
 */
struct Iq1M : Planes<2048 * 8, Plane<unsigned>, Plane<unsigned short>, Plane<uint2, 8>> {
  typedef Tile<2, 0> RowTile;
  static constexpr int FILE_BYTES = 56;
  struct Raw {
    unsigned points, upper;
    uint2 scales;
    int j;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<unsigned>::get(W + a(), sub), Plane<unsigned short>::get(W + b(N, K), sub), Plane<uint2, 8>::get(W + c(N, K), sub),
            (int)(sub & 7)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
#pragma unroll
    for (int l = 0; l < 4; l++)
      put_shifted(b, l, table, (raw.points >> 8 * l & 255) | (raw.upper >> 4 * l & 7) << 8, raw.upper >> (4 * l + 3) & 1);
    unsigned x = raw.scales.x, y = raw.scales.y;
    float d = half_bits((x >> 12 & 15) | (x >> 28) << 4 | (y >> 12 & 15) << 8 | (y >> 28) << 12) * 0.125f;
    unsigned s = (raw.j < 4 ? x : y) >> (16 * (raw.j >> 1 & 1) + 6 * (raw.j & 1));
    b.scale[0] = d * (2 * (int)(s & 7) + 1), b.scale[1] = d * (2 * (int)(s >> 3 & 7) + 1);
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<unsigned>::put(W + a(), sub, u32(from + 4 * j));
    Plane<unsigned short>::put(W + b(N, K), sub, (unsigned short)u16(from + 32 + 2 * j));
    if (j == 0) Plane<uint2, 8>::put(W + c(N, K), sub, make_uint2(u32(from + 48), u32(from + 52)));
  }
};
typedef Gridded<Iq1M> IQ1M;
