// What the formats of weights share. A matrix has N rows of K. Block formats keep for each 32 values ("sub-block", nb = K / 32 of them a row) 16
// bytes of nibbles: byte j holds value j low and value j + 16 high. Products read "chunks" of four neighbouring rows: a sub-block, or 16 bytes of a
// dense row. Fields that a lane has no chunk for are 0.
#pragma once
#include "common/common.cuh"

/** N rounded up to 4: scales of q4_0 and q8_0 stand four rows side by side. */
__host__ __device__ __forceinline__ long long rows4(int N) { return ((long long)N + 3) & ~3ll; }

/** Place of the scale of sub-block b of a row, in halves. */
__device__ __forceinline__ long long scale4(int row, int nb, int b) { return ((long long)(row >> 2) * nb + b) * 4 + (row & 3); }

__device__ __forceinline__ int nibble(const uchar* W, long long sub, int e) {
  int byte = W[sub * 16 + (e & 15)];
  return e < 16 ? byte & 15 : byte >> 4;
}

/** Activations of a chunk of quantised rows. */
template <int M> struct Bytes {
  int x[M][8];
  float d[M];
  int sum[M];

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
      d[m] = __int_as_float(scale.x);
      sum[m] = scale.y;
    }
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

/** Rows of formats whose planes are not padded: those beyond the last are read as the last. */
__device__ __forceinline__ long long sub_block(int row, int r, int N, int nb, int c) { return (long long)min(row + r, N - 1) * nb + c; }

/** A sub-block as signed bytes; its values are q times scale[q's half] less `minimum`. */
struct Block {
  int w[8];
  float scale[2], minimum;
};

/** Whether a format has a minimum for each half of a sub-block: then its `block` takes a place for the second one's. */
template <class F> struct TwoMinima {
  static constexpr bool VALUE = false;
};

__device__ __forceinline__ void spread(uint4 q, Block& b) {
  constexpr unsigned LOW = 0x0f0f0f0f;
  b.w[0] = q.x & LOW, b.w[1] = q.y & LOW, b.w[2] = q.z & LOW, b.w[3] = q.w & LOW;
  b.w[4] = q.x >> 4 & LOW, b.w[5] = q.y >> 4 & LOW, b.w[6] = q.z >> 4 & LOW, b.w[7] = q.w >> 4 & LOW;
}
__device__ __forceinline__ float scale_of4(const uchar* scales, int row, int nb, int c) {
  return half_bits(stream2(scales + scale4(row, nb, c) * 2));
}

// Rows of a file may start at any multiple of two bytes.
__device__ __forceinline__ unsigned u16(const uchar* p) { return *(const unsigned short*)p; }
__device__ __forceinline__ unsigned u32(const uchar* p) { return u16(p) | u16(p + 2) << 16; }
