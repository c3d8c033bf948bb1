// What a warp does with 32 positions for up to eight heads that share them: scores are keys times queries, sums values times weights. Queries and
// weights go in as two numbers of 16 bits each, so that little more than keys and values is rounded.
#pragma once
#include "attention/mma.cuh"

static constexpr int HEADS = 8, GROUP = 16, STEP = 2 * GROUP; // heads together; positions that are copied together, and taken in

/** The lane, read anew wherever it is asked for: what is computed from it is not kept in registers from one place to the next. */
__device__ __forceinline__ int lane_here() {
  int lane;
  asm volatile("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
}

/** 16 rows of D numbers in shared memory, keys and behind them values; chunks of 8 stand at their number xor the row's lower three bits. */
template <int D> struct Group {
  static constexpr int HALF = GROUP * D * 2, BYTES = 2 * HALF;
  static __device__ __forceinline__ int at(int row, int c) { return row * D * 2 + ((c ^ (row & 7)) << 4); }
};

/** Queries of up to eight heads in shared memory as lanes want them: two numbers of 16 bits, which times `power` are the query. */
template <class T, int D> struct SharedQueries {
  static constexpr int ROW = D / 2 + 8; // pairs of numbers of a head, and room between
  unsigned high[HEADS * ROW], low[HEADS * ROW];
  float power[HEADS];

  /** Half `d % 2` of pair `d / 8` of lane `d % 8 / 2` of the head's four is dimension d. */
  static __device__ __forceinline__ int at(int d) { return (d % 8 / 2 * (D / 8) + d / 8) * 2 + d % 2; }

  /** A head of which a lane has D / 64 pairs, at dimensions that `dims(pair, first, second)` tells; by a warp. */
  template <class Dims> __device__ __forceinline__ void put(int head, float (&x)[D / 64], float (&y)[D / 64], Dims dims, float scale) {
    float most = 0.f;
#pragma unroll
    for (int k = 0; k < D / 64; k++) x[k] *= scale, y[k] *= scale, most = fmaxf(most, fmaxf(fabsf(x[k]), fabsf(y[k])));
    int e = exponent_of(warp_max(most));
    float by = power_of_two(-e);
    if (lane_here() == 0) power[head] = power_of_two(e);
    unsigned short *hs = (unsigned short*)(high + head * ROW), *ls = (unsigned short*)(low + head * ROW);
#pragma unroll
    for (int k = 0; k < D / 64; k++) {
      int a, b;
      dims(k, a, b);
      unsigned h, l;
      split16<T>(x[k] * by, y[k] * by, h, l);
      if (a < D) hs[at(a)] = (unsigned short)h, ls[at(a)] = (unsigned short)l;
      if (b < D) hs[at(b)] = (unsigned short)(h >> 16), ls[at(b)] = (unsigned short)(l >> 16);
    }
  }
};

/** A lane's part of the query of head lane / 4. */
template <class T, int D> struct Queries {
  unsigned high[D / 8], low[D / 8];
  float power[2]; // of heads 2 (lane % 4) and the next

  __device__ __forceinline__ void load(const SharedQueries<T, D>& from, int heads) {
    int lane = lane_here(), at = lane / 4 * from.ROW + (lane & 3) * (D / 8), pair = 2 * (lane & 3);
#pragma unroll
    for (int i = 0; i < D / 8; i += 4) {
      uint4 h = make_uint4(0, 0, 0, 0), l = h;
      if (lane / 4 < heads) h = *(const uint4*)(from.high + at + i), l = *(const uint4*)(from.low + at + i);
      high[i] = h.x, high[i + 1] = h.y, high[i + 2] = h.z, high[i + 3] = h.w;
      low[i] = l.x, low[i + 1] = l.y, low[i + 2] = l.z, low[i + 3] = l.w;
    }
    power[0] = pair < heads ? from.power[pair] : 1.f, power[1] = pair + 1 < heads ? from.power[pair + 1] : 1.f;
  }
};

/** By what two sums of weighted values are multiplied that are put together, and the highest exponent of both. */
struct Joint {
  float highest, first, second;
  __device__ __forceinline__ Joint(float a, float b) {
    highest = fmaxf(a, b);
    float under = highest == -INFINITY ? 0.f : highest;
    first = exp2_fast(a - under), second = exp2_fast(b - under);
  }
  __device__ __forceinline__ float operator()(float a, float b) const { return __fmaf_rn(second, b, __fmul_rn(first, a)); }
};

/** A warp's softmax and sums; a lane has heads 2 (lane % 4) and the next. */
template <int D> struct Sums {
  float highest[2], total[2], o[D / 16][4];

  __device__ __forceinline__ void clear() {
    highest[0] = highest[1] = -INFINITY, total[0] = total[1] = 0.f;
#pragma unroll
    for (int m = 0; m < D / 16; m++) o[m][0] = o[m][1] = o[m][2] = o[m][3] = 0.f;
  }
  /** Behind the last positions: sums of weights over the lanes of a head. */
  __device__ __forceinline__ void end() {
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int o = 4; o < 32; o <<= 1) total[h] += __shfl_xor_sync(ALL, total[h], o);
  }
  /** Puts the sums of positions behind its own to them. */
  __device__ __forceinline__ void join(const Sums& b) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      Joint joint(highest[h], b.highest[h]);
      highest[h] = joint.highest, total[h] = joint(total[h], b.total[h]);
#pragma unroll
      for (int m = 0; m < D / 16; m++) o[m][h] = joint(o[m][h], b.o[m][h]), o[m][h + 2] = joint(o[m][h + 2], b.o[m][h + 2]);
    }
  }
  /** `put(head, dimension, value)` for each value of the lane, `state(head, highest, total)` once for each of so many heads. */
  template <class Put, class State> __device__ __forceinline__ void each(int heads, Put put, State state) const {
    int lane = lane_here(), pair = 2 * (lane & 3);
#pragma unroll
    for (int h = 0; h < 2; h++)
      if (pair + h < heads) {
#pragma unroll
        for (int i = 0; i < D / 8; i++) put(pair + h, i / 2 * 16 + lane / 4 + i % 2 * 8, o[i / 2][h + i % 2 * 2]);
        if (lane < 4) state(pair + h, highest[h], total[h]);
      }
  }
};

