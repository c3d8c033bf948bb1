// What q4_k and q5_k share: 32 values of 4 or 5 bits have a scale and a minimum of six bits each, 256 those of 16. Planes: N * K/32 * 16 bytes of
// nibbles, row by row; then, of four rows side by side: fifth bits where there are any, a word for each row; scales and minima; d and dmin for 256.
#pragma once
#include "common/formats/nibbles.cuh"
#include "common/formats/six_bits.cuh"

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

/** A format, by its numbers. In the file stand d and dmin, 12 bytes of scales and minima, 32 of fifth bits if there are any, and nibbles. */
template <class NUMBERS> struct Pairs {
  typedef Tile<1, 1> RowTile;
  typedef Side<16> Fifths;
  typedef Side<16, 8> Factors;
  static constexpr int FILE_BYTES = NUMBERS::FIFTHS ? 176 : 144;
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ long long pairs(int N, int K) { return high(N, K) + (NUMBERS::FIFTHS ? Fifths::bytes(N, K) : 0); }
  static __device__ __forceinline__ long long d(int N, int K) { return pairs(N, K) + SixBits::bytes(N, K); }
  static __device__ __forceinline__ unsigned fifths(const uchar* W, int N, int K, int row, int c) {
    return NUMBERS::FIFTHS ? stream4(W + high(N, K) + Fifths::of(row, K / 32, c)) : 0;
  }
  /** What values are multiplied by, and what is taken from them. */
  static __device__ __forceinline__ float2 scale(const uchar* W, int N, int K, int row, int c) {
    float2 d2 = half2_bits(stream4(W + d(N, K) + Factors::of(row, K / 32, c)));
    int2 pair = SixBits::of(W + pairs(N, K), N, K, row, c);
    return make_float2(d2.x * pair.x, d2.y * pair.y);
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int c = k / 32;
    float2 s = scale(W, N, K, row, c);
    return s.x * NUMBERS::value(W, (long long)row * (K / 32) + c, k % 32, fifths(W, N, K, row, c)) - s.y;
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int) { return 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], h, d;
      SixBits s;
    };
    const uchar *W, *high, *lower, *upper, *d;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Pairs::high(N, K)), lower(W + Pairs::pairs(N, K)), upper(lower + SixBits::Lower::bytes(N, K)), d(W + Pairs::d(N, K)),
          nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((unsigned)row * (unsigned)nb + c) * 16ull;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (unsigned)(r * nb) * 16ull);
        if (NUMBERS::FIFTHS) g.h = stream16(high + Fifths::at(row, nb, c));
        g.s = SixBits::load(lower, upper, row, nb, c);
        g.d = __ldg((const uint4*)(d + Factors::at(row, nb, c)));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        if (NUMBERS::FIFTHS) g.h = make_uint4(0, 0, 0, 0);
        g.s = SixBits::none();
        g.d = make_uint4(0, 0, 0, 0);
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float2 d = half2_bits(word(g.d, r));
      float scale = d.x * (g.s.first() >> 8 * r & 255), minimum = d.y * (g.s.second() >> 8 * r & 255);
      int t[M];
      NUMBERS::template dot<M>(g.q[r], NUMBERS::FIFTHS ? word(g.h, r) : 0, a, t);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (scale * t[m] - minimum * a.sum[m]) * a.d[m];
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      float2 d = half2_bits(word(g.d, r));
      NUMBERS::spread(g.q[r], NUMBERS::FIFTHS ? word(g.h, r) : 0, t.w);
      t.scale[0] = d.x * (g.s.first() >> 8 * r & 255);
      t.minimum[0] = d.y * (g.s.second() >> 8 * r & 255);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    float2 s = scale(W, N, K, row, c);
    NUMBERS::spread(__ldg((const uint4*)W + (long long)row * (K / 32) + c), fifths(W, N, K, row, c), b.w);
    b.scale[0] = b.scale[1] = s.x;
    b.minimum = s.y;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar *from = src + ((long long)blockIdx.x * (nb / 8) + c / 8) * FILE_BYTES, *s = from + 4;
      int j = c % 8;
      ((uint4*)dst)[(long long)row * nb + c] = pack_nibbles(from + FILE_BYTES - 128, j);
      if (NUMBERS::FIFTHS) {
        unsigned bits = 0;
#pragma unroll
        for (int e = 0; e < 32; e++) bits |= (unsigned)(from[16 + e] >> j & 1) << e;
        *(unsigned*)(dst + high(N, K) + Fifths::of(row, nb, c)) = pack_fifths(bits);
      }
      // The upper bits of the last four pairs stand above the lower four ones.
      SixBits::put(dst + pairs(N, K), N, K, row, c, [&](int b) {
        int i = b % 8;
        return i < 4 ? make_uint2(s[i] & 63, s[i + 4] & 63)
                     : make_uint2((s[i + 4] & 15) | (s[i - 4] >> 6) << 4, s[i + 4] >> 4 | (s[i] >> 6) << 4);
      });
      if (j == 0) *(unsigned*)(dst + d(N, K) + Factors::of(row, nb, c)) = u32(from);
    }
  }
};
