// q5_k: 5 bits; 32 values share a scale and a minimum. Planes: N * K/256 * 128 bytes of low nibbles; N * K/256 * 32 of fifth bits; N * K/256 * 16 of
// pairs.
#pragma once
#include "common/formats/five_bits.cuh"
#include "common/formats/k_pairs.cuh"

struct Q5K {
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * K / 2); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256(rows4(N) * K / 8); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32;
    unsigned h = ((const unsigned*)(W + high(N, K)))[sub];
    uint4 s = __ldg((const uint4*)(W + scales(N, K)) + (sub >> 3));
    return k_value(s, k / 32 & 7, nibble(W, sub, e) | fifth(h, e) << 4);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], s[4];
      unsigned h[4];
      int j;
    };
    const uchar *W, *high, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), high(W + Q5K::high(N, K)), scales(W + Q5K::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      g.j = c & 7;
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = (long long)(row + r) * nb + c;
        g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
        g.h[r] = valid ? stream4(high + sub * 4) : 0;
        g.s[r] = valid ? __ldg((const uint4*)(scales + (sub >> 3) * 16)) : make_uint4(0, 0, 0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float2 d = half2_bits(g.s[r].x);
      unsigned pair = k_pair(g.s[r], g.j);
      float scale = d.x * (pair & 63), minimum = d.y * (pair >> 6);
      int w[8];
      spread_five(g.q[r], g.h[r], w);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (scale * dot_bytes(w, a, m) - minimum * a.sum[m]) * a.d[m];
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    long long sub = (long long)row * (K / 32) + c;
    spread_five(__ldg((const uint4*)W + sub), stream4(W + Q5K::high(N, K) + sub * 4), b.w);
    pair_scales(W + Q5K::scales(N, K), sub, b);
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    uint4* scales = (uint4*)(dst + Q5K::scales(N, K));
    unsigned* high = (unsigned*)(dst + Q5K::high(N, K));
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 176;
      int j = b % 8;
      unsigned h = 0;
#pragma unroll
      for (int e = 0; e < 32; e++) h |= (unsigned)(from[16 + e] >> j & 1) << (8 * (e % 4) + e / 4);
      ((uint4*)dst)[row * nb + b] = pack_nibbles(from + 48, j);
      high[row * nb + b] = h;
      if (j == 0) scales[(row * nb + b) / 8] = pack_pairs(from);
    }
  }
};
