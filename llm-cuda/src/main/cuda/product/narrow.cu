// Operands of 16 bits for products by many rows on tensor cores: rows of floats in one piece, or in two that together have twice the bits; and
// matrices of blocks.
#include "common/formats.cuh"
#include "common/layout.cuh"
#include "product/halves.cuh"

/** Most threads for a row, of which each holds four values so many times; and columns to which pieces are rounded up. */
static constexpr int MOST_THREADS = 1024, HELD = 4, ALIGN = 64;
static constexpr int EXPAND_THREADS = 256;
/** Rows of f16 are multiplied by a power of two so that their largest magnitude is below 2 to this, far from what is too large and too small. */
static constexpr int LARGEST = 15;

/** Four values of 16 bits, and what is left of them. */
template <class T> __device__ __forceinline__ uint2 four(float4& v) {
  T h[4] = {from_float<T>(v.x), from_float<T>(v.y), from_float<T>(v.z), from_float<T>(v.w)};
  v = make_float4(v.x - to_float(h[0]), v.y - to_float(h[1]), v.z - to_float(h[2]), v.w - to_float(h[3]));
  uint2 bits;
  memcpy(&bits, h, 8);
  return bits;
}

/** A power of two; e is that of a normal number. */
__device__ __forceinline__ float power(int e) { return __int_as_float((e + 127) << 23); }

__device__ __forceinline__ float largest(float m, float4 v) {
  return fmaxf(fmaxf(m, fmaxf(fabsf(v.x), fabsf(v.y))), fmaxf(fabsf(v.z), fabsf(v.w)));
}

/** The scale of the block's row by the largest magnitude that each thread has seen; returns what values are multiplied by. */
__device__ __forceinline__ float scaling(float m, float* room, float* scale) {
  m = warp_max(m);
  if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = m;
  __syncthreads();
  m = warp_max((threadIdx.x & 31) < blockDim.x >> 5 ? room[threadIdx.x & 31] : 0.f);
  int e = 0;
  if (m > 0.f && m < INFINITY) e = max((int)(__float_as_uint(m) >> 23) - 126, -110) - LARGEST; // m is below 2 to e + LARGEST
  if (threadIdx.x == 0) scale[blockIdx.x] = power(e);
  return power(-e);
}

/**
 * Pieces of a row, side by side, each with its columns rounded up to ALIGN and zeros there: their sum is x / scale. bf16 needs no scale. Threads of a
 * block should hold the whole row; what they do not is read twice.
 */
template <class T> __device__ __forceinline__ void narrow(const float* x, int ldx, T* y, int ldy, float* scale, int K, int pieces) {
  __shared__ float room[MOST_THREADS / 32];
  dependents();
  wait_previous();
  const float* row = x + (long long)blockIdx.x * ldx;
  int step = 4 * blockDim.x, first = 4 * threadIdx.x, width = ceil_div(K, ALIGN) * ALIGN;
  float4 held[HELD];
#pragma unroll
  for (int i = 0; i < HELD; i++) held[i] = row4_masked(row, first + i * step, K);
  float inverse = 1.f;
  if (scale) {
    float m = 0.f;
#pragma unroll
    for (int i = 0; i < HELD; i++) m = largest(m, held[i]);
    for (int k = first + HELD * step; k < K; k += step) m = largest(m, row4_masked(row, k, K));
    inverse = scaling(m, room, scale);
  }
  T* to = y + (long long)blockIdx.x * ldy;
  auto put = [&](int k, float4 v) {
    v = make_float4(v.x * inverse, v.y * inverse, v.z * inverse, v.w * inverse);
    *(uint2*)(to + k) = four<T>(v);
    if (pieces > 1) *(uint2*)(to + width + k) = four<T>(v);
  };
#pragma unroll
  for (int i = 0; i < HELD; i++)
    if (first + i * step < width) put(first + i * step, held[i]);
  for (int k = first + HELD * step; k < width; k += step) put(k, row4_masked(row, k, K));
}
#define NARROW(FMT, T)                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(MOST_THREADS) narrow_##FMT(const float* x, int ldx, T* y, int ldy, float* scale, int K,  \
                                                                          int pieces) {                                                  \
    narrow<T>(x, ldx, y, ldy, scale, K, pieces);                                                                                          \
  }
NARROW(f16, __half)
NARROW(bf16, bf16)
EXPORT_SHAPE(narrow, MOST_THREADS, 4 * HELD, ALIGN)

/**
 * A norm of rows, or of those that an index names, whose results become one piece: of the mean of squares, or CENTRED also around the mean. Threads of
 * a block hold the whole row.
 */
