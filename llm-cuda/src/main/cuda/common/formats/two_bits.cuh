// What formats of 256 values with planes of 2 bits share: two words for each 32 values, for values 0 to 15 and 16 to 31, in which value e has bits
// 8 * (e % 4) + 2 * (e / 4 % 4).
#pragma once
#include "common/weights.cuh"

__device__ __forceinline__ int two_bits(const uchar* plane, long long sub, int e) {
  unsigned h = ((const unsigned*)plane)[sub * 2 + (e >> 4)];
  return h >> (8 * (e & 3) + 2 * (e >> 2 & 3)) & 3;
}
/** As bytes. */
__device__ __forceinline__ void spread_two(uint2 q, int (&w)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) w[i] = (i < 4 ? q.x : q.y) >> 2 * (i % 4) & 0x03030303;
}
/** The two words of sub-block j; the file has two halves of four sub-blocks in 32 bytes each. */
static __device__ uint2 pack_two(const uchar* numbers, int j) {
  unsigned w[2] = {0, 0};
  const uchar* p = numbers + 32 * (j / 4);
#pragma unroll
  for (int e = 0; e < 32; e++) w[e / 16] |= (unsigned)(p[e] >> 2 * (j % 4) & 3) << (8 * (e % 4) + 2 * (e / 4 % 4));
  return make_uint2(w[0], w[1]);
}
