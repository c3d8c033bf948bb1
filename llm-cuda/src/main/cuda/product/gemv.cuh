// Matrix by a few vectors. A block of four warps takes some rows of the matrix; the lanes of 1, 2 or 4 warps split a row, chunk by chunk, and keep
// their part of the vectors in registers while all the block's rows pass by. Loads of weights run DEPTH groups of four rows ahead, the first of them
// before the kernel waits for its predecessor. The order of sums depends on K and the format alone.
#pragma once
#include "common/formats.cuh"

static constexpr int GEMV_THREADS = 128;
static constexpr int GEMV_WARPS = GEMV_THREADS / 32;

/**
 * Sums V values over 32 lanes; lane l gets value l / (32 / V). At each turn a lane keeps half of its values and hands the other half to its partner;
 * each value is summed in the same tree whatever V is.
 */
template <int V> __device__ __forceinline__ float sum_lanes(float (&v)[V], int lane) {
  static_assert(V <= 32 && (V & (V - 1)) == 0, "");
  int o = 16;
#pragma unroll
  for (int n = V / 2; n; n /= 2, o /= 2) {
    bool upper = lane & o;
#pragma unroll
    for (int i = 0; i < n; i++) {
      float give = upper ? v[i] : v[i + n], keep = upper ? v[i + n] : v[i];
      v[i] = keep + __shfl_xor_sync(ALL, give, o);
    }
  }
  for (; o; o /= 2) v[0] += __shfl_xor_sync(ALL, v[0], o);
  return v[0];
}

/** Warps that share a row: as many as its chunks keep busy. */
__device__ __forceinline__ int warps_a_row(int chunks) {
  int turns = ceil_div(chunks, 32);
  return ceil_div(turns, 4) * 4 * 7 <= turns * 8 ? 4 : ceil_div(turns, 2) * 2 * 7 <= turns * 8 ? 2 : turns >= 32 ? 4 : turns > 2 ? 2 : 1;
}

/** Sums of groups of four rows, in `part`; Read and its Acts are those of a format. */
template <class Read, int M, int ROWS, int DEPTH> struct Gemv {
  static constexpr int V = 4 * M;
  float part[GEMV_WARPS][ROWS / 4 * V]; // [warp][group of its set][row in group * M + vector]

  /**
   * Row r of the block (0 to ROWS - 1) is row `first(r)` of the matrix, four by four; `load` fills activations for a chunk. Ends with a barrier.
   */
  template <class First, class Load> __device__ __forceinline__ void run(const Read& read, int N, int chunks, int perRow, First first, Load load) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int sets = GEMV_WARPS / perRow, set = warp / perRow, lane0 = (warp % perRow) * 32 + lane, slots = 32 * perRow;
    int groups = ROWS / 4 / sets, total = groups * ceil_div(chunks, slots);
    typename Read::Group ring[DEPTH];
    int fetchGroup = 0, fetchChunk = lane0; // of the next load
    auto fetch = [&](typename Read::Group& g, bool any) {
      int row = first(4 * (fetchGroup * sets + set));
      read.load(g, row, N, fetchChunk, any && row < N && fetchChunk < chunks);
      if (++fetchGroup == groups) fetchGroup = 0, fetchChunk += slots;
    };
#pragma unroll
    for (int i = 0; i < DEPTH; i++) fetch(ring[i], i < total);
    wait_previous();
    typename Read::template Acts<M> acts;
    int group = 0, chunk = lane0;
    for (int at = 0; at < total; at += DEPTH) {
#pragma unroll
      for (int i = 0; i < DEPTH; i++) {
        if (at + i < total) {
          if (group == 0) load(acts, chunk, chunk < chunks);
          float v[V];
#pragma unroll
          for (int r = 0; r < 4; r++) Read::template dots<M>(ring[i], r, acts, v + r * M);
          fetch(ring[i], at + i + DEPTH < total);
          float sum = sum_lanes(v, lane);
          if ((lane & (32 / V - 1)) == 0) {
            float* to = &part[warp][group * V + lane / (32 / V)];
            *to = chunk < slots ? sum : *to + sum;
          }
          if (++group == groups) group = 0, chunk += slots;
        }
      }
    }
    __syncthreads();
  }

  /** Row r of the block by vector m. */
  __device__ __forceinline__ float result(int r, int m, int perRow) const {
    int sets = GEMV_WARPS / perRow, g = r / 4, set = g % sets;
    float sum = 0.f;
    for (int w = 0; w < perRow; w++) sum += part[set * perRow + w][g / sets * V + (r & 3) * M + m];
    return sum;
  }
};
