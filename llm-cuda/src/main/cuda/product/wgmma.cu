// y = residual + bias + W x for many rows x of 16 bits, on Hopper's tensor cores; or act(gate) up, as floats or in 16 bits.
// architectures: 90a
#include "common/quads.cuh"
#include "product/tiles.cuh"

/** Results as floats. */
struct Floats : Outputs {
  float unit; // the scale of all rows, if they have none of their own

  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  typedef float2 Ahead;
  __device__ __forceinline__ Ahead ahead(int m, int) const { return make_float2(factor(m), factor(m + 8)); }

  /** Asks for some of the residuals of a tile, so that they are near when they are wanted. */
  __device__ __forceinline__ void expect(int m, int n0, int high, int wide, int step, int steps) const {
    int bytes = min(wide, N - n0) / 4 * 16;
    const float* from = residual + (long long)m * ldr + n0;
    if (!residual || ((unsigned long long)from & 15) != 0 || ldr % 4 != 0 || bytes <= 0) return;
    for (int r = step; r < min(high, rows - m); r += steps) {
      asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from + (long long)r * ldr), "r"(bytes) : "memory");
    }
  }

  /** From registers: a thread has rows m and m + 8, and a pair of every 8 columns. */
  template <int COLUMNS> __device__ __forceinline__ void write(float (&sums)[COLUMNS / 2], float2 factors, int m, int n0) const {
    constexpr int BLOCKS = COLUMNS / 8, P = 8; // pairs at a time
    int column = n0 + threadIdx.x % 4 * 2;
    bool whole = pairs() && n0 + columns(COLUMNS) <= N;
#pragma unroll
    for (int up = 0; up < 2; up++) {
      float factor = up ? factors.y : factors.x;
      auto pair = [&](int block) { return make_float2(sums[4 * block + 2 * up] * factor, sums[4 * block + 2 * up + 1] * factor); };
#pragma unroll
      for (int j = 0; j < BLOCKS; j += P) {
        float2 v[P];
        if (!gated()) {
#pragma unroll
          for (int i = 0; i < P; i++) v[i] = pair(j + i);
        } else if (j < BLOCKS / 2) {
#pragma unroll
          for (int i = 0; i < P; i++) v[i] = activate(pair(j + i), pair(j + i + BLOCKS / 2));
        } else {
          break;
        }
        put<P>(m + 8 * up, column + 8 * j, 8, v, whole);
      }
    }
  }

  /** Two pairs of a row, from a column on and `apart` further: of a gated product those of gate and of up. */
  __device__ __forceinline__ void write_two(int m, int n, int apart, float2 (&v)[2]) const {
    float by = factor(m);
#pragma unroll
    for (int h = 0; h < 2; h++) v[h].x *= by, v[h].y *= by;
    if (!gated()) {
      put<2>(m, n, apart, v, n + apart + 1 < N && pairs());
      return;
    }
    float2 one[1] = {activate(v[0], v[1])};
    put<1>(m, n, 0, one, n + 1 < N && pairs());
  }
};

