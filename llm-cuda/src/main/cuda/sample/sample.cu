// Sampling: io.jllm.sampling.SamplerChain on the device. Same stages, same order, same random numbers, ties by the lower id; weights by the same
// exponential, sums in double. A block does a row; only the greedy choice splits a row among blocks.
#include "common/layout.cuh"
#include "sample/exp.cuh"
#include "sample/select.cuh"

/** How to draw from a row, as Java lays it out: its members are in ROW_MEMBERS too. */
struct Row {
  int row;   // of logits
  int flags;
  float temperature;
  int topK;  // 0: all
  float topP, minP, repetition, presence, frequency;
  int biasCount;
  long long seed;
  int position;     // counter of the random source
  int allowedCount; // 0: all are allowed
  int* counts;      // [vocab] of the slot: how often the output has a token, times 2, plus 1 if it stands in the prompt; 0 without penalties
  int* biasIds;     // biasCount ids, then biasCount floats, then allowedCount ids
  unsigned* mask;   // a bit for each token, the lowest first: whether it may be drawn; 0 if all may
};
#define ROW_MEMBERS(M, S)                                                                                                                  \
  M(S, row) M(S, flags) M(S, temperature) M(S, topK) M(S, topP) M(S, minP) M(S, repetition) M(S, presence) M(S, frequency) M(S, biasCount) \
  M(S, seed) M(S, position) M(S, allowedCount) M(S, counts) M(S, biasIds) M(S, mask)
enum Flags { PENALTIES = 1, BIAS = 2 /* or allowed tokens */, GREEDY = 4 /* temperature 0 */, MASK = 8 };
/**
 * Of a result. A logit is NaN; all are -infinity; after the mask, penalties, bias and allowed tokens none may be picked, or one that they changed is
 * NaN.
 */
enum Status { OK, NOT_A_NUMBER, ALL_BANNED, NOTHING_LEFT, CHANGED_TO_NOT_A_NUMBER };
struct Result {
  int token;
  float logprob;
  int status;
  int detail; // the lowest id whose logit is NaN
};
#define RESULT_MEMBERS(M, S) M(S, token) M(S, logprob) M(S, status) M(S, detail)

static constexpr int NO_ID = 0x7fffffff;
static constexpr int SCRATCH_A_TOKEN = 24, SCRATCH_BESIDES = 65536; // bytes of a row that is drawn in any way

/** Records lie in the host's memory: one trip for all of it. */
__device__ __forceinline__ void fetch(const Row* from, Row* to) {
  if (threadIdx.x < sizeof(Row) / 4) ((int*)to)[threadIdx.x] = ((const volatile int*)from)[threadIdx.x];
  __syncthreads();
}

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

