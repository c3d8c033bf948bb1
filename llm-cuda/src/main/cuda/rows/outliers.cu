// LLM.int8(): activations of a magnitude from a threshold on, the outliers, meet their weights as floats; the others are rounded to 8 bits. Source:
// Dettmers et al., LLM.int8(), 2022, which takes a column out of all rows if one has an outlier there; here each row has its own.
#include "common/formats/s8_64.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 1024, WARPS = THREADS / 32, ADD_THREADS = 256;
static constexpr int AHEAD = 4; // sub-blocks that a warp reads at once
static_assert(WARPS == 32, "a lane has what a warp found");

/** An outlier of a row: its column, and what stands there. */
struct Outlier {
  int column;
  float value;
};

/**
 * Rows to bytes, with zeros in place of outliers; those go to `list`, in order of columns, with room for K a row, and their number to `count`. A warp
 * has neighbouring sub-blocks, and reads them again if it has found outliers.
 */
extern "C" __global__ void __launch_bounds__(THREADS) take_outliers(const float* x, int ldx, float threshold, signed char* q, Scale* s,
                                                                    Outlier* list, int* count, int K) {
  __shared__ int found[WARPS];
  dependents();
  wait_previous();
  int r = blockIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, nb = K / 32, each = ceil_div(nb, WARPS), mine = 0;
  int from = warp * each, to = min(from + each, nb);
  const float* row = x + (long long)r * ldx + lane;
  q += (long long)r * K, s += (long long)r * nb, list += (long long)r * K;
  auto outlier = [&](float v) { return fabsf(v) >= threshold; };
  for (int c = from; c < to; c += AHEAD) {
    float v[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++) v[i] = c + i < to ? row1(row + 32 * (c + i)) : 0.f;
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      if (c + i < to) {
        mine += __popc(__ballot_sync(ALL, outlier(v[i])));
        quantize32(outlier(v[i]) ? 0.f : v[i], lane, q + 32 * (c + i), s + c + i);
      }
    }
  }
  if (lane == 0) found[warp] = mine;
  __syncthreads();
  int of = found[lane], all = warp_sum(of), at = warp_sum(lane < warp ? of : 0);
  if (threadIdx.x == 0) count[r] = all;
  if (mine == 0) return;
  for (int c = from; c < to; c++) {
    float v = row1(row + 32 * c);
    unsigned here = __ballot_sync(ALL, outlier(v));
    if (outlier(v)) list[at + __popc(here & ((1u << lane) - 1))] = Outlier{32 * c + lane, v};
    at += __popc(here);
  }
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
