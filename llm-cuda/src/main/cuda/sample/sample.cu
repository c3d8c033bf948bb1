// Sampling: io.jllm.sampling.SamplerChain on the device. Same stages, same order, same random numbers, ties by the lower id; weights by the same
// exponential, sums in double. A block does a row.
#include "sample/draw.cuh"

static constexpr int SCRATCH_A_TOKEN = 24, SCRATCH_BESIDES = 65536; // bytes of a row that is drawn in any way

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

EXPORT_SHAPE(sample_rows, SAMPLER_THREADS, SCRATCH_A_TOKEN, SCRATCH_BESIDES)
EXPORT_SHAPE(top_k, SAMPLER_THREADS, MOST_TOP)
EXPORT_LAYOUT(row, Row, ROW_MEMBERS)
EXPORT_LAYOUT(result, Result, RESULT_MEMBERS)
