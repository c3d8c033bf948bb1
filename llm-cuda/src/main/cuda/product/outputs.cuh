// Where results of products by many rows go, and how tiles of them are shared out.
#pragma once
#include "common/common.cuh"

/** y = scale of the row * product + bias + residual, each of them if it is there; or act(gate) * up of two products. */
struct Outputs {
  const float *scale, *bias, *residual;
  int ldr;
  float* y;
  int ldy, N, rows, act;

  __device__ __forceinline__ bool gated() const { return act >= 0; }
  /** Outputs to which the tile of `width` columns of products belongs, and where it starts in the matrix for its second half. */
  __device__ __forceinline__ int columns(int width) const { return gated() ? width / 2 : width; }
  __device__ __forceinline__ int half(int n0, int width) const { return n0 + (gated() ? N : width / 2); }
  /** Whether pairs of neighbours that begin at an even column can be read and written at once. */
  __device__ __forceinline__ bool pairs() const {
    return (((unsigned long long)y | (unsigned long long)residual | (unsigned long long)bias) & 7) == 0 && ((ldy | ldr) & 1) == 0;
  }
  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : 1.f; }

  /**
   * Writes P pairs of row m, whose columns are n, n + step and so on; n is even. `whole`: all of them are there, and pairs can be written at once.
   * Residuals are read before anything is written: y may be theirs.
   */
  template <int P> __device__ __forceinline__ void put(int m, int n, int step, float2 (&v)[P], bool whole) const {
    if (m >= rows) return;
    const float* r = residual + (long long)m * ldr;
    float* to = y + (long long)m * ldy;
    if (whole) {
      float2 add[P];
      if (residual) {
#pragma unroll
        for (int i = 0; i < P; i++) add[i] = __ldcg((const float2*)(r + n + step * i));
#pragma unroll
        for (int i = 0; i < P; i++) v[i].x += add[i].x, v[i].y += add[i].y;
      }
      if (bias) {
#pragma unroll
        for (int i = 0; i < P; i++) add[i] = __ldg((const float2*)(bias + n + step * i));
#pragma unroll
        for (int i = 0; i < P; i++) v[i].x += add[i].x, v[i].y += add[i].y;
      }
#pragma unroll
      for (int i = 0; i < P; i++) *(float2*)(to + n + step * i) = v[i];
      return;
    }
    if (residual) {
#pragma unroll
      for (int i = 0; i < P; i++) {
        if (n + step * i < N) v[i].x += row1(r + n + step * i);
        if (n + step * i + 1 < N) v[i].y += row1(r + n + step * i + 1);
      }
    }
    if (bias) {
#pragma unroll
      for (int i = 0; i < P; i++) {
        if (n + step * i < N) v[i].x += bias[n + step * i];
        if (n + step * i + 1 < N) v[i].y += bias[n + step * i + 1];
      }
    }
#pragma unroll
    for (int i = 0; i < P; i++) {
      if (n + step * i < N) to[n + step * i] = v[i].x;
      if (n + step * i + 1 < N) to[n + step * i + 1] = v[i].y;
    }
  }
  /** act(gate) * up; act 0 is SiLU, 1 GELU by its tanh formula, which is x / (1 + exp(-2 u)) too: both in one form, without a branch. */
  __device__ __forceinline__ float activate(float gate, float up) const {
    float first = act == 0 ? 1.f : 1.5957691216057308f, third = act == 0 ? 0.f : 1.5957691216057308f * 0.044715f;
    float t = gate * (first + third * fminf(gate * gate, 1e30f));
    return __fdividef(gate, 1.f + expf(-t)) * up;
  }
  __device__ __forceinline__ float2 activate(float2 gate, float2 up) const { return make_float2(activate(gate.x, up.x), activate(gate.y, up.y)); }
};

/** Order of tiles: down a group of at most HIGH rows of tiles, then on to the right, so that those at work at a time share rows and columns. */
template <int HIGH> struct Walk {
  int down, across;
  __device__ __forceinline__ int tiles() const { return down * across; }
  __device__ __forceinline__ int2 at(int tile) const { // row and column
    int group = tile / (HIGH * across), in = tile - group * HIGH * across, high = min(HIGH, down - group * HIGH);
    return make_int2(group * HIGH + in % high, in / high);
  }
};
