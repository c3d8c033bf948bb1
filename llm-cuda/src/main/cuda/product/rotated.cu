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

  /** From registers: a thread has two rows, 8 apart, and a pair of every 8 columns. */
  template <class, int COLUMNS> __device__ __forceinline__ void write(float (&sums)[COLUMNS / 2], int m0, int n0, int thread) const {
    int m = m0 + thread / 32 * 16 + thread % 32 / 4;
#pragma unroll
    for (int up = 0; up < 2; up++) {
      int row = m + 8 * up;
      bool there = row < rows;
      float by = scale && there ? row1(scale + row) : unit;
      int slot = there ? __ldg(slots + row) : -1;
      const float2* angle = angles + (long long)min(row, rows - 1) * (D / 2);
#pragma unroll
      for (int i = 0; i < COLUMNS / D; i++) {
        int head = n0 / D + i;
        if (head >= heads + 2 * kvHeads) break;
        KV* to = nullptr;
        if (head < heads) {
          if (there) to = q + (long long)row * ldq + head * D;
        } else if (slot >= 0) { // keys of all heads of a block, then their values
          int block = slot / blockSize;
          to = (KV*)(kv + block * blockBytes) + ((long long)(head - heads) * blockSize + slot - block * blockSize) * D;
        }
        write_head<COLUMNS>(sums, i, up, head, by, angle, to);
      }
    }
  }

  template <int COLUMNS>
  __device__ __forceinline__ void write_head(float (&sums)[COLUMNS / 2], int i, int up, int head, float by, const float2* angle, KV* to) const {
    int lane = threadIdx.x & 3;
    auto at = [&](int b) { return 4 * (BLOCKS * i + b) + 2 * up; };
    const float* norm = head < heads ? qNorm : head < heads + kvHeads ? kNorm : nullptr;
    if (bias) {
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
    }
    if (head < heads) by *= qFactor;
    bool turned = head < heads + kvHeads;
    auto value = [&](int b) {
      float2 v = make_float2(sums[at(b)] * by, sums[at(b) + 1] * by);
      if (norm) {
        float2 w = __ldg((const float2*)(norm + 8 * b + 2 * lane));
        v.x *= w.x, v.y *= w.y;
      }
      return v;
    };
#pragma unroll
    for (int b = 0; b < BLOCKS / 2; b += 4) { // four blocks of each half
      unsigned low[4], high[4];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        float2 x = value(b + j), y = value(b + j + BLOCKS / 2);
        if (turned && interleaved) {
          float2 c = __ldcg(angle + 4 * (b + j) + lane), d = __ldcg(angle + 4 * (b + j) + lane + D / 4);
          x = make_float2(x.x * c.x - x.y * c.y, x.x * c.y + x.y * c.x);
          y = make_float2(y.x * d.x - y.y * d.y, y.x * d.y + y.y * d.x);
        } else if (turned) {
          float4 c = row4((const float*)(angle + 8 * (b + j) + 2 * lane)); // of two neighbours
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
