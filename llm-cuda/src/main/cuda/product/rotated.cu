// The product of queries, keys and values for many rows x of 16 bits on Hopper's tensor cores, whose results are rotated while they are in registers:
// queries become rows of 16 bits for flash_wgmma.cu, keys and values go to their pages.
// architectures: 90a
#include "common/quads.cuh"
#include "product/tiles.cuh"

/** Cosine and sine of each angle of a row's position. */
extern "C" __global__ void __launch_bounds__(128) rope_angles(const int* positions, int half, const float* invFreq, float factor, float2* angles) {
  dependents();
  wait_previous();
  float position = (float)positions[blockIdx.x];
  for (int i = threadIdx.x; i < half; i += 128) {
    float s, c;
    sincosf(position * invFreq[i], &s, &c);
    angles[(long long)blockIdx.x * half + i] = make_float2(c * factor, s * factor);
  }
}
EXPORT_SHAPE(rope_angles, 128)

/** Where heads go. Heads have D numbers, all of which are rotated: neighbours (interleaved), or those half a head apart. */
template <class KV, int D> struct Rotated {
  static constexpr int BLOCKS = D / 8; // of 8 columns
  const float *scale, *bias;
  float unit;
  int N, rows;
  KV* q;
  int ldq;
  float qFactor;
  uchar* kv;
  long long blockBytes;
  const int* slots; // a row's place in the pages, or -1
  int blockSize, heads, kvHeads, interleaved;
  const float2* angles;
  const float *qNorm, *kNorm; // or 0
  float eps;

  __device__ __forceinline__ int columns(int width) const { return width; }
  __device__ __forceinline__ int half(int n0, int width) const { return n0 + width / 2; }
  __device__ __forceinline__ void expect(int, int, int, int, int, int) const {}

  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  /** Angles of a row: a thread meets the same of every head, two neighbours of 8 of the first half of the head, or one of 4. */
  struct Angles {
    float4 two[BLOCKS / 2];
  };
  struct Ahead {
    float2 factors;
    int2 slots;
    Angles first; // of row m
  };
  __device__ __forceinline__ void fetch(Angles& to, int m) const {
    const float* from = (const float*)(angles + (long long)min(m, rows - 1) * (D / 2));
    int lane = threadIdx.x & 3;
#pragma unroll
    for (int b = 0; b < BLOCKS / 2; b++) {
      if (interleaved) {
        float2 one = __ldcg((const float2*)from + 4 * b + lane), other = __ldcg((const float2*)from + 4 * b + lane + D / 4);
        to.two[b] = make_float4(one.x, one.y, other.x, other.y);
      } else {
        to.two[b] = row4(from + 16 * b + 4 * lane);
      }
    }
  }
  __device__ __forceinline__ Ahead ahead(int m, int n0) const {
    Ahead to;
    to.factors = make_float2(factor(m), factor(m + 8));
    to.slots = make_int2(m < rows ? __ldg(slots + m) : -1, m + 8 < rows ? __ldg(slots + m + 8) : -1);
    if (n0 / D < heads + kvHeads) fetch(to.first, m);
    return to;
  }

  /** From registers: a thread has rows m and m + 8, and a pair of every 8 columns. */
  template <int COLUMNS> __device__ __forceinline__ void write(float (&sums)[COLUMNS / 2], Ahead& ahead, int m, int n0) const {
    constexpr int EACH = COLUMNS / D;
#pragma unroll
    for (int i = 0; i < 2 * EACH; i++) {
      int up = i / EACH, row = m + 8 * up, head = n0 / D + i % EACH, slot = up ? ahead.slots.y : ahead.slots.x;
      if (i == EACH && head < heads + kvHeads) fetch(ahead.first, row);
      KV* to = nullptr;
      if (head < heads) {
        if (row < rows) to = q + (long long)row * ldq + head * D;
      } else if (slot >= 0 && head < heads + 2 * kvHeads) { // keys of all heads of a block, then their values
        int block = slot / blockSize;
        to = (KV*)(kv + block * blockBytes) + ((long long)(head - heads) * blockSize + slot - block * blockSize) * D;
      }
      write_head<COLUMNS>(sums, i % EACH, up, head, up ? ahead.factors.y : ahead.factors.x, ahead.first, to);
    }
  }

  template <int COLUMNS>
  __device__ __forceinline__ void write_head(float (&sums)[COLUMNS / 2], int i, int up, int head, float by, const Angles& of, KV* to) const {
    int lane = threadIdx.x & 3;
    auto at = [&](int b) { return 4 * (BLOCKS * i + b) + 2 * up; };
    const float* norm = head < heads ? qNorm : head < heads + kvHeads ? kNorm : nullptr;
    if (bias && head < heads + 2 * kvHeads) {
#pragma unroll
      for (int b = 0; b < BLOCKS; b++) {
        float2 add = __ldg((const float2*)(bias + head * D + 8 * b + 2 * lane));
        sums[at(b)] = fmaf(sums[at(b)], by, add.x), sums[at(b) + 1] = fmaf(sums[at(b) + 1], by, add.y);
      }
      by = 1.f;
    }
    if (norm) {
      float squares = 0.f;
#pragma unroll
      for (int b = 0; b < BLOCKS; b++) squares += sums[at(b)] * sums[at(b)] + sums[at(b) + 1] * sums[at(b) + 1];
      by *= 1.f / sqrtf(warp_sum<4>(squares) * by * by / D + eps);
#pragma unroll
      for (int b = 0; b < BLOCKS; b++) {
        float2 w = __ldg((const float2*)(norm + 8 * b + 2 * lane));
        sums[at(b)] *= w.x, sums[at(b) + 1] *= w.y;
      }
    }
    if (head < heads) by *= qFactor;
    if (head >= heads + kvHeads) put<COLUMNS, 0>(sums, i, up, by, of, to);
    else if (interleaved) put<COLUMNS, 1>(sums, i, up, by, of, to);
    else put<COLUMNS, 2>(sums, i, up, by, of, to);
  }

  /** TURN: 0 as they are, 1 neighbours, 2 those half a head apart are turned. */
  template <int COLUMNS, int TURN>
  __device__ __forceinline__ void put(const float (&sums)[COLUMNS / 2], int i, int up, float by, const Angles& of, KV* to) const {
    int lane = threadIdx.x & 3;
#pragma unroll
    for (int b = 0; b < BLOCKS / 2; b += 4) { // four blocks of each half
      unsigned low[4], high[4];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        int at = 4 * (BLOCKS * i + b + j) + 2 * up, far = at + 2 * BLOCKS;
        float2 x = make_float2(sums[at] * by, sums[at + 1] * by), y = make_float2(sums[far] * by, sums[far + 1] * by);
        float4 c = of.two[b + j];
        if (TURN == 1) {
          x = make_float2(x.x * c.x - x.y * c.y, x.x * c.y + x.y * c.x);
          y = make_float2(y.x * c.z - y.y * c.w, y.x * c.w + y.y * c.z);
        } else if (TURN == 2) {
          float2 first = make_float2(x.x * c.x - y.x * c.y, x.y * c.z - y.y * c.w);
          y = make_float2(x.x * c.y + y.x * c.x, x.y * c.w + y.y * c.z), x = first;
        }
        low[j] = pack_two<KV>(x), high[j] = pack_two<KV>(y);
      }
      uint4 first = exchange(low), second = exchange(high);
      if (to) {
        *(uint4*)(to + 8 * (b + lane)) = first;
        *(uint4*)(to + 8 * (b + lane) + D / 2) = second;
      }
    }
  }
};

