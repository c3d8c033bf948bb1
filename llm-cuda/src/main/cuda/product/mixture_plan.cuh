// Which rows chose which experts, as every block of a mixture finds out for itself, and which units are its own.
#pragma once
#include "common/formats/dense.cuh"

static constexpr int WARPS = 8, WORKERS = 32 * WARPS, THREADS = WORKERS + 128;
/** Registers a thread of those that bring, of which a warp has work, and of the others. */
static constexpr int FEW_REGISTERS = 40, MANY_REGISTERS = 232;
/** Rows of x and of W that a unit has; columns that mma takes in a step, two of them. */
static constexpr int TILE = 8, ROWS = 16, MOST_ROWS_OF_UNIT = 2 * ROWS, STEP = 32, CHUNK = 2 * STEP;
static constexpr int MOST_ROWS = 64, MOST_PAIRS = 1024, MOST_EXPERTS = 512, MOST_TILES = MOST_EXPERTS + MOST_PAIRS / TILE;
static constexpr int PIECES = 2, STAGES = 3, COLUMNS = 2048, STAGE = ROWS * COLUMNS * 2; // columns of a part; bytes

/** Pairs of a row and an expert that it chose, by expert, and tiles of up to 8 pairs of one expert: every block has its own. */
struct Plan {
  unsigned long long rows[MOST_EXPERTS]; // that chose an expert
  int tiles[MOST_TILES];                 // expert, where in `order` it begins, and how many pairs it has
  unsigned short chosen[MOST_PAIRS], order[MOST_PAIRS], begin[MOST_EXPERTS];
  int sums[THREADS / 32];
  int count; // of tiles

  static __device__ __forceinline__ int pack(int expert, int first, int pairs) { return expert << 16 | first << 4 | pairs; }
  static __device__ __forceinline__ int expert(int tile) { return tile >> 16; }
  static __device__ __forceinline__ int first(int tile) { return tile >> 4 & 0xfff; }
  static __device__ __forceinline__ int pairs(int tile) { return tile & 15; }

  /** The number of a row's k-th expert, whatever stands there. */
  static __device__ __forceinline__ int expert(const float* route, int k, int experts) { return min(max((int)row1(route + k), 0), experts - 1); }

  /** By all threads; reads what the launch before wrote from its first wait on. */
  __device__ __forceinline__ void make(const float* route, int ldr, int slots, int experts, int many) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, all = many * slots;
#pragma unroll 1
    for (int e = threadIdx.x; e < experts; e += THREADS) rows[e] = 0;
    wait_previous();
    constexpr int MOST = ceil_div(MOST_PAIRS, THREADS);
    int own[MOST], t[MOST];
#pragma unroll
    for (int i = 0; i < MOST; i++) {
      int p = threadIdx.x + i * THREADS;
      t[i] = p / slots, own[i] = -1;
      if (p < all) own[i] = expert(route + (long long)t[i] * ldr, p - t[i] * slots, experts);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < MOST; i++)
      if (own[i] >= 0) chosen[threadIdx.x + i * THREADS] = (unsigned short)own[i], atomicOr(rows + own[i], 1ull << t[i]);
    __syncthreads();
    constexpr int EACH = ceil_div(MOST_EXPERTS, THREADS);
    int mine = 0; // pairs, and in the upper half tiles
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      int e = EACH * threadIdx.x + i, n = e < experts ? __popcll(rows[e]) : 0;
      mine += n | ceil_div(n, TILE) << 16;
    }
    int sum = mine;
#pragma unroll
    for (int o = 1; o < 32; o <<= 1) {
      int other = __shfl_up_sync(ALL, sum, o);
      if (lane >= o) sum += other;
    }
    if (lane == 31) sums[warp] = sum;
    __syncthreads();
    int before = sum - mine, total = 0;
#pragma unroll
    for (int w = 0; w < THREADS / 32; w++) {
      if (w < warp) before += sums[w];
      total += sums[w];
    }
    if (threadIdx.x == 0) count = total >> 16;
    int at = before & 0xffff, tile = before >> 16;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      int e = EACH * threadIdx.x + i, n = e < experts ? __popcll(rows[e]) : 0;
      if (n > 0) begin[e] = (unsigned short)at;
#pragma unroll 1
      for (int m = 0; m < n; m += TILE) tiles[tile++] = pack(e, at + m, min(TILE, n - m));
      at += n;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < MOST; i++) {
      if (own[i] < 0) continue;
      int p = threadIdx.x + i * THREADS, e = own[i];
      bool again = false; // an expert counts once for a row
#pragma unroll 1
      for (int q = t[i] * slots; q < p; q++) again |= chosen[q] == e;
      if (!again) order[begin[e] + __popcll(rows[e] & (1ull << t[i]) - 1)] = (unsigned short)p;
    }
    __syncthreads();
  }
};

struct Experts {
  const uchar *gate, *up, *down;
  const float *gateBias, *upBias, *downBias;
  int N, K, outputs, act; // outputs and columns of gate and up; those of down
};

/** Units of a block, one after the other: of all rows of a tile's matrix. */
template <class T, bool GATED> struct Units {
  int rows, across;  // of a unit, those of gate and up together; units of a tile
  int parts, pitch;  // of a row; bytes from row to row in shared memory
  int tile, at, left;
  __device__ __forceinline__ Units(const Experts& m, int tiles) {
    int outputs = GATED ? m.N : m.outputs, stride = (int)Dense<T>::stride(GATED ? m.K : m.N);
    parts = ceil_div(stride, COLUMNS), pitch = 2 * (parts > 1 ? COLUMNS : stride);
    rows = GATED || 2 * ROWS * pitch > STAGE ? ROWS : 2 * ROWS;
    across = ceil_div(outputs, GATED ? rows / 2 : rows);
    long long all = (long long)tiles * across;
    int from = (int)(all * blockIdx.x / gridDim.x);
    left = (int)(all * (blockIdx.x + 1) / gridDim.x) - from, tile = from / across, at = from % across;
  }
  __device__ __forceinline__ void next() {
    left--;
    if (++at == across) at = 0, tile++;
  }
};
