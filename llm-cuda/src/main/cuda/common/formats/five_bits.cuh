// What formats of 32 values of 5 bits share: fifth bits are one word, bit e that of value e, as in the file; then they are spread as they are read.
#pragma once
#include "common/weights.cuh"

/** Bits 0 to 3 as fifth bits of four bytes. */
__device__ __forceinline__ unsigned fifths(unsigned bits) {
  return (bits & 1) << 4 | (bits & 2) << 11 | (bits & 4) << 18 | (bits & 8) << 25;
}
/** Adds the fifth bits to nibbles that stand a byte each. */
__device__ __forceinline__ void add_fifths(int (&w)[8], unsigned h) {
#pragma unroll
  for (int i = 0; i < 8; i++) w[i] |= fifths(h >> 4 * i);
}
/** Sum of 32 products of bytes. */
template <int M> __device__ __forceinline__ int dot_bytes(const int (&w)[8], const Bytes<M>& a, int m) {
  int t = 0;
#pragma unroll
  for (int i = 0; i < 8; i++) t = __dp4a(w[i], a.x[m][i], t);
  return t;
}