#define KERNEL(FMT, T, KIND, KV, D)                                                                                                             \
  extern "C" __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(THREADS, 1) rotated_##FMT##_d##D##_##KIND(                            \
      const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float* scale, float unit, const float* bias, int N, int K, \
      int rows, KV* q, int ldq, float qFactor, uchar* kv, long long blockBytes, long long layerAt, const int* kvSlots, int blockSize, int heads, \
      int kvHeads, int interleaved, const float2* angles, const float* qNorm, const float* kNorm, float eps) {                                  \
    Rotated<KV, D> out = {scale, bias, unit, N, rows, q, ldq, qFactor, kv + layerAt, blockBytes, kvSlots, blockSize, heads, kvHeads,             \
                          interleaved, angles, qNorm, kNorm, eps};                                                                             \
    product<T, Kind<256, 2, 1, 4>>(a, b, out, K, 1);                                                                                            \
  }
#define SIZES(FMT, T, KIND, KV) KERNEL(FMT, T, KIND, KV, 64) KERNEL(FMT, T, KIND, KV, 128)
#define PAGES(FMT, T) SIZES(FMT, T, f16, __half) SIZES(FMT, T, bf16, bf16)
PAGES(f16, __half)
PAGES(bf16, bf16)
typedef Kind<256, 2, 1, 4> Wide;
EXPORT_SHAPE(rotated, THREADS, ROWS, Wide::COLUMNS, Wide::PAIR, Wide::SHARED_BYTES, Wide::BOX_ROWS)
