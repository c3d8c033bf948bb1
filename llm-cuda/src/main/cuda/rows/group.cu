// Pairs of a row and an expert that it chose, put in order by expert, and cut into tiles of one expert each: what products by groups go through. All
// on the device: nobody waits for a count. Then the sums of what the experts made.
#include "common/common.cuh"
#include "common/layout.cuh"

static constexpr int THREADS = 512, WARPS = THREADS / 32, MOST_EXPERTS = 1024, AHEAD = 8, SUM_THREADS = 256;

/** Sum of what the threads before have, and of all. */
__device__ __forceinline__ int2 before(int v, int* room) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, sum = v;
#pragma unroll
  for (int o = 1; o < 32; o <<= 1) {
    int other = __shfl_up_sync(ALL, sum, o);
    if (lane >= o) sum += other;
  }
  __syncthreads();
  if (lane == 31) room[warp] = sum;
  __syncthreads();
  int base = 0, all = 0;
  for (int w = 0; w < WARPS; w++) {
    if (w < warp) base += room[w];
    all += room[w];
  }
  return make_int2(base + sum - v, all);
}

/**
 * Pair p is row p / slots with the expert that stands at p % slots of its route. `order` gets the pairs of the first expert, then those of the
 * second and so on, each in their order; tiles[0].x the number of tiles, and from tiles[1] on for each tile its expert, where in `order` it begins,
 * and how many pairs it has, up to `tile`.
 */
extern "C" __global__ void __launch_bounds__(THREADS) group_pairs(const float* route, int ldr, int slots, int experts, int rows, int tile,
                                                                  int* order, int4* tiles) {
  __shared__ unsigned short seen[WARPS][MOST_EXPERTS]; // of a warp's pairs so many are an expert's; then so many of the warps before it
  __shared__ int first[MOST_EXPERTS], room[WARPS];
  dependents();
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, pairs = rows * slots;
  for (int e = threadIdx.x; e < WARPS * MOST_EXPERTS; e += THREADS) seen[0][e] = 0;
  __syncthreads();
  wait_previous();
  int share = ceil_div(ceil_div(pairs, WARPS), 32) * 32, from = warp * share, to = min(from + share, pairs);
  // Goes through the warp's pairs, 32 at a time; each lane that has one is told how many of its expert stand before it, and whether it is the last.
  auto go = [&](auto each) {
    for (int p0 = from; p0 < to; p0 += 32 * AHEAD) {
      int expert[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        int p = p0 + 32 * i + lane;
        expert[i] = p < to ? min(max((int)row1(route + (long long)(p / slots) * ldr + p % slots), 0), experts - 1) : MOST_EXPERTS;
      }
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        if (p0 + 32 * i >= to) break;
        unsigned same = __match_any_sync(ALL, expert[i]);
        int rank = __popc(same & (1u << lane) - 1);
        each(p0 + 32 * i + lane, expert[i], rank, rank == __popc(same) - 1, expert[i] < MOST_EXPERTS);
        __syncwarp();
      }
    }
  };
  go([&](int, int expert, int rank, bool last, bool any) {
    if (any && last) seen[warp][expert] += rank + 1;
  });
  __syncthreads();
  constexpr int EACH = MOST_EXPERTS / THREADS;
  int count[EACH], sum = 0, cut = 0;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int e = EACH * threadIdx.x + i, all = 0;
    for (int w = 0; w < WARPS; w++) {
      int n = seen[w][e];
      seen[w][e] = all, all += n;
    }
    count[i] = all, sum += all, cut += ceil_div(all, tile);
  }
  int2 at = before(sum, room), cuts = before(cut, room);
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    int e = EACH * threadIdx.x + i;
    first[e] = at.x;
    for (int n = 0; n < count[i]; n += tile) tiles[1 + cuts.x++] = make_int4(e, at.x + n, min(tile, count[i] - n), 0);
    at.x += count[i];
  }
  if (threadIdx.x == 0) tiles[0] = make_int4(cuts.y, 0, 0, 0);
  __syncthreads();
  go([&](int p, int expert, int rank, bool last, bool any) {
    int at = any ? seen[warp][expert] + rank : 0;
    __syncwarp(); // all have read it
    if (any) order[first[expert] + at] = p;
    if (any && last) seen[warp][expert] = at + 1;
  });
}

/** Block (x, t): y = residual + the sum over the slots of weight * z, rows of which are pairs. N is a multiple of 4, and so are pitches. */
extern "C" __global__ void __launch_bounds__(SUM_THREADS) group_sum(const float* z, const float* route, int ldr, int slots, int weighted,
                                                                    const float* residual, int ldres, float* y, int ldy, int N) {
  dependents();
  wait_previous();
  long long t = blockIdx.y;
  int n = 4 * (blockIdx.x * SUM_THREADS + threadIdx.x);
  if (n >= N) return;
  float4 v = residual ? row4(residual + t * ldres + n) : make_float4(0.f, 0.f, 0.f, 0.f);
  for (int k = 0; k < slots; k++) {
    float w = weighted ? row1(route + t * ldr + slots + k) : 1.f;
    float4 a = row4(z + (t * slots + k) * N + n);
    v = make_float4(fmaf(w, a.x, v.x), fmaf(w, a.y, v.y), fmaf(w, a.z, v.z), fmaf(w, a.w, v.w));
  }
  *(float4*)(y + t * ldy + n) = v;
}
EXPORT_SHAPE(group_pairs, THREADS, MOST_EXPERTS)
EXPORT_SHAPE(group_sum, SUM_THREADS)
