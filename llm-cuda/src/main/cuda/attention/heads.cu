// What happens to heads of q, k and v between their products and attention, where the fast kernels do not do it: norms of any kind, rotations of any
// kind, temperatures of queries.
#include "attention/any_pages.cuh"
#include "attention/any_rotation.cuh"
#include "common/layout.cuh"

static constexpr int NORM_THREADS = 256, ROTATE_THREADS = 64, SCALE_THREADS = 256;
enum Kind { NONE, RMS, LAYER };
enum Scope { ALIKE, EACH, TOGETHER };

struct HeadNorm {
  int kind, scope;
  const float *w, *b;
  float eps;
};

/** x norms to y by `threads` threads, of which this is number `thread`; `sum` adds over them. */
template <class Sum>
__device__ __forceinline__ void norm(const float* x, float* y, int n, const HeadNorm& h, int from, float clip, int thread, int threads, Sum sum) {
  float mean = 0.f, factor = 1.f;
  if (h.kind == LAYER) {
    float all = 0.f;
    for (int i = thread; i < n; i += threads) all += row1(x + i);
    mean = sum(all, 0) / n;
  }
  if (h.kind != NONE) {
    float squares = 0.f;
    for (int i = thread; i < n; i += threads) {
      float v = row1(x + i) - mean;
      squares += v * v;
    }
    factor = 1.f / sqrtf(sum(squares, 1) / n + h.eps);
  }
  for (int i = thread; i < n; i += threads) {
    float v = (row1(x + i) - mean) * factor;
    if (h.w) v *= h.w[from + i];
    if (h.b) v += h.b[from + i];
    y[i] = clip > 0.f ? fminf(fmaxf(v, -clip), clip) : v;
  }
}

/** Block (p, r) norms part p of row r: queries, keys, values; those are only limited. */
extern "C" __global__ void __launch_bounds__(NORM_THREADS)
    norm_heads(const float* x, int ldx, float* y, int ldy, int heads, int kvHeads, int headDim, int qKind, int qScope, const float* qWeight,
               const float* qBias, float qEps, int kKind, int kScope, const float* kWeight, const float* kBias, float kEps, float clip) {
  __shared__ float room[2][NORM_THREADS / 32];
  dependents();
  wait_previous();
  int part = blockIdx.x, n = part == 0 ? heads : kvHeads;
  long long at = part == 0 ? 0 : (long long)(heads + (part - 1) * kvHeads) * headDim;
  const float* from = x + (long long)blockIdx.y * ldx + at;
  float* to = y + (long long)blockIdx.y * ldy + at;
  HeadNorm h = part == 0   ? HeadNorm{qKind, qScope, qWeight, qBias, qEps}
               : part == 1 ? HeadNorm{kKind, kScope, kWeight, kBias, kEps}
                           : HeadNorm{NONE, TOGETHER, nullptr, nullptr, 0.f};
  if (h.scope == TOGETHER) {
    norm(from, to, n * headDim, h, 0, clip, threadIdx.x, NORM_THREADS, [&](float v, int turn) { return block_sum(v, room[turn]); });
    return;
  }
  for (int i = threadIdx.x >> 5; i < n; i += NORM_THREADS / 32) {
    norm(from + i * headDim, to + i * headDim, headDim, h, h.scope == EACH ? i * headDim : 0, clip, threadIdx.x & 31, 32,
         [](float v, int) { return warp_sum(v); });
  }
}

/** Block (h, t) rotates head h of queries and keys of row t, or copies values. */
extern "C" __global__ void __launch_bounds__(ROTATE_THREADS) rotate(const float* x, int ldx, float* y, int ldy, int heads, int kvHeads, int headDim,
                                                                    ROTATION) {
  __shared__ float head[MOST_HEAD];
  __shared__ AnyAngles angles;
  dependents();
  wait_previous();
  int h = blockIdx.x, t = blockIdx.y;
  bool value = h >= heads + kvHeads;
  const float* from = x + (long long)t * ldx + h * headDim;
  if (!value) angles.fill(t, PASS_ROTATION);
  for (int i = threadIdx.x; i < headDim; i += ROTATE_THREADS) head[i] = row1(from + i);
  __syncthreads();
  if (!value) angles.rotate(head, rotaryDim, interleaved);
  __syncthreads();
  for (int i = threadIdx.x; i < headDim; i += ROTATE_THREADS) y[(long long)t * ldy + h * headDim + i] = head[i];
}

