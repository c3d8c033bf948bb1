// mxfp4: 32 values share a power of two, each is a float of 4 bits (sign, two bits of exponent, one of mantissa): 0, 0.5, 1, 1.5, 2, 3, 4 or 6.
// Planes, with N rounded up to 4 rows: N * K/32 * 16 bytes of nibbles, row by row; N * K/32 bytes of exponents, in the same order. Source: Open
// Compute Project, Microscaling Formats 1.0, 2023.
#pragma once
#include "common/weights.cuh"

/** Values are taken twice, as whole numbers, and the power of two half. */
struct Mxfp4 {
  static __device__ __forceinline__ long long exponents(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  /** 2^(e - 128), half of what the exponent e stands for. */
  static __device__ __forceinline__ float half_scale(unsigned e) { return __uint_as_float(e < 2 ? 0x00200000u << e : (e - 1) << 23); }
  /** Twice the value of a nibble. */
  static __device__ __forceinline__ int twice(int nibble) {
    int magnitude = (int)(0xc8643210u >> 4 * (nibble & 7) & 15);
    return nibble & 8 ? -magnitude : magnitude;
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    return twice(nibble(W, sub, k % 32)) * half_scale(W[exponents(N, K) + sub]);
  }
  /** Four nibbles that stand a byte each, as signed bytes of twice their values. */
  static __device__ __forceinline__ int four(unsigned n) {
    unsigned at = (n & 7) | (n >> 4 & 0x70) | (n >> 8 & 0x700) | (n >> 12 & 0x7000);
    unsigned magnitudes = __byte_perm(0x03020100, 0x0c080604, at), signs = (n >> 3 & 0x01010101) * 0xff;
    return (int)__vsub4(magnitudes ^ signs, signs);
  }
  static __device__ __forceinline__ void spread_floats(uint4 q, Block& b) {
    spread(q, b);
#pragma unroll
    for (int i = 0; i < 8; i++) b.w[i] = four(b.w[i]);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4];
      unsigned e[4];
    };
    const uchar *W, *exponents;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), exponents(W + Mxfp4::exponents(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = sub_block(row, r, N, nb, c);
        g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
        g.e[r] = valid ? __ldg(exponents + sub) : 0;
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      Block b;
      spread_floats(g.q[r], b);
      float d = half_scale(g.e[r]);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) t = __dp4a(b.w[i], a.x[m][i], t);
        out[m] = (float)t * a.d[m] * d;
      }
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    long long sub = (long long)row * (K / 32) + c;
    spread_floats(__ldg((const uint4*)W + sub), b);
    b.scale[0] = b.scale[1] = half_scale(__ldg(W + Mxfp4::exponents(N, K) + sub));
    b.minimum = 0.f;
  }

  /** Lays a row of the file out, whose blocks of 17 bytes start anywhere; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    for (int i = threadIdx.x; i < nb * 17; i += blockDim.x) {
      uchar byte = src[(long long)blockIdx.x * nb * 17 + i];
      long long sub = row * nb + i / 17;
      if (i % 17 == 0) dst[Mxfp4::exponents(N, K) + sub] = byte;
      else dst[sub * 16 + i % 17 - 1] = byte;
    }
  }
};
