// What products of attention of single queries meet, by lane: a query, 16 keys of bytes, 16 values of bytes; straight from pages.
#pragma once
#include "attention/any_pages.cuh"
#include "attention/mma.cuh"

static constexpr int GROUP = 16; // positions together

/** c += A B of bytes, 16 rows, 8 columns, 32 products each. */
__device__ __forceinline__ void multiply_bytes(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/** Scales of a row. */
template <int D> using Scales = typename std::conditional<D == 128, uint2, unsigned>::type;
__device__ __forceinline__ float scale_of(unsigned s, int j) { return half_bits(j % 2 ? s >> 16 : s & 0xffff); }
__device__ __forceinline__ float scale_of(uint2 s, int j) { return scale_of(j < 2 ? s.x : s.y, j); }

/**
 * Of a query, dimensions 32 j + 8 (lane % 4) and the next eight of head lane / 4, and of 16 keys the same of rows lane / 4 and 8 further: scores of
 * those rows for heads 2 (lane % 4) and the next, as exponents of two if there is no soft cap.
 */
template <class T, int D> struct Query { // two halves over a power of two
  unsigned high[D / 16][2], low[D / 16][2];
  float power[2];
  __device__ __forceinline__ void load(const float* from, bool there, float scale) {
    int t = threadIdx.x & 3;
    float most = 0.f;
#pragma unroll
    for (int j = 0; j < D / 4; j++) most = fmaxf(most, there ? fabsf(from[j / 8 * 32 + 8 * t + j % 8] * scale) : 0.f);
    int e = exponent_of(warp_max<4>(most));
    float by = power_of_two(-e) * scale;
#pragma unroll
    for (int k = 0; k < D / 16; k++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float* two = from + k / 2 * 32 + 8 * t + k % 2 * 4 + 2 * i;
        high[k][i] = low[k][i] = 0;
        if (there) split16<__half>(two[0] * by, two[1] * by, high[k][i], low[k][i]);
      }
    float own = power_of_two(e);
#pragma unroll
    for (int h = 0; h < 2; h++) power[h] = __shfl_sync(ALL, own, 4 * (2 * t + h));
  }
  __device__ __forceinline__ void score(float (&s)[4], const uint2 (&k)[2][D / 32], const Scales<D> (&)[2]) const {
    s[0] = s[1] = s[2] = s[3] = 0.f;
#pragma unroll
    for (int j = 0; j < D / 16; j++) {
      unsigned a = j % 2 ? k[0][j / 2].y : k[0][j / 2].x, b = j % 2 ? k[1][j / 2].y : k[1][j / 2].x;
      unsigned four[4] = {halves_of_eights(a), halves_of_eights(b), halves_of_eights(a >> 16), halves_of_eights(b >> 16)};
      multiply<__half>(s, four, high[j][0], high[j][1]);
      multiply<__half>(s, four, low[j][0], low[j][1]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) s[i] *= power[i % 2];
  }
};
template <int D> struct Query<q8, D> { // 128 times a byte, and another; a unit for each 32
  unsigned high[D / 32][2], low[D / 32][2];
  float unit[D / 32][2];
  __device__ __forceinline__ void load(const float* from, bool there, float scale) {
    int t = threadIdx.x & 3;
#pragma unroll
    for (int j = 0; j < D / 32; j++) {
      float x[8], most = 0.f, nothing = 0.f; // or no number, if one of them is none
#pragma unroll
      for (int i = 0; i < 8; i++) {
        x[i] = there ? from[32 * j + 8 * t + i] * scale : 0.f;
        most = fmaxf(most, fabsf(x[i])), nothing = fmaf(x[i], 0.f, nothing);
      }
      most = warp_max<4>(most);
      float by = most < 1e-30f ? 0.f : 127 * 128.f / most, own = most / (127 * 128.f) + warp_sum<4>(nothing);
#pragma unroll
      for (int w = 0; w < 2; w++) {
        high[j][w] = low[j][w] = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int v = __float2int_rn(x[4 * w + i] * by), h = (v + 64) >> 7;
          high[j][w] |= (h & 255) << 8 * i, low[j][w] |= ((v - 128 * h) & 255) << 8 * i;
        }
      }
#pragma unroll
      for (int h = 0; h < 2; h++) unit[j][h] = __shfl_sync(ALL, own, 4 * (2 * t + h));
    }
  }
  __device__ __forceinline__ void score(float (&s)[4], const uint2 (&k)[2][D / 32], const Scales<D> (&scales)[2]) const {
    s[0] = s[1] = s[2] = s[3] = 0.f;
#pragma unroll
    for (int j = 0; j < D / 32; j++) {
      unsigned rows[4] = {k[0][j].x, k[1][j].x, k[0][j].y, k[1][j].y};
      int c[4] = {};
      multiply_bytes(c, rows, high[j][0], high[j][1]);
#pragma unroll
      for (int i = 0; i < 4; i++) c[i] *= 128;
      multiply_bytes(c, rows, low[j][0], low[j][1]);
      float by[2] = {scale_of(scales[0], j), scale_of(scales[1], j)};
#pragma unroll
      for (int i = 0; i < 4; i++) s[i] = fmaf((float)c[i], unit[j][i % 2] * by[i / 2], s[i]);
    }
  }
};

/** Of 16 values, those of positions 2 (lane % 4), the next, and both 8 further: WORDS times four neighbouring dimensions from lane / 4 on. */
template <class T, int D> struct Values {
  static constexpr int WORDS = D / 32;
  unsigned v[4][WORDS];
  __half scale[4];

  __device__ __forceinline__ void load(int i, const uchar* row, const __half* scales) {
    int g = (threadIdx.x & 31) / 4;
    if constexpr (D == 128) {
      uint4 x = __ldcg((const uint4*)row + g);
      v[i][0] = x.x, v[i][1] = x.y, v[i][2] = x.z, v[i][3] = x.w;
    } else {
      uint2 x = __ldcg((const uint2*)row + g);
      v[i][0] = x.x, v[i][1] = x.y;
    }
    if constexpr (SCALED<T>) scale[i] = __ldcg(scales + 4 * WORDS * g / SHARED);
  }
  /** Halves of positions i and i + 1: of dimensions 4 w to 4 w + 3. */
  __device__ __forceinline__ void pairs(unsigned (&p)[4], int i, int w) const {
    unsigned low = __byte_perm(v[i][w], v[i + 1][w], 0x5140), high = __byte_perm(v[i][w], v[i + 1][w], 0x7362);
    if constexpr (SCALED<T>) {
      __half2 by = __halves2half2(scale[i], scale[i + 1]);
      p[0] = halves_of_bytes<false>(low, by), p[1] = halves_of_bytes<true>(low, by);
      p[2] = halves_of_bytes<false>(high, by), p[3] = halves_of_bytes<true>(high, by);
    } else {
      p[0] = halves_of_eights(low), p[1] = halves_of_eights(low >> 16);
      p[2] = halves_of_eights(high), p[3] = halves_of_eights(high >> 16);
    }
  }
};
