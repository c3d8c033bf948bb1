// q2_k: 2 bits; 16 values share a scale and a minimum of 4 bits each, 256 those of 16. Planes: N * K/256 * 64 bytes of numbers; N * K/256 * 16 of
// scales (low nibbles) and minima (high ones); N * K/256 * 4 of d and dmin.
#pragma once
#include "common/formats/two_bits.cuh"

struct Q2K {
  static __device__ __forceinline__ long long scales(int N, int K) { return round256((long long)N * K / 4); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + round256((long long)N * K / 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32, pair = W[scales(N, K) + sub * 2 + (e >> 4)];
    float2 d2 = half2_bits(((const unsigned*)(W + d(N, K)))[sub >> 3]);
    return d2.x * (pair & 15) * two_bits(W, sub, e) - d2.y * (pair >> 4);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint2 q[4];
      unsigned s[4], d[4];
    };
    const uchar *W, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + Q2K::scales(N, K)), d(W + Q2K::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = sub_block(row, r, N, nb, c);
        g.q[r] = valid ? stream8(W + sub * 8) : make_uint2(0, 0);
        g.s[r] = valid ? stream2(scales + sub * 2) : 0;
        g.d[r] = valid ? stream4(d + (sub >> 3) * 4) : 0;
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int w[8];
      spread_two(g.q[r], w);
      float2 d = half2_bits(g.d[r]);
      int s = g.s[r];
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t = 0, u = 0, sum = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
          t = __dp4a(w[i], a.x[m][i], t), u = __dp4a(w[4 + i], a.x[m][4 + i], u);
          sum = __dp4a(0x01010101, a.x[m][i], sum);
        }
        int products = (s & 15) * t + (s >> 8 & 15) * u, minima = (s >> 4 & 15) * sum + (s >> 12) * (a.sum[m] - sum);
        out[m] = (d.x * products - d.y * minima) * a.d[m];
      }
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b, float& second) {
    long long sub = (long long)row * (K / 32) + c;
    spread_two(__ldg((const uint2*)W + sub), b.w);
    int s = stream2(W + Q2K::scales(N, K) + sub * 2);
    float2 d2 = half2_bits(stream4(W + Q2K::d(N, K) + (sub >> 3) * 4));
    b.scale[0] = d2.x * (s & 15);
    b.scale[1] = d2.x * (s >> 8 & 15);
    b.minimum = d2.y * (s >> 4 & 15);
    second = d2.y * (s >> 12);
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 84;
      long long sub = row * nb + b;
      int j = b % 8;
      ((uint2*)dst)[sub] = pack_two(from + 16, j);
      ((unsigned short*)(dst + Q2K::scales(N, K)))[sub] = (unsigned short)u16(from + 2 * j);
      if (j == 0) ((unsigned*)(dst + Q2K::d(N, K)))[sub / 8] = u32(from + 80);
    }
  }
};

template <> struct TwoMinima<Q2K> {
  static constexpr bool VALUE = true;
};
