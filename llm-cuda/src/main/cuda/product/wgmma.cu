// y = residual + bias + W x for many rows x of 16 bits, on Hopper's tensor cores.
// architectures: 90a
#include "common/quads.cuh"
#include "product/tiles.cuh"

/** In this order, which keeps registers few. */
__device__ __forceinline__ float4 fetch4(const float* p) {
  float4 v;
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(p) : "memory");
  return v;
}
__device__ __forceinline__ void store4(float* p, float4 v) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(p), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
}

#ifndef FOURS_AHEAD // TRIAL
#define FOURS_AHEAD 8
#endif
/** Results as floats, or those of gated products in 16 bits. */
template <class T> struct Written : Outputs {
  float unit;  // the scale of all rows, if they have none of their own
  T* narrow;   // or 0
  int ldn;
  float shrink; // what is written there is multiplied by it

  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  /** Whether four neighbours that begin at a multiple of four can be read and written at once. */
  __device__ __forceinline__ bool fours() const {
    return (((unsigned long long)y | (unsigned long long)residual | (unsigned long long)bias) & 15) == 0 && ((ldy | ldr) & 3) == 0;
  }

  /** Asks for some of the residuals of a tile, so that they are near when they are wanted. */
  __device__ __forceinline__ void expect(int m, int n0, int high, int wide, int step, int steps) const {
    int bytes = min(wide, N - n0) / 4 * 16;
    const float* from = residual + (long long)m * ldr + n0;
    if (!residual || ((unsigned long long)from & 15) != 0 || ldr % 4 != 0 || bytes <= 0) return;
    for (int r = step; r < min(high, rows - m); r += steps) {
      asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from + (long long)r * ldr), "r"(bytes) : "memory");
    }
  }

  /** From registers: a thread has two rows, 8 apart, and a pair of every 8 columns. All lanes of a warp take part. */
  template <class, int COLUMNS> __device__ __forceinline__ void write(float (&sums)[COLUMNS / 2], int m0, int n0, int thread) const {
    int m = m0 + thread / 32 * 16 + thread % 32 / 4;
    bool whole = n0 + columns(COLUMNS) <= N;
    if (!gated() && whole && fours()) {
      write_fours<COLUMNS>(sums, m, n0);
      return;
    }
#pragma unroll
    for (int up = 0; up < 2; up++) {
      if (!gated()) write_plain<COLUMNS>(sums, m + 8 * up, n0, up, whole && pairs());
      else if (narrow) write_narrow<COLUMNS>(sums, m + 8 * up, n0, up, whole);
      else write_gated<COLUMNS>(sums, m + 8 * up, n0, up, whole && pairs());
    }
  }

  /** Residuals are on their way some time before they are wanted. */
  template <int COLUMNS> __device__ __forceinline__ void write_fours(const float (&sums)[COLUMNS / 2], int m, int n0) const {
    constexpr int AHEAD = FOURS_AHEAD, EACH = COLUMNS / 16; // fours of a row
    int lane = threadIdx.x & 3, n = n0 + lane % 2 * 8 + lane / 2 * 4;
    const float* from = residual + (long long)m * ldr + n;
    const float* below = from + 8ll * ldr;
    float* to = y + (long long)m * ldy + n;
    float by[2] = {factor(m), factor(m + 8)};
    float4 add[AHEAD];
    auto fetch = [&](int i) {
      if (residual && m + i / EACH * 8 < rows) add[i % AHEAD] = fetch4((i < EACH ? from : below) + i % EACH * 16);
    };
#pragma unroll
    for (int i = 0; i < AHEAD; i++) add[i] = make_float4(0.f, 0.f, 0.f, 0.f), fetch(i);
#pragma unroll
    for (int i = 0; i < 2 * EACH; i++) {
      int at = i % EACH * 8 + i / EACH * 2;
      float f = by[i / EACH];
      float4 v = exchange(make_float2(sums[at] * f, sums[at + 1] * f), make_float2(sums[at + 4] * f, sums[at + 5] * f)), r = add[i % AHEAD];
      v.x += r.x, v.y += r.y, v.z += r.z, v.w += r.w;
      if (i + AHEAD < 2 * EACH) fetch(i + AHEAD);
      if (i == EACH) to += 8ll * ldy;
      if (m + i / EACH * 8 >= rows) continue;
      if (bias) {
        float4 b = __ldg((const float4*)(bias + n + i % EACH * 16));
        v.x += b.x, v.y += b.y, v.z += b.z, v.w += b.w;
      }
      store4(to + i % EACH * 16, v);
    }
  }

  template <int COLUMNS>
  __device__ __forceinline__ void write_plain(const float (&sums)[COLUMNS / 2], int m, int n0, int up, bool whole) const {
    constexpr int P = 4; // pairs at a time
    float by = factor(m);
#pragma unroll
    for (int j = 0; j < COLUMNS / 8; j += P) {
      float2 v[P];
#pragma unroll
      for (int i = 0; i < P; i++) v[i] = make_float2(sums[4 * (j + i) + 2 * up] * by, sums[4 * (j + i) + 2 * up + 1] * by);
      put<P>(m, n0 + 8 * j + 2 * (threadIdx.x & 3), 8, v, whole);
    }
  }

  template <int COLUMNS>
  __device__ __forceinline__ void write_gated(const float (&sums)[COLUMNS / 2], int m, int n0, int up, bool whole) const {
    constexpr int P = 4, UP = COLUMNS / 4;
    float by = factor(m);
#pragma unroll
    for (int j = 0; j < COLUMNS / 16; j += P) {
      float2 v[P];
#pragma unroll
      for (int i = 0; i < P; i++) {
        int at = 4 * (j + i) + 2 * up;
        v[i] = activate(make_float2(sums[at] * by, sums[at + 1] * by), make_float2(sums[at + UP] * by, sums[at + 1 + UP] * by));
      }
      put<P>(m, n0 + 8 * j + 2 * (threadIdx.x & 3), 8, v, whole);
    }
  }

  /** act(gate) up for what becomes 16 bits: exponents of two are as exact as that needs. */
  __device__ __forceinline__ float activate16(float gate, float up, float first, float third) const {
    float t = gate * fmaf(third, fminf(gate * gate, 1e30f), first), e, r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(t));
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(1.f + e));
    return gate * r * up;
  }

  template <int COLUMNS>
  __device__ __forceinline__ void write_narrow(const float (&sums)[COLUMNS / 2], int m, int n0, int up, bool whole) const {
    constexpr int UP = COLUMNS / 4;
    float by = factor(m), last = by * shrink;
    float first = (act == 0 ? 1.f : 1.5957691216057308f) * -1.4426950408889634f, third = act == 0 ? 0.f : 0.044715f * first;
    int lane = threadIdx.x & 3;
#pragma unroll
    for (int j = 0; j < COLUMNS / 16; j += 4) {
      unsigned w[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int at = 4 * (j + i) + 2 * up, n = n0 + 8 * (j + i) + 2 * lane;
        float2 v = make_float2(activate16(sums[at] * by, sums[at + UP] * last, first, third),
                               activate16(sums[at + 1] * by, sums[at + 1 + UP] * last, first, third));
        if (!whole) v.x = n < N ? v.x : 0.f, v.y = n + 1 < N ? v.y : 0.f; // zeros behind the last
        w[i] = pack_two<T>(v);
      }
      uint4 all = exchange(w);
      int n = n0 + 8 * (j + lane);
      if (m < rows && n < ldn) *(uint4*)(narrow + (long long)m * ldn + n) = all;
    }
  }

  /** Two pairs of a row, from a column on and `apart` further: of a gated product those of gate and of up. */
  template <class> __device__ __forceinline__ void write_two(int m, int n, int apart, float2 (&v)[2]) const {
    float by = factor(m);
#pragma unroll
    for (int h = 0; h < 2; h++) v[h].x *= by, v[h].y *= by;
    if (!gated()) {
      put<2>(m, n, apart, v, n + apart + 1 < N && pairs());
      return;
    }
    float2 one[1] = {activate(v[0], v[1])};
    if (!narrow) {
      put<1>(m, n, 0, one, n + 1 < N && pairs());
    } else if (m < rows && n < ldn) {
      *(unsigned*)(narrow + (long long)m * ldn + n) = pack_two<T>(make_float2(n < N ? one[0].x * shrink : 0.f, n + 1 < N ? one[0].y * shrink : 0.f));
    }
  }
};

