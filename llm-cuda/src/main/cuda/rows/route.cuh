// Which experts a row goes to, and with which weights: by a warp, in double, so that near ties fall as they do elsewhere.
#pragma once
#include "common/common.cuh"

enum Scoring { SOFTMAX, SIGMOID, SPARSE_MIXER };

/** A number as a whole number that compares as it does; 0 if it is none, or is lower than all. */
__device__ __forceinline__ unsigned long long ordered(double x) {
  if (!(x > -INFINITY)) return 0;
  unsigned long long bits = (unsigned long long)__double_as_longlong(x == 0 ? 0. : x);
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}

/** What EACH experts a lane are chosen by, as whole numbers: expert 32 i + lane is the lane's i-th. */
template <int EACH> struct Keys {
  unsigned long long key[EACH];

  /** The first of the largest, 0 if nothing is left; every lane gets it. */
  __device__ __forceinline__ int largest(int lane) const {
    unsigned long long best = key[0];
    int at = lane;
#pragma unroll
    for (int i = 1; i < EACH; i++)
      if (key[i] > best) best = key[i], at = 32 * i + lane;
    unsigned high = (unsigned)(best >> 32), low = (unsigned)best;
    unsigned most = __reduce_max_sync(ALL, high), rest = __reduce_max_sync(ALL, high == most ? low : 0u);
    unsigned first = __reduce_min_sync(ALL, high == most && low == rest ? (unsigned)at : ALL);
    return most | rest ? (int)first : 0;
  }
  __device__ __forceinline__ void drop(int lane, int at) {
#pragma unroll
    for (int i = 0; i < EACH; i++)
      if (at == 32 * i + lane) key[i] = 0;
  }
};

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

/** Leaves the `chosen` best groups of experts, a group's score being the sum of its `best` best; by one warp. */
__device__ void keep_groups(double* key, double* group, int groups, int chosen, int best, int experts, int lane) {
  int size = experts / groups;
  for (int g = lane; g < groups; g += 32) group[g] = best_of(key + g * size, size, best);
  __syncwarp();
  for (int g = lane; g < groups; g += 32) { // groups that are better, or as good and before
    int better = 0;
    for (int i = 0; i < groups; i++) better += group[i] > group[g] || (group[i] == group[g] && i < g);
    if (better < chosen) continue;
    for (int i = 0; i < size; i++) key[g * size + i] = -INFINITY;
  }
  __syncwarp();
}

/**
 * By one warp of a block, lane l of which has every 32nd logit from the l-th on: numbers of topK experts, as floats, then their weights. `bias`
 * (or 0) counts for the choice alone; with groups > 0 only experts of the `chosen` best groups can be taken.
 */
template <int EACH>
__device__ __forceinline__ void choose(const float (&logits)[EACH], const float* bias, int scoring, float jitter, int groups, int chosen, int best,
                                       int normalised, float scale, int topK, int experts, float* to) {
  __shared__ double score[32 * EACH], key[32 * EACH], group[32 * EACH];
  __shared__ int taken[32 * EACH];
  int lane = threadIdx.x & 31;
  double v[EACH];
  Keys<EACH> keys;
#pragma unroll
  for (int i = 0; i < EACH; i++) v[i] = 32 * i + lane < experts ? (double)logits[i] : -INFINITY;
#pragma unroll
  for (int i = 0; i < EACH; i++) score[32 * i + lane] = v[i], keys.key[i] = ordered(v[i]);
  __syncwarp();
  if (scoring == SPARSE_MIXER) {
    for (int j = 0; j < topK; j++) {
      int at = keys.largest(lane);
      double highest = score[at], sum = 0;
      __syncwarp();
#pragma unroll
      for (int i = 0; i < EACH; i++)
        if (keys.key[i] && highest - v[i] <= 2 * jitter * fmax(fabs(v[i]), highest)) sum += exp(v[i] - highest);
      sum = lanes_sum(sum);
      if (lane == 0) to[j] = at, to[topK + j] = (float)(scale / sum), score[at] = -INFINITY;
      keys.drop(lane, at);
      __syncwarp();
    }
    return;
  }
  if (scoring == SOFTMAX) {
    double highest = score[keys.largest(lane)], sum = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) v[i] = 32 * i + lane < experts ? exp(v[i] - highest) : 0, sum += v[i];
    sum = lanes_sum(sum);
#pragma unroll
    for (int i = 0; i < EACH; i++) v[i] /= sum;
  } else {
#pragma unroll
    for (int i = 0; i < EACH; i++) v[i] = 1 / (1 + exp(-v[i]));
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int e = 32 * i + lane;
    score[e] = v[i];
    if (e < experts && bias) v[i] += bias[e];
    if (e >= experts) v[i] = -INFINITY;
  }
  if (groups > 0) {
#pragma unroll
    for (int i = 0; i < EACH; i++) key[32 * i + lane] = v[i];
    __syncwarp();
    keep_groups(key, group, groups, chosen, best, experts, lane);
#pragma unroll
    for (int i = 0; i < EACH; i++) v[i] = key[32 * i + lane];
  }