extern "C" __global__ void __launch_bounds__(SAMPLER_THREADS) sample_rows(const float* logits, int ld, int vocab, const Row* rows, Result* out,
    uchar* scratch) {
  __shared__ Bench b;
  __shared__ Row r;
  __shared__ int biasIds[SAMPLER_THREADS];
  __shared__ float biasValues[SAMPLER_THREADS];
  dependents();
  wait_previous();
  fetch(rows + blockIdx.x, &r);
  const float* row = logits + (long long)r.row * ld;
  uchar* space = scratch + blockIdx.x * round256((long long)SCRATCH_A_TOKEN * vocab + SCRATCH_BESIDES);
  List list = {(double*)space, (int*)(space + 8ll * vocab), (float*)(space + 12ll * vocab), 0};
  float* work = (float*)(space + 16ll * vocab);
  unsigned* marks = (unsigned*)(space + 20ll * vocab);

  Raw raw = look(row, vocab, b);
  Result result = {-1, 0.f, OK, 0};
  if (raw.nan != NO_ID) result.status = NOT_A_NUMBER, result.detail = raw.nan;
  else if (raw.highest == -INFINITY) result.status = ALL_BANNED;
  const float* from = row;
  float high = raw.highest;
  unsigned mine = raw.mine;
  if (result.status == OK && (r.flags & (PENALTIES | BIAS | MASK))) {
    const int* counts = r.flags & PENALTIES ? r.counts : nullptr;
    bool masked = r.flags & MASK;
    if (masked) { // it lies in the host's memory: each word is fetched once
      for (int i = threadIdx.x; i < ceil_div(vocab, 32); i += SAMPLER_THREADS) marks[i] = ((const volatile unsigned*)r.mask)[i];
      __syncthreads();
    }
    for (int i = threadIdx.x; i < vocab; i += SAMPLER_THREADS) {
      float x = __ldcg(row + i);
      if (masked && !(marks[i >> 5] >> (i & 31) & 1)) x = -INFINITY;
      work[i] = counts ? penalised(x, __ldcg(counts + i), r) : x;
    }
    __syncthreads();
    if (r.flags & BIAS) {
      add_bias(work, vocab, r, biasIds, biasValues);
      if (r.allowedCount > 0) ban_others(work, vocab, r, marks);
    }
    from = work;
    int nan;
    high = highest(work, vocab, nan, mine, b);
    if (nan != NO_ID) result.status = CHANGED_TO_NOT_A_NUMBER, result.detail = nan;
    else if (high == -INFINITY) result.status = NOTHING_LEFT;
  }
  if (result.status == OK && (r.flags & GREEDY)) {
    result.token = first_id(from, vocab, high, b);
  } else if (result.status == OK) {
    unsigned least = r.topK > 0 && r.topK <= SAMPLER_THREADS ? bound(mine, r.topK) : 0;
    keep(list, vocab, false, b, [&](int i, int& id, float& x, double&) {
      id = i, x = __ldcg(from + i);
      return x > -INFINITY && key_of(x) >= least;
    });
    if (r.topK > 0 && r.topK < list.n) cut(list, r.topK, false, b, [](int) { return 1.0; });
    double total = weigh(list, high, r.temperature, b);
    if (r.topP < 1) {
      double p = r.topP, target = p * total;
      keep_from(list, (1 - p) * total / list.n * (1 - 1e-6), b);
      cut(list, target, true, b, [&](int i) { return list.weights[i]; });
      total = total_of(list, b);
    }
    if (r.minP > 0) total = keep_from(list, r.minP, b);
    result.token = pick(list, uniform(r.seed, r.position) * total, b);
  }
  if (result.status == OK) result.logprob = raw.logprob(__ldcg(row + result.token));
  if (threadIdx.x == 0) out[r.row] = result;
}

static constexpr int MOST_TOP = 256;

extern "C" __global__ void __launch_bounds__(SAMPLER_THREADS) top_k(const float* logits, int ld, int vocab, const int* rowIndex, int k, int* ids,
    float* logprobs,
                                                                    uchar* scratch) {
  __shared__ Bench b;
  __shared__ unsigned long long order[MOST_TOP];
  dependents();
  wait_previous();
  const float* row = logits + (long long)rowIndex[blockIdx.x] * ld;
  uchar* space = scratch + blockIdx.x * round256((long long)SCRATCH_A_TOKEN * vocab + SCRATCH_BESIDES);
  List list = {(double*)space, (int*)(space + 8ll * vocab), (float*)(space + 12ll * vocab), 0};
  Raw raw = look(row, vocab, b);
  ids += (long long)blockIdx.x * k, logprobs += (long long)blockIdx.x * k;
  int t = threadIdx.x;
  if (raw.nan != NO_ID || raw.highest == -INFINITY) {
    if (t == 0 && k > 0) ids[0] = raw.nan != NO_ID ? -1 - raw.nan : (int)0x80000000;
    return;
  }
  unsigned least = bound(raw.mine, k);
  keep(list, vocab, false, b, [&](int i, int& id, float& x, double&) {
    id = i, x = __ldcg(row + i);
    return key_of(x) >= least;
  });
  if (k < list.n) cut(list, k, false, b, [](int) { return 1.0; });
  // Highest first, then lower ids: what is above is swapped in ever smaller strides (a bitonic sort).
  if (t < MOST_TOP) order[t] = t < list.n ? (unsigned long long)key_of(list.logits[t]) << 32 | (unsigned)~list.ids[t] : 0;
  for (int size = 2; size <= MOST_TOP; size *= 2) {
    for (int stride = size / 2; stride; stride /= 2) {
      __syncthreads();
      int other = t ^ stride;
      if (t < MOST_TOP && other > t) {
        unsigned long long x = order[t], y = order[other];
        if ((x < y) == ((t & size) == 0)) order[t] = y, order[other] = x;
      }
    }
  }
  __syncthreads();
  if (t < k) {
    int id = (int)~(unsigned)order[t];
    ids[t] = id;
    logprobs[t] = raw.logprob(__ldcg(row + id));
  }
}

