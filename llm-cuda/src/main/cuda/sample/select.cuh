// What a block of 1024 threads needs to rank and cut lists: sums in a fixed order, stable compaction, and the cut of io.jllm.sampling.Cutoff.
#pragma once
#include "common/common.cuh"

static constexpr int SAMPLER_THREADS = 1024, SAMPLER_WARPS = SAMPLER_THREADS / 32;

/** Shared memory of a sampling block. */
struct Bench {
  double sums[8][SAMPLER_WARPS];
  float floats[SAMPLER_WARPS];
  int ints[2][SAMPLER_WARPS];
  int found;
};

/** 32 bits whose unsigned order is that of the logits; the two zeros are one. */
__device__ __forceinline__ unsigned key_of(float x) {
  int bits = __float_as_int(__fadd_rn(x, 0.f));
  return (unsigned)(bits ^ (bits >> 31 | (int)0x80000000));
}
__device__ __forceinline__ float logit_of(unsigned key) { return __uint_as_float(key & 0x80000000u ? key ^ 0x80000000u : ~key); }

__device__ __forceinline__ double warp_sum(double v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(ALL, v, o);
  return v;
}
__device__ __forceinline__ int warp_min(int v) {
#pragma unroll
  for (int o = 16; o; o >>= 1) v = min(v, __shfl_xor_sync(ALL, v, o));
  return v;
}

// Each of these is a barrier; every thread gets the result.
template <int N> __device__ __forceinline__ void sum_all(double (&v)[N], Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int i = 0; i < N; i++) {
    v[i] = warp_sum(v[i]);
    if (lane == 0) b.sums[i][warp] = v[i];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < N; i++) v[i] = warp_sum(b.sums[i][lane]);
  __syncthreads();
}
__device__ __forceinline__ double sum_all(double v, Bench& b) {
  double one[1] = {v};
  sum_all(one, b);
  return one[0];
}
__device__ __forceinline__ int sum_all(int v, Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = warp_sum(v);
  if (lane == 0) b.ints[0][warp] = v;
  __syncthreads();
  v = warp_sum(b.ints[0][lane]);
  __syncthreads();
  return v;
}
__device__ __forceinline__ int min_all(int v, Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = warp_min(v);
  if (lane == 0) b.ints[0][warp] = v;
  __syncthreads();
  v = warp_min(b.ints[0][lane]);
  __syncthreads();
  return v;
}
__device__ __forceinline__ float max_all(float v, Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = warp_max(v);
  if (lane == 0) b.floats[warp] = v;
  __syncthreads();
  v = warp_max(b.floats[lane]);
  __syncthreads();
  return v;
}

/** How many threads before this one, and in all, add how much: `v` each. */
__device__ __forceinline__ int before(int v, int& all, Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, sum = v;
#pragma unroll
  for (int o = 1; o < 32; o <<= 1) {
    int other = __shfl_up_sync(ALL, sum, o);
    if (lane >= o) sum += other;
  }
  if (lane == 31) b.ints[0][warp] = sum;
  __syncthreads();
  int w = b.ints[0][lane], scan = w;
#pragma unroll
  for (int o = 1; o < 32; o <<= 1) {
    int other = __shfl_up_sync(ALL, scan, o);
    if (lane >= o) scan += other;
  }
  all = __shfl_sync(ALL, scan, 31);
  int base = __shfl_sync(ALL, scan - w, warp);
  __syncthreads();
  return base + sum - v;
}

/** A list in order of id. In memory of the row; lists are shortened in place. */
struct List {
  double* weights;
  int* ids;
  float* logits;
  int n;
};

/**
 * Keeps entries of a list of n in their order: `get(i, id, logit, weight)` says whether entry i stays and what it is. Returns how many stay.
 */