template <class T, bool CENTRED>
__device__ __forceinline__ void norm(const float* x, int ldx, const int* rowIndex, const float* w, const float* b, float eps, T* y, int ldy,
                                     float* scale, int K) {
  __shared__ float room[3][MOST_THREADS / 32];
  dependents();
  int step = 4 * blockDim.x, first = 4 * threadIdx.x, r = blockIdx.x;
  float4 held[HELD], weights[HELD];
#pragma unroll
  for (int i = 0; i < HELD; i++) weights[i] = w ? weight4(w, first + i * step, K) : make_float4(1.f, 1.f, 1.f, 1.f);
  wait_previous();
  const float* row = x + (long long)(rowIndex ? max(rowIndex[r], 0) : r) * ldx;
  float sum = 0.f, mean = 0.f;
#pragma unroll
  for (int i = 0; i < HELD; i++) held[i] = row4_masked(row, first + i * step, K);
  if (CENTRED) {
#pragma unroll
    for (int i = 0; i < HELD; i++) sum += held[i].x + held[i].y + held[i].z + held[i].w;
    mean = block_sum(sum, room[0]) / K, sum = 0.f;
#pragma unroll
    for (int i = 0; i < HELD; i++) {
      int left = K - first - i * step;
      float4& v = held[i];
      v = make_float4(left > 0 ? v.x - mean : 0.f, left > 1 ? v.y - mean : 0.f, left > 2 ? v.z - mean : 0.f, left > 3 ? v.w - mean : 0.f);
    }
  }
#pragma unroll
  for (int i = 0; i < HELD; i++) sum += held[i].x * held[i].x + held[i].y * held[i].y + held[i].z * held[i].z + held[i].w * held[i].w;
  float factor = 1.f / sqrtf(block_sum(sum, room[1]) / K + eps), m = 0.f;
#pragma unroll
  for (int i = 0; i < HELD; i++) {
    float4 &v = held[i], g = weights[i];
    v = make_float4(v.x * factor * g.x, v.y * factor * g.y, v.z * factor * g.z, v.w * factor * g.w);
    if (CENTRED && b) {
      g = weight4(b, first + i * step, K);
      v = make_float4(v.x + g.x, v.y + g.y, v.z + g.z, v.w + g.w);
    }
    m = largest(m, v);
  }
  float inverse = scale ? scaling(m, room[2], scale) : 1.f;
  T* to = y + (long long)r * ldy;
#pragma unroll
  for (int i = 0; i < HELD; i++) {
    float4 v = make_float4(held[i].x * inverse, held[i].y * inverse, held[i].z * inverse, held[i].w * inverse);
    if (first + i * step < ldy) *(uint2*)(to + first + i * step) = four<T>(v);
  }
}
#define NORMS(FMT, T)                                                                                                                          \
  extern "C" __global__ void __launch_bounds__(MOST_THREADS) rms_norm_##FMT(const float* x, int ldx, const int* rowIndex, const float* w,     \
                                                                            float eps, T* y, int ldy, float* scale, int K) {                   \
    norm<T, false>(x, ldx, rowIndex, w, nullptr, eps, y, ldy, scale, K);                                                                        \
  }                                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(MOST_THREADS) layer_norm_##FMT(const float* x, int ldx, const float* w, const float* b,        \
                                                                              float eps, T* y, int ldy, float* scale, int K) {                 \
    norm<T, true>(x, ldx, nullptr, w, b, eps, y, ldy, scale, K);                                                                                \
  }
NORMS(f16, __half)
NORMS(bf16, bf16)

/** A matrix in f16, row by row without gaps; a thread takes 32 values, a warp writes them together. */
template <class F> __device__ __forceinline__ void expand(const uchar* W, int N, int K, __half* y) {
  constexpr int BLOCK_BYTES = 64, PARTS = BLOCK_BYTES / 16;
  __shared__ uint4 room[EXPAND_THREADS / 32][32 * PARTS];
  dependents();
  wait_previous();
  int nb = K / 32, lane = threadIdx.x % 32;
  long long all = (long long)N * nb, first = (long long)blockIdx.x * EXPAND_THREADS + threadIdx.x - lane, mine = first + lane;
  uint4* warp = room[threadIdx.x / 32];
  if (mine < all) {
    uint4 v[PARTS];
    halves_of<F>(W, N, K, (int)((unsigned)mine / (unsigned)nb), (int)((unsigned)mine % (unsigned)nb), v);
#pragma unroll
    for (int p = 0; p < PARTS; p++) warp[lane * PARTS + (p ^ (lane >> 1 & 3))] = v[p];
  }
  __syncwarp();
  uint4* to = (uint4*)y + first * PARTS;
#pragma unroll
  for (int i = 0; i < PARTS; i++) {
    int at = i * 32 + lane, of = at / PARTS;
    if (first + of < all) to[at] = warp[of * PARTS + (at % PARTS ^ (of >> 1 & 3))];
  }
}
#define DENSE(FMT, NUMBER, F)
#define BLOCKS(FMT, NUMBER, F)                                                                                                    \
  extern "C" __global__ void __launch_bounds__(EXPAND_THREADS) expand_##FMT(const uchar* W, int N, int K, __half* y) {          \
    expand<F>(W, N, K, y);                                                                                                       \
  }
FORMATS(DENSE, BLOCKS, BLOCKS)
EXPORT_SHAPE(expand, EXPAND_THREADS)
