// What norms by root mean square have in common.
#pragma once
#include "common/common.cuh"

/** What a block multiplies a row by: 1 over the root of its mean square and eps; of the squares each thread has added up some. */
template <int THREADS> __device__ __forceinline__ float rms_factor_of(float sum, int width, float eps, float4* room) {
  sum = warp_sum(sum);
  if ((threadIdx.x & 31) == 0) ((float*)room)[threadIdx.x >> 5] = sum;
  __syncthreads();
  float4 all = room[0];
#pragma unroll
  for (int i = 1; i < THREADS / 128; i++) all.x += room[i].x, all.y += room[i].y, all.z += room[i].z, all.w += room[i].w;
  return 1.f / sqrtf((all.x + all.y + (all.z + all.w)) / width + eps);
}

/**
 * What a block multiplies a row by: 1 over the root of its mean square and eps. `kept` gets the columns that a thread has first, four after four;
 * `room` has a float for each warp. The order of the sum depends on the width only.
 */
template <int THREADS, int KEPT>
__device__ __forceinline__ float rms_factor(float4 (&kept)[KEPT], const float* row, int width, float eps, float4* room) {
  int t = threadIdx.x;
  float sum = 0.f;
#pragma unroll
  for (int i = 0; i < KEPT; i++) kept[i] = row4_masked(row, 4 * (t + i * THREADS), width);
#pragma unroll
  for (int i = 0; i < KEPT; i++) sum += kept[i].x * kept[i].x + kept[i].y * kept[i].y + kept[i].z * kept[i].z + kept[i].w * kept[i].w;
#pragma unroll 1
  for (int at = 4 * (t + KEPT * THREADS); at < width; at += 4 * THREADS) {
    float4 v = row4_masked(row, at, width);
    sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
  return rms_factor_of<THREADS>(sum, width, eps, room);
}

/**
 * Writes four columns of row r, from column `at` on: as floats if there is y, as bytes with a scale for each 32 columns if there is q. By all lanes
 * of a warp together, each with the columns behind those of the lane before; those behind the width are not written.
 */
__device__ __forceinline__ void put_row(float4 v, int at, int width, long long r, float* y, int ldy, signed char* q, Scale* s) {
  if (y && at < width) *(float4*)(y + r * ldy + at) = v;
  if (!q) return;
  Scale scale;
  int packed = quantize8x4(v, scale);
  if (at >= width) return;
  *(int*)(q + r * width + at) = packed;
  if ((threadIdx.x & 7) == 0) s[r * (width / 32) + at / 32] = scale;
}