#define KERNEL(FMT, T, NAME, COLUMNS, PAIR, SPLIT, STAGES, STEP, TILE)                                                                        \
  extern "C" __global__ void __cluster_dims__(PAIR* SPLIT, 1, 1) __launch_bounds__(THREADS, 1) wgmma_##FMT##_##NAME(                         \
      const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float* scale, const float* bias, const float* residual,  \
      int ldr, float* y, int ldy, int N, int K, int rows, int pieces, int act, float unit, T* narrow, int ldn, float shrink) {                 \
    Written<T> out = {{scale, bias, residual, ldr, y, ldy, N, rows, act}, unit, narrow, ldn, shrink};                                          \
    product<T, Kind<COLUMNS, PAIR, SPLIT, STAGES>>(a, b, out, K, pieces);                                                                      \
  }
#define EXPORT(FMT, T, NAME, COLUMNS, PAIR, SPLIT, STAGES, STEP, TILE) \
  EXPORT_SHAPE(wgmma_##NAME, THREADS, ROWS, COLUMNS, PAIR, SPLIT, Kind<COLUMNS, PAIR, SPLIT, STAGES>::SHARED_BYTES, \
               Kind<COLUMNS, PAIR, SPLIT, STAGES>::BOX_ROWS, Kind<COLUMNS, PAIR, SPLIT, STAGES>::HALVES, STEP, TILE)
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
