// What the formats of weights share. A matrix has N rows of K, with N rounded up to 4. Block formats keep 32 values ("a sub-block", nb = K / 32 of
// them a row) side by side, and what goes with values (scales, upper bits) for four rows side by side, so that a lane has it by one load. Products
// read "chunks" of four neighbouring rows: a sub-block, or 16 bytes of a dense row. Fields that a lane has no chunk for are 0.
#pragma once
#include "common/common.cuh"

/** N rounded up to 4. */
__host__ __device__ __forceinline__ long long rows4(int N) { return ((long long)N + 3) & ~3ll; }

/** A plane of what goes with values: for four rows BYTES behind each other for each PER sub-blocks, from a multiple of 16 on. */
template <int BYTES, int PER = 1> struct Side {
  static __host__ __device__ __forceinline__ int pitch(int nb) { return (nb / PER * BYTES + 15) & ~15; }
  static __host__ __device__ __forceinline__ long long bytes(int N, int K) { return round256(rows4(N) / 4 * pitch(K / 32)); }
  /** Where the bytes of sub-block c stand, for the four rows of which `row` is one. Counted in units first: 64 bits would cost more. */
  static __device__ __forceinline__ long long at(int row, int nb, int c) {
    constexpr unsigned UNIT = BYTES % 16 == 0 ? 16 : BYTES % 8 == 0 ? 8 : BYTES % 4 == 0 ? 4 : 2;
    return (unsigned long long)((unsigned)(row >> 2) * (pitch(nb) / UNIT) + (unsigned)c / PER * (BYTES / UNIT)) * UNIT;
  }
  /** Where those of the row stand among them. */
  static __device__ __forceinline__ long long of(int row, int nb, int c) { return at(row, nb, c) + (row & 3) * (BYTES / 4); }
};

__device__ __forceinline__ int nibble(const uchar* W, long long sub, int e) {
  int byte = W[sub * 16 + (e & 15)];
  return e < 16 ? byte & 15 : byte >> 4;
}

/** Two numbers of 16 bits with a sign as a word. */
__device__ __forceinline__ unsigned two_halves(int a, int b) { return __byte_perm(a, b, 0x5410); }

/** Activations of a chunk of quantised rows. */
template <int M> struct Bytes {
  int x[M][8];
  float d[M];
  int sum[M];
  unsigned halves[M]; // sums of the first 16 and of the others, 16 bits each

  __device__ __forceinline__ void load(const signed char* q, const Scale* s, int K, int rows, int c, bool valid) {
#pragma unroll
    for (int m = 0; m < M; m++) {
      int4 a = make_int4(0, 0, 0, 0), b = a;
      int2 scale = make_int2(0, 0);
      if (valid && m < rows) {
        const int4* p = (const int4*)(q + (long long)m * K + 32 * c);
        a = __ldcg(p);
        b = __ldcg(p + 1);
        scale = __ldcg((const int2*)(s + (long long)m * (K / 32) + c));
      }
      x[m][0] = a.x, x[m][1] = a.y, x[m][2] = a.z, x[m][3] = a.w, x[m][4] = b.x, x[m][5] = b.y, x[m][6] = b.z, x[m][7] = b.w;
      take(m, __int_as_float(scale.x), scale.y);
    }
  }
  /** The scale and the sum of vector m, whose bytes are there. */
  __device__ __forceinline__ void take(int m, float scale, int all) {
    constexpr int ONES = 0x01010101;
    int first = __dp4a(x[m][0], ONES, __dp4a(x[m][1], ONES, __dp4a(x[m][2], ONES, __dp4a(x[m][3], ONES, 0))));
    d[m] = scale, sum[m] = all, halves[m] = two_halves(first, all - first);
  }
};

