// q6_k: 6 bits less 32; 16 values share a scale of 8 bits, 256 one of 16. Planes: N * K/256 * 128 bytes of low nibbles; N * K/256 * 64 of upper bits;
// N * K/256 * 16 of scales; N * K/256 * 2 of d.
#pragma once
#include "common/weights.cuh"

/**
 * The upper two bits of a sub-block are two words, for values 0 to 15 and 16 to 31: bits 8 * (e % 4) + 2 * (e / 4 % 4). Then a scale for each 16
 * values, then d.
 */
struct Q6K {
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * K / 2); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + round256(rows4(N) * K / 4); }
  static __device__ __forceinline__ long long d(int N, int K) { return scales(N, K) + round256(rows4(N) * K / 16); }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    long long sub = (long long)row * (K / 32) + k / 32;
    int e = k % 32;
    unsigned h = ((const unsigned*)(W + high(N, K)))[sub * 2 + (e >> 4)];
    int q = nibble(W, sub, e) | (int)(h >> (8 * (e & 3) + 2 * (e >> 2 & 3)) & 3) << 4;
    float d6 = __half2float(((const __half*)(W + d(N, K)))[sub >> 3]);
    return d6 * (signed char)W[scales(N, K) + sub * 2 + (e >> 4)] * (q - 32);
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4];
      uint2 h[4];
      unsigned sd[4]; // two scales of 8 bits, then d
    };
    const uchar *W, *high, *scales, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Q6K::high(N, K)), scales(W + Q6K::scales(N, K)), d(W + Q6K::d(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
#pragma unroll
      for (int r = 0; r < 4; r++) {
        long long sub = (long long)(row + r) * nb + c;
        g.q[r] = valid ? stream16(W + sub * 16) : make_uint4(0, 0, 0, 0);
        g.h[r] = valid ? stream8(high + sub * 8) : make_uint2(0, 0);
        g.sd[r] = valid ? stream2(scales + sub * 2) | stream2(d + (sub >> 3) * 2) << 16 : 0;
      }
    }
    /** Four values of six bits less 32, as signed bytes: adding 96 carries nothing from byte to byte. */
    static __device__ __forceinline__ int less32(unsigned q) { return (int)((q | 0x80808080) - 0x20202020 ^ 0x80808080); }

    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      constexpr unsigned LOW = 0x0f0f0f0f, TWO = 0x30303030;
      uint4 q = g.q[r];
      uint2 h = g.h[r];
      int w[8] = {less32((q.x & LOW) | (h.x << 4 & TWO)),      less32((q.y & LOW) | (h.x << 2 & TWO)), less32((q.z & LOW) | (h.x & TWO)),
                  less32((q.w & LOW) | (h.x >> 2 & TWO)),      less32((q.x >> 4 & LOW) | (h.y << 4 & TWO)),
                  less32((q.y >> 4 & LOW) | (h.y << 2 & TWO)),
                  less32((q.z >> 4 & LOW) | (h.y & TWO)), less32((q.w >> 4 & LOW) | (h.y >> 2 & TWO))};
      float d = half_bits(g.sd[r] >> 16);
      int scale0 = (signed char)g.sd[r], scale1 = (signed char)(g.sd[r] >> 8);
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
    spread_nibbles(__ldg((const uint4*)W + sub), b.w);
    uint2 h = __ldg((const uint2*)(W + Q6K::high(N, K)) + sub);
    unsigned scales = stream2(W + Q6K::scales(N, K) + sub * 2);
    float d = half_bits(stream2(W + Q6K::d(N, K) + (sub >> 3) * 2));
#pragma unroll
    for (int i = 0; i < 8; i++) {
      unsigned q = b.w[i] | ((i < 4 ? h.x : h.y) >> 2 * (i % 4) & 0x03030303) << 4;
      b.w[i] = (int)((q | 0x80808080) - 0x20202020 ^ 0x80808080); // less 32 in every byte, without carries
    }
    b.scale[0] = d * (signed char)scales;
    b.scale[1] = d * (signed char)(scales >> 8);
    b.minimum = 0.f;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32;
    long long row = row0 + blockIdx.x;
    for (int b = threadIdx.x; b < nb; b += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / 8) + b / 8) * 210;
      int j = b % 8, quarter = j % 4; // the file has two halves of four sub-blocks
      const uchar* ql = from + 64 * (j / 4) + 32 * (quarter & 1);
      const uchar* qh = from + 128 + 32 * (j / 4);
      unsigned w[4] = {0, 0, 0, 0}, h[2] = {0, 0};
#pragma unroll
      for (int l = 0; l < 16; l++) {
        unsigned low = quarter < 2 ? ql[l] & 15 : ql[l] >> 4, up = quarter < 2 ? ql[l + 16] & 15 : ql[l + 16] >> 4;
        w[l / 4] |= (low | up << 4) << (8 * (l % 4));
        h[0] |= (unsigned)(qh[l] >> 2 * quarter & 3) << (8 * (l % 4) + 2 * (l / 4));
        h[1] |= (unsigned)(qh[l + 16] >> 2 * quarter & 3) << (8 * (l % 4) + 2 * (l / 4));
      }
      long long sub = row * nb + b;
      ((uint4*)dst)[sub] = make_uint4(w[0], w[1], w[2], w[3]);
      ((uint2*)(dst + Q6K::high(N, K)))[sub] = make_uint2(h[0], h[1]);
      dst[Q6K::scales(N, K) + 2 * sub] = from[192 + 2 * j];
      dst[Q6K::scales(N, K) + 2 * sub + 1] = from[192 + 2 * j + 1];
      if (j == 0) ((__half*)(dst + Q6K::d(N, K)))[sub / 8] = __ushort_as_half((unsigned short)u16(from + 208));
    }
  }
};
