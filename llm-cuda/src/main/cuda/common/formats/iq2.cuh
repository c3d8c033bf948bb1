// iq2_xxs, iq2_xs and iq2_s: eight values are a point of a grid (of 256, 512 and 1,024) and eight signs; d for 256.
#pragma once
#include "common/formats/grids.cuh"

__device__ __forceinline__ float quarter_scale(float d, unsigned s) { return d * (0.5f + (int)s) * 0.25f; }

/** For 32 values: a word of four points; a word of four times seven signs and a scale of 4 bits on top. */
struct Iq2Xxs : Planes<256 * 8, Plane<uint2>, Plane<unsigned short, 8>> {
  static constexpr int FILE_BYTES = 66;
  struct Raw {
    uint2 q;
    unsigned d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<unsigned short, 8>::get(W + b(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
#pragma unroll
    for (int l = 0; l < 4; l++) put_point(b, l, __ldg((const uint2*)table + (raw.q.x >> 8 * l & 255)), even_signs(raw.q.y >> 7 * l & 127));
    b.scale[0] = b.scale[1] = quarter_scale(half_bits(raw.d), raw.q.y >> 28);
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, make_uint2(u32(from + 2 + 8 * j), u32(from + 6 + 8 * j)));
    if (j == 0) Plane<unsigned short, 8>::put(W + b(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq2Xxs> IQ2XXS;

/** For 32 values: four shorts of 9 bits of a point and seven signs; a byte of two scales. */
struct Iq2Xs : Planes<512 * 8, Plane<uint2>, Plane<uchar>, Plane<unsigned short, 8>> {
  typedef Tile<2, 0> RowTile;
  static constexpr int FILE_BYTES = 74;
  struct Raw {
    uint2 q;
    unsigned s, d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<uchar>::get(W + b(N, K), sub), Plane<unsigned short, 8>::get(W + c(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
#pragma unroll
    for (int l = 0; l < 4; l++) {
      unsigned q = (l < 2 ? raw.q.x : raw.q.y) >> 16 * (l & 1) & 0xffff;
      put_point(b, l, __ldg((const uint2*)table + (q & 511)), even_signs(q >> 9));
    }
    float d = half_bits(raw.d);
    b.scale[0] = quarter_scale(d, raw.s & 15), b.scale[1] = quarter_scale(d, raw.s >> 4);
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, make_uint2(u32(from + 2 + 8 * j), u32(from + 6 + 8 * j)));
    Plane<uchar>::put(W + b(N, K), sub, from[66 + j]);
    if (j == 0) Plane<unsigned short, 8>::put(W + c(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq2Xs> IQ2XS;

/** For 32 values: a word of four points' lower 8 bits and one of signs; a byte of their upper bits below one of two scales. */
struct Iq2S : Planes<1024 * 8, Plane<uint2>, Plane<unsigned short>, Plane<unsigned short, 8>> {
  typedef Tile<2, 0> RowTile;
  static constexpr int FILE_BYTES = 82;
  struct Raw {
    uint2 q;
    unsigned us, d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<unsigned short>::get(W + b(N, K), sub), Plane<unsigned short, 8>::get(W + c(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
#pragma unroll
    for (int l = 0; l < 4; l++)
      put_point(b, l, __ldg((const uint2*)table + ((raw.q.x >> 8 * l & 255) | (raw.us >> 2 * l & 3) << 8)), raw.q.y >> 8 * l & 255);
    float d = half_bits(raw.d);
    b.scale[0] = quarter_scale(d, raw.us >> 8 & 15), b.scale[1] = quarter_scale(d, raw.us >> 12);
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, make_uint2(u32(from + 2 + 4 * j), u32(from + 34 + 4 * j)));
    Plane<unsigned short>::put(W + b(N, K), sub, (unsigned short)(from[66 + j] | from[74 + j] << 8));
    if (j == 0) Plane<unsigned short, 8>::put(W + c(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq2S> IQ2S;
