// tq2_0 and tq1_0: -1, 0 and 1 times a scale for 256 values. Planes: two words of 2 bits a value for each 32, as of q2_k, but row by row; d. tq1_0,
// which has 8 bits for five values in the file, is laid out so too: 66 bytes for its 54.
#pragma once
#include "common/formats/grids.cuh"

struct Ternary : Planes<0, Plane<uint2>, Plane<unsigned short, 8>> {
  typedef Tile<1, 1> RowTile;
  struct Raw {
    uint2 q;
    unsigned d;
  };
  static __device__ __forceinline__ Raw load(const uchar* W, int N, int K, long long sub) {
    return {Plane<uint2>::get(W + a(), sub), Plane<unsigned short, 8>::get(W + b(N, K), sub)};
  }
  static __device__ __forceinline__ void spread(const Raw& raw, const uchar*, Block& b) {
    spread_two(raw.q, b.w);
    b.scale[0] = b.scale[1] = b.minimum = half_bits(raw.d);
  }
  static __device__ __forceinline__ void put(uint2 q, const uchar* d, int j, uchar* W, int N, int K, long long sub) {
    Plane<uint2>::put(W + a(), sub, q);
    if (j == 0) Plane<unsigned short, 8>::put(W + b(N, K), sub, (unsigned short)u16(d));
  }
};

struct Tq20 : Ternary {
  static constexpr int FILE_BYTES = 66;
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    put(pack_two(from, j), from + 64, j, W, N, K, sub);
  }
};
typedef Gridded<Tq20> TQ20;

struct Tq10 : Ternary {
  static constexpr int FILE_BYTES = 54;
  /** Digit n of base 3, the first the highest; the byte is a fraction in 256ths. */
  static __device__ __forceinline__ unsigned digit(unsigned byte, int n) {
    for (int i = 0; i < n; i++) byte = byte * 3 & 255;
    return byte * 3 >> 8;
  }
  /** Bytes 0 to 31 have values 32 apart, the next 16 values 16 apart from 160 on, the last 4 values 4 apart from 240 on. */
  static __device__ __forceinline__ unsigned number(const uchar* from, int k) {
    if (k < 160) return digit(from[k % 32], k / 32);
    if (k < 240) return digit(from[32 + (k - 160) % 16], (k - 160) / 16);
    return digit(from[48 + (k - 240) % 4], (k - 240) / 4);
  }
  static __device__ __forceinline__ void pack(const uchar* from, int j, uchar* W, int N, int K, long long sub) {
    unsigned w[2] = {0, 0};
#pragma unroll
    for (int e = 0; e < 32; e++) w[e / 4 % 2] |= number(from, 32 * j + e) << (8 * (e % 4) + 2 * (e / 8));
    put(make_uint2(w[0], w[1]), from + 52, j, W, N, K, sub);
  }
};
typedef Gridded<Tq10> TQ10;
