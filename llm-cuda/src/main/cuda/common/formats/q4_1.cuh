// q4_1: 32 values of 4 bits share a scale and a minimum, which is added. Planes, with N rounded up to 4 rows: N * K/32 * 16 bytes of nibbles, row by
// row; N * K/32 * 4 of scales and minima as halves, in the same order.
#pragma once
#include "common/weights.cuh"

struct Q41 {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    float2 s = half2_bits(((const unsigned*)(W + scales(N, K)))[sub]);
    return nibble(W, sub, k % 32) * s.x + s.y;
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4];
      unsigned s[4];
    };
    const uchar *W, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + Q41::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = sub_block(row, r, N, nb, c);
        g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
        g.s[r] = valid ? stream4(scales + sub * 4) : 0;
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float2 s = half2_bits(g.s[r]);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (s.x * dot_nibbles(g.q[r], a, m, 0) + s.y * a.sum[m]) * a.d[m];
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    long long sub = (long long)row * (K / 32) + c;
    spread(__ldg((const uint4*)W + sub), b);
    float2 s = half2_bits(stream4(W + Q41::scales(N, K) + sub * 4));
    b.scale[0] = b.scale[1] = s.x;
    b.minimum = -s.y;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    unsigned* scales = (unsigned*)(dst + Q41::scales(N, K));
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * nb + b) * 20;
      ((uint4*)dst)[row * nb + b] = make_uint4(u32(from + 4), u32(from + 8), u32(from + 12), u32(from + 16));
      scales[row * nb + b] = u32(from);
    }
  }
};
