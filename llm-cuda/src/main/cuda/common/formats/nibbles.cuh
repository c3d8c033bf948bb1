// What formats of 32 values of 4 or 5 bits share. Planes: N * K/32 * 16 bytes of nibbles, row by row; fifth bits where there are any, a word for each
// row; then scales. Fifth bits and scales stand four rows side by side.
#pragma once
#include "common/formats/five_bits.cuh"
#include "common/formats/scales.cuh"

/** Nibbles less ZERO: byte j of a sub-block has value j low and value j + 16 high, as in the file. */
template <int ZERO_> struct FourBits {
  static constexpr int ZERO = ZERO_;
  static constexpr bool FIFTHS = false;
  static __device__ __forceinline__ uint4 pack(uint4 q) { return q; }
  static __device__ __forceinline__ int value(const uchar* W, long long sub, int e, unsigned) { return nibble(W, sub, e) - ZERO; }
  /** As bytes, from which ZERO has not been taken. */
  static __device__ __forceinline__ void spread(uint4 q, unsigned, int (&w)[8]) { spread_nibbles(q, w); }
  /** As bytes, TIMES as large. */
  static constexpr int TIMES = ZERO == 8 ? 16 : 1;
  static __device__ __forceinline__ void centred(uint4 q, unsigned, int (&w)[8]) {
    static_assert(ZERO == 0 || ZERO == 8, "");
    constexpr unsigned HIGH = 0xf0f0f0f0, SIGN = 0x80808080; // the upper half of a byte with its sign turned is 16 times what the number is less 8
    unsigned n[4] = {q.x, q.y, q.z, q.w};
    if (ZERO == 0) spread_nibbles(q, w);
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (ZERO == 8) w[i] = (int)and_xor(n[i] << 4, HIGH, SIGN), w[4 + i] = (int)and_xor(n[i], HIGH, SIGN);
  }
  template <int M> static __device__ __forceinline__ void dot(uint4 q, unsigned, const Bytes<M>& a, int (&t)[M]) {
#pragma unroll
    for (int m = 0; m < M; m++) t[m] = dot_nibbles(q, a, m, -ZERO * a.sum[m]);
  }
};

/** The same with a fifth bit each. */
template <int ZERO_> struct FiveBits {
  static constexpr int ZERO = ZERO_;
  static constexpr bool FIFTHS = true;
  static __device__ __forceinline__ uint4 pack(uint4 q) { return q; }
  static __device__ __forceinline__ int value(const uchar* W, long long sub, int e, unsigned h) {
    return (nibble(W, sub, e) | fifth(h, e) << 4) - ZERO;
  }
  static __device__ __forceinline__ void spread(uint4 q, unsigned h, int (&w)[8]) { spread_five(q, h, w); }
  static constexpr int TIMES = 1;
  static __device__ __forceinline__ void centred(uint4 q, unsigned h, int (&w)[8]) {
    spread_five(q, h, w);
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (ZERO != 0) w[i] = less_bytes(w[i], ZERO * 0x01010101u);
  }
  template <int M> static __device__ __forceinline__ void dot(uint4 q, unsigned h, const Bytes<M>& a, int (&t)[M]) {
    int w[8];
    spread_five(q, h, w);
#pragma unroll
    for (int m = 0; m < M; m++) t[m] = dot_bytes(w, a, m) - ZERO * a.sum[m];
  }
};

/** A format, by what its scales are and what its numbers mean. In the file stand a block's scale, its fifth bits and its nibbles. */
template <class SCALE, class NUMBERS> struct Nibbles {
  typedef Tile<1, SCALE::ADDS> RowTile;
  typedef Side<16> Fifths;
  typedef Side<sizeof(typename SCALE::Four), SCALE::PER> Scales;
  static __device__ __forceinline__ long long high(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  static __device__ __forceinline__ long long scales(int N, int K) { return high(N, K) + (NUMBERS::FIFTHS ? Fifths::bytes(N, K) : 0); }
  static __device__ __forceinline__ unsigned fifths(const uchar* W, int N, int K, int row, int c) {
    return NUMBERS::FIFTHS ? stream4(W + high(N, K) + Fifths::of(row, K / 32, c)) : 0;
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    int nb = K / 32, c = k / 32;
    float2 s = SCALE::of(W + scales(N, K) + Scales::of(row, nb, c));
    return s.x * NUMBERS::value(W, (long long)row * nb + c, k % 32, fifths(W, N, K, row, c)) + s.y;
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 3 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      uint4 q[4], h;
      typename SCALE::Four s;
    };
    const uchar *W, *high, *scales;
    int nb;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : W(W), high(W + Nibbles::high(N, K)), scales(W + Nibbles::scales(N, K)), nb(K / 32) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        const uchar* p = W + ((unsigned)row * (unsigned)nb + c) * 16ull;
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (unsigned)(r * nb) * 16ull);
        if (NUMBERS::FIFTHS) g.h = stream16(high + Fifths::at(row, nb, c));
        g.s = SCALE::load(scales + Scales::at(row, nb, c));
      } else {
#pragma unroll
        for (int r = 0; r < 4; r++) g.q[r] = make_uint4(0, 0, 0, 0);
        if (NUMBERS::FIFTHS) g.h = make_uint4(0, 0, 0, 0);
        g.s = SCALE::none();
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float2 s = SCALE::of(g.s, r);
      int t[M];
      NUMBERS::template dot<M>(g.q[r], NUMBERS::FIFTHS ? word(g.h, r) : 0, a, t);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = SCALE::ADDS ? (s.x * t[m] + s.y * a.sum[m]) * a.d[m] : (float)t[m] * a.d[m] * s.x;
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      float2 s = SCALE::of(g.s, r);
      NUMBERS::centred(g.q[r], NUMBERS::FIFTHS ? word(g.h, r) : 0, t.w);
      t.scale[0] = s.x * (1.f / NUMBERS::TIMES);
      t.minimum[0] = -s.y;
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    int nb = K / 32;
    float2 s = SCALE::of(W + scales(N, K) + Scales::of(row, nb, c));
    NUMBERS::spread(__ldg((const uint4*)W + (long long)row * nb + c), fifths(W, N, K, row, c), b.w);
    b.scale[0] = b.scale[1] = s.x;
    b.minimum = NUMBERS::ZERO * s.x - s.y;
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    constexpr int NIBBLES = SCALE::FILE_BYTES + (NUMBERS::FIFTHS ? 4 : 0), PER = SCALE::PER, BYTES = NIBBLES + 16 * PER;
    static_assert(PER == 1 || !NUMBERS::FIFTHS, "");
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar *from = src + ((long long)blockIdx.x * (nb / PER) + c / PER) * BYTES, *q = from + NIBBLES + 16 * (c % PER);
      uint4 all = BYTES % 2 == 0 ? make_uint4(u32(q), u32(q + 4), u32(q + 8), u32(q + 12))
                                 : make_uint4(any32(q), any32(q + 4), any32(q + 8), any32(q + 12));
      ((uint4*)dst)[(long long)row * nb + c] = NUMBERS::pack(all);
      if (NUMBERS::FIFTHS) *(unsigned*)(dst + high(N, K) + Fifths::of(row, nb, c)) = pack_fifths(u32(from + SCALE::FILE_BYTES));
      if (c % PER == 0) SCALE::pack(from, dst + scales(N, K) + Scales::of(row, nb, c));
    }
  }
};
