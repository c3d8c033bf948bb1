// What formats with minima share: pairs of a scale and a minimum for each 32 values.
#pragma once
#include "common/weights.cuh"

/**
 * 16 bytes for 256 values: d and dmin as halves, then for each sub-block 6 bits of scale and 6 bits of minimum, 12 bits
 * after 12 bits.
 */
__device__ __forceinline__ unsigned k_pair(uint4 s, int j) {
  int bit = 12 * j, shift = bit & 31;
  unsigned low = bit < 32 ? s.y : bit < 64 ? s.z : s.w, high = bit < 32 ? s.z : s.w;
  return __funnelshift_r(low, high, shift) & 0xfff;
}
__device__ __forceinline__ float k_value(uint4 s, int j, int q) {
  float2 d = half2_bits(s.x);
  unsigned pair = k_pair(s, j);
  return d.x * (pair & 63) * q - d.y * (pair >> 6);
}

__device__ __forceinline__ void pair_scales(const uchar* scales, long long sub, Block& b) {
  uint4 s = __ldg((const uint4*)(scales + (sub >> 3) * 16));
  float2 d = half2_bits(s.x);
  unsigned pair = k_pair(s, (int)(sub & 7));
  b.scale[0] = b.scale[1] = d.x * (pair & 63);
  b.minimum = d.y * (pair >> 6);
}

/** d, dmin and the eight pairs in their new order; `from` is the file's block. */
static __device__ uint4 pack_pairs(const uchar* from) {
  const uchar* s = from + 4;
  unsigned w[3] = {0, 0, 0};
#pragma unroll
  for (int j = 0; j < 8; j++) {
    unsigned scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    unsigned minimum = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
    unsigned pair = scale | minimum << 6;
    int bit = 12 * j, at = bit / 32, shift = bit % 32;
    w[at] |= pair << shift;
    if (shift > 20) w[at + 1] |= pair >> (32 - shift);
  }
  return make_uint4(u16(from) | u16(from + 2) << 16, w[0], w[1], w[2]);
}

/** 16 bytes of nibbles of sub-block j: values l of the file's 32 bytes are low nibbles for even j, high ones for odd j. */
static __device__ uint4 pack_nibbles(const uchar* qs, int j) {
  unsigned w[4] = {0, 0, 0, 0};
  const uchar* p = qs + 32 * (j / 2);
#pragma unroll
  for (int l = 0; l < 16; l++) {
    unsigned low = j & 1 ? p[l] >> 4 : p[l] & 15, high = j & 1 ? p[l + 16] >> 4 : p[l + 16] & 15;
    w[l / 4] |= (low | high << 4) << (8 * (l % 4));
  }
  return make_uint4(w[0], w[1], w[2], w[3]);
}
