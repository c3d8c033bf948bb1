// What adapters change of a step's rows: who has which, what each changes, and numbers of 16 bytes of its matrices.
#pragma once
#include "common/common.cuh"
#include "common/layout.cuh"

static constexpr int ADAPTER_THREADS = 256, ADAPTER_WARPS = ADAPTER_THREADS / 32;
static constexpr int ADAPTER_TILE = 8;     // most rows of a tile
static constexpr int ADAPTER_CHUNK = 1024; // columns that a block multiplies by
static constexpr int ADAPTER_ROWS = 32;    // rows of another matrix that a block multiplies by

/** What an adapter changes of a matrix, a table or a norm. All 0 where it changes nothing. */
struct Change {
  const uchar* down;    // rank rows, each from a multiple of 16 bytes on; of a table a row for each token
  const uchar* up;      // for each 16 bytes of the rank a plane of outputs; 0: `down` has rows that take others' places
  const uchar* whole;   // another matrix, row by row, each from a multiple of 16 bytes on
  const float* gain;    // a factor for each output; of a norm the weight
  const float* shift;   // a summand for each output; of a norm the bias
  const int* replaced;  // the numbers of rows that `down` has others for
  int rank, type, wholeType; // types: 0 float, 1 f16, 2 bf16
  float scale;

  __device__ __forceinline__ bool apart() const { return gain || whole || replaced; }
  __device__ __forceinline__ bool any() const { return down || apart() || shift; }
};

/** A matrix of a product. */
struct Site {
  const float* bias;       // the model's, or 0
  int number;              // among all that adapters can change
  int column, outputs, at; // its outputs in rows of y, and where its numbers begin in rows of `thin`
};

/**
 * The rows of a kind that have adapters: how many tiles there are, in 16 bytes, then the tiles, whose rows have one adapter each. All that was copied
 * before the first kernel: it may be read without waiting.
 */
struct Tile {
  const int* at; // how many rows, the slot of their adapter, how many rows tiles before have, and the numbers of these rows
  int rows, slot, start;

  static constexpr int HEAD = 4, INTS = HEAD + ADAPTER_TILE;
  __device__ __forceinline__ Tile(const int* tiles, int i) : at(tiles + HEAD + i * INTS) {
    int4 v = *(const int4*)at;
    rows = v.x, slot = v.y, start = v.z;
  }
  __device__ __forceinline__ int row(int i) const { return at[HEAD + i]; }
};

/** Sixteen bytes of a matrix as floats. */
template <class T> struct Lane;
template <> struct Lane<float> {
  static constexpr int N = 4;
  static __device__ __forceinline__ void floats(uint4 v, float* f) {
    f[0] = __uint_as_float(v.x), f[1] = __uint_as_float(v.y), f[2] = __uint_as_float(v.z), f[3] = __uint_as_float(v.w);
  }
};
template <> struct Lane<__half> {
  static constexpr int N = 8;
  static __device__ __forceinline__ void floats(uint4 v, float* f) {
    float2 a = half2_bits(v.x), b = half2_bits(v.y), c = half2_bits(v.z), d = half2_bits(v.w);
    f[0] = a.x, f[1] = a.y, f[2] = b.x, f[3] = b.y, f[4] = c.x, f[5] = c.y, f[6] = d.x, f[7] = d.y;
  }
};
template <> struct Lane<bf16> {
  static constexpr int N = 8;
  static __device__ __forceinline__ void floats(uint4 v, float* f) {
    float2 a = bf16x2_bits(v.x), b = bf16x2_bits(v.y), c = bf16x2_bits(v.z), d = bf16x2_bits(v.w);
    f[0] = a.x, f[1] = a.y, f[2] = b.x, f[3] = b.y, f[4] = c.x, f[5] = c.y, f[6] = d.x, f[7] = d.y;
  }
};

/** Bytes from a row of so many values to the next. */
template <class T> __device__ __forceinline__ long long pitch(int cols) { return (long long)ceil_div(cols, Lane<T>::N) * 16; }

/** A value of a row. */
template <class T> __device__ __forceinline__ float value(const uchar* m, int cols, long long row, int col) {
  return to_float(((const T*)(m + row * pitch<T>(cols)))[col]);
}
__device__ __forceinline__ float value_of(int type, const uchar* m, int cols, long long row, int col) {
  return type == 0 ? value<float>(m, cols, row, col) : type == 1 ? value<__half>(m, cols, row, col) : value<bf16>(m, cols, row, col);
}
