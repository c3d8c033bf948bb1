// What tasks of chains of rows share: how rows of x stand in images, how outputs become such an image, how a matrix is shared out.
#pragma once
#include "chain/place.cuh"
#include "chain/ring.cuh"
#include "common/two16.cuh"

static constexpr int MOST_ROWS = 8, MOST_LINKS = 8;
static constexpr int UNIT = 16;   // columns of a record of an image, rows of W of a tile
static constexpr int COLUMNS = 512; // columns of a chunk
static constexpr int RECORDS = COLUMNS / UNIT;

/** A task as Java lays it out: its members are in LINK_MEMBERS too. */
struct __align__(16) Link {
  const void* from;       // product: weights; with `prepares`: rows of floats
  const uchar* in;        // product: the image of x
  const float* squaresIn; // sums of squares of x, for each record and row, if the product is normed, or 0
  const float* bias;      // or 0
  const float* residual;  // or 0
  float* y;               // or 0
  uchar* out;             // an image of the outputs, or 0
  const float* norm;      // what outputs are multiplied by on their way to `out`, or 0
  float* squaresOut;      // or 0
  int N, K, act;          // act is -1 without a gate; with one, N outputs are of 2 N rows of W
  int prepares;           // no product: the image of N columns of rows of floats
  int ldx, ldr, ldy;
  float eps;
};
#define LINK_MEMBERS(M, S)                                                                                                                  \
  M(S, from) M(S, in) M(S, squaresIn) M(S, bias) M(S, residual) M(S, y) M(S, out) M(S, norm) M(S, squaresOut) M(S, N) M(S, K) M(S, act)      \
  M(S, prepares) M(S, ldx) M(S, ldr) M(S, ldy) M(S, eps)

/**
 * A record of an image: 16 columns of so many rows. First what lanes of mma have of x: for row n and the columns 2 c, 2 c + 1 and those 8 further, as
 * two numbers each whose sum is x, over a scale: words (first, first of those further, second, second of those further) at (4 n + c) * 16. Then the
 * scales, powers of two: MOST_ROWS of the first 8 columns, MOST_ROWS of the others.
 */
__host__ __device__ constexpr int scales_at(int rows) { return 64 * rows; }
__host__ __device__ constexpr int record_bytes(int rows) { return scales_at(rows) + 2 * MOST_ROWS * 4; }

/** Over lanes of the same columns of accumulators. */
__device__ __forceinline__ float rows_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(ALL, v, 4)), v = fmaxf(v, __shfl_xor_sync(ALL, v, 8));
  return fmaxf(v, __shfl_xor_sync(ALL, v, 16));
}
__device__ __forceinline__ float rows_sum(float v) {
  v += __shfl_xor_sync(ALL, v, 4), v += __shfl_xor_sync(ALL, v, 8);
  return v + __shfl_xor_sync(ALL, v, 16);
}

/** What outputs of a unit meet, fetched before they are there. A lane has outputs `row` and row + 8 of rows 2 c and 2 c + 1 of x. */
struct Fetched {
  float before[4], bias[2], norm[2];

  __device__ __forceinline__ void fetch(const Link& t, int first, int count, int rows, int lane) {
    int c = lane & 3, row = lane >> 2, N = t.N, ldr = t.ldr;
    const float *b = t.bias, *w = t.norm, *residual = t.residual;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int n = 2 * c + (i & 1), o = first + row + (i >> 1) * 8;
      bool there = o < N && (i >> 1) * 8 < count;
      if (i % 2 == 0) bias[i / 2] = there && b ? __ldg(b + o) : 0.f, norm[i / 2] = there && w ? __ldg(w + o) : 1.f;
      before[i] = there && residual && n < rows ? row1(residual + (long long)n * ldr + o) : 0.f;
    }
  }
};

/** Writes a unit of outputs, `count` of them from `first` on: floats, their record or half a record, sums of their squares. */
template <class T> __device__ __forceinline__ void emit(const Link& t, float (&v)[4], const Fetched& f, int first, int count, int rows, int lane) {
  int c = lane & 3, row = lane >> 2, N = t.N, ldy = t.ldy, at = first % UNIT / 8; // which half of a record comes first
  float* y = t.y;
  float squares[2] = {0.f, 0.f}, high[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int n = 2 * c + (i & 1), o = first + row + (i >> 1) * 8;
    if (n >= rows || o >= N || (i >> 1) * 8 >= count) v[i] = 0.f;
    else if (y) y[(long long)n * ldy + o] = v[i];
    squares[i & 1] += v[i] * v[i];
    v[i] *= f.norm[i >> 1];
    high[i] = fabsf(v[i]);
  }
  if (!t.out) return;
  uchar* to = t.out + (long long)(first / UNIT) * record_bytes(rows);
  if (t.squaresOut) {
    squares[0] = rows_sum(squares[0]), squares[1] = rows_sum(squares[1]);
    if (row == 0) *(float2*)(t.squaresOut + first / UNIT * MOST_ROWS + 2 * c) = make_float2(squares[0], squares[1]);
  }
  float up[4];
  bool odd = row & 1;
  int n = 2 * c + odd; // the row of x that this lane writes
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int exponent = __float_as_int(rows_max(high[i])) >> 23;
    exponent = exponent == 0 ? 127 : min(max(exponent, 20), 240); // of 0 any will do
    up[i] = __int_as_float((254 - exponent + 14) << 23), high[i] = __int_as_float((exponent - 14) << 23);
  }
#pragma unroll
  for (int h = 0; h < 2; h++) {
    if (h * 8 >= count) break;
    int half = at + h;
    if (row == 0) *(float2*)(to + scales_at(rows) + half * MOST_ROWS * 4 + 8 * c) = make_float2(high[2 * h], high[2 * h + 1]);
    float mine = odd ? v[2 * h + 1] : v[2 * h], other = odd ? v[2 * h] : v[2 * h + 1], got = __shfl_xor_sync(ALL, other, 4);
    float scale = odd ? up[2 * h + 1] : up[2 * h], a = odd ? got : mine, b = odd ? mine : got;
    unsigned high, low;
    split16<T>(a * scale, b * scale, high, low);
    if (n < rows) {
      unsigned* words = (unsigned*)(to + (n * 4 + (row >> 1)) * 16) + half;
      words[0] = high, words[2] = low;
    }
  }
}

/** How a matrix is shared out: each block takes every so many-th unit of outputs, TILES of 16 rows of W at most in a pass; a tile is a unit. */
template <int TILES> struct RowsShare {
  int outputs, first, mine, passes; // outputs of a unit

  /** Units of tasks follow each other, so that blocks with one more of this task have one less of the next. */
  __device__ __forceinline__ RowsShare(const Link& t, unsigned& offset) : outputs(t.act >= 0 ? UNIT / 2 : UNIT) {
    int units = ceil_div(t.N, outputs), grid = gridDim.x;
    first = (int)(blockIdx.x + grid - offset % grid) % grid;
    mine = first < units ? (units - first + grid - 1) / grid : 0;
    passes = ceil_div(ceil_div(units, grid), TILES), offset += units;
  }
  __device__ __forceinline__ int tiles(int pass) const { return min(max(mine - pass * TILES, 0), TILES); }
  /** The first output of a tile of a pass. */
  __device__ __forceinline__ int output(int pass, int tile) const { return (first + (pass * TILES + tile) * (int)gridDim.x) * outputs; }
};
