// Rows of W that consist of blocks by a few rows of bytes x, on tensor cores: what a warp has in shared memory, and the products of it. Exact sums of
// 32 products, then floats, as for single rows.
#pragma once
#include "product/few.cuh"

static constexpr int STEP = 8;                 // sub-blocks that a warp multiplies at a time
static constexpr int SUB_BYTES = 32 * 16 + 16; // from sub-block to sub-block of 16 rows: stores of neighbouring ones fall into different banks
static constexpr int PAIR_FLOATS = 2 * 16 + 4; // from two sub-blocks to the next two

/** Tiles of 16 rows of W a warp: for many rows of x one, so that more warps have room. */
__host__ __device__ constexpr int tiles_of(int NT) { return NT >= 4 ? 1 : 2; }

/** Sums start here, so that as bits they are floats: exact ones, since they are far below 2^22. */
static constexpr int START = 0x4b400000;
static constexpr float START_FLOAT = 12582912.f;

/**
 * A step of 16 rows of W: their bytes, the first halves of sub-blocks behind each other and then the second ones, and what goes with them. Rows 2 g
 * and 2 g + 1 are the rows g and g + 8 of mma, so that what a lane needs of both, and of two sub-blocks, stands side by side.
 */
template <class RowTile> struct WarpTile {
  static constexpr int MINIMA = RowTile::MINIMA;
  uchar w[STEP][SUB_BYTES];
  float scale[RowTile::SCALES][STEP / 2][PAIR_FLOATS];
  float minimum[MINIMA > 0 ? MINIMA : 1][MINIMA > 0 ? STEP / 2 : 1][PAIR_FLOATS];

  /** A lane lays four rows of a sub-block down. */
  template <class Read> __device__ __forceinline__ void put(const typename Read::Group& g, int sub, int row) {
    float s[RowTile::SCALES][4], m[2][4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
      RowTile t;
      Read::tile(g, r, t);
      uchar* to = w[sub] + ((r & 1) * 8 + (row + r) / 2) * 16;
      *(int4*)to = make_int4(t.w[0], t.w[1], t.w[2], t.w[3]);
      *(int4*)(to + 256) = make_int4(t.w[4], t.w[5], t.w[6], t.w[7]);
#pragma unroll
      for (int i = 0; i < RowTile::SCALES; i++) s[i][r] = t.scale[i];
#pragma unroll
      for (int i = 0; i < MINIMA; i++) m[i][r] = t.minimum[i];
    }
    int at = row * 2 + (sub & 1) * 2;
#pragma unroll
    for (int r = 0; r < 4; r += 2) {
#pragma unroll
      for (int i = 0; i < RowTile::SCALES; i++) *(float2*)&scale[i][sub / 2][at + 2 * r] = make_float2(s[i][r], s[i][r + 1]);
#pragma unroll
      for (int i = 0; i < MINIMA; i++) *(float2*)&minimum[i][sub / 2][at + 2 * r] = make_float2(m[i][r], m[i][r + 1]);
    }
  }
};

/** A step of 8 NT rows of x. What stands in rows that are not there, or behind K, meets nothing that counts, or zeros. */
template <int NT> struct Columns {
  signed char q[8 * NT][32 * STEP + 16];
  Scale s[8 * NT][STEP + 2];

  /** Starts copies of sub-blocks from c0 on, as warp `across` of `wide`; the m-th row is row `of(m)` of all. */
  template <class Of>
  __device__ __forceinline__ void fetch(const signed char* from, const Scale* scales, int nb, int c0, int rows, const FewPlace& p, Of of) {
    int piece = p.lane % (2 * STEP), bytes = c0 + piece / 2 < nb ? 16 : 0;
    for (int m = 2 * p.across + p.lane / (2 * STEP); m < rows; m += 2 * p.wide)
      copy16(&q[m][16 * piece], from + ((long long)of(m) * nb + c0) * 32 + 16 * piece, bytes);
    if (nb % 2 == 0) {
      int two = 2 * (p.lane % (STEP / 2));
      bytes = c0 + two < nb ? 16 : 0;
      for (int m = 8 * p.across + p.lane / (STEP / 2); m < rows; m += 8 * p.wide)
        copy16(&s[m][two], scales + (long long)of(m) * nb + c0 + two, bytes);
    } else { // rows of scales that do not start at 16 bytes
      int c = c0 + p.lane % STEP;
      for (int m = 4 * p.across + p.lane / STEP; m < rows; m += 4 * p.wide) {
        int2 v = make_int2(0, 0);
        if (c < nb) v = __ldcg((const int2*)(scales + (long long)of(m) * nb + c));
        s[m][c - c0] = Scale{__int_as_float(v.x), v.y};
      }
    }
    end_copies();
  }
};

