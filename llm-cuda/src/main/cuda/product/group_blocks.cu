// Products of some rows of bytes by the experts that they chose, weights in blocks, each of which is read once: tiles of up to 8 NT pairs of one
// expert on tensor cores, with the arithmetic of few.cu.
#include "common/layout.cuh"
#include "product/few_blocks.cuh"
#include "product/group.cuh"

static constexpr int WARPS = 4, TILES = 2, ROWS = 16 * TILES; // rows of W a warp; of gated products half of the warps have gate, half up

/** Block (x, tile). `act` < 0: plain products by W as floats; else act(W x) * (up x) as bytes. A row of results for each pair. */
template <class F, int NT>
__device__ __forceinline__ void product(const uchar* W, const uchar* up, const signed char* q, const Scale* s, Groups groups, int experts,
                                        const float* bias, const float* upBias, float* y, signed char* yq, Scale* ys, int N, int K, int act) {
  constexpr int COLS = 8 * NT, PITCH = ROWS + 4, REGION = COLS * PITCH;
  typedef typename F::Read Read;
  typedef WarpTile<typename F::RowTile> Rows;
  extern __shared__ __align__(16) uchar room[];
  __shared__ int pairs[COLS];
  dependents();
  wait_previous();
  int4 tile = groups.tile(blockIdx.y);
  if (tile.z == 0) return;
  if (threadIdx.x < tile.z) pairs[threadIdx.x] = groups.pair(tile, threadIdx.x);
  bool gated = act >= 0;
  FewPlace p(1);
  int n0 = gated ? blockIdx.x * (ROWS * WARPS / 2) + p.warp % (WARPS / 2) * ROWS : (blockIdx.x * WARPS + p.warp) * ROWS;
  int first = tile.x * N + n0, nb = K / 32, steps = ceil_div(nb, STEP), sub = p.lane % STEP, row = p.lane / STEP * 4;
  Rows* tiles = (Rows*)room + TILES * p.warp;
  Columns<NT>* columns = (Columns<NT>*)((Rows*)room + TILES * WARPS);
  Read read(gated && p.warp >= WARPS / 2 ? up : W, experts * N, K);
  typename Read::Group g[TILES];
  auto load = [&](int step) {
    int c = STEP * step + sub;
#pragma unroll
    for (int i = 0; i < TILES; i++) read.load(g[i], first + 16 * i + row, experts * N, c, step < steps && c < nb && n0 + 16 * i + row < N);
  };
  auto fetch = [&](int step, int slot) {
    if (step < steps) columns[slot].fetch(q, s, nb, STEP * step, tile.z, p, [&](int m) { return groups.row(pairs[m]); });
  };
  load(0);
  __syncthreads();
  fetch(0, 0);
  float acc[TILES][NT][4] = {};
  for (int step = 0; step < steps; step++) {
    __syncwarp(); // the tiles of the step before have been read
#pragma unroll
    for (int i = 0; i < TILES; i++) tiles[i].template put<Read>(g[i], sub, row);
    load(step + 1);
    wait_copies<0>();
    __syncthreads(); // the rows of x are there for all, and all have left those of the step before
    fetch(step + 1, step + 1 & 1);
#pragma unroll(NT == 1 ? 2 : 1)
    for (int c = 0; c < STEP / 2; c++) multiply<typename F::RowTile, TILES, NT>(acc, tiles, columns[step & 1], c, p.lane);
  }
  // Rows 2 g and 2 g + 1 are g and g + 8 of mma.
  float* sums = (float*)room;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < TILES; i++)
#pragma unroll
    for (int t = 0; t < NT; t++)
#pragma unroll
      for (int j = 0; j < 4; j++)
        sums[p.warp * REGION + (8 * t + 2 * (p.lane & 3) + (j & 1)) * PITCH + 16 * i + 2 * (p.lane >> 2) + (j >> 1)] = acc[i][t][j];
  __syncthreads();
  for (int m = 0; m < tile.z; m++) {
    long long pair = pairs[m];
    float v = sums[p.warp * REGION + m * PITCH + p.lane];
    int n = n0 + p.lane;
    if (!gated) {
      if (n < N) y[pair * N + n] = bias ? v + bias[(long long)tile.x * N + n] : v;
    } else if (p.warp < WARPS / 2 && n0 < N) { // N is a multiple of 32
      float u = sums[(p.warp + WARPS / 2) * REGION + m * PITCH + p.lane];
      if (bias) v += bias[(long long)tile.x * N + n], u += upBias[(long long)tile.x * N + n];
      quantize32(gated_any(v, u, act), p.lane, yq + pair * N + n0, ys + pair * (N / 32) + n0 / 32);
    }
  }
}

#define KERNEL(FMT, F, NT)                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(32 * WARPS, F::RowTile::SCALES == 2 && NT == 2 ? 2 : 3) group_##FMT##_n##NT(                     \
      const uchar* W, const uchar* up, const signed char* q, const Scale* s, GROUPS, int experts, const float* bias, const float* upBias,       \
      float* y, signed char* yq, Scale* ys, int N, int K, int act) {                                                                            \
    product<F, NT>(W, up, q, s, PASS_GROUPS, experts, bias, upBias, y, yq, ys, N, K, act);                                                      \
  }
#define NONE(FMT, NUMBER, F)
#define BOTH(FMT, NUMBER, F) KERNEL(FMT, F, 1) KERNEL(FMT, F, 2)
FORMATS(NONE, NONE, BOTH)
// Threads, rows of W a block, bytes of two steps of 8 rows of x; then, in the order of the list, of the rows of W.
#define TILE_BYTES(FMT, NUMBER, F) , TILES* WARPS*(int)sizeof(WarpTile<typename F::RowTile>)
EXPORT_SHAPE(group_blocks, 32 * WARPS, ROWS* WARPS, (int)(2 * sizeof(Columns<1>)) FORMATS(NONE, NONE, TILE_BYTES))
