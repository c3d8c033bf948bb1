// nf4 and fp4: 64 values share a float as their scale, and each is one of 16 levels, which are floats too. Source of the levels: bitsandbytes.
//
// Where they meet bytes, levels are whole parts of the scale, as many as leave the least error: 112 for nf4, off by 0.0017 of the scale in the mean
// of squares; 120 for fp4, of which all levels but the two next to zero are exact (1/120 instead of 1/192). Single values are the levels themselves.
#pragma once
#include "common/formats/code_book.cuh"
#include "common/formats/nibbles.cuh"

/** Quantiles of a normal distribution, from -1 to 1; with one taken from each, so that half of them are negative. */
struct NormalLevels {
  static constexpr int PARTS = 112, ZERO = -1;
  static constexpr unsigned FIRST[2] = {four_bytes(-113, -79, -60, -45), four_bytes(8, 17, 27, 37)};
  static constexpr unsigned SECOND[2] = {four_bytes(~-33, ~-22, ~-11, ~-1), four_bytes(48, 62, 80, 111)};
  static __device__ __forceinline__ float level(int n) {
    constexpr float LEVELS[] = {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
        -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f,
        0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};
    return LEVELS[n];
  }
  static __device__ __forceinline__ unsigned ordered(unsigned numbers) { return numbers; }
};

/**
 * Floats with two bits of exponent and one of mantissa, up to 1, the upper bit their sign; with one added to each. Numbers 9 and 12 change places, so
 * that values at the same place of both halves have one sign.
 */
struct FloatLevels {
  static constexpr int PARTS = 120, ZERO = 1;
  static constexpr unsigned FIRST[2] = {four_bytes(1, 2, 81, 121), four_bytes(1, -39, -79, -119)};
  static constexpr unsigned SECOND[2] = {four_bytes(41, 61, 21, 31), four_bytes(0, ~-59, ~-19, ~-29)};
  static __device__ __forceinline__ float level(int n) {
    constexpr float LEVELS[] = {0.f, 0.0625f / 12, 8.f / 12, 1.f, 4.f / 12, 6.f / 12, 2.f / 12, 3.f / 12};
    return n & 8 ? -LEVELS[n & 7] : LEVELS[n];
  }
  static __device__ __forceinline__ unsigned ordered(unsigned numbers) {
    return numbers ^ 5 * (numbers >> 3 & ~(numbers >> 1) & (numbers >> 2 ^ numbers) & 0x11111111);
  }
};

/** Numbers of such a book, in the order in which it has its levels. */
template <class BOOK> struct Ordered : Coded<BOOK> {
  static __device__ __forceinline__ uint4 pack(uint4 q) {
    return Coded<BOOK>::pack(make_uint4(BOOK::ordered(q.x), BOOK::ordered(q.y), BOOK::ordered(q.z), BOOK::ordered(q.w)));
  }
};

template <class BOOK> struct FloatBook : Nibbles<FloatScale<BOOK::PARTS>, Ordered<BOOK>> {
  typedef Nibbles<FloatScale<BOOK::PARTS>, Ordered<BOOK>> Packed;
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, c = k / 32, e = k % 32;
    unsigned n = ((const unsigned*)W)[((long long)row * nb + c) * 4 + e / 8] >> 4 * (e & 7) & 15;
    n = (n & 3) | (n & 4) << 1 | (n & 8) >> 1; // bits as in the file
    return BOOK::level(BOOK::ordered(n)) * BOOK::PARTS * FloatScale<BOOK::PARTS>::of(W + Packed::scales(N, K) + Packed::Scales::of(row, nb, c)).x;
  }
};

typedef FloatBook<NormalLevels> NF4;
typedef FloatBook<FloatLevels> FP4;
