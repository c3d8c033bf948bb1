// iq3_xxs and iq3_s: four values are a point of a grid (of 256 and 512) and four signs; d for 256.
#pragma once
#include "common/formats/grids.cuh"

/** For 32 values: eight points; a word of four times seven signs of eight values, and a scale of 4 bits on top. */
struct Iq3Xxs : Planes<256 * 4, Plane<uint2>, Plane<unsigned>, Plane<unsigned short, 8>> {
  static constexpr int FILE_BYTES = 98;
  struct Raw {
    uint2 q;
    unsigned signs, d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<unsigned>::get(W + b(N, K), sub), Plane<unsigned short, 8>::get(W + c(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
    const unsigned* points = (const unsigned*)table;
#pragma unroll
    for (int l = 0; l < 4; l++) {
      unsigned two = (l < 2 ? raw.q.x : raw.q.y) >> 16 * (l & 1);
      put_point(b, l, make_uint2(__ldg(points + (two & 255)), __ldg(points + (two >> 8 & 255))), even_signs(raw.signs >> 7 * l & 127));
    }
    b.scale[0] = b.scale[1] = half_bits(raw.d) * (0.5f + (int)(raw.signs >> 28)) * 0.5f;
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, make_uint2(u32(from + 2 + 8 * j), u32(from + 6 + 8 * j)));
    Plane<unsigned>::put(W + b(N, K), sub, u32(from + 66 + 4 * j));
    if (j == 0) Plane<unsigned short, 8>::put(W + c(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq3Xxs> IQ3XXS;

/** For 32 values: eight points' lower 8 bits; a word of signs; a byte of ninth bits below a scale of 4 bits, which takes a byte, not half of one. */
struct Iq3S : Planes<512 * 4, Plane<uint2>, Plane<unsigned>, Plane<unsigned short>> {
  static constexpr int FILE_BYTES = 110;
  struct Raw {
    uint2 q;
    unsigned signs, us, d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<unsigned>::get(W + b(N, K), sub), Plane<unsigned short>::get(W + c(N, K), sub),
            Plane<unsigned short, 8>::get(W + d(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar* table, Block& b) {
    const unsigned* points = (const unsigned*)table;
    auto point = [&](int p) { return __ldg(points + (((p < 4 ? raw.q.x : raw.q.y) >> 8 * (p & 3) & 255) | (raw.us >> p & 1) << 8)); };
#pragma unroll
    for (int l = 0; l < 4; l++) put_point(b, l, make_uint2(point(2 * l), point(2 * l + 1)), raw.signs >> 8 * l & 255);
    b.scale[0] = b.scale[1] = half_bits(raw.d) * (1 + 2 * (int)(raw.us >> 8));
    b.minimum = 0.f;
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, make_uint2(u32(from + 2 + 8 * j), u32(from + 6 + 8 * j)));
    Plane<unsigned>::put(W + b(N, K), sub, u32(from + 74 + 4 * j));
    Plane<unsigned short>::put(W + c(N, K), sub, (unsigned short)(from[66 + j] | (from[106 + j / 2] >> 4 * (j % 2) & 15) << 8));
    if (j == 0) Plane<unsigned short, 8>::put(W + d(N, K), sub, (unsigned short)u16(from));
  }
};
typedef Gridded<Iq3S> IQ3S;
