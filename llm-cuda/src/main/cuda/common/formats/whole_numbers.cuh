// Whole numbers of 2, 3, 4 or 8 bits that share a scale and a zero, 32, 64 or 128 of them: values are scale * (number - zero). Planes: the numbers;
// then, of four rows side by side, a scale and a zero of 16 bits each for as many values, or, so that small groups take little more than in the file,
// scales and behind them zeros of a byte. Numbers of 4 and 8 bits stand row by row, as in q4_0 and q8_0; of 2 and 3 bits as many words for each
// 32 numbers, a plane each, four rows side by side.
#pragma once
#include "common/formats/scales.cuh"

/** Scales and zeros of 16 bits of four rows, for PER sub-blocks. */
template <int PER_> struct ScalesWithZeros {
  static constexpr int PER = PER_;
  typedef Side<16, PER> Plane;
  uint4 v;
  static __host__ __device__ __forceinline__ long long scaleBytes(int N, int K) { return Plane::bytes(N, K); }
  __device__ __forceinline__ void load(const uchar* scales, const uchar*, int row, int nb, int c) { v = stream16(scales + Plane::at(row, nb, c)); }
  __device__ __forceinline__ void none() { v = make_uint4(0, 0, 0, 0); }
  __device__ __forceinline__ float scale(int r) const { return half_bits(word(v, r)); }
  __device__ __forceinline__ int zero(int r) const { return word(v, r) >> 16; }
  static __device__ __forceinline__ float2 of(const uchar* scales, const uchar*, int row, int nb, int c) {
    unsigned one = stream4(scales + Plane::of(row, nb, c));
    return make_float2(half_bits(one), (float)(one >> 16));
  }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* scales, uchar*, int row, int nb, int c) {
    *(unsigned*)(scales + Plane::of(row, nb, c)) = from[0] | from[1] << 8 | from[2] << 16;
  }
};

/** Scales of four rows and bytes as their zeros, for one sub-block. */
struct ScalesBesideZeros {
  static constexpr int PER = 1;
  typedef Side<8> Scales;
  typedef Side<4> Zeros;
  uint2 s;
  unsigned z;
  static __host__ __device__ __forceinline__ long long scaleBytes(int N, int K) { return Scales::bytes(N, K); }
  __device__ __forceinline__ void load(const uchar* scales, const uchar* zeros, int row, int nb, int c) {
    s = stream8(scales + Scales::at(row, nb, c)), z = stream4(zeros + Zeros::at(row, nb, c));
  }
  __device__ __forceinline__ void none() { s = make_uint2(0, 0), z = 0; }
  __device__ __forceinline__ float scale(int r) const { return half_of(s, r); }
  __device__ __forceinline__ int zero(int r) const { return z >> 8 * r & 255; }
  static __device__ __forceinline__ float2 of(const uchar* scales, const uchar* zeros, int row, int nb, int c) {
    return make_float2(half_bits(stream2(scales + Scales::of(row, nb, c))), (float)__ldg(zeros + Zeros::of(row, nb, c)));
  }
  static __device__ __forceinline__ void pack(const uchar* from, uchar* scales, uchar* zeros, int row, int nb, int c) {
    *(unsigned short*)(scales + Scales::of(row, nb, c)) = from[0] | from[1] << 8;
    zeros[Zeros::of(row, nb, c)] = from[2];
  }
};

/** Numbers of up to four bits less a zero of as many, as signed bytes. */
__device__ __forceinline__ void less_zero(int (&w)[8], int zero) {
#pragma unroll
  for (int i = 0; i < 8; i++) w[i] = less_bytes(w[i], zero * 0x01010101u);
}

/** Numbers of 4 bits. */
struct WholeFour {
  static constexpr int BITS = 4, CENTRE = 0;
  typedef uint4 Row;
  struct Four {
    uint4 q[4];
    __device__ __forceinline__ Row row(int r) const { return q[r]; }
  };
  static __host__ __device__ __forceinline__ long long bytes(int N, int K) { return round256(rows4(N) * (K / 32) * 16); }
  const uchar* W;
  int nb;
  __device__ __forceinline__ WholeFour(const uchar* W, int, int K) : W(W), nb(K / 32) {}
  __device__ __forceinline__ Row row(int row, int c) const { return stream16(W + ((unsigned)row * (unsigned)nb + c) * 16ull); }
  __device__ __forceinline__ void load(Four& g, int row, int c) const {
    const uchar* p = W + ((unsigned)row * (unsigned)nb + c) * 16ull;
#pragma unroll
    for (int r = 0; r < 4; r++) g.q[r] = stream16(p + (unsigned)(r * nb) * 16ull);
  }
  static __device__ __forceinline__ void spread(Row q, int (&w)[8]) { spread_nibbles(q, w); }
  template <int M> static __device__ __forceinline__ int dot(Row q, const Bytes<M>& a, int m, int zero) {
    return dot_nibbles(q, a, m, -zero * a.sum[m]);
  }
  static __device__ __forceinline__ void pack(const uchar* q, uchar* dst, int, int K, int row, int c) {
    ((uint4*)dst)[(long long)row * (K / 32) + c] = make_uint4(any32(q), any32(q + 4), any32(q + 8), any32(q + 12));
  }
};