#pragma unroll
  for (int i = 0; i < EACH; i++) keys.key[i] = ordered(v[i]);
  for (int j = 0; j < topK; j++) {
    int at = keys.largest(lane);
    keys.drop(lane, at);
    if (lane == 0) taken[j] = at;
  }
  __syncwarp();
  double sum = 0;
  if (normalised)
    for (int j = 0; j < topK; j++) sum += score[taken[j]];
  for (int j = lane; j < topK; j += 32) {
    to[j] = taken[j];
    to[topK + j] = (float)(score[taken[j]] * scale / (normalised ? sum + 1e-20 : 1));
  }
}

/**
 * The same by a block of THREADS threads, for softmax and sigmoid where all experts can be taken: bit for bit the same. `logits` stand in shared
 * memory and can be seen by all.
 */
template <int EACH, int THREADS>
__device__ __forceinline__ void choose_together(const float* logits, const float* bias, int scoring, int normalised, float scale, int topK,
                                                int experts, float* to) {
  constexpr int ALL_EXPERTS = 32 * EACH, PARTS = THREADS / ALL_EXPERTS; // threads of an expert
  static_assert(PARTS >= 1 && PARTS <= 32 && (PARTS & (PARTS - 1)) == 0, "");
  __shared__ double score[ALL_EXPERTS], exponential[ALL_EXPERTS];
  __shared__ __align__(16) unsigned long long key[ALL_EXPERTS];
  __shared__ int taken[ALL_EXPERTS];
  int t = threadIdx.x, lane = t & 31;
  bool mine = t < ALL_EXPERTS;
  double v = t < experts ? (double)logits[t] : -INFINITY;
  float added = t < experts && bias ? bias[t] : 0.f;
  if (mine) taken[t] = 0; // if nothing is left
  if (scoring == SOFTMAX) {
    float highest = -INFINITY;
#pragma unroll
    for (int i = 0; i < EACH; i++) highest = fmaxf(highest, 32 * i + lane < experts ? logits[32 * i + lane] : -INFINITY);
    highest = warp_max(highest);
    if (!(highest > -INFINITY)) highest = logits[0];
    if (mine) exponential[t] = v = t < experts ? exp(v - highest) : 0;
    __syncthreads();
    if (mine) {
      double sum = 0;
#pragma unroll
      for (int i = 0; i < EACH; i++) sum += exponential[32 * i + lane];
      v /= lanes_sum(sum);
    }
  } else if (mine) {
    v = 1 / (1 + exp(-v));
  }
  if (mine) {
    score[t] = v;
    if (t < experts && bias) v += added;
    key[t] = ordered(t < experts ? v : -INFINITY);
  }
  __syncthreads();
  int e = t / PARTS, part = t % PARTS, before = 0;
  unsigned long long own = key[e];
#pragma unroll 8
  for (int i = 0; i < ALL_EXPERTS / PARTS / 2; i++) {
    int j = 2 * (i * PARTS + part);
    ulonglong2 others = *(const ulonglong2*)(key + j);
    before += (others.x > own || (others.x == own && j < e)) + (others.y > own || (others.y == own && j + 1 < e));
  }
#pragma unroll
  for (int o = PARTS / 2; o; o >>= 1) before += __shfl_xor_sync(ALL, before, o);
  if (part == 0 && own && before < topK) taken[before] = e;
  __syncthreads();
  if (t >= 32) return;
  double sum = 0;
  if (normalised) {
#pragma unroll 8
    for (int j = 0; j < topK; j++) sum += score[taken[j]];
  }
  for (int j = lane; j < topK; j += 32) {
    to[j] = taken[j];
    to[topK + j] = (float)(score[taken[j]] * scale / (normalised ? sum + 1e-20 : 1));
  }
}
