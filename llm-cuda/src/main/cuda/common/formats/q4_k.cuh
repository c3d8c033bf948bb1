// q4_k: 4 bits; 32 values share a scale and a minimum. Planes: N * K/256 * 128 bytes of nibbles; N * K/256 * 16 of pairs.
#pragma once
#include "common/formats/k_pairs.cuh"

struct Q4K {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K / 2); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    uint4 s = __ldg((const uint4*)(W + scales(N, K)) + (sub >> 3));
    return k_value(s, k / 32 & 7, nibble(W, sub, k % 32));
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], s[4];
      int j;
    };
    const uchar *W, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + Q4K::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      g.j = c & 7;
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = (long long)(row + r) * nb + c;
        g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
        g.s[r] = valid ? __ldg((const uint4*)(scales + (sub >> 3) * 16)) : make_uint4(0, 0, 0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float2 d = half2_bits(g.s[r].x);
      unsigned pair = k_pair(g.s[r], g.j);
      float scale = d.x * (pair & 63), minimum = d.y * (pair >> 6);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (scale * dot_nibbles(g.q[r], a, m, 0) - minimum * a.sum[m]) * a.d[m];
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    long long sub = (long long)row * (K / 32) + c;
    spread_nibbles(__ldg((const uint4*)W + sub), b.w);
    pair_scales(W + Q4K::scales(N, K), sub, b);
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    uint4* scales = (uint4*)(dst + Q4K::scales(N, K));
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 144;
      ((uint4*)dst)[row * nb + b] = pack_nibbles(from + 16, b % 8);
      if (b % 8 == 0) scales[(row * nb + b) / 8] = pack_pairs(from);
    }
  }
};
