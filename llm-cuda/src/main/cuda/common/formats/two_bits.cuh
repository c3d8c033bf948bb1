// What formats of 256 values with planes of 2 bits share: two words for each 32 values, for values 0 to 15 and 16 to 31, in which value e has bits
// 8 * (e % 4) + 2 * (e / 4 % 4). Those of two rows stand side by side, so that a lane has them by one load of 16 bytes.
#pragma once
#include "common/weights.cuh"

__device__ __forceinline__ long long place_of_two(int row, int nb, int c) { return ((long long)(row >> 1) * nb + c) * 16 + (row & 1) * 8; }

__device__ __forceinline__ int two_bits(const uchar* plane, int row, int nb, int c, int e) {
  unsigned h = ((const unsigned*)(plane + place_of_two(row, nb, c)))[e >> 4];
  return h >> (8 * (e & 3) + 2 * (e >> 2 & 3)) & 3;
}
/** Those of four rows. */
__device__ __forceinline__ void load_two(uint4 (&q)[2], const uchar* plane, int row, int nb, int c) {
  const uchar* p = plane + place_of_two(row, nb, c);
  q[0] = stream16(p), q[1] = stream16(p + (long long)nb * 16);
}
__device__ __forceinline__ uint2 two_of(const uint4 (&q)[2], int r) {
  return r & 1 ? make_uint2(q[r >> 1].z, q[r >> 1].w) : make_uint2(q[r >> 1].x, q[r >> 1].y);
}
/** As bytes. */
__device__ __forceinline__ void spread_two(uint2 q, int (&w)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) w[i] = (i < 4 ? q.x : q.y) >> 2 * (i % 4) & 0x03030303;
}
/** Two numbers of 16 bits with a sign as a word. */
__device__ __forceinline__ unsigned two_halves(int a, int b) { return __byte_perm(a, b, 0x5410); }
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
/** Sums of the first 16 activations and of the others, as two halves of a word. */
template <int M> __device__ __forceinline__ unsigned half_sums(const Bytes<M>& a, int m) {
  constexpr int ONES = 0x01010101;
  int first = __dp4a(a.x[m][0], ONES, __dp4a(a.x[m][1], ONES, __dp4a(a.x[m][2], ONES, __dp4a(a.x[m][3], ONES, 0))));
  return two_halves(first, a.sum[m] - first);
}
/** The two words of sub-block j; the file has two halves of four sub-blocks in 32 bytes each. */
static __device__ uint2 pack_two(const uchar* numbers, int j) {
  unsigned w[2] = {0, 0};
  const uchar* p = numbers + 32 * (j / 4);
#pragma unroll
  for (int e = 0; e < 32; e++) w[e / 16] |= (unsigned)(p[e] >> 2 * (j % 4) & 3) << (8 * (e % 4) + 2 * (e / 4 % 4));
  return make_uint2(w[0], w[1]);
}
