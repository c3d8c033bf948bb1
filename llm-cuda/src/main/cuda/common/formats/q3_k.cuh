// q3_k: 3 bits less 4; 16 values share a scale of 6 bits less 32, 256 one of 16. Planes: N * K/256 * 64 bytes of the lower two bits; N * K/256 * 32
// of the third ones; N * K/256 * 12 of scales, 6 bits after 6 bits; N * K/256 * 2 of d.
#pragma once
#include "common/formats/two_bits.cuh"

/** The third bits of a sub-block are one word: bit 8 * (e % 4) + e / 4 is that of value e. */
struct Q3K {
  static __device__ __forceinline__ long long high(int N, int K) { return round256((long long)N * K / 4); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256((long long)N * K / 8); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + round256((long long)N * K / 256 * 12); }
  /** The two scales of a sub-block, 6 bits each. */
  static __device__ __forceinline__ unsigned pair(const uchar* scales, long long sub) {
    const unsigned* s = (const unsigned*)(scales + (sub >> 3) * 12);
    int bit = 12 * (int)(sub & 7), at = bit >> 5, shift = bit & 31;
    unsigned v = __ldg(s + at) >> shift;
    if (shift > 20) v |= __ldg(s + at + 1) << (32 - shift);
    return v & 0xfff;
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32;
    unsigned h = ((const unsigned*)(W + high(N, K)))[sub], s = pair(W + scales(N, K), sub);
    int scale = (int)((e < 16 ? s : s >> 6) & 63) - 32, q = two_bits(W, sub, e) | (int)(h >> (8 * (e & 3) + (e >> 2)) & 1) << 2;
    return __half2float(((const __half*)(W + d(N, K)))[sub >> 3]) * scale * (q - 4);
  }
  /** As signed bytes: adding 124 carries nothing from byte to byte. */
  static __device__ __forceinline__ void spread_three(uint2 q, unsigned h, int (&w)[8]) {
    spread_two(q, w);
#pragma unroll
    for (int i = 0; i < 8; i++) w[i] = (int)(((w[i] | (h >> i & 0x01010101) << 2 | 0x80808080) - 0x04040404) ^ 0x80808080);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint2 q[4];
      unsigned h[4], sd[4]; // two scales of 6 bits, then d
    };
    const uchar *W, *high, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Q3K::high(N, K)), scales(W + Q3K::scales(N, K)), d(W + Q3K::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int N, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = sub_block(row, r, N, nb, c);
        g.q[r] = valid ? stream8(W + sub * 8) : make_uint2(0, 0);
        g.h[r] = valid ? stream4(high + sub * 4) : 0;
        g.sd[r] = valid ? pair(scales, sub) | stream2(d + (sub >> 3) * 2) << 16 : 0;
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      int w[8];
      spread_three(g.q[r], g.h[r], w);
      int scale0 = (int)(g.sd[r] & 63) - 32, scale1 = (int)(g.sd[r] >> 6 & 63) - 32;
      float d = half_bits(g.sd[r] >> 16);
#pragma unroll
      for (int m = 0; m < M; m++) {
        int t = 0, u = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) t = __dp4a(w[i], a.x[m][i], t), u = __dp4a(w[4 + i], a.x[m][4 + i], u);
        out[m] = (float)(scale0 * t + scale1 * u) * (d * a.d[m]);
      }
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    long long sub = (long long)row * (K / 32) + c;
    spread_three(__ldg((const uint2*)W + sub), stream4(W + Q3K::high(N, K) + sub * 4), b.w);
    unsigned s = pair(W + Q3K::scales(N, K), sub);
    float d16 = half_bits(stream2(W + Q3K::d(N, K) + (sub >> 3) * 2));
    b.scale[0] = d16 * ((int)(s & 63) - 32);
    b.scale[1] = d16 * ((int)(s >> 6 & 63) - 32);
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    unsigned* high = (unsigned*)(dst + Q3K::high(N, K));
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 110;
      long long sub = row * nb + b;
      int j = b % 8;
      unsigned h = 0;
#pragma unroll
      for (int e = 0; e < 32; e++) h |= (unsigned)(from[e] >> j & 1) << (8 * (e % 4) + e / 4);
      ((uint2*)dst)[sub] = pack_two(from + 32, j);
      high[sub] = h;
      if (j == 0) {
        unsigned w[3] = {0, 0, 0};
#pragma unroll
        for (int g = 0; g < 16; g++) {
          unsigned scale = (from[96 + g % 8] >> 4 * (g / 8) & 15) | (from[104 + g % 4] >> 2 * (g / 4) & 3) << 4;
          int bit = 6 * g, at = bit / 32, shift = bit % 32;
          w[at] |= scale << shift;
          if (shift > 26) w[at + 1] |= scale >> (32 - shift);
        }
        unsigned* scales = (unsigned*)(dst + Q3K::scales(N, K)) + sub / 8 * 3;
        scales[0] = w[0], scales[1] = w[1], scales[2] = w[2];
        ((unsigned short*)(dst + Q3K::d(N, K)))[sub / 8] = (unsigned short)u16(from + 108);
      }
    }
  }
};
