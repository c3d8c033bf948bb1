// Matrix by a few vectors. A block takes some rows of the matrix; the lanes of 1, 2 or 4 warps split a row, chunk by chunk, and keep their part of
// the vectors in registers while all the block's rows pass by. Loads of weights run DEPTH groups of four rows ahead, the first of them before the
// kernel waits for its predecessor. The order of sums depends on K and the format alone.
#pragma once
#include "common/formats.cuh"

static constexpr int GEMV_THREADS = 128;
static constexpr int GEMV_WARPS = GEMV_THREADS / 32;
/** Blocks that a multiprocessor has registers for, where M vectors are multiplied: kernels are bounded to that. More and fewer are slower. */
__host__ __device__ constexpr int at_once(int M) { return M <= 2 ? 4 : 3; }

/** Of N pairs of values a lane keeps one and hands the other to its partner at distance O; and so on with half as many, at half the distance. */
template <int N, int O, int V> __device__ __forceinline__ void sum_halves(float (&v)[V], int lane) {
  bool upper = lane & O;
#pragma unroll
  for (int i = 0; i < N; i++) {
    float give = upper ? v[i] : v[i + N], keep = upper ? v[i + N] : v[i];
    v[i] = keep + __shfl_xor_sync(ALL, give, O);
  }
  if constexpr (N == 0) v[0] += __shfl_xor_sync(ALL, v[0], O);
  if constexpr (O > 1) sum_halves<N / 2, O / 2>(v, lane);
}
/** Sums V values over 32 lanes; lane l gets value l / (32 / V). Each value is summed in the same tree whatever V is. */
template <int V> __device__ __forceinline__ float sum_lanes(float (&v)[V], int lane) {
  static_assert(V <= 32 && (V & (V - 1)) == 0, "");
  sum_halves<V / 2, 16>(v, lane);
  return v[0];
}

/** How many warps share a row, 1, 2 or 4: as many as its chunks keep busy. As an exponent: a kernel of a few microseconds feels divisions. */
struct Sharing {
  int log;
  __device__ __forceinline__ explicit Sharing(int chunks) {
    int turns = ceil_div(chunks, 32);
    log = ceil_div(turns, 4) * 4 * 7 <= turns * 8 ? 2 : ceil_div(turns, 2) * 2 * 7 <= turns * 8 ? 1 : turns >= 32 ? 2 : turns > 2 ? 1 : 0;
  }
  __device__ __forceinline__ int warps() const { return 1 << log; }
};

/** Sums of groups of four rows, in `part`, by a block of WARPS warps; Read and its Acts are those of a format. */
template <class Read, int M, int ROWS, int DEPTH, int WARPS = GEMV_WARPS> struct Gemv {
  /** Sums of a group; and groups whose sums go over the lanes together, which hides how long that takes. */
  static constexpr int V = 4 * M, JOIN = M == 1 ? DEPTH : 1;
  float part[WARPS][ROWS / 4 * V]; // [warp][group of its set][row in group * M + vector]

  /**
   * Row r of the block (0 to rows - 1, rows up to ROWS) is row `first(r)` of the matrix, four by four; `load` fills activations for a chunk. Ends
   * with a barrier.
   */
  template <class First, class Load>
  __device__ __forceinline__ void run(const Read& read, int N, int chunks, Sharing sharing, int rows, First first, Load load) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int sets = WARPS >> sharing.log, set = warp >> sharing.log, lane0 = (warp & sharing.warps() - 1) * 32 + lane, slots = 32 << sharing.log;
    int groups = (rows / 4 + sets - 1) * sharing.warps() / WARPS, total = groups * ((chunks + slots - 1) >> (5 + sharing.log));
    typename Read::Group ring[DEPTH];
    int fetchGroup = 0, fetchChunk = lane0; // of the next load
    auto fetch = [&](typename Read::Group& g, bool any) {
      int r = 4 * (fetchGroup * sets + set), row = first(r);
      read.load(g, row, N, fetchChunk, any && r < rows && row < N && fetchChunk < chunks); // short rows may keep sets idle
      if (++fetchGroup == groups) fetchGroup = 0, fetchChunk += slots;
    };
#pragma unroll
    for (int i = 0; i < DEPTH; i++) fetch(ring[i], i < total);
    wait_previous();
    typename Read::template Acts<M> acts;
    constexpr int LANES = 32 / (JOIN * V); // that get the same sum
    int group = 0, chunk = lane0, value = lane / LANES, joined = value / V; // the sum that the lane gets, and of which group
    for (int at = 0; at < total; at += DEPTH) {
#pragma unroll
      for (int i = 0; i < DEPTH; i += JOIN) {
        if (at + i < total) {
          float v[JOIN * V];
          int slot = 0;
          bool fresh = false;
#pragma unroll
          for (int j = 0; j < JOIN; j++) { // behind the last group all is 0
            if (group == 0) load(acts, chunk, chunk < chunks);
#pragma unroll
            for (int r = 0; r < 4; r++) Read::template dots<M>(ring[i + j], r, acts, v + j * V + r * M);
            fetch(ring[i + j], at + i + j + DEPTH < total);
            if (joined == j) slot = group * V + value % V, fresh = chunk < slots;
            if (++group == groups) group = 0, chunk += slots;
          }
          float sum = sum_lanes(v, lane);
#pragma unroll
          for (int j = 0; j < JOIN; j++) { // one after the other: they may be of the same group
            if (lane % LANES == 0 && joined == j && at + i + j < total) {
              float* to = &part[warp][slot];
              *to = fresh ? sum : *to + sum;
            }
            if (JOIN > 1) __syncwarp();
          }
        }
      }
    }
    __syncthreads();
  }

  /** Row r of the block by vector m. */
  __device__ __forceinline__ float result(int r, int m, Sharing sharing) const {
    int sets = WARPS >> sharing.log, g = r / 4, set = g & sets - 1, at = g * sharing.warps() / WARPS * V + (r & 3) * M + m;
    float sum = 0.f;
#pragma unroll
    for (int w = 0; w < 4; w++)
      if (w < sharing.warps()) sum += part[(set << sharing.log) + w][at];
    return sum;
  }
};
