// Kernels on rows: norms, activations to 8 bits, gated activations, selection.
#include "common/common.cuh"
#include "common/layout.cuh"
#include "rows/rms.cuh"

static constexpr int NORM_THREADS = 512, ROW_THREADS = 256;
static constexpr int NORM_KEPT = 2; // float4 a thread that stay in registers between the two passes: rows up to 4096

/** The kernel of a single row is nothing but latency, so it has few instructions: what it runs once must come from memory, too. */
extern "C" __global__ void __launch_bounds__(NORM_THREADS) rms_norm(const float* x, int ldx, const int* rowIndex, const float* w, float eps, float* y,
                                                                    int ldy, signed char* q, Scale* s, int width) {
  __shared__ float4 room[NORM_THREADS / 128];
  dependents();
  int r = blockIdx.x, t = threadIdx.x;
  float4 weights[NORM_KEPT], kept[NORM_KEPT];
#pragma unroll
  for (int i = 0; i < NORM_KEPT; i++) weights[i] = weight4(w, 4 * (t + i * NORM_THREADS), width);
  wait_previous();
  const float* row = x + (long long)(rowIndex ? max(rowIndex[r], 0) : r) * ldx;
  float factor = rms_factor<NORM_THREADS>(kept, row, width, eps, room);
  auto put = [&](float4 v, float4 g, int at) {
    v = make_float4(v.x * factor * g.x, v.y * factor * g.y, v.z * factor * g.z, v.w * factor * g.w);
    put_row(v, at, width, r, y, ldy, q, s);
  };
  int warp = 4 * (t & ~31);
#pragma unroll
  for (int i = 0; i < NORM_KEPT; i++)
    if (warp + 4 * i * NORM_THREADS < width) put(kept[i], weights[i], 4 * (t + i * NORM_THREADS));
#pragma unroll 1
  for (int i = NORM_KEPT; warp + 4 * i * NORM_THREADS < width; i++) {
    int at = 4 * (t + i * NORM_THREADS);
    put(row4_masked(row, at, width), weight4(w, at, width), at);
  }
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) quantize(const float* x, int ldx, signed char* q, Scale* s, int K) {
  dependents();
  wait_previous();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x, r = blockIdx.y;
  if (k - (k & 31) >= K) return; // whole warps
  quantize32(row1(x + (long long)r * ldx + k), k & 31, q + (long long)r * K + k - (k & 31), s + (long long)r * (K / 32) + k / 32);
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) gated(const float* x, int ldx, float* y, int ldy, signed char* q, Scale* s, int width,
                                                                int act) {
  dependents();
  wait_previous();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x, r = blockIdx.y;
  const float* row = x + (long long)r * ldx;
  float v = k < width ? gated_any(row1(row + k), row1(row + width + k), act) : 0.f;
  if (y && k < width) y[(long long)r * ldy + k] = v;
  if (q && k - (k & 31) < width) quantize32(v, k & 31, q + (long long)r * width + k - (k & 31), s + (long long)r * (width / 32) + k / 32);
}

extern "C" __global__ void __launch_bounds__(ROW_THREADS) select_rows(const float* x, int ldx, const int* rowIndex, float* y, int ldy, int width) {
  dependents();
  wait_previous();
  const float* from = x + (long long)max(rowIndex[blockIdx.x], 0) * ldx;
  float* to = y + (long long)blockIdx.x * ldy;
  for (int k = threadIdx.x; k < width; k += ROW_THREADS) to[k] = row1(from + k);
}

/** Columns in another order: column k of a row of y and q is column order[k] of x. */
extern "C" __global__ void __launch_bounds__(ROW_THREADS) order_columns(const float* x, int ldx, const int* order, float* y, int ldy, signed char* q,
                                                                        Scale* s, int width) {
  dependents();
  int k = blockIdx.x * ROW_THREADS + threadIdx.x, r = blockIdx.y, from = k < width ? __ldg(order + k) : 0;
  wait_previous();
  float v = k < width ? row1(x + (long long)r * ldx + from) : 0.f;
  if (y && k < width) y[(long long)r * ldy + k] = v;
  if (q && k - (k & 31) < width) quantize32(v, k & 31, q + (long long)r * width + k - (k & 31), s + (long long)r * (width / 32) + k / 32);
}

EXPORT_SHAPE(rms_norm, NORM_THREADS)
EXPORT_SHAPE(quantize, ROW_THREADS)
EXPORT_SHAPE(gated, ROW_THREADS)
EXPORT_SHAPE(select_rows, ROW_THREADS)
EXPORT_SHAPE(order_columns, ROW_THREADS)
