// What formats of 256 values with planes of 2 bits share: two words for each 32 values, those of two rows side by side, so that a lane has them by
// one load of 16 bytes. In numbers of 2 bits, value e stands in word e / 4 % 2, in bits 8 * (e % 4) + 2 * (e / 8): either half of the 32 values has
// two fields of bits of both words, and its products can be summed without a shift of the words.
#pragma once
#include "common/weights.cuh"

__device__ __forceinline__ unsigned long long place_of_two(int row, int nb, int c) {
  return ((unsigned)(row >> 1) * (unsigned)nb + c) * 16ull + (row & 1) * 8;
}

__device__ __forceinline__ int two_bits(const uchar* plane, int row, int nb, int c, int e) {
  unsigned h = ((const unsigned*)(plane + place_of_two(row, nb, c)))[e >> 2 & 1];
  return h >> (8 * (e & 3) + 2 * (e >> 3)) & 3;
}
/** Those of four rows. */
__device__ __forceinline__ void load_two(uint4 (&q)[2], const uchar* plane, int row, int nb, int c) {
  const uchar* p = plane + place_of_two(row, nb, c); // row is a multiple of four
  q[0] = stream16(p), q[1] = stream16(p + (unsigned)nb * 16ull);
}
__device__ __forceinline__ uint2 two_of(const uint4 (&q)[2], int r) {
  return r & 1 ? make_uint2(q[r >> 1].z, q[r >> 1].w) : make_uint2(q[r >> 1].x, q[r >> 1].y);
}
/** As bytes. */
__device__ __forceinline__ void spread_two(uint2 q, int (&w)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) w[i] = (i % 2 == 0 ? q.x : q.y) >> 2 * (i / 2) & 0x03030303;
}
/** start and the sum of the two halves of a word by two bytes with a sign: those of row r in a word of an even row and the next one. */
__device__ __forceinline__ int times_bytes(unsigned halves, unsigned bytes, int r, int start) {
  int d;
  if (r & 1) {
    asm("dp2a.hi.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(halves), "r"(bytes), "r"(start));
  } else {
    asm("dp2a.lo.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(halves), "r"(bytes), "r"(start));
  }
  return d;
}
/** Sums of the products of the first 16 bytes and of the others. */
template <int M> __device__ __forceinline__ void dot_halves(const int (&w)[8], const Bytes<M>& a, int m, int& t, int& u) {
  t = u = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) t = __dp4a(w[i], a.x[m][i], t), u = __dp4a(w[4 + i], a.x[m][4 + i], u);
}
/** Four times the sums of the products of the first 16 numbers of 2 bits and of the others, as two halves of a word. */
__device__ __forceinline__ unsigned dot_two(uint2 q, const int (&a)[8]) {
  int s[4]; // a field of bits each: 1, 4, 16 and 64 times its numbers
#pragma unroll
  for (int f = 0; f < 4; f++) s[f] = dot4u(q.y & 0x03030303u << 2 * f, a[2 * f + 1], dot4u(q.x & 0x03030303u << 2 * f, a[2 * f], 0));
  return two_halves(4 * s[0] + s[1], 4 * s[2] + s[3] >> 4);
}
/** The two words of sub-block j; the file has two halves of four sub-blocks in 32 bytes each. */
static __device__ uint2 pack_two(const uchar* numbers, int j) {
  unsigned w[2] = {0, 0};
  const uchar* p = numbers + 32 * (j / 4);
#pragma unroll
  for (int e = 0; e < 32; e++) w[e / 4 % 2] |= (unsigned)(p[e] >> 2 * (j % 4) & 3) << (8 * (e % 4) + 2 * (e / 8));
  return make_uint2(w[0], w[1]);
}