/** Takes in 32 positions from `base` on, of which those from `from` to `to` count, from two groups in shared memory. */
template <class T, int D>
__device__ __forceinline__ void attend32(Sums<D>& a, const Queries<T, D>& q, unsigned group0, unsigned group1, int base, int from, int to,
                                         float softCap) {
  int lane = threadIdx.x & 31;
  float x[2][4];
#pragma unroll
  for (int g = 0; g < 2; g++) {
    unsigned at[4];
#pragma unroll
    for (int k = 0; k < 4; k++) at[k] = (g ? group1 : group0) + Group<D>::at(lane % 16, 2 * k + lane / 16);
    float high[4] = {}, low[4] = {};
#pragma unroll
    for (int k = 0; k < D / 16; k++) {
      unsigned rows[4];
      read4(rows, at[k % 4] + k / 4 * 128);
      multiply<T>(high, rows, q.high[2 * k], q.high[2 * k + 1]);
      multiply<T>(low, rows, q.low[2 * k], q.low[2 * k + 1]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) x[g][i] = high[i] + low[i];
  }
  bool all = base >= from && base + STEP - 1 <= to;
  float factor[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float most = -INFINITY, by = softCap > 0.f ? q.power[h] : q.power[h] * LOG2E;
#pragma unroll
    for (int g = 0; g < 2; g++)
#pragma unroll
      for (int i = h; i < 4; i += 2) {
        float v = x[g][i] * by;
        if (softCap > 0.f) v = soft_cap(v, softCap) * LOG2E;
        int p = base + GROUP * g + lane / 4 + i / 2 * 8;
        if (!all) v = p >= from && p <= to ? v : -INFINITY;
        x[g][i] = v, most = fmaxf(most, v);
      }
#pragma unroll
    for (int o = 4; o < 32; o <<= 1) most = fmaxf(most, __shfl_xor_sync(ALL, most, o));
    float now = fmaxf(a.highest[h], most), under = now == -INFINITY ? 0.f : now, sum = 0.f;
    factor[h] = exp2_fast(a.highest[h] - under);
    a.highest[h] = now;
#pragma unroll
    for (int g = 0; g < 2; g++) {
      x[g][h] = exp2_fast(x[g][h] - under), x[g][h + 2] = exp2_fast(x[g][h + 2] - under);
      sum += x[g][h] + x[g][h + 2];
    }
    a.total[h] = a.total[h] * factor[h] + sum;
  }
  unsigned w[2][2], rest[2][2];
#pragma unroll
  for (int g = 0; g < 2; g++)
#pragma unroll
    for (int i = 0; i < 2; i++) {
      split16<T>(x[g][2 * i], x[g][2 * i + 1], w[g][i], rest[g][i]);
      w[g][i] = turned(w[g][i]), rest[g][i] = turned(rest[g][i]);
    }
  if (__any_sync(ALL, factor[0] != 1.f || factor[1] != 1.f)) {
#pragma unroll
    for (int m = 0; m < D / 16; m++) a.o[m][0] *= factor[0], a.o[m][1] *= factor[1], a.o[m][2] *= factor[0], a.o[m][3] *= factor[1];
  }
#pragma unroll
  for (int g = 0; g < 2; g++) {
    unsigned at[4];
#pragma unroll
    for (int k = 0; k < 4; k++)
      at[k] = (g ? group1 : group0) + Group<D>::HALF + Group<D>::at(lane % 8 + lane / 16 * 8, 2 * k + lane / 8 % 2);
#pragma unroll
    for (int m = 0; m < D / 16; m++) {
      unsigned rows[4];
      read4_turned(rows, at[m % 4] + m / 4 * 128);
      multiply<T>(a.o[m], rows, w[g][0], w[g][1]);
      multiply<T>(a.o[m], rows, rest[g][0], rest[g][1]);
    }
  }
}