/** Numbers of 8 bits, of which values 0 to 15 of all sub-blocks of a row stand before the others. As signed bytes they are 128 less. */
struct WholeEight {
  static constexpr int BITS = 8, CENTRE = 128;
  struct Row {
    uint4 a, b;
  };
  struct Four {
    Row q[4];
    __device__ __forceinline__ Row row(int r) const { return q[r]; }
  };
  static __host__ __device__ __forceinline__ long long bytes(int N, int K) { return round256(rows4(N) * K); }
  const uchar* W;
  int nb;
  __device__ __forceinline__ WholeEight(const uchar* W, int, int K) : W(W), nb(K / 32) {}
  __device__ __forceinline__ Row row(int row, int c) const {
    const uchar* p = W + ((long long)row * nb * 2 + c) * 16;
    return Row{stream16(p), stream16(p + (long long)nb * 16)};
  }
  __device__ __forceinline__ void load(Four& g, int first, int c) const {
#pragma unroll
    for (int r = 0; r < 4; r++) g.q[r] = row(first + r, c);
  }
  static __device__ __forceinline__ void spread(Row q, int (&w)[8]) {
    constexpr unsigned SIGN = 0x80808080;
    w[0] = q.a.x ^ SIGN, w[1] = q.a.y ^ SIGN, w[2] = q.a.z ^ SIGN, w[3] = q.a.w ^ SIGN;
    w[4] = q.b.x ^ SIGN, w[5] = q.b.y ^ SIGN, w[6] = q.b.z ^ SIGN, w[7] = q.b.w ^ SIGN;
  }
  template <int M> static __device__ __forceinline__ int dot(Row q, const Bytes<M>& a, int m, int zero) {
    int t = -zero * a.sum[m], u = 0;
    t = dot4u(q.a.x, a.x[m][0], t), u = dot4u(q.b.x, a.x[m][4], u);
    t = dot4u(q.a.y, a.x[m][1], t), u = dot4u(q.b.y, a.x[m][5], u);
    t = dot4u(q.a.z, a.x[m][2], t), u = dot4u(q.b.z, a.x[m][6], u);
    t = dot4u(q.a.w, a.x[m][3], t), u = dot4u(q.b.w, a.x[m][7], u);
    return t + u;
  }
  static __device__ __forceinline__ void pack(const uchar* q, uchar* dst, int, int K, int row, int c) {
    uint4* to = (uint4*)(dst + (long long)row * K) + c;
    to[0] = make_uint4(any32(q), any32(q + 4), any32(q + 8), any32(q + 12));
    to[K / 32] = make_uint4(any32(q + 16), any32(q + 20), any32(q + 24), any32(q + 28));
  }
};

/** What numbers in words share: WORDS planes, each of a word a row for every sub-block. */
template <int WORDS> struct InWords {
  static constexpr int BITS = WORDS, CENTRE = 0;
  typedef Side<16> Plane;
  struct Row {
    unsigned w[WORDS];
  };
  struct Four {
    uint4 q[WORDS];
    __device__ __forceinline__ Row row(int r) const {
      Row one;
#pragma unroll
      for (int i = 0; i < WORDS; i++) one.w[i] = word(q[i], r);
      return one;
    }
  };
  static __host__ __device__ __forceinline__ long long bytes(int N, int K) { return WORDS * Plane::bytes(N, K); }
  const uchar* W;
  long long plane;
  int nb;
  __device__ __forceinline__ InWords(const uchar* W, int N, int K) : W(W), plane(Plane::bytes(N, K)), nb(K / 32) {}
  __device__ __forceinline__ Row row(int row, int c) const {
    Row one;
#pragma unroll
    for (int i = 0; i < WORDS; i++) one.w[i] = stream4(W + i * plane + Plane::of(row, nb, c));
    return one;
  }
  __device__ __forceinline__ void load(Four& g, int row, int c) const {
    const uchar* p = W + Plane::at(row, nb, c);
#pragma unroll
    for (int i = 0; i < WORDS; i++) g.q[i] = stream16(p + i * plane);
  }
  static __device__ __forceinline__ void put(const unsigned (&w)[WORDS], uchar* dst, int N, int K, int row, int c) {
#pragma unroll
    for (int i = 0; i < WORDS; i++) *(unsigned*)(dst + i * Plane::bytes(N, K) + Plane::of(row, K / 32, c)) = w[i];
  }
};

