// What formats of 5 bits share: the fifth bits of a sub-block are one word, bit 8 * (e % 4) + e / 4 is that of value e.
#pragma once
#include "common/weights.cuh"

__device__ __forceinline__ int fifth(unsigned h, int e) { return (int)(h >> (8 * (e & 3) + (e >> 2)) & 1); }

/** 32 values of 5 bits as bytes. */
__device__ __forceinline__ void spread_five(uint4 q, unsigned h, int (&w)[8]) {
  constexpr unsigned LOW = 0x0f0f0f0f, FIFTH = 0x10101010;
  unsigned n[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
  for (int i = 0; i < 4; i++) w[i] = (n[i] & LOW) | (h << (4 - i) & FIFTH), w[4 + i] = (n[i] >> 4 & LOW) | (h >> i & FIFTH);
}

/** From a word that has the bit of value e at e. */
static __device__ unsigned pack_fifths(unsigned bits) {
  unsigned h = 0;
#pragma unroll
  for (int e = 0; e < 32; e++) h |= (bits >> e & 1) << (8 * (e % 4) + e / 4);
  return h;
}
