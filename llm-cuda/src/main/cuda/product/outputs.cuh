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
      if (residual) {
        float2 add[P];
#pragma unroll
        for (int i = 0; i < P; i++) add[i] = __ldcg((const float2*)(r + n + step * i));
#pragma unroll
        for (int i = 0; i < P; i++) v[i].x += add[i].x, v[i].y += add[i].y;
      }
      if (bias) {
#pragma unroll
        for (int i = 0; i < P; i++) {
          float2 add = __ldg((const float2*)(bias + n + step * i));
          v[i].x += add.x, v[i].y += add.y;
        }
      }
#pragma unroll
      for (int i = 0; i < P; i++) *(float2*)(to + n + step * i) = v[i];
    } else {
#pragma unroll
      for (int i = 0; i < P; i++) {
        int c = n + step * i;
        if (c < N) to[c] = v[i].x + (residual ? row1(r + c) : 0.f) + (bias ? bias[c] : 0.f);
        if (c + 1 < N) to[c + 1] = v[i].y + (residual ? row1(r + c + 1) : 0.f) + (bias ? bias[c + 1] : 0.f);
      }
    }
  }
  /** act(gate) * up; act 0 is SiLU, 1 GELU by its tanh formula, which is x / (1 + exp(-2 u)) too. */
  __device__ __forceinline__ float activate(float gate, float up) const {
    float t = act == 0 ? gate : 1.5957691216057308f * (gate + 0.044715f * gate * gate * gate);
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