template <class Get> __device__ __forceinline__ int keep(List& list, int n, bool weights, Bench& b, Get get) {
  constexpr int EACH = 4;
  int kept = 0;
  for (int start = 0; start < n; start += SAMPLER_THREADS * EACH) {
    int id[EACH], count = 0;
    float logit[EACH];
    double weight[EACH];
    bool stays[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
      int i = start + threadIdx.x * EACH + j;
      stays[j] = i < n && get(i, id[j], logit[j], weight[j]);
      count += stays[j];
    }
    int all, to = kept + before(count, all, b); // a barrier between reading and writing
#pragma unroll
    for (int j = 0; j < EACH; j++) {
      if (stays[j]) {
        list.ids[to] = id[j], list.logits[to] = logit[j];
        if (weights) list.weights[to] = weight[j];
        to++;
      }
    }
    kept += all;
  }
  __syncthreads();
  list.n = kept;
  return kept;
}

/** Index of entry number `rank` (from 0) of those of a list of n for which `is` holds. */
template <class Is> __device__ __forceinline__ int nth(int n, int rank, Bench& b, Is is) {
  int seen = 0;
  for (int start = 0; start < n; start += SAMPLER_THREADS) {
    int i = start + threadIdx.x, all;
    bool hit = i < n && is(i);
    int at = seen + before(hit, all, b);
    if (hit && at == rank) b.found = i;
    seen += all;
    if (seen > rank) break;
  }
  __syncthreads();
  int found = b.found;
  __syncthreads();
  return found;
}

/**
 * Shortens a list to the fewest of its likeliest entries whose weights sum to `target` or more, the lower index first among equals; to those of
 * positive weight if all do not reach it. Eight candidates for three more bits of the lowest key are weighed in each pass. `weight(i)` is that of
 * entry i.
 */
template <class Weight> __device__ __forceinline__ void cut(List& list, double target, bool weights, Bench& b, Weight weight) {
  unsigned lowest = 0;
  for (int shift = 29;; shift = shift > 2 ? shift - 3 : 0) {
    double sums[8];
#pragma unroll
    for (int j = 0; j < 8; j++) sums[j] = 0;
    int steps = shift == 0 ? 4 : 8; // the last pass has two bits
    for (int i = threadIdx.x; i < list.n; i += SAMPLER_THREADS) {
      unsigned key = key_of(list.logits[i]);
      double w = weight(i);
#pragma unroll
      for (int j = 0; j < 8; j++)
        if (j < steps && key >= lowest + ((unsigned)j << shift)) sums[j] += w;
    }
    sum_all(sums, b);
    if (shift == 29) target = fmin(target, sums[0]);
    int best = 0;
#pragma unroll
    for (int j = 1; j < 8; j++)
      if (j < steps && sums[j] >= target) best = j;
    lowest += (unsigned)best << shift;
    if (shift == 0) break;
  }
  double above = 0, one = 0;
  int ties = 0;
  for (int i = threadIdx.x; i < list.n; i += SAMPLER_THREADS) {
    unsigned key = key_of(list.logits[i]);
    if (key > lowest) above += weight(i);
    if (key == lowest) ties++, one = fmax(one, weight(i)); // equal logits have equal weights
  }
  double both[2] = {above, 0};
  sum_all(both, b);
  above = both[0];
  ties = sum_all(ties, b);
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
  for (int o = 16; o; o >>= 1) one = fmax(one, __shfl_xor_sync(ALL, one, o));
  if (lane == 0) b.sums[0][warp] = one;
  __syncthreads();
  for (int w = 0; w < SAMPLER_WARPS; w++) one = fmax(one, b.sums[0][w]);
  __syncthreads();
  int stay = 1;
  for (above += one; stay < ties && above < target; above += one) stay++; // one by one, as in Java: it decides on rounding
  int last = stay == ties ? list.n : nth(list.n, stay - 1, b, [&](int i) { return key_of(list.logits[i]) == lowest; });
  keep(list, list.n, weights, b, [&](int i, int& id, float& logit, double& w) {
    id = list.ids[i], logit = list.logits[i];
    if (weights) w = list.weights[i];
    unsigned key = key_of(logit);
    return key > lowest || (key == lowest && i <= last);
  });
}

/** A lower bound of the k highest keys of a row, k at most 1024, from the highest key of each thread's share: k threads have one as high. */
__device__ __forceinline__ unsigned bound(unsigned mine, int k) {
  unsigned low = 0;
  for (unsigned bit = 0x80000000u; bit; bit >>= 1)
    if (__syncthreads_count(mine >= (low | bit)) >= k) low |= bit;
  return low;
}