/** act(gate) up in 16 bits, over a number that is the same for all; zeros behind the last column. */
template <class T> struct Narrow {
  const float* scale; // or 0
  float unit;         // the scale of all rows, if they have none of their own
  T* y;
  int ldy;
  float shrink; // what results are multiplied by
  int N, rows, act;

  __device__ __forceinline__ int columns(int width) const { return width / 2; }
  __device__ __forceinline__ int half(int n0, int) const { return n0 + N; }
  __device__ __forceinline__ void expect(int, int, int, int, int, int) const {}
  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  typedef float2 Ahead;
  __device__ __forceinline__ Ahead ahead(int m, int) const { return make_float2(factor(m), factor(m + 8)); }

  /** act(g) u of two pairs; exponents of two and reciprocals are as exact as 16 bits need. Two numbers have one reciprocal. */
  template <bool SILU> static __device__ __forceinline__ float2 activate(float2 g, float2 u) {
    constexpr float FIRST = (SILU ? 1.f : 1.5957691216057308f) * -1.4426950408889634f, THIRD = 0.044715f * FIRST;
    auto power = [](float x) {
      float t = SILU ? FIRST * x : x * fmaf(THIRD, fminf(x * x, 1e30f), FIRST), e;
      asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(fminf(t, 60.f)));
      return 1.f + e;
    };
    float a = power(g.x), b = power(g.y), r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a * b));
    return make_float2(g.x * u.x * (b * r), g.y * u.y * (a * r));
  }

  template <int COLUMNS> __device__ __forceinline__ void write(float (&sums)[COLUMNS / 2], float2 factors, int m, int n0) const {
    if (act == 0) write_all<COLUMNS, true>(sums, factors, m, n0);
    else write_all<COLUMNS, false>(sums, factors, m, n0);
  }

  template <int COLUMNS, bool SILU> __device__ __forceinline__ void write_all(float (&sums)[COLUMNS / 2], float2 factors, int m, int n0) const {
    constexpr int UP = COLUMNS / 4;
    int lane = threadIdx.x & 3, left = N - n0 - 2 * lane, room = ldy - n0 - 8 * lane;
    T* to = y + (long long)m * ldy + n0 + 8 * lane;
#pragma unroll
    for (int up = 0; up < 2; up++) {
      float by = up ? factors.y : factors.x, last = by * shrink;
      bool there = m + 8 * up < rows;
#pragma unroll
      for (int j = 0; j < COLUMNS / 16; j += 4) {
        unsigned w[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int at = 4 * (j + i) + 2 * up;
          float2 v = activate<SILU>(make_float2(sums[at] * by, sums[at + 1] * by), make_float2(sums[at + UP] * last, sums[at + 1 + UP] * last));
          w[i] = pack_two<T>(v);
          if (8 * (j + i) + 1 >= left) w[i] = 8 * (j + i) >= left ? 0 : w[i] & 0xffff;
        }
        uint4 eight = exchange(w);
        if (there && 8 * j < room) *(uint4*)(to + 8 * j) = eight;
      }
      to += 8ll * ldy;
    }
  }

  __device__ __forceinline__ void write_two(int m, int n, int, float2 (&v)[2]) const {
    if (m >= rows || n >= ldy) return;
    float by = factor(m), last = by * shrink;
    float2 g = make_float2(v[0].x * by, v[0].y * by), u = make_float2(v[1].x * last, v[1].y * last);
    unsigned two = pack_two<T>(act == 0 ? activate<true>(g, u) : activate<false>(g, u));
    *(unsigned*)(y + (long long)m * ldy + n) = n + 1 < N ? two : n < N ? two & 0xffff : 0;
  }
};

#define KERNEL(FMT, T, NAME, COLUMNS, PAIR, SPLIT, STAGES, STEP, TILE)                                                                          \
  extern "C" __global__ void __cluster_dims__(PAIR* SPLIT, 1, 1) __launch_bounds__(THREADS, 1) wgmma_##FMT##_##NAME(                           \
      const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float* scale, const float* bias, const float* residual,    \
      int ldr, float* y, int ldy, int N, int K, int rows, int pieces, int act, float unit) {                                                     \
    product<T, Kind<COLUMNS, PAIR, SPLIT, STAGES>>(a, b, Floats{{scale, bias, residual, ldr, y, ldy, N, rows, act}, unit}, K, pieces);           \
  }                                                                                                                                              \
  extern "C" __global__ void __cluster_dims__(PAIR* SPLIT, 1, 1) __launch_bounds__(THREADS, 1) wgmma_narrow_##FMT##_##NAME(                    \
      const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float* scale, float unit, T* y, int ldy, float shrink,     \
      int N, int K, int rows, int act) {                                                                                                         \
    product<T, Kind<COLUMNS, PAIR, SPLIT, STAGES, COLUMNS == 256>>(a, b, Narrow<T>{scale, unit, y, ldy, shrink, N, rows, act}, K, 1);            \
  }
#define EXPORT(FMT, T, NAME, COLUMNS, PAIR, SPLIT, STAGES, STEP, TILE) \
  EXPORT_SHAPE(wgmma_##NAME, THREADS, ROWS, COLUMNS, PAIR, SPLIT, Kind<COLUMNS, PAIR, SPLIT, STAGES>::SHARED_BYTES, \
               Kind<COLUMNS, PAIR, SPLIT, STAGES, COLUMNS == 256>::BOX_ROWS, COLUMNS == 256, STEP, TILE)
#define NAME_OF(FMT, T, NAME, ...) " " #NAME
/**
 * A row each: the end of the name; columns; blocks that share rows of W; blocks that share the columns out; stages; and what Java chooses by: the
 * nanoseconds that a step of a block takes, and those of a tile besides, as measured on an H200.
 */
#define KINDS(M, FMT, T)                    \
  M(FMT, T, wide, 256, 2, 1, 4, 660, 6000)  \
  M(FMT, T, pair, 128, 2, 1, 6, 330, 7000)  \
  M(FMT, T, solo, 128, 1, 1, 6, 340, 7500)  \
  M(FMT, T, split, 128, 1, 2, 4, 340, 11000)
KINDS(KERNEL, f16, __half)
KINDS(KERNEL, bf16, bf16)
KINDS(EXPORT, , )
extern "C" __constant__ const char wgmma_kinds[] = KINDS(NAME_OF, , );
