// The greedy choice: blocks share a row, and the last one puts together what they found.
#include "sample/record.cuh"
#include "sample/select.cuh"

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

EXPORT_SHAPE(sample_greedy, GREEDY_THREADS, SHARES, GREEDY_SCRATCH)