/** Numbers of 2 bits, as in the file: bits 2 k and 2 k + 1 of byte j of a word are number 4 k + j of its 16. */
struct WholeTwo : InWords<2> {
  using InWords::InWords;
  static __device__ __forceinline__ void spread(Row q, int (&w)[8]) {
#pragma unroll
    for (int k = 0; k < 4; k++) w[k] = q.w[0] >> 2 * k & 0x03030303, w[4 + k] = q.w[1] >> 2 * k & 0x03030303;
  }
  template <int M> static __device__ __forceinline__ int dot(Row q, const Bytes<M>& a, int m, int zero) {
    int sum = -zero * a.sum[m];
#pragma unroll
    for (int k = 0; k < 4; k++) { // where they stand they are 4^k times as large
      unsigned mask = 0x03030303u << 2 * k;
      sum += dot4u(q.w[0] & mask, a.x[m][k], dot4u(q.w[1] & mask, a.x[m][4 + k], 0)) >> 2 * k;
    }
    return sum;
  }
  static __device__ __forceinline__ void pack(const uchar* q, uchar* dst, int N, int K, int row, int c) {
    put({any32(q), any32(q + 4)}, dst, N, K, row, c);
  }
};

/**
 * Numbers of 3 bits, n[k] the bytes of numbers 4 k to 4 k + 3. Bytes of the three words have n[0], n[1] and two bits of n[6]; n[2], n[3] and the
 * upper bits of n[6] and n[7]; n[4], n[5] and two bits of n[7], each from the lowest bit on. In the file stand two bits of all, as of numbers of 2
 * bits, and a word of which bit k of byte j is the upper one of number 4 k + j.
 */
struct WholeThree : InWords<3> {
  using InWords::InWords;
  static constexpr unsigned LOW = 0x07070707, NEXT = 0x38383838, TWO = 0x03030303, UPPER = 0x04040404;
  static __device__ __forceinline__ unsigned sixth(Row q) { return (q.w[0] >> 6 & TWO) | (q.w[1] >> 4 & UPPER); }
  static __device__ __forceinline__ unsigned seventh(Row q) { return (q.w[2] >> 6 & TWO) | (q.w[1] >> 5 & UPPER); }
  static __device__ __forceinline__ void spread(Row q, int (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 3; i++) w[2 * i] = q.w[i] & LOW, w[2 * i + 1] = q.w[i] >> 3 & LOW;
    w[6] = sixth(q), w[7] = seventh(q);
  }
  template <int M> static __device__ __forceinline__ int dot(Row q, const Bytes<M>& a, int m, int zero) {
    int low = -zero * a.sum[m], high = 0;
#pragma unroll
    for (int i = 0; i < 3; i++) low = dot4u(q.w[i] & LOW, a.x[m][2 * i], low), high = dot4u(q.w[i] & NEXT, a.x[m][2 * i + 1], high);
    low = dot4u(sixth(q), a.x[m][6], dot4u(seventh(q), a.x[m][7], low));
    return low + (high >> 3);
  }
  static __device__ __forceinline__ void pack(const uchar* q, uchar* dst, int N, int K, int row, int c) {
    unsigned low[2] = {any32(q), any32(q + 4)}, upper = any32(q + 8), n[8];
#pragma unroll
    for (int k = 0; k < 8; k++) n[k] = (low[k / 4] >> 2 * (k % 4) & TWO) | (upper >> k & 0x01010101) << 2;
    unsigned second = n[2] | n[3] << 3 | (n[6] & UPPER) << 4 | (n[7] & UPPER) << 5;
    put({n[0] | n[1] << 3 | (n[6] & TWO) << 6, second, n[4] | n[5] << 3 | (n[7] & TWO) << 6}, dst, N, K, row, c);
  }
};