/** Unsigned bytes by signed ones. */
__device__ __forceinline__ int dot4u(unsigned a, int b, int c) {
  int d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

/** Sum of 32 products; w[0..3] hold values 0 to 15, w[4..7] values 16 to 31 times 16, as the upper nibbles of bytes are. */
template <int M> __device__ __forceinline__ int dot_nibbles(uint4 q, const Bytes<M>& a, int m, int start) {
  constexpr unsigned LOW = 0x0f0f0f0f, HIGH = 0xf0f0f0f0;
  int high = 0, low = start;
  low = dot4u(q.x & LOW, a.x[m][0], low), high = dot4u(q.x & HIGH, a.x[m][4], high);
  low = dot4u(q.y & LOW, a.x[m][1], low), high = dot4u(q.y & HIGH, a.x[m][5], high);
  low = dot4u(q.z & LOW, a.x[m][2], low), high = dot4u(q.z & HIGH, a.x[m][6], high);
  low = dot4u(q.w & LOW, a.x[m][3], low), high = dot4u(q.w & HIGH, a.x[m][7], high);
  return low + (high >> 4);
}

/** Sum of 32 products of signed bytes. */
template <int M> __device__ __forceinline__ int dot_bytes(const int (&w)[8], const Bytes<M>& a, int m) {
  int t = 0;
#pragma unroll
  for (int i = 0; i < 8; i++) t = __dp4a(w[i], a.x[m][i], t);
  return t;
}

/** Byte e of eight words. */
__device__ __forceinline__ int byte_of(const int (&w)[8], int e) {
  int v = 0;
#pragma unroll
  for (int i = 0; i < 8; i++) v = i == e / 4 ? w[i] : v;
  return (signed char)(v >> 8 * (e & 3));
}
/** One of four words; r is known when the kernel is compiled. */
__device__ __forceinline__ unsigned word(uint4 v, int r) { return r == 0 ? v.x : r == 1 ? v.y : r == 2 ? v.z : v.w; }
/** One of four halves. */
__device__ __forceinline__ float half_of(uint2 v, int r) { return half_bits((r < 2 ? v.x : v.y) >> (16 * (r & 1))); }

/** A sub-block as signed bytes; its values are q times scale[q's half] less `minimum`. */
struct Block {
  int w[8];
  float scale[2], minimum;
};
/** A sub-block as signed bytes, of a format that has SCALES scales (1, or one for each half) and MINIMA minima (0, 1, or one for each half). */
template <int SCALES_, int MINIMA_> struct Tile {
  static constexpr int SCALES = SCALES_, MINIMA = MINIMA_;
  static constexpr bool FLOATS = false;
  int w[8];
  float scale[SCALES], minimum[MINIMA > 0 ? MINIMA : 1];
};

/** A sub-block of floats of 8 bits with a scale. */
struct FloatTile : Tile<1, 0> {
  static constexpr bool FLOATS = true;
};

/** Four signed bytes less a number, which is `number` over 2^24 + 2^16 + 2^8 + 1. Differences are bytes too, so that nothing is carried. */
__device__ __forceinline__ int less_bytes(unsigned q, unsigned number) { return (int)((q ^ 0x80808080) - number ^ 0x80808080); }
/** Four numbers of six bits less 32, as signed bytes. */
__device__ __forceinline__ int less32(unsigned q) { return less_bytes(q, 0x20202020); }

/** Whether a format has a minimum for each half of a sub-block: then its `block` takes a place for the second one's. */
template <class F> struct TwoMinima {
  static constexpr bool VALUE = false;
};

/** a & b ^ c, by one instruction: with two constants the compiler takes two. */
__device__ __forceinline__ unsigned and_xor(unsigned a, unsigned b, unsigned c) {
  unsigned d;
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
/** 32 nibbles as bytes. */
__device__ __forceinline__ void spread_nibbles(uint4 q, int (&w)[8]) {
  constexpr unsigned LOW = 0x0f0f0f0f;
  w[0] = q.x & LOW, w[1] = q.y & LOW, w[2] = q.z & LOW, w[3] = q.w & LOW;
  w[4] = q.x >> 4 & LOW, w[5] = q.y >> 4 & LOW, w[6] = q.z >> 4 & LOW, w[7] = q.w >> 4 & LOW;
}

// Rows of a file may start at any multiple of two bytes.
__device__ __forceinline__ unsigned u16(const uchar* p) { return *(const unsigned short*)p; }
__device__ __forceinline__ unsigned u32(const uchar* p) { return u16(p) | u16(p + 2) << 16; }
/** Of any address. */
__device__ __forceinline__ unsigned any32(const uchar* p) { return p[0] | p[1] << 8 | p[2] << 16 | (unsigned)p[3] << 24; }
