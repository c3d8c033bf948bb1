// Weights of blocks as values of f16, for tensor cores.
#pragma once
#include "common/eight_bits.cuh"
#include "common/weights.cuh"

/** Byte i of a word with the sign of its highest bit, as a float: 2 to the 23 and the byte, less both. */
__device__ __forceinline__ float signed_byte(unsigned word, int i) {
  return __uint_as_float(__byte_perm(word ^ 0x80808080u, 0x4b000000u, 0x7540 | i)) - 8388736.f;
}
/** Two values, those beyond the range as its ends. */
__device__ __forceinline__ unsigned two_halves(float a, float b) {
  unsigned v;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(b), "f"(a));
  return v;
}

/** Sub-block c of a row. */
template <class F> __device__ __forceinline__ void halves_of(const uchar* W, int N, int K, int row, int c, uint4 (&v)[4]) {
  Block b;
  float second = 0.f;
  if constexpr (TwoMinima<F>::VALUE) F::block(W, N, K, row, c, b, second);
  else F::block(W, N, K, row, c, b), second = b.minimum;
#pragma unroll
  for (int p = 0; p < 4; p++) {
    float scale = b.scale[p / 2], less = p < 2 ? b.minimum : second;
    unsigned h[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      unsigned word = b.w[2 * p + i / 2];
      if constexpr (F::RowTile::FLOATS) {
        float2 two = half2_bits(halves_of_eights(word >> i % 2 * 16));
        h[i] = two_halves(scale * two.x, scale * two.y);
      } else {
        h[i] = two_halves(scale * signed_byte(word, i % 2 * 2) - less, scale * signed_byte(word, i % 2 * 2 + 1) - less);
      }
    }
    v[p] = make_uint4(h[0], h[1], h[2], h[3]);
  }
}
