// What formats share whose numbers of 4 bits stand for 16 values of a byte each. Permutations of bytes look them up: a nibble's lower three bits
// choose one of eight bytes, and its upper bit asks for that byte's sign, eight times, in its place.
//
// On the device bits 2 and 3 of a number are swapped: bit 3 says in which of two halves of the book the value stands, the lower bits at which place.
// Both halves are looked up, each gives a sign where it is not meant, and the two are xored. So a book has values of one sign at the same place of
// both halves, and the second half holds complements of negative ones: it always gives 0 where it is not meant, and the first half gives what the
// complement lacks. Nibble k of word i of a sub-block is value 8 i + k.
#pragma once
#include "common/weights.cuh"

/** Bytes that four nibbles choose; one with its upper bit set gets the sign of the byte at its place. */
__device__ __forceinline__ unsigned permute(unsigned low, unsigned high, unsigned nibbles) {
  unsigned d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(low), "r"(high), "r"(nibbles));
  return d;
}

/** Eight nibbles as the bytes that they stand for, in two words. */
template <class BOOK> __device__ __forceinline__ void look_up(unsigned q, int& low, int& high) {
  constexpr unsigned A = BOOK::FIRST[0], B = BOOK::FIRST[1], C = BOOK::SECOND[0], D = BOOK::SECOND[1];
  unsigned other = q ^ 0x88888888;
  low = permute(A, B, q) ^ permute(C, D, other);
  high = permute(A, B, q >> 16) ^ permute(C, D, other >> 16);
}

/** Numbers of a book, as formats of nibbles have them. */
template <class BOOK> struct Coded {
  static constexpr int ZERO = BOOK::ZERO;
  static constexpr bool FIFTHS = false;
  /** Low nibbles of four bytes, side by side. */
  static __device__ __forceinline__ unsigned squeeze(unsigned q) {
    q &= 0x0f0f0f0f;
    q = (q | q >> 4) & 0x00ff00ff;
    return (q | q >> 8) & 0xffff;
  }
  static __device__ __forceinline__ unsigned codes(unsigned a, unsigned b) {
    unsigned q = squeeze(a) | squeeze(b) << 16;
    return (q & 0x33333333) | (q & 0x44444444) << 1 | (q & 0x88888888) >> 1;
  }
  static __device__ __forceinline__ uint4 pack(uint4 q) {
    return make_uint4(codes(q.x, q.y), codes(q.z, q.w), codes(q.x >> 4, q.y >> 4), codes(q.z >> 4, q.w >> 4));
  }
  static __device__ __forceinline__ int value(const uchar* W, long long sub, int e, unsigned) {
    int low, high;
    look_up<BOOK>(((const unsigned*)W)[sub * 4 + e / 8], low, high);
    return (signed char)((e & 4 ? high : low) >> 8 * (e & 3)) - ZERO;
  }
  static __device__ __forceinline__ void spread(uint4 q, unsigned, int (&w)[8]) {
    look_up<BOOK>(q.x, w[0], w[1]);
    look_up<BOOK>(q.y, w[2], w[3]);
    look_up<BOOK>(q.z, w[4], w[5]);
    look_up<BOOK>(q.w, w[6], w[7]);
  }
  static constexpr int TIMES = 1;
  static __device__ __forceinline__ void centred(uint4 q, unsigned h, int (&w)[8]) {
    spread(q, h, w);
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (ZERO != 0) w[i] = less_bytes(w[i], ZERO * 0x01010101u);
  }
  template <int M> static __device__ __forceinline__ void dot(uint4 q, unsigned h, const Bytes<M>& a, int (&t)[M]) {
    int w[8];
    spread(q, h, w);
#pragma unroll
    for (int m = 0; m < M; m++) t[m] = dot_bytes(w, a, m) - ZERO * a.sum[m];
  }
};

/** Four signed bytes as a word. */
__host__ __device__ constexpr unsigned four_bytes(int a, int b, int c, int d) {
  return (a & 255u) | (b & 255u) << 8 | (c & 255u) << 16 | (d & 255u) << 24;
}
/** The levels of iq4_nl and iq4_xs, closer to each other near zero. */
struct Levels {
  static constexpr int ZERO = 0;
  static constexpr unsigned FIRST[2] = {four_bytes(-127, -104, -83, -65), four_bytes(1, 13, 25, 38)};
  static constexpr unsigned SECOND[2] = {four_bytes(~-49, ~-35, ~-22, ~-10), four_bytes(53, 69, 89, 113)};
};