__device__ __forceinline__ void mma32(int (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(START));
}
__device__ __forceinline__ void mma16(int (&d)[4], unsigned a0, unsigned a1, unsigned b, int start) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(a0), "r"(a1), "r"(b), "r"(start));
}

/** Sub-blocks 2 pair and 2 pair + 1 of a step: 16 TILES rows of W by 8 NT rows of x. */
template <class RowTile, int TILES, int NT>
__device__ __forceinline__ void multiply(float (&acc)[TILES][NT][4], const WarpTile<RowTile>* tiles, const Columns<NT>& x, int pair, int lane) {
  constexpr int S = RowTile::SCALES, M = RowTile::MINIMA;
  int matrix = lane >> 3, col = 2 * (lane & 3);
  float4 scale[TILES][S], minimum[TILES][2];
  unsigned a[TILES][2][4];
#pragma unroll
  for (int i = 0; i < TILES; i++) {
#pragma unroll
    for (int k = 0; k < S; k++) scale[i][k] = *(const float4*)&tiles[i].scale[k][pair][4 * (lane >> 2)];
#pragma unroll
    for (int k = 0; k < M; k++) minimum[i][k] = *(const float4*)&tiles[i].minimum[k][pair][4 * (lane >> 2)];
#pragma unroll
    for (int c = 0; c < 2; c++)
      load_matrices(a[i][c], tiles[i].w[2 * pair + c] + (matrix >> 1) * 256 + (8 * (matrix & 1) + (lane & 7)) * 16);
  }
#pragma unroll
  for (int t0 = 0; t0 < NT; t0 += 2) {
    unsigned b[2][4]; // of both sub-blocks, or for one tile of columns in the first of them
    if constexpr (NT == 1) {
      load_matrices(b[0], &x.q[lane & 7][64 * pair + 16 * matrix]);
    } else {
#pragma unroll
      for (int c = 0; c < 2; c++) load_matrices(b[c], &x.q[8 * (t0 + (matrix >> 1)) + (lane & 7)][64 * pair + 32 * c + 16 * (matrix & 1)]);
    }
#pragma unroll
    for (int t = t0; t < NT && t < t0 + 2; t++) {
      int4 s[2] = {*(const int4*)&x.s[8 * t + col][2 * pair], *(const int4*)&x.s[8 * t + col + 1][2 * pair]};
#pragma unroll
      for (int c = 0; c < 2; c++) {
        unsigned b0 = NT == 1 ? b[0][2 * c] : b[c][2 * (t - t0)], b1 = NT == 1 ? b[0][2 * c + 1] : b[c][2 * (t - t0) + 1];
        float ds[2] = {__int_as_float(c ? s[0].z : s[0].x), __int_as_float(c ? s[1].z : s[1].x)}, sums[2], firsts[2];
        if constexpr (M > 0) sums[0] = (float)(c ? s[0].w : s[0].y), sums[1] = (float)(c ? s[1].w : s[1].y);
        if constexpr (M == 2) {
          int first[4];
          mma16(first, 0x01010101, 0x01010101, b0, 0);
          firsts[0] = (float)first[0], firsts[1] = (float)first[1];
        }
#pragma unroll
        for (int i = 0; i < TILES; i++) {
          int d[S][4];
          if constexpr (S == 1) {
            mma32(d[0], a[i][c], b0, b1);
          } else {
            mma16(d[0], a[i][c][0], a[i][c][1], b0, START);
            mma16(d[1], a[i][c][2], a[i][c][3], b1, START);
          }
#pragma unroll
          for (int j = 0; j < 4; j++) {
            auto of = [&](float4 v) { return c ? (j >> 1 ? v.w : v.z) : (j >> 1 ? v.y : v.x); };
            float s0 = of(scale[i][0]), v = fmaf(__int_as_float(d[0][j]), s0, -START_FLOAT * s0); // the product is exact
            if constexpr (S == 2) {
              float s1 = of(scale[i][1]);
              v += fmaf(__int_as_float(d[1][j]), s1, -START_FLOAT * s1);
            }
            if constexpr (M == 1) v = fmaf(-of(minimum[i][0]), sums[j & 1], v);
            if constexpr (M == 2) v = fmaf(-of(minimum[i][1]), sums[j & 1] - firsts[j & 1], fmaf(-of(minimum[i][0]), firsts[j & 1], v));
            acc[i][t][j] = fmaf(v, ds[j & 1], acc[i][t][j]);
          }
        }
      }
    }
  }
}
