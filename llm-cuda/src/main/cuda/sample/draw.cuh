// What the kernels that draw from whole rows are made of.
#pragma once
#include "sample/exp.cuh"
#include "sample/record.cuh"
#include "sample/select.cuh"

/** What is known of a raw row. */
struct Raw {
  float highest;
  int nan;         // lowest id whose logit is NaN, or NO_ID
  int sharers;     // logits of positive infinity
  double logSum;
  unsigned mine;   // highest key of this thread's share
  __device__ __forceinline__ float logprob(float x) const {
    if (sharers == 0) return (float)((double)x - logSum);
    return x == INFINITY ? (float)-log((double)sharers) : -INFINITY;
  }
};

/** The highest of n numbers (NaN set apart: the lowest id of one), and the highest key of each thread's share. */
__device__ __forceinline__ float highest(const float* row, int n, int& nan, unsigned& mine, Bench& b) {
  float high = -INFINITY;
  int first = NO_ID;
  unsigned key = 0;
#pragma unroll 8
  for (int i = threadIdx.x; i < n; i += SAMPLER_THREADS) {
    float x = __ldcg(row + i);
    if (x != x) first = min(first, i);
    high = fmaxf(high, x);
  }
  key = key_of(high);
  mine = (int)threadIdx.x < n ? key : 0;
  nan = min_all(first, b);
  return max_all(high, b);
}

__device__ __forceinline__ Raw look(const float* row, int vocab, Bench& b) {
  Raw raw;
  raw.highest = highest(row, vocab, raw.nan, raw.mine, b);
  raw.sharers = 0;
  raw.logSum = 0;
  if (raw.nan != NO_ID || raw.highest == -INFINITY) return raw;
  if (raw.highest == INFINITY) {
    int mine = 0;
    for (int i = threadIdx.x; i < vocab; i += SAMPLER_THREADS) mine += __ldcg(row + i) == INFINITY;
    raw.sharers = sum_all(mine, b);
    return raw;
  }
  double sum = 0;
#pragma unroll 8
  for (int i = threadIdx.x; i < vocab; i += SAMPLER_THREADS) sum += (double)expf(__ldcg(row + i) - raw.highest);
  raw.logSum = (double)raw.highest + log(sum_all(sum, b));
  return raw;
}

/** Lowest id of a number that is in the row. */
__device__ __forceinline__ int first_id(const float* row, int n, float value, Bench& b) {
  int id = NO_ID;
  for (int i = threadIdx.x; i < n; i += SAMPLER_THREADS)
    if (__ldcg(row + i) == value) id = min(id, i);
  return min_all(id, b);
}

__device__ __forceinline__ float penalised(float x, int mark, const Row& r) {
  if (mark == 0) return x;
  x = x > 0 ? __fdiv_rn(x, r.repetition) : __fmul_rn(x, r.repetition);
  int count = mark >> 1;
  return count == 0 ? x : __fsub_rn(__fsub_rn(x, __fmul_rn(r.frequency, (float)count)), r.presence);
}

/** A token that stands in the list more than once gets its numbers in the list's order: by the thread that finds it first. */
__device__ __forceinline__ void add_bias(float* work, int vocab, const Row& r, int* ids, float* values) {
  for (int start = 0; start < r.biasCount; start += SAMPLER_THREADS) {
    int n = min(SAMPLER_THREADS, r.biasCount - start), t = threadIdx.x;
    __syncthreads();
    if (t < n) ids[t] = r.biasIds[start + t], values[t] = ((const float*)r.biasIds)[r.biasCount + start + t];
    __syncthreads();
    if (t < n && (unsigned)ids[t] < (unsigned)vocab) {
      bool owner = true;
      for (int j = 0; j < t && owner; j++) owner = ids[j] != ids[t];
      if (owner) {
        float x = work[ids[t]];
        for (int j = t; j < n; j++)
          if (ids[j] == ids[t]) x = values[j] == -INFINITY ? -INFINITY : __fadd_rn(x, values[j]);
        work[ids[t]] = x;
      }
    }
  }
  __syncthreads();
}

