// How scores of tiles become weights, row by row as far as it has come, and sums of values results: by both kernels of attention of prompts on tensor
// cores.
#pragma once
#include "attention/flash.cuh"
#include "common/quads.cuh"

/** Whether scores are more than products times a number. */
__device__ __forceinline__ bool adjusts(const Flash& f) { return f.softCap > 0.f || f.slopes != nullptr; }
__device__ __forceinline__ float rounded(float x) { return __bfloat162float(__float2bfloat16_rn(x)); }

/** The softmax of a row as far as it has come. Scores times `unit` are exponents of two; `total` is the part of the thread. */
struct Softmax {
  float unit, highest = -INFINITY, total = 0.f;

  /** What is subtracted from exponents. */
  __device__ __forceinline__ float base() const { return highest == -INFINITY ? 0.f : highest * unit; }
  /** Takes in the highest score of a tile; what was summed before must be multiplied by the result. */
  __device__ __forceinline__ float raise(float most) {
    float before = highest;
    highest = fmaxf(highest, most);
    float factor = highest == -INFINITY ? 1.f : exp2_fast((before - highest) * unit);
    total *= factor;
    return factor;
  }
  /** What the sums of all tiles are multiplied by in the end. */
  __device__ __forceinline__ float last_factor(const Flash& f, int head) {
    total = warp_sum<4>(total);
    if (!f.sinks) return 1.f / total;
    float sink = f.sinks[head] * LOG2E, mine = base(), most = fmaxf(sink, mine), factor = exp2_fast(mine - most);
    return factor / (total * factor + exp2_fast(sink - most));
  }
};

/** The head of a row. */
__device__ __forceinline__ int head_of(const Work& w, int r) { return w.head0 + r % w.each; }

/**
 * Scores of 16 rows and 8 J positions from `base` on, as mma leaves them, become weights. A thread has of its rows `r` and `r + 8` two neighbouring
 * positions of each 8: s[4 j], s[4 j + 1] and s[4 j + 2], s[4 j + 3]. Sums of the rows must then be multiplied by `factor`.
 */
template <int J>
__device__ __forceinline__ void soften(const Flash& f, const Work& w, const Seen* seen, int r, int base, float (&s)[4 * J], Softmax (&rows)[2],
                                       float (&factor)[2]) {
  int column = base + 2 * (threadIdx.x & 3);
  if (adjusts(f)) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      Seen mine = seen[r + 8 * h];
      if (f.softCap > 0.f) {
#pragma unroll
        for (int i = 0; i < 2 * J; i++) s[4 * (i / 2) + 2 * h + i % 2] = soft_cap(s[4 * (i / 2) + 2 * h + i % 2] * mine.power, f.softCap);
      } else {
#pragma unroll
        for (int i = 0; i < 2 * J; i++) s[4 * (i / 2) + 2 * h + i % 2] *= mine.power;
      }
      if (f.slopes) {
        float slope = f.slopes[head_of(w, r + 8 * h)];
        if (f.alibiRounded) {
#pragma unroll
          for (int i = 0; i < 2 * J; i++)
            s[4 * (i / 2) + 2 * h + i % 2] += f.alibiFactor * rounded(__fmul_rn(slope, rounded((float)(column + 8 * (i / 2) + i % 2))));
        } else {
#pragma unroll
          for (int i = 0; i < 2 * J; i++)
            s[4 * (i / 2) + 2 * h + i % 2] += f.alibiFactor * (slope * (float)(column + 8 * (i / 2) + i % 2 - mine.to));
        }
      }
    }
  }
  if (base + 8 * J - 1 > w.allTo || base < w.allFrom) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      Seen mine = seen[r + 8 * h];
#pragma unroll
      for (int i = 0; i < 2 * J; i++) {
        int position = column + 8 * (i / 2) + i % 2;
        if (position < mine.from || position > mine.to) s[4 * (i / 2) + 2 * h + i % 2] = -INFINITY;
      }
    }
  }
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float most = -INFINITY;
#pragma unroll
    for (int i = 0; i < 2 * J; i++) most = fmaxf(most, s[4 * (i / 2) + 2 * h + i % 2]);
    factor[h] = rows[h].raise(warp_max<4>(most));
    float unit = rows[h].unit, under = rows[h].base(), total = 0.f;
#pragma unroll
    for (int i = 0; i < 2 * J; i++) {
      float& x = s[4 * (i / 2) + 2 * h + i % 2];
      x = exp2_fast(fmaf(x, unit, -under));
      total += x;
    }
    rows[h].total += total;
  }
}

/** Weights of 16 rows and 16 positions from 16 k on as the first factor of a product. */
template <class T, int J> __device__ __forceinline__ void weights16(unsigned (&a)[4], const float (&s)[4 * J], int k) {
#pragma unroll
  for (int i = 0; i < 4; i++) a[i] = pack16<T>(s[8 * k + 2 * i], s[8 * k + 2 * i + 1]);
}

/** Writes what a thread has of two rows: neighbouring dimensions of each 8. */
template <int J>
__device__ __forceinline__ void write_rows(const Flash& f, const Work& w, int r, const float (&o)[4 * J], Softmax (&rows)[2]) {
  int lane = threadIdx.x & 3;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    int mine = r + 8 * h;
    bool there = mine < w.rows;
    float by = rows[h].last_factor(f, there ? head_of(w, mine) : w.head0);
    long long at = there ? (long long)(w.row0 + mine / w.each) * f.ldy + head_of(w, mine) * f.headDim : 0;
    if (f.yKind == 0) {
      float* y = (float*)f.y + at + 2 * lane;
#pragma unroll
      for (int j = 0; j < J; j++)
        if (there && 8 * j < f.headDim) *(float2*)(y + 8 * j) = make_float2(o[4 * j + 2 * h] * by, o[4 * j + 2 * h + 1] * by);
      continue;
    }
    unsigned short* y = (unsigned short*)f.y + at + 8 * lane;
#pragma unroll
    for (int j = 0; j < J; j += 4) {
      unsigned two[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        float2 v = make_float2(o[4 * (j + i) + 2 * h] * by, o[4 * (j + i) + 2 * h + 1] * by);
        two[i] = f.yKind == 1 ? pack_two<__half>(v) : pack_two<bf16>(v);
      }
      uint4 eight = exchange(two);
      if (there && 8 * (j + lane) < f.headDim) *(uint4*)(y + 8 * j) = eight;
    }
  }
}
