// Layouts of weights on the device: where the parts of a matrix of N rows of K stand, and single values of it.
// Block formats keep for each 32 values ("sub-block", nb = K / 32 of them a row) 16 bytes of nibbles: byte j holds value j low and value j + 16 high.
#pragma once
#include "common.cuh"

/** N rounded up to 4: scales of q4_0 and q8_0 stand four rows side by side. */
__host__ __device__ __forceinline__ long long rows4(int N) { return ((long long)N + 3) & ~3ll; }

template <class T> struct Dense {
  typedef T Element;
  /** Elements from row to row: rows start at 16 bytes. */
  static __host__ __device__ __forceinline__ long long stride(int K) { return ((long long)K
      + 16 / sizeof(T) - 1) / (16 / sizeof(T)) * (16 / sizeof(T)); }
  static __device__ __forceinline__ float value(const uchar* W, int, int K, int row, int k) { return to_float(((const T*)W)[row * stride(K) + k]); }
};

/** Place of the scale of sub-block b of a row, in halves. */
__device__ __forceinline__ long long scale4(int row, int nb, int b) { return ((long long)(row >> 2) * nb + b) * 4 + (row & 3); }

__device__ __forceinline__ int nibble(const uchar* W, long long sub, int e) {
  int byte = W[sub * 16 + (e & 15)];
  return e < 16 ? byte & 15 : byte >> 4;
}

struct Q40 {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, b = k / 32;
    float d = __half2float(((const __half*)(W + scales(N, K)))[scale4(row, nb, b)]);
    return d * (nibble(W, (long long)row * nb + b, k % 32) - 8);
  }
};

/**
 * Values 0 to 15 of all sub-blocks of a row stand before their values 16 to 31, so that lanes with neighbouring sub-blocks read neighbouring 16
 * bytes.
 */
struct Q80 {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, b = k / 32, e = k % 32;
    float d = __half2float(((const __half*)(W + scales(N, K)))[scale4(row, nb, b)]);
    return d * (signed char)W[(long long)row * K + (e >> 4) * (K / 2) + b * 16 + (e & 15)];
  }
};

/**
 * Scales of q4_k and q5_k: 16 bytes for 256 values: d and dmin as halves, then for each sub-block 6 bits of scale and 6 bits of minimum, 12 bits
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

struct Q4K {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256((long long)N * K / 2); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    uint4 s = __ldg((const uint4*)(W + scales(N, K)) + (sub >> 3));
    return k_value(s, k / 32 & 7, nibble(W, sub, k % 32));
  }
};

/** The fifth bits of a sub-block are one word: bit 8 * (e % 4) + e / 4 is that of value e. */
struct Q5K {
  static __device__ __forceinline__ long long high(int N, int K) { return round256((long long)N * K / 2); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256((long long)N * K / 8); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32;
    unsigned h = ((const unsigned*)(W + high(N, K)))[sub];
    uint4 s = __ldg((const uint4*)(W + scales(N, K)) + (sub >> 3));
    return k_value(s, k / 32 & 7, nibble(W, sub, e) | (int)(h >> (8 * (e & 3) + (e >> 2)) & 1) << 4);
  }
};

/**
 * The upper two bits of a sub-block are two words, for values 0 to 15 and 16 to 31: bits 8 * (e % 4) + 2 * (e / 4 % 4). Then a scale for each 16
 * values, then d.
 */
struct Q6K {
  static __device__ __forceinline__ long long high(int N, int K) { return round256((long long)N * K / 2); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256((long long)N * K / 4); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + round256((long long)N * K / 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32;
    unsigned h = ((const unsigned*)(W + high(N, K)))[sub * 2 + (e >> 4)];
    int q = nibble(W, sub, e) | (int)(h >> (8 * (e & 3) + 2 * (e >> 2 & 3)) & 3) << 4;
    float d6 = __half2float(((const __half*)(W + d(N, K)))[sub >> 3]);
    return d6 * (signed char)W[scales(N, K) + sub * 2 + (e >> 4)] * (q - 32);
  }
};
