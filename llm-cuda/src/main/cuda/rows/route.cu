// Which experts a row goes to, and with which weights. A warp a row; in double, so that near ties fall as they do elsewhere.
#include "common/common.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 32, MOST_EXPERTS = 1024;
enum Scoring { SOFTMAX, SIGMOID, SPARSE_MIXER };

/** The first of the largest numbers; every lane gets it. */
__device__ __forceinline__ int largest(const double* x, int n) {
  double best = -INFINITY;
  int at = 0x7fffffff;
  for (int i = threadIdx.x; i < n; i += 32) {
    if (x[i] > best) best = x[i], at = i;
  }
#pragma unroll
  for (int o = 16; o; o >>= 1) {
    double other = __shfl_xor_sync(ALL, best, o);
    int from = __shfl_xor_sync(ALL, at, o);
    if (other > best || (other == best && from < at)) best = other, at = from;
  }
  return at == 0x7fffffff ? 0 : at;
}
__device__ __forceinline__ double lanes_sum(double v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
  return v;
}

/** Sum of the `best` largest of n numbers; by one lane. */
__device__ double best_of(const double* x, int n, int best) {
  double sum = 0, last = INFINITY;
  int lastAt = -1;
  for (int b = 0; b < best; b++) { // the largest of those behind the last one, by value and then by place
    double highest = -INFINITY;
    int at = n;
    for (int i = 0; i < n; i++) {
      if ((x[i] < last || (x[i] == last && i > lastAt)) && x[i] > highest) highest = x[i], at = i;
    }
    sum += highest;
    last = highest, lastAt = at;
  }
  return sum;
}

/**
 * out = numbers of topK experts, as floats, then their weights. `bias` (or 0) counts for the choice alone; with groups > 0 only experts of the
 * `chosen` best groups can be taken, a group's score being the sum of its `best` best experts.
 */
extern "C" __global__ void __launch_bounds__(THREADS) route(const float* logits, int ldl, const float* bias, int scoring, float jitter, int groups,
                                                            int chosen, int best, int normalised, float scale, int topK, int experts, float* out,
                                                            int ldo) {
  __shared__ double score[MOST_EXPERTS], key[MOST_EXPERTS], group[MOST_EXPERTS];
  dependents();
  wait_previous();
  int lane = threadIdx.x;
  const float* x = logits + (long long)blockIdx.x * ldl;
  float* to = out + (long long)blockIdx.x * ldo;
  for (int i = lane; i < experts; i += 32) score[i] = row1(x + i);
  __syncwarp();
  if (scoring == SPARSE_MIXER) {
    for (int j = 0; j < topK; j++) {
      int at = largest(score, experts);
      double highest = score[at], sum = 0;
      for (int i = lane; i < experts; i += 32) {
        double v = score[i];
        if (v != -INFINITY && highest - v <= 2 * jitter * fmax(fabs(v), highest)) sum += exp(v - highest);
      }
      sum = lanes_sum(sum);
      __syncwarp();
      if (lane == 0) to[j] = at, to[topK + j] = (float)(scale / sum), score[at] = -INFINITY;
      __syncwarp();
    }
    return;
  }
  if (scoring == SOFTMAX) {
    double highest = score[largest(score, experts)], sum = 0;
    __syncwarp();
    for (int i = lane; i < experts; i += 32) sum += score[i] = exp(score[i] - highest);
    sum = lanes_sum(sum);
    for (int i = lane; i < experts; i += 32) score[i] /= sum;
  } else {
    for (int i = lane; i < experts; i += 32) score[i] = 1 / (1 + exp(-score[i]));
  }
  for (int i = lane; i < experts; i += 32) key[i] = score[i] + (bias ? bias[i] : 0.f);
  __syncwarp();
  if (groups > 0) {
    int size = experts / groups;
    for (int g = lane; g < groups; g += 32) group[g] = best_of(key + g * size, size, best);
    __syncwarp();
    unsigned kept = 0; // a bit for each of the groups that the lane looks after
    for (int c = 0; c < chosen; c++) {
      int at = largest(group, groups);
      __syncwarp();
      if (at % 32 == lane) group[at] = -INFINITY, kept |= 1u << at / 32;
      __syncwarp();
    }
    for (int g = lane; g < groups; g += 32) {
      if (!(kept >> g / 32 & 1)) {
        for (int i = 0; i < size; i++) key[g * size + i] = -INFINITY;
      }
    }
    __syncwarp();
  }
  double sum = 0;
  for (int j = 0; j < topK; j++) {
    int at = largest(key, experts);
    sum += score[at];
    __syncwarp();
    if (lane == 0) to[j] = at, key[at] = -INFINITY;
    __syncwarp();
  }
  for (int j = lane; j < topK; j += 32) {
    int at = (int)to[j];
    to[topK + j] = (float)(score[at] * scale / (normalised ? sum + 1e-20 : 1));
  }
}
EXPORT_SHAPE(route, THREADS, MOST_EXPERTS)