/** A format, by its numbers and what goes with them. In the file stand a block's scale, its zero, a byte, and its numbers. */
template <class NUMBERS, class FACTORS> struct Whole {
  typedef Tile<1, (NUMBERS::CENTRE > 0)> RowTile;
  static __device__ __forceinline__ long long scales(int N, int K) { return NUMBERS::bytes(N, K); }
  static __device__ __forceinline__ long long zeros(int N, int K) { return scales(N, K) + FACTORS::scaleBytes(N, K); }
  static __device__ __forceinline__ float2 factors(const uchar* W, int N, int K, int row, int c) {
    return FACTORS::of(W + scales(N, K), W + zeros(N, K), row, K / 32, c);
  }
  /** A sub-block as signed bytes, and what is to be taken from them times their scale. */
  static __device__ __forceinline__ float signed_bytes(typename NUMBERS::Row q, int zero, int (&w)[8]) {
    NUMBERS::spread(q, w);
    if (NUMBERS::CENTRE == 0) less_zero(w, zero);
    return NUMBERS::CENTRE == 0 ? 0.f : (float)(zero - NUMBERS::CENTRE);
  }
  static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
    Block b;
    block(W, N, K, row, k / 32, b);
    return b.scale[0] * byte_of(b.w, k % 32) - b.minimum;
  }

  /** How a lane reads and multiplies it: the registers of a chunk of four neighbouring rows. */
  struct Read {
    static constexpr int K_CHUNK = 32;
    /** Groups in flight where M rows are multiplied. */
    static __host__ __device__ constexpr int depth(int M) { return M == 2 ? 3 : M == 1 && NUMBERS::BITS == 2 ? 4 : 2; }
    template <int M> using Acts = Bytes<M>;
    struct Group {
      typename NUMBERS::Four q;
      FACTORS f;
    };
    NUMBERS numbers;
    const uchar *scales, *zeros;

    __device__ __forceinline__ Read(const uchar* W, int N, int K)
        : numbers(W, N, K), scales(W + Whole::scales(N, K)), zeros(W + Whole::zeros(N, K)) {}
    __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
      if (valid) {
        numbers.load(g.q, row, c);
        g.f.load(scales, zeros, row, numbers.nb, c);
      } else {
        g.q = {};
        g.f.none();
      }
    }
    template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
      float scale = g.f.scale(r);
#pragma unroll
      for (int m = 0; m < M; m++) out[m] = (float)NUMBERS::template dot<M>(g.q.row(r), a, m, g.f.zero(r)) * a.d[m] * scale;
    }
    static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
      t.scale[0] = g.f.scale(r);
      t.minimum[0] = t.scale[0] * signed_bytes(g.q.row(r), g.f.zero(r), t.w);
    }
  };

  /** Sub-block c of a row as bytes, for tiles. */
  static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
    float2 f = factors(W, N, K, row, c);
    b.scale[0] = b.scale[1] = f.x;
    b.minimum = f.x * signed_bytes(NUMBERS(W, N, K).row(row, c), (int)f.y, b.w);
  }

  /** Lays a row of the file out; by a block of threads. */
  static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
    constexpr int PER = FACTORS::PER, RUN = 4 * NUMBERS::BITS, BYTES = 3 + PER * RUN;
    int nb = K / 32, row = row0 + blockIdx.x;
    for (int c = threadIdx.x; c < nb; c += blockDim.x) {
      const uchar* from = src + ((long long)blockIdx.x * (nb / PER) + c / PER) * BYTES;
      NUMBERS::pack(from + 3 + c % PER * RUN, dst, N, K, row, c);
      if (c % PER == 0) FACTORS::pack(from, dst + scales(N, K), dst + zeros(N, K), row, nb, c);
    }
  }
};

typedef Whole<WholeTwo, ScalesBesideZeros> U2x32;
typedef Whole<WholeTwo, ScalesWithZeros<2>> U2x64;
typedef Whole<WholeTwo, ScalesWithZeros<4>> U2x128;
typedef Whole<WholeThree, ScalesBesideZeros> U3x32;
typedef Whole<WholeThree, ScalesWithZeros<2>> U3x64;
typedef Whole<WholeThree, ScalesWithZeros<4>> U3x128;
typedef Whole<WholeFour, ScalesWithZeros<1>> U4x32;
typedef Whole<WholeFour, ScalesWithZeros<2>> U4x64;
typedef Whole<WholeFour, ScalesWithZeros<4>> U4x128;
typedef Whole<WholeEight, ScalesBesideZeros> U8x32;
