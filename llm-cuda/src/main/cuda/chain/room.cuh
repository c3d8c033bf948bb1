// What tasks of a chain leave for later ones, and how the vector of a product is filled with it.
#pragma once
#include "chain/ring.cuh"

/**
 * Values that one task of a chain leaves for others stand in a room that was full of ones before the launch: no result looks so, and a value is
 * there as soon as it looks different. Whoever needs it looks until then; nobody waits for anybody else.
 */
static constexpr unsigned ABSENT = 0xffffffffu;
__device__ __forceinline__ bool absent(float v) { return __float_as_uint(v) == ABSENT; }
__device__ __forceinline__ bool absent(float4 v) { return absent(v.x) || absent(v.y) || absent(v.z) || absent(v.w); }
__device__ __forceinline__ float4 look4(const float* p) {
  float4 v;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(p) : "memory");
  return v;
}
__device__ __forceinline__ float look(const float* p) {
  float v;
  asm volatile("ld.relaxed.gpu.global.f32 %0, [%1];" : "=f"(v) : "l"(p) : "memory");
  return v;
}
/** Another number that is none, for one that looks absent. */
__device__ __forceinline__ float visible(float v) { return absent(v) ? __uint_as_float(0x7fffffffu) : v; }
__device__ __forceinline__ void show(float* p, float v) {
  asm volatile("st.relaxed.gpu.global.f32 [%0], %1;" ::"l"(p), "f"(visible(v)) : "memory");
}

/**
 * Rows that meet blocks are brought to 8 bits once, by warps that attend, and shown as records: 32 bytes, turned so that none looks absent, a scale,
 * the sum, and the sum of squares of what they were before the norm's weights. `records`: the first 16 bytes of all, then the others, then the rest.
 */
static constexpr unsigned TURNED = 0x7f7f7f7fu;
static constexpr int SUM_ZERO = 8192;
__device__ __forceinline__ void make_records(const float* x, bool fresh, const float* norm, int chunks, float* records, int warp) {
  int lane = threadIdx.x & 31;
#pragma unroll 1
  for (int c = blockIdx.x + gridDim.x * warp; c < chunks; c += gridDim.x * ATTEND_WARPS) {
    float w = norm ? __ldg(norm + 32 * c + lane) : 1.f, v = look(x + 32 * c + lane);
    if (fresh)
      while (absent(v)) v = look(x + 32 * c + lane);
    __syncwarp();
    float squares = norm ? warp_sum(v * v) : 0.f;
    v *= w;
    float m = warp_max(fabsf(v)), inverse = m == 0.f ? 0.f : __fdiv_rn(127.f, m);
    int q = __float2int_rn(v * inverse), sum = warp_sum(q), word = q & 255;
    word |= __shfl_down_sync(ALL, word, 1) << 8;
    word |= __shfl_down_sync(ALL, word, 2) << 16;
    float* to = records + 4 * (c + (lane & 16 ? chunks : 0)) + (lane >> 2 & 3);
    if ((lane & 3) == 0) asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(to), "r"((unsigned)word ^ TURNED) : "memory");
    if (lane == 0) {
      float d = visible(__fdiv_rn(m, 127.f)), s = visible(squares);
      asm volatile("st.relaxed.gpu.global.v4.f32 [%0], {%1, %2, %3, %3};" ::"l"(records + 4 * (2 * chunks + c)), "f"(d),
                   "f"(__int_as_float(sum + SUM_ZERO)), "f"(s)
                   : "memory");
    }
  }
}

/** Looks at numbers of a row until they are there, N times four at a time, `stride` times four from each other; none from the end of the row on. */
template <int N> __device__ __forceinline__ void await_all(float4 (&v)[N], const float4* row, int first, int stride, int end) {
  bool missing = true;
  while (missing) {
    missing = false;
#pragma unroll
    for (int j = 0; j < N; j++)
      if (first + j * stride < end && absent(v[j])) v[j] = look4((const float*)(row + first + j * stride)), missing = true;
  }
  __syncwarp();
}
/**
 * Fills the vector: with records, or with a row times `norm` if that is there; `fresh`: it may not be there yet. Returns what results are to be
 * multiplied by, which with a norm is the inverse of the root of the mean of squares. `room`: a float for each warp.
 */
template <class F>
__device__ __forceinline__ float fill(const Vector<F>& v, const float* row, bool fresh, const float* norm, float eps, int K, float* room) {
  constexpr int BATCH = 4, STRIDE = BATCH * RING_CONSUMERS;
  int t = threadIdx.x, lane = t & 31;
  float sum = 0.f;
  if constexpr (F::BYTES) {
    int all = 3 * v.chunks;
    const float4* from = (const float4*)row;
    float4 x[BATCH];
#pragma unroll 1
    for (int start = t; start - lane < all || start == t; start += STRIDE) {
#pragma unroll
      for (int j = 0; j < BATCH; j++)
        if (start + j * RING_CONSUMERS < all) x[j] = look4((const float*)(from + start + j * RING_CONSUMERS));
      await_all(x, from, start, RING_CONSUMERS, all);
      if (start == t) consumers(); // the vector before has been read
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int i = start + j * RING_CONSUMERS;
        if (i < 2 * v.chunks) {
          unsigned q[4] = {__float_as_uint(x[j].x), __float_as_uint(x[j].y), __float_as_uint(x[j].z), __float_as_uint(x[j].w)};
          ((uint4*)v.at)[i] = make_uint4(q[0] ^ TURNED, q[1] ^ TURNED, q[2] ^ TURNED, q[3] ^ TURNED);
        } else if (i < all) {
          ((Scale*)(v.at + 32ll * v.chunks))[i - 2 * v.chunks] = Scale{x[j].x, __float_as_int(x[j].y) - SUM_ZERO};
          sum += x[j].z;
        }
      }
    }
  } else {
    int all = ceil_div(v.chunks * F::Read::K_CHUNK, 4);
    const float4 *from = (const float4*)row, *weights = (const float4*)norm;
    float4 x[BATCH];
#pragma unroll 1
    for (int start = t; start - lane < all || start == t; start += STRIDE) {
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int i = start + j * RING_CONSUMERS; // rows may be read up to a multiple of four
        x[j] = 4 * i < K ? look4((const float*)(from + i)) : make_float4(0.f, 0.f, 0.f, 0.f);
      }
      if (fresh) await_all(x, from, start, RING_CONSUMERS, ceil_div(K, 4));
      if (start == t) consumers(); // the vector before has been read
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int i = start + j * RING_CONSUMERS, left = K - 4 * i;
        float4 y = x[j];
        if (left < 4) y.w = 0.f, y.z = left < 3 ? 0.f : y.z, y.y = left < 2 ? 0.f : y.y;
        if (norm) {
          float4 w = left >= 4 ? __ldg(weights + i) : weight4(norm, 4 * i, K);
          sum += y.x * y.x + y.y * y.y + y.z * y.z + y.w * y.w;
          y = make_float4(y.x * w.x, y.y * w.y, y.z * w.z, y.w * w.w);
        }
        if (i < all) v.put4(i, y);
      }
    }
  }
  if (norm) {
    sum = warp_sum(sum);
    if (lane == 0) room[t >> 5] = sum;
  }
  consumers();
  if (!norm) return 1.f;
  sum = 0.f;
#pragma unroll
  for (int i = 0; i < RING_WARPS; i++) sum += room[i];
  return 1.f / sqrtf(sum / K + eps);
}
