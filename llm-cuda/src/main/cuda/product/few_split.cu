// Rows of floats as one or two rows of 16 bits each, for products of few rows by weights of that type: the first has what it can of a value, the
// second what is left.
#include "common/layout.cuh"
#include "product/held.cuh"
#include "product/pieces.cuh"
#include "rows/rms.cuh"

/** Threads for a row, and how many times each has four values of it; sixteen of a row of bytes. */
static constexpr int THREADS = 512, HELD = 6, BYTES_HELD = 2;
static constexpr int NORM_HELD = 4; // four columns so many times are all that a thread has of a row that is normed

/** The largest of a block's threads. */
__device__ __forceinline__ float row_max(float m, float* room) {
  m = warp_max(m);
  if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = m;
  __syncthreads();
  m = room[0];
#pragma unroll
  for (int i = 1; i < THREADS / 32; i++) m = fmaxf(m, room[i]);
  return m;
}

/** x / scale = high + low, `piece` elements behind each other, or high alone if that is 0; scales of bf16 are 1. */
template <class T, bool HELD_ORDER = false>
__device__ __forceinline__ void split_few(const float* x, int ldx, T* pieces, int ld, int piece, float* scale, int K) {
  __shared__ float room[THREADS / 32];
  dependents();
  wait_previous();
  const float* row = x + (long long)blockIdx.x * ldx;
  T* to = pieces + (long long)blockIdx.x * ld;
  float factor = 1.f;
  float4 held[HELD]; // of the row what is not read twice
#pragma unroll
  for (int i = 0; i < HELD; i++) held[i] = row4_masked(row, 4 * (threadIdx.x + i * THREADS), K);
  if constexpr (Scaled<T>::VALUE) {
    float m = 0.f;
    auto most = [&](float4 v) { m = fmaxf(m, fmaxf(fmaxf(fabsf(v.x), fabsf(v.y)), fmaxf(fabsf(v.z), fabsf(v.w)))); };
#pragma unroll
    for (int i = 0; i < HELD; i++) most(held[i]);
    for (int k = 4 * (threadIdx.x + HELD * THREADS); k < K; k += 4 * THREADS) most(row4_masked(row, k, K));
    factor = scaling(row_max(m, room));
  }
  if (threadIdx.x == 0) scale[blockIdx.x] = 1.f / factor;
  auto put = [&](int k, float4 v) {
    uint2 high, low;
    split4<T>(v, factor, high, low);
    if (HELD_ORDER) {
      __half2* first = (__half2*)(to + Held(k).first);
      first[0] = *(__half2*)&high.x, first[Held::SECOND / 2] = *(__half2*)&high.y;
      return;
    }
    *(uint2*)(to + k) = high;
    if (piece > 0) *(uint2*)(to + piece + k) = low;
  };
#pragma unroll
  for (int i = 0; i < HELD; i++)
    if (4 * (threadIdx.x + i * THREADS) < ld) put(4 * (threadIdx.x + i * THREADS), held[i]);
  for (int k = 4 * (threadIdx.x + HELD * THREADS); k < ld; k += 4 * THREADS) put(k, row4_masked(row, k, K));
}

#define SPLIT1(FMT, T)                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      split_few_##FMT(const float* x, int ldx, T* pieces, int ld, int piece, float* scale, int K) {         \
    split_few<T>(x, ldx, pieces, ld, piece, scale, K);                                                       \
  }
SPLIT1(f16, __half) SPLIT1(bf16, bf16)
/** Rows of floats as one row of f16 each, in the order of Held; zeros from K to `ld`, a multiple of 128. */
extern "C" __global__ void __launch_bounds__(THREADS)
    split_few_floats(const float* x, int ldx, __half* pieces, int ld, float* scale, int K) {
  split_few<__half, true>(x, ldx, pieces, ld, 0, scale, K);
}