__device__ __forceinline__ void ban_others(float* work, int vocab, const Row& r, unsigned* marks) {
  int words = ceil_div(vocab, 32);
  for (int i = threadIdx.x; i < words; i += SAMPLER_THREADS) marks[i] = 0;
  __syncthreads();
  const int* allowed = r.biasIds + 2 * r.biasCount;
  for (int i = threadIdx.x; i < r.allowedCount; i += SAMPLER_THREADS) {
    int id = allowed[i];
    if ((unsigned)id < (unsigned)vocab) atomicOr(&marks[id >> 5], 1u << (id & 31));
  }
  __syncthreads();
  for (int i = threadIdx.x; i < vocab; i += SAMPLER_THREADS)
    if (!(marks[i >> 5] >> (i & 31) & 1)) work[i] = -INFINITY;
  __syncthreads();
}

/** A number in [0, 1), as io.jllm.sampling.Philox draws it. */
__device__ __forceinline__ double uniform(long long seed, int position) {
  unsigned c0 = position, c1 = position < 0 ? ~0u : 0, c2 = 0, c3 = 0, k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0, high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ k0, c1 = low1, c2 = high0 ^ c3 ^ k1, c3 = low0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  unsigned long long bits = (unsigned long long)c0 << 32 | c1;
  return (double)(bits >> 11) * 0x1p-53;
}

/** Weights of a list, and their sum. */
__device__ __forceinline__ double weigh(List& list, float highest, float temperature, Bench& b) {
  double scale = 1 / (double)temperature, sum = 0;
  for (int i = threadIdx.x; i < list.n; i += SAMPLER_THREADS) {
    float x = list.logits[i];
    double w = x == highest ? 1 : java_exp(__dmul_rn(__dsub_rn((double)x, (double)highest), scale));
    list.weights[i] = w;
    sum += w;
  }
  return sum_all(sum, b); // ends with a barrier
}

__device__ __forceinline__ double total_of(const List& list, Bench& b) {
  double sum = 0;
  for (int i = threadIdx.x; i < list.n; i += SAMPLER_THREADS) sum += list.weights[i];
  return sum_all(sum, b);
}

__device__ __forceinline__ double keep_from(List& list, double weight, Bench& b) {
  keep(list, list.n, true, b, [&](int i, int& id, float& logit, double& w) {
    id = list.ids[i], logit = list.logits[i], w = list.weights[i];
    return w >= weight;
  });
  return total_of(list, b);
}

/** The id on which a number falls, if the entries lie side by side in order of id: first the warp's share is found, then the entry in it. */
__device__ __forceinline__ int pick(const List& list, double at, Bench& b) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, share = ceil_div(ceil_div(list.n, SAMPLER_WARPS), 32) * 32;
  int from = min(warp * share, list.n), to = min(from + share, list.n);
  double sum = 0;
  int last = -1; // of positive weight, in this warp's share
  for (int i = from + lane; i < to; i += 32) {
    double w = list.weights[i];
    sum += w;
    if (w > 0) last = i;
  }
  sum = warp_sum(sum);
  last = -warp_min(-last);
  if (lane == 0) b.sums[0][warp] = sum, b.ints[1][warp] = last;
  __syncthreads();
  int chosen = -1;
  double base = 0, below = 0;
  for (int w = 0; w < SAMPLER_WARPS; w++) {
    if (b.ints[1][w] >= 0) {
      chosen = w, below = base;
      base += b.sums[0][w];
      if (base > at) break;
    }
  }
  if (warp == chosen) {
    int found = b.ints[1][warp];
    for (int start = from; start < to; start += 32) {
      double w = start + lane < to ? list.weights[start + lane] : 0, scan = w;
#pragma unroll
      for (int o = 1; o < 32; o <<= 1) {
        double other = __shfl_up_sync(ALL, scan, o);
        if (lane >= o) scan += other;
      }
      unsigned over = __ballot_sync(ALL, w > 0 && below + scan > at);
      if (over) {
        found = start + __ffs(over) - 1;
        break;
      }
      below += __shfl_sync(ALL, scan, 31);
    }
    if (lane == 0) b.found = found;
  }
  __syncthreads();
  int found = b.found;
  __syncthreads();
  return list.ids[found];
}