/** A share of a row: its highest logit, where that stands first, and the sum of exponentials relative to it. */
struct Share {
  float highest;
  int id, nan;
  float unused;
  double sum;
};
static constexpr int SHARES = 16, GREEDY_THREADS = 256, GREEDY_WARPS = GREEDY_THREADS / 32;
static constexpr int GREEDY_SCRATCH = 1024; // bytes of a row: a counter, then the shares
static_assert(16 + SHARES * sizeof(Share) <= GREEDY_SCRATCH, "");

extern "C" __global__ void __launch_bounds__(GREEDY_THREADS) sample_greedy(const float* logits, int ld, int vocab, const Row* rows, Result* out,
    uchar* scratch) {
  __shared__ Row r;
  __shared__ float highs[GREEDY_WARPS];
  __shared__ int firsts[GREEDY_WARPS], nans[GREEDY_WARPS];
  __shared__ double sums[GREEDY_WARPS];
  __shared__ bool last;
  dependents();
  wait_previous();
  fetch(rows + blockIdx.y, &r);
  if (r.flags != GREEDY) return;
  int t = threadIdx.x, lane = t & 31, warp = t >> 5;
  const float* row = logits + (long long)r.row * ld;
  int quads = ceil_div(vocab, 4), each = ceil_div(quads, SHARES), from = blockIdx.x * each, to = min(from + each, quads);
  constexpr int KEPT = 8; // of a row of up to 131,072 logits a thread keeps its share between the passes
  auto four = [&](int i) {
    if (i >= to) return make_float4(-INFINITY, -INFINITY, -INFINITY, -INFINITY);
    float4 v = row4(row + 4 * i);
    if (4 * i + 1 >= vocab) v.y = -INFINITY;
    if (4 * i + 2 >= vocab) v.z = -INFINITY;
    if (4 * i + 3 >= vocab) v.w = -INFINITY;
    return v;
  };
  float high = -INFINITY;
  int id = NO_ID, nan = NO_ID;
  auto see = [&](int i, float4 v) {
    float x[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (x[j] > high) high = x[j], id = 4 * i + j;
      if (x[j] != x[j]) nan = min(nan, 4 * i + j);
    }
  };
  float4 kept[KEPT];
#pragma unroll
  for (int j = 0; j < KEPT; j++) kept[j] = four(from + t + GREEDY_THREADS * j);
#pragma unroll
  for (int j = 0; j < KEPT; j++) see(from + t + GREEDY_THREADS * j, kept[j]);
#pragma unroll 1
  for (int i = from + t + GREEDY_THREADS * KEPT; i < to; i += GREEDY_THREADS) see(i, four(i));
#pragma unroll
  for (int o = 16; o; o >>= 1) {
    float h = __shfl_xor_sync(ALL, high, o);
    int i = __shfl_xor_sync(ALL, id, o);
    nan = min(nan, __shfl_xor_sync(ALL, nan, o));
    if (h > high || (h == high && i < id)) high = h, id = i;
  }
  if (lane == 0) highs[warp] = high, firsts[warp] = id, nans[warp] = nan;
  __syncthreads();
#pragma unroll
  for (int w = 0; w < GREEDY_WARPS; w++) {
    nan = min(nan, nans[w]);
    if (highs[w] > high || (highs[w] == high && firsts[w] < id)) high = highs[w], id = firsts[w];
  }
  // Of infinite logits the sum counts how many share all probability.
  double sum = 0;
  auto add = [&](float4 v) {
    if (high == INFINITY) sum += (v.x == INFINITY) + (v.y == INFINITY) + (v.z == INFINITY) + (v.w == INFINITY);
    else if (high > -INFINITY) sum += (double)(expf(v.x - high) + expf(v.y - high) + (expf(v.z - high) + expf(v.w - high)));
  };
#pragma unroll
  for (int j = 0; j < KEPT; j++) add(kept[j]);
#pragma unroll 1
  for (int i = from + t + GREEDY_THREADS * KEPT; i < to; i += GREEDY_THREADS) add(four(i));
  sum = warp_sum(sum);
  if (lane == 0) sums[warp] = sum;
  __syncthreads();
  unsigned* counter = (unsigned*)(scratch + (long long)blockIdx.y * GREEDY_SCRATCH);
  Share* shares = (Share*)(scratch + (long long)blockIdx.y * GREEDY_SCRATCH + 16);
  if (t == 0) {
    sum = 0;
    for (int w = 0; w < GREEDY_WARPS; w++) sum += sums[w];
    shares[blockIdx.x] = Share{high, id, nan, 0.f, sum};
    __threadfence();
    last = atomicAdd(counter, 1u) == SHARES - 1;
  }
  __syncthreads();
  if (!last || warp != 0) return;
  __threadfence();
  if (lane == 0) *counter = 0;
  Share s = {-INFINITY, NO_ID, NO_ID, 0.f, 0};
  if (lane < SHARES) {
    const Share* p = shares + lane;
    s = Share{__ldcg(&p->highest), __ldcg(&p->id), __ldcg(&p->nan), 0.f, __ldcg(&p->sum)};
  }
  bool infinite = __any_sync(ALL, s.highest == INFINITY);
  if (infinite && s.highest < INFINITY) s.highest = -INFINITY, s.sum = 0, s.id = NO_ID;
  float top = warp_max(s.highest);
  int first = warp_min(s.highest == top ? s.id : NO_ID), broken = warp_min(s.nan);
  double all = warp_sum(s.sum > 0 ? (infinite ? s.sum : s.sum * exp((double)s.highest - (double)top)) : 0.0);
  if (lane == 0) {
    Result result = {first, (float)-log(all), OK, 0};
    if (broken != NO_ID) result.status = NOT_A_NUMBER, result.detail = broken;
    else if (top == -INFINITY) result.status = ALL_BANNED;
    out[r.row] = result;
  }
}

