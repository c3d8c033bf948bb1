// Matrix by 2 to 64 rows on tensor cores: rows of W are the rows of mma, rows of x its columns. The warps of a block share its
// rows of W, and the columns in parts, whose sums are added in order; those that have the same part bring its columns of x to shared memory.
#pragma once
#include "common/formats.cuh"

static constexpr int FEW_WARPS = 8; // most warps of a block

__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

/** Copies 16 bytes to shared memory behind the warp's back, of which those from `bytes` on become 0. */
__device__ __forceinline__ void copy16(void* to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}
__device__ __forceinline__ void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Waits until at most PENDING ends of copies are still to come. */
template <int PENDING> __device__ __forceinline__ void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory"); }

/** Four matrices of 8 rows of 16 bytes, a row's address a lane: lane l gets word l % 4 of row l / 4 of each. */
__device__ __forceinline__ void load_matrices(unsigned (&v)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(shared_address(row))
               : "memory");
}

/** What a warp does in its block. */
struct FewPlace {
  int lane, warp, wide, part, across; // warps side by side along the rows of W; which part of the columns is the warp's, and which of its warps it is

  __device__ __forceinline__ explicit FewPlace(int parts)
      : lane(threadIdx.x & 31), warp(threadIdx.x >> 5), wide((blockDim.x >> 5) / parts), part(warp / wide), across(warp % wide) {}
  /** Waits for the warps that have the same part. */
  __device__ __forceinline__ void meet() const {
    if (wide == 1) __syncwarp();
    else asm volatile("bar.sync %0, %1;" ::"r"(1 + part), "r"(wide * 32) : "memory");
  }
};

/** What becomes of the sums. A warp has TILES times 16 rows of W, a block a power of two of them. */
template <int TILES> struct FewOutput {
  static constexpr int ROWS = 16 * TILES, PITCH = ROWS + 4; // floats from row to row of x in what a warp leaves: its stores fall into different banks
  const float *bias, *residual;
  int ldr;
  float* y;
  int ldy;
  signed char* yq; // of gated products
  Scale* ys;
  int N, rows, parts, act; // act < 0: not gated

  /** Of the rows of x those that the block has, of at most so many; returns the number of the first. */
  __device__ __forceinline__ long long take(int most) {
    long long m = (long long)blockIdx.y * most;
    rows = min(rows - (int)m, most);
    if (residual) residual += m * ldr;
    if (y) y += m * ldy;
    if (yq) yq += m * N, ys += m * (N / 32);
    return m;
  }
  __device__ __forceinline__ bool gated() const { return act >= 0; }
  __device__ __forceinline__ int matrix_rows() const { return gated() ? 2 * N : N; }
  /** The first row of W of a warp. The first half of a gated product's warps have rows of gate, the others of up. */
  __device__ __forceinline__ int first(const FewPlace& p) const {
    int half = p.wide / 2;
    if (!gated()) return (blockIdx.x * p.wide + p.across) * ROWS;
    return (blockIdx.x * half + p.across % half) * ROWS + (p.across < half ? 0 : N);
  }
  /** How many rows there are from there on. */
  __device__ __forceinline__ int count(const FewPlace& p) const { return (gated() && p.across >= p.wide / 2 ? 2 * N : N) - first(p); }

  /** Sums times the scales of rows of x. */
  template <int NT> __device__ __forceinline__ void by_rows(float (&acc)[TILES][NT][4], const float* scale, const FewPlace& p) const {
#pragma unroll
    for (int t = 0; t < NT; t++) {
#pragma unroll
      for (int j = 0; j < 2; j++) {
        int row = 8 * t + 2 * (p.lane & 3) + j;
        float s = row < rows ? row1(scale + row) : 0.f;
#pragma unroll
        for (int i = 0; i < TILES; i++) acc[i][t][j] *= s, acc[i][t][j + 2] *= s;
      }
    }
  }

  /**
   * Sums what the warps of the same rows have. `acc` is as mma leaves it, of 16 rows that stand in order, or in PAIRS: rows 2 g
   * and 2 g + 1 are g and g + 8 of mma. `room` is shared memory that nobody needs any more, for PITCH floats for each warp and row of x.
   */
  template <int NT, bool PAIRS> __device__ __forceinline__ void finish(const float (&acc)[TILES][NT][4], const FewPlace& p, float* room) const {
    constexpr int COLS = 8 * NT, REGION = COLS * PITCH;
    __syncthreads();
    float* to = room + p.warp * REGION + 2 * (p.lane & 3) * PITCH + (p.lane >> 2) * (PAIRS ? 2 : 1);
#pragma unroll
    for (int i = 0; i < TILES; i++)
#pragma unroll
      for (int t = 0; t < NT; t++)
#pragma unroll
        for (int j = 0; j < 4; j++) to[(8 * t + (j & 1)) * PITCH + 16 * i + (j >> 1) * (PAIRS ? 1 : 8)] = acc[i][t][j];
    __syncthreads();
    int block = p.wide * ROWS, log = 31 - __clz(block);
    auto sum = [&](int r, int m) {
      const float* from = room + r / ROWS * REGION + m * PITCH + r % ROWS;
      float v = 0.f;
#pragma unroll 2
      for (int k = 0; k < parts; k++, from += p.wide * REGION) v += *from;
      return v;
    };
    store(p, log, sum);
  }

private:
  template <class Sum> __device__ __forceinline__ void store(const FewPlace& p, int log, Sum sum) const {
    int block = 1 << log, half = block / 2;
    if (!gated()) {
#pragma unroll 1
      for (int i = threadIdx.x; i < block * rows; i += blockDim.x) {
        int m = i >> log, r = i & block - 1, n = blockIdx.x * block + r;
        if (n >= N) continue;
        float v = sum(r, m);
        if (bias) v += bias[n];
        if (residual) v += row1(residual + (long long)m * ldr + n);
        y[(long long)m * ldy + n] = v;
      }
      return;
    }
#pragma unroll 1
    for (int r = p.lane; r < half; r += 32) { // 32 outputs are quantised together
      int n = blockIdx.x * half + r;
      if (n - p.lane >= N) return;
#pragma unroll 1
      for (int m = p.warp; m < rows; m += blockDim.x >> 5) {
        float v = gated_value(sum(r, m), sum(r + half, m), act);
        if (y && n < N) y[(long long)m * ldy + n] = v;
        if (yq) quantize32(v, p.lane, yq + (long long)m * N + n - p.lane, ys + (long long)m * (N / 32) + n / 32);
      }
    }
  }
};

#define FEW_OUTPUT                                                                                                                                   \
  const float *bias, const float *residual, int ldr, float *y, int ldy, signed char *yq, Scale *ys, int N, int K, int rows, int parts, int act
#define FEW_PASS {bias, residual, ldr, y, ldy, yq, ys, N, rows, parts, act}