/** Quantised rows as one row of f16 each, in the order of Held; zeros from K to `ld`, a multiple of 128. */
extern "C" __global__ void __launch_bounds__(THREADS)
    split_few_bytes(const signed char* q, const Scale* s, __half* pieces, int ld, float* scale, int K) {
  __shared__ float room[THREADS / 32];
  dependents();
  wait_previous();
  q += (long long)blockIdx.x * K, s += (long long)blockIdx.x * (K / 32);
  __half* to = pieces + (long long)blockIdx.x * ld;
  struct Sixteen { // four neighbours of four sub-blocks, and their scales
    int q[4];
    float d[4];
  };
  auto load = [&](int i) {
    Sixteen v;
    int k = i / 8 * HELD_COLUMNS + i % 8 * 4;
#pragma unroll
    for (int sub = 0; sub < 4; sub++) {
      bool in = i < ld / 16 && k + 32 * sub < K;
      v.q[sub] = in ? __ldcg((const int*)(q + k + 32 * sub)) : 0;
      v.d[sub] = in ? __int_as_float(__ldcg((const int2*)(s + k / 32 + sub)).x) : 0.f;
    }
    return v;
  };
  Sixteen held[BYTES_HELD]; // of the row what is not read twice
  float m = 0.f;
  auto most = [&](const Sixteen& v) { m = fmaxf(m, 127.f * fmaxf(fmaxf(v.d[0], v.d[1]), fmaxf(v.d[2], v.d[3]))); };
#pragma unroll
  for (int i = 0; i < BYTES_HELD; i++) held[i] = load(threadIdx.x + i * THREADS);
#pragma unroll
  for (int i = 0; i < BYTES_HELD; i++) most(held[i]);
  for (int i = threadIdx.x + BYTES_HELD * THREADS; i < ld / 16; i += THREADS) most(load(i));
  float factor = scaling(row_max(m, room));
  if (threadIdx.x == 0) scale[blockIdx.x] = 1.f / factor;
  auto put = [&](int i, const Sixteen& v) {
    unsigned first[4], second[4];
#pragma unroll
    for (int sub = 0; sub < 4; sub++) {
      float d = v.d[sub] * factor;
      __half2 a = __floats2half2_rn(d * (signed char)v.q[sub], d * (signed char)(v.q[sub] >> 8));
      __half2 b = __floats2half2_rn(d * (signed char)(v.q[sub] >> 16), d * (signed char)(v.q[sub] >> 24));
      first[sub] = *(unsigned*)&a, second[sub] = *(unsigned*)&b;
    }
    *(uint4*)(to + 16 * i) = make_uint4(first[0], first[1], first[2], first[3]);
    *(uint4*)(to + 16 * i + 8) = make_uint4(second[0], second[1], second[2], second[3]);
  };
#pragma unroll
  for (int i = 0; i < BYTES_HELD; i++)
    if (threadIdx.x + i * THREADS < ld / 16) put(threadIdx.x + i * THREADS, held[i]);
  for (int i = threadIdx.x + BYTES_HELD * THREADS; i < ld / 16; i += THREADS) put(i, load(i));
}

/**
 * Rows are normed, and become bytes as rms_norm leaves them, and floats if there is y, and what split_few_bytes makes of the bytes. Of up to
 * 4 * THREADS * NORM_HELD columns.
 */
extern "C" __global__ void __launch_bounds__(THREADS)
    rms_norm_laid(const float* x, int ldx, const float* w, float eps, float* y, int ldy, signed char* q, Scale* s, __half* pieces, int ld,
                  float* scale, int K) {
  __shared__ float4 room[THREADS / 128];
  __shared__ float highest[THREADS / 32];
  dependents();
  int t = threadIdx.x;
  long long r = blockIdx.x;
  float4 weights[NORM_HELD], held[NORM_HELD];
#pragma unroll
  for (int i = 0; i < NORM_HELD; i++) weights[i] = weight4(w, 4 * (t + i * THREADS), K);
  wait_previous();
  float factor = rms_factor<THREADS>(held, x + r * ldx, K, eps, room), m = 0.f, d[NORM_HELD];
  int bytes[NORM_HELD];
#pragma unroll
  for (int i = 0; i < NORM_HELD; i++) {
    int at = 4 * (t + i * THREADS);
    float4 v = held[i], g = weights[i];
    v = make_float4(v.x * factor * g.x, v.y * factor * g.y, v.z * factor * g.z, v.w * factor * g.w);
    Scale of;
    bytes[i] = quantize8x4(v, of);
    d[i] = of.d, m = fmaxf(m, 127.f * of.d);
    if (at >= K) continue;
    if (y) *(float4*)(y + r * ldy + at) = v;
    *(int*)(q + r * K + at) = bytes[i];
    if ((t & 7) == 0) s[r * (K / 32) + at / 32] = of;
  }
  float by = scaling(row_max(m, highest));
  if (t == 0) scale[r] = 1.f / by;
#pragma unroll
  for (int i = 0; i < NORM_HELD; i++) {
    int at = 4 * (t + i * THREADS);
    float unit = d[i] * by;
    __half2* first = (__half2*)(pieces + r * ld + Held(at).first);
    if (at < ld) {
      first[0] = __floats2half2_rn(unit * (signed char)bytes[i], unit * (signed char)(bytes[i] >> 8));
      first[Held::SECOND / 2] = __floats2half2_rn(unit * (signed char)(bytes[i] >> 16), unit * (signed char)(bytes[i] >> 24));
    }
  }
}
EXPORT_SHAPE(split_few, THREADS, 4 * THREADS * NORM_HELD)