static constexpr int TAKE_THREADS = 256;

/** Of a row that could not be drawn the result does not matter, but must be a token. */
extern "C" __global__ void __launch_bounds__(TAKE_THREADS) take_drawn(int* ids, int n, const Result* results) {
  dependents();
  wait_previous();
  for (int i = threadIdx.x; i < n; i += TAKE_THREADS) {
    int id = ids[i];
    if (id < 0) ids[i] = max(((const volatile Result*)results)[~id].token, 0);
  }
}

static constexpr int COUNT_THREADS = 256;

extern "C" __global__ void __launch_bounds__(COUNT_THREADS) count_tokens(int* const* slots, const int* deltas, int n, const Result* results) {
  dependents();
  wait_previous();
  for (int i = threadIdx.x; i < n; i += COUNT_THREADS) {
    int token = deltas[3 * i + 1];
    if (token < 0) token = max(((const volatile Result*)results)[~token].token, 0);
    int* count = slots[deltas[3 * i]] + token;
    if (deltas[3 * i + 2] == 1) atomicOr(count, 1);
    else atomicAdd(count, deltas[3 * i + 2]);
  }
}

EXPORT_SHAPE(sample_greedy, GREEDY_THREADS, SHARES, GREEDY_SCRATCH)
EXPORT_SHAPE(sample_rows, SAMPLER_THREADS, SCRATCH_A_TOKEN, SCRATCH_BESIDES)
EXPORT_SHAPE(top_k, SAMPLER_THREADS, MOST_TOP)
EXPORT_SHAPE(take_drawn, TAKE_THREADS)
EXPORT_SHAPE(count_tokens, COUNT_THREADS)
EXPORT_LAYOUT(row, Row, ROW_MEMBERS)
EXPORT_LAYOUT(result, Result, RESULT_MEMBERS)
