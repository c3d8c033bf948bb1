// LLM.int8(): activations of a magnitude from a threshold on, the outliers, meet their weights as floats; the others are rounded to 8 bits. Source:
// Dettmers et al., LLM.int8(), 2022, which takes a column out of all rows if one has an outlier there; here each row has its own.
#include "common/formats/s8_64.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 512, WARPS = THREADS / 32, ADD_THREADS = 256;

/** An outlier of a row: its column, and what stands there. */
struct Outlier {
  int column;
  float value;
};

/** Rows to bytes, with zeros in place of outliers; those go to `list`, in order of columns, with room for K a row, and their number to `count`. */
extern "C" __global__ void __launch_bounds__(THREADS) take_outliers(const float* x, int ldx, float threshold, signed char* q, Scale* s,
                                                                    Outlier* list, int* count, int K) {
  __shared__ int found[WARPS];
  dependents();
  wait_previous();
  int r = blockIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, before = 0;
  const float* row = x + (long long)r * ldx;
  q += (long long)r * K, s += (long long)r * (K / 32), list += (long long)r * K;
  for (int c = warp; c < (K / 32 + WARPS - 1) / WARPS * WARPS; c += WARPS) { // all warps go round together
    float v = c < K / 32 ? row1(row + 32 * c + lane) : 0.f;
    bool outlier = fabsf(v) >= threshold;
    unsigned all = __ballot_sync(ALL, outlier);
    if (lane == 0) found[warp] = __popc(all);
    __syncthreads();
    int at = before + __popc(all & ((1u << lane) - 1));
#pragma unroll
    for (int w = 0; w < WARPS; w++) at += w < warp ? found[w] : 0, before += found[w];
    if (outlier) list[at] = Outlier{32 * c + lane, v};
    if (c < K / 32) quantize32(outlier ? 0.f : v, lane, q + 32 * c, s + c);
    __syncthreads();
  }
  if (threadIdx.x == 0) count[r] = before;
}

/** y[r][n] += the sum over the outliers of row r; block (x, r). */
extern "C" __global__ void __launch_bounds__(ADD_THREADS) add_outliers_s8_64(const uchar* W, const Outlier* list, const int* count, float* y, int ldy,
                                                                             int N, int K) {
  dependents();
  wait_previous();
  int r = blockIdx.y, n = blockIdx.x * ADD_THREADS + threadIdx.x, many = __ldcg(count + r);
  if (n >= N || many == 0) return;
  const int2* of = (const int2*)(list + (long long)r * K);
  float sum = 0.f;
  for (int i = 0; i < many; i++) {
    int2 o = __ldcg(of + i);
    sum = fmaf(__int_as_float(o.y), S864::value(W, N, K, n, o.x), sum);
  }
  float* to = y + (long long)r * ldy + n;
  *to = row1(to) + sum;
}

EXPORT_SHAPE(take_outliers, THREADS)
EXPORT_SHAPE(add_outliers, ADD_THREADS)
