// What formats share whose numbers of 4 bits stand for 16 values of a byte each. Nibble k of word i of a sub-block is value 8 i + k, as permutations
// of bytes take their places.
#pragma once
#include "common/weights.cuh"

/** Eight nibbles as the bytes that they stand for, in two words; book[i] has the bytes of numbers 4 i to 4 i + 3. */
template <class BOOK> __device__ __forceinline__ void look_up(unsigned q, int& first, int& second) {
  constexpr unsigned B0 = BOOK::bytes(0), B1 = BOOK::bytes(1), B2 = BOOK::bytes(2), B3 = BOOK::bytes(3);
  // Both halves of the book are looked up by the lower three bits, then the upper bit chooses.
  unsigned low = q & 0x77777777, choice = (q >> 1 & 0x44444444) | 0x32103210;
  first = __byte_perm(__byte_perm(B0, B1, low), __byte_perm(B2, B3, low), choice);
  second = __byte_perm(__byte_perm(B0, B1, low >> 16), __byte_perm(B2, B3, low >> 16), choice >> 16);
}

/** Numbers of a book, as formats of nibbles have them. */
template <class BOOK> struct Coded {
  static constexpr int ZERO = 0;
  static constexpr bool FIFTHS = false;
  /** Low nibbles of four bytes, side by side. */
  static __device__ __forceinline__ unsigned squeeze(unsigned q) {
    q &= 0x0f0f0f0f;
    q = (q | q >> 4) & 0x00ff00ff;
    return (q | q >> 8) & 0xffff;
  }
  static __device__ __forceinline__ uint4 pack(uint4 q) {
    return make_uint4(squeeze(q.x) | squeeze(q.y) << 16, squeeze(q.z) | squeeze(q.w) << 16, squeeze(q.x >> 4) | squeeze(q.y >> 4) << 16,
                      squeeze(q.z >> 4) | squeeze(q.w >> 4) << 16);
  }
  static __device__ __forceinline__ int value(const uchar* W, long long sub, int e, unsigned) {
    int number = W[sub * 16 + e / 2] >> 4 * (e & 1) & 15;
    unsigned bytes = number < 8 ? number < 4 ? BOOK::bytes(0) : BOOK::bytes(1) : number < 12 ? BOOK::bytes(2) : BOOK::bytes(3);
    return (signed char)(bytes >> 8 * (number & 3));
  }
  static __device__ __forceinline__ void spread(uint4 q, unsigned, int (&w)[8]) {
    look_up<BOOK>(q.x, w[0], w[1]);
    look_up<BOOK>(q.y, w[2], w[3]);
    look_up<BOOK>(q.z, w[4], w[5]);
    look_up<BOOK>(q.w, w[6], w[7]);
  }
  template <int M> static __device__ __forceinline__ void dot(uint4 q, unsigned h, const Bytes<M>& a, int (&t)[M]) {
    int w[8];
    spread(q, h, w);
#pragma unroll
    for (int m = 0; m < M; m++) t[m] = dot_bytes(w, a, m);
  }
};

/** Four signed bytes as a word. */
__host__ __device__ constexpr unsigned four_bytes(int a, int b, int c, int d) {
  return (a & 255u) | (b & 255u) << 8 | (c & 255u) << 16 | (d & 255u) << 24;
}
/** The levels of iq4_nl and iq4_xs, closer to each other near zero. */
struct Levels {
  static __host__ __device__ constexpr unsigned bytes(int i) {
    return i == 0 ? four_bytes(-127, -104, -83, -65) : i == 1 ? four_bytes(-49, -35, -22, -10)
        : i == 2 ? four_bytes(1, 13, 25, 38) : four_bytes(53, 69, 89, 113);
  }
};