/** As rope_store, for all heads and rotations. */
template <class T>
__device__ __forceinline__ void rope_store_any(const float* qkv, int ldqkv, float* q, int ldq, uchar* kv, long long blockBytes, long long layerAt,
                                               const int* kvSlots, int blockSize, int heads, int kvHeads, int headDim, const float* qNorm,
                                               const float* kNorm, float eps, ROTATION) {
  __shared__ float head[MOST_HEAD], room[ROTATE_THREADS / 32];
  __shared__ AnyAngles angles;
  dependents();
  wait_previous();
  int h = blockIdx.x, t = blockIdx.y, slot = kvSlots[t];
  bool query = h < heads, value = h >= heads + kvHeads;
  if (!query && slot < 0) return;
  const float *from = qkv + (long long)t * ldqkv + h * headDim, *w = value ? nullptr : query ? qNorm : kNorm;
  float squares = 0.f;
  if (!value) angles.fill(t, PASS_ROTATION);
  for (int i = threadIdx.x; i < headDim; i += ROTATE_THREADS) {
    float v = head[i] = row1(from + i);
    squares += v * v;
  }
  if (w) {
    float factor = 1.f / sqrtf(block_sum(squares, room) / headDim + eps);
    for (int i = threadIdx.x; i < headDim; i += ROTATE_THREADS) head[i] *= factor * w[i];
  }
  __syncthreads();
  if (!value) angles.rotate(head, rotaryDim, interleaved);
  __syncthreads();
  if (query) {
    for (int i = threadIdx.x; i < headDim; i += ROTATE_THREADS) q[(long long)t * ldq + h * headDim + i] = head[i];
    return;
  }
  Pages<T> pages(kv, blockBytes, layerAt, blockSize, kvHeads, (h - heads) % kvHeads, headDim);
  int block = slot / blockSize, row = slot % blockSize;
  store_row(value ? value_row(pages, block, row) : key_row(pages, block, row), headDim, threadIdx.x & ~31, ROTATE_THREADS,
            [&](int i) { return head[i]; });
}

/** y = x * (1 + scale * ln(1 + (position + offset) / every)), whole numbers in the quotient. */
extern "C" __global__ void __launch_bounds__(SCALE_THREADS) scale_queries(const float* x, int ldx, float* y, int ldy, int width, const int* positions,
                                                                          float scale, int every, int offset) {
  dependents();
  wait_previous();
  int k = blockIdx.x * SCALE_THREADS + threadIdx.x;
  long long t = blockIdx.y;
  if (k >= width) return;
  float factor = (float)(1 + scale * log1p((double)((positions[t] + offset) / every)));
  y[t * ldy + k] = row1(x + t * ldx + k) * factor;
}

#define KERNELS(KV, T)                                                                                                                            \
  extern "C" __global__ void __launch_bounds__(ROTATE_THREADS) rope_store_any_##KV(                                                               \
      const float* qkv, int ldqkv, float* q, int ldq, uchar* kv, long long blockBytes, long long layerAt, const int* kvSlots, int blockSize,      \
      int heads, int kvHeads, int headDim, const float* qNorm, const float* kNorm, float eps, ROTATION) {                                         \
    rope_store_any<T>(qkv, ldqkv, q, ldq, kv, blockBytes, layerAt, kvSlots, blockSize, heads, kvHeads, headDim, qNorm, kNorm, eps, PASS_ROTATION); \
  }
KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, bf16)
KERNELS(f8_e4m3, fp8)
KERNELS(q8_0, q8)
EXPORT_SHAPE(norm_heads, NORM_THREADS)
EXPORT_SHAPE(rotate, ROTATE_THREADS)
EXPORT_SHAPE(rope_store_any, ROTATE_THREADS)
EXPORT_SHAPE(scale_queries, SCALE_THREADS)
