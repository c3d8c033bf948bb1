// What a warp does with 16 positions for up to eight heads that share them: scores are keys times queries, sums values times weights.
#pragma once
#include "attention/mma.cuh"

/** 16 rows of D numbers in shared memory; chunks of 8 stand at their number xor the row's lower three bits. */
template <int D> struct Chunks {
  static constexpr int BYTES = 16 * D * 2;
  static __device__ __forceinline__ int at(int row, int c) { return row * D * 2 + ((c ^ (row & 7)) << 4); }
};

/** A lane's part of the query of head lane / 4: as two numbers of 16 bits, which times `power` are the query. */
template <class T, int D> struct Queries {
  unsigned high[D / 8], low[D / 8];
  float power;

  /** From floats in shared memory, of which so many are there, times a scale. */
  __device__ __forceinline__ void load(const float* from, int dimensions, float scale) {
    auto pair = [&](int i) { // of 8 dimensions
      int at = 8 * i + 2 * (threadIdx.x & 3);
      return at < dimensions ? make_float2(from[at] * scale, from[at + 1] * scale) : make_float2(0.f, 0.f);
    };
    float most = 0.f;
#pragma unroll
    for (int i = 0; i < D / 8; i++) most = fmaxf(most, fmaxf(fabsf(pair(i).x), fabsf(pair(i).y)));
    int e = exponent_of(warp_max<4>(most));
    float by = power_of_two(-e);
    power = power_of_two(e);
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
      float2 v = pair(i);
      split16<T>(v.x * by, v.y * by, high[i], low[i]);
    }
  }
};

  /** A warp's softmax and sums; a lane has heads 2 (lane % 4) and the next. */
template <int D> struct Sums {
  float highest[2], total[2], o[D / 16][4];
  __device__ __forceinline__ void clear() {
    highest[0] = highest[1] = -INFINITY, total[0] = total[1] = 0.f;
#pragma unroll
    for (int m = 0; m < D / 16; m++) o[m][0] = o[m][1] = o[m][2] = o[m][3] = 0.f;
  }
};

/** Takes in 16 positions from `base` on, of which those from `from` to `to` count; their keys, and behind them their values, are in shared memory. */
template <class T, int D>
__device__ __forceinline__ void attend16(Sums<D>& a, const Queries<T, D>& q, unsigned keys, int base, int from, int to, float softCap) {
  int lane = threadIdx.x & 31;
  float high[4] = {}, low[4] = {};
#pragma unroll
  for (int k = 0; k < D / 16; k++) {
    unsigned rows[4];
    read4(rows, keys + Chunks<D>::at(lane % 16, 2 * k + lane / 16));
    multiply<T>(high, rows, q.high[2 * k], q.high[2 * k + 1]);
    multiply<T>(low, rows, q.low[2 * k], q.low[2 * k + 1]);
  }
  float factor[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float power = __shfl_sync(ALL, q.power, 4 * (2 * (lane & 3) + h)), most = -INFINITY;
#pragma unroll
    for (int i = h; i < 4; i += 2) {
      int p = base + lane / 4 + i / 2 * 8;
      float x = (high[i] + low[i]) * power;
      if (softCap > 0.f) x = soft_cap(x, softCap);
      high[i] = p >= from && p <= to ? x * LOG2E : -INFINITY;
      most = fmaxf(most, high[i]);
    }
#pragma unroll
    for (int o = 4; o < 32; o <<= 1) most = fmaxf(most, __shfl_xor_sync(ALL, most, o));
    float now = fmaxf(a.highest[h], most), under = now == -INFINITY ? 0.f : now;
    factor[h] = exp2_fast(a.highest[h] - under);
    a.highest[h] = now;
    high[h] = exp2_fast(high[h] - under), high[h + 2] = exp2_fast(high[h + 2] - under);
    a.total[h] = a.total[h] * factor[h] + high[h] + high[h + 2];
  }
  unsigned w[2], rest[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    split16<T>(high[2 * i], high[2 * i + 1], w[i], rest[i]);
    w[i] = turned(w[i]), rest[i] = turned(rest[i]);
  }
#pragma unroll
  for (int m = 0; m < D / 16; m++) {
    unsigned rows[4];
    read4_turned(rows, keys + Chunks<D>::BYTES + Chunks<D>::at(lane % 8 + lane / 16 * 8, 2 * m + lane / 8 % 2));
    a.o[m][0] *= factor[0], a.o[m][1] *= factor[1], a.o[m][2] *= factor[0], a.o[m][3] *= factor[1];
    multiply<T>(a.o[m], rows, w[0], w[1]);
    multiply<T>(a.o[m], rows, rest[0], rest[1]);
  }
}
