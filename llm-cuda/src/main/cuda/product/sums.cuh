// What the blocks of a cluster make of the sums that each of them has in its shared memory: results.
#pragma once
#include "product/hopper.cuh"
#include "product/outputs.cuh"

/** Rows of W of a block: of gated products the first half are of `gate`, the others of `up`. */
static constexpr int ROWS = 128;
static constexpr int PITCH = ROWS + 4; // floats from row to row of x: stores of a warp fall into different banks

/** Where results go, of gated products also as bytes. */
struct Output : Outputs {
  signed char* yq;
  Scale* ys;

  __device__ __forceinline__ int matrix_rows() const { return gated() ? 2 * N : N; }

  /** Residuals of four neighbouring outputs of row m from n on. */
  __device__ __forceinline__ float4 more(int m, int n) const {
    const float* from = residual + (long long)m * ldr + n;
    if (n + 3 < N && ((unsigned long long)from & 15) == 0) return row4(from);
    return make_float4(row1(from), n + 1 < N ? row1(from + 1) : 0.f, n + 2 < N ? row1(from + 2) : 0.f, n + 3 < N ? row1(from + 3) : 0.f);
  }

  /** Writes four neighbouring outputs. */
  __device__ __forceinline__ void put4(int m, int n, float4 v, float4 more) const {
    float* to = y + (long long)m * ldy + n;
    float e[4] = {v.x + more.x, v.y + more.y, v.z + more.z, v.w + more.w};
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (bias && n + i < N) e[i] += bias[n + i];
    if (n + 3 < N && ((unsigned long long)to & 15) == 0) {
      *(float4*)to = make_float4(e[0], e[1], e[2], e[3]);
      return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (n + i < N) to[i] = e[i];
  }

  /** The same of act(gate) * up, also as bytes; all lanes of a warp, `in`: those that have some. */
  __device__ __forceinline__ void put_gated(bool in, int m, int n, float4 gate, float4 up) const {
    float4 v = make_float4(activate(gate.x, up.x), activate(gate.y, up.y), activate(gate.z, up.z), activate(gate.w, up.w));
    if (yq) {
      Scale s;
      int q = quantize8x4(v, s);
      if (in) {
        *(int*)(yq + (long long)m * N + n) = q;
        if ((threadIdx.x & 7) == 0) ys[(long long)m * (N / 32) + n / 32] = s;
      }
    }
    if (in && y) put4(m, n, v, make_float4(0.f, 0.f, 0.f, 0.f));
  }
};

__device__ __forceinline__ float4 times(float4 v, float factor) { return make_float4(v.x * factor, v.y * factor, v.z * factor, v.w * factor); }

/** Sums in shared memory: PARTS, which belong together, of a row of PITCH floats for each of COLUMNS rows of x; and by what rows are multiplied. */
template <int COLUMNS, int PARTS, int WORKERS> struct Sums {
  static constexpr int PART = COLUMNS * PITCH, BYTES = (PARTS * PART + COLUMNS) * 4, AT_ONCE = 4;
  float *sums, *factors;
  int rank, blocks; // of the cluster

  __device__ __forceinline__ Sums(float* room, int rank, int blocks) : sums(room), factors(room + PARTS * PART), rank(rank), blocks(blocks) {}

  /** Those of the cluster, in the order of its blocks, of rows of x and four rows of W each. */
  __device__ __forceinline__ void all(const bool (&in)[AT_ONCE], const int (&m)[AT_ONCE], const int (&r)[AT_ONCE], int more,
                                      float4 (&v)[AT_ONCE]) const {
    unsigned at[AT_ONCE];
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++) at[j] = shared_address(sums + m[j] * PITCH + r[j] + more), v[j] = make_float4(0.f, 0.f, 0.f, 0.f);
#pragma unroll 2
    for (int k = 0; k < blocks; k++) {
#pragma unroll
      for (int p = 0; p < PARTS; p++) {
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
          unsigned from = at[j] + p * PART * 4;
          float4 a = cluster_read4(of_block(from, k), in[j]);
          v[j].x += a.x, v[j].y += a.y, v[j].z += a.z, v[j].w += a.w;
        }
      }
    }
  }

  /**
   * Writes the block's share of rows of x from m0 on, of a tile of rows of W; by all warps of workers. Four outputs a lane, AT_ONCE times, whose
   * loads do not wait for each other.
   */
  __device__ __forceinline__ void write(const Output& out, int m0, int tile) const {
    int shift = out.gated() ? 4 : 5, width = 4 << shift, n0 = tile * width, lane = threadIdx.x & 31;
    int rows = min(out.rows - m0, COLUMNS), mine = (rows - rank + blocks - 1) / blocks;
#pragma unroll 1
    for (int i = threadIdx.x; i - lane < mine << shift; i += AT_ONCE * WORKERS) {
      int m[AT_ONCE], r[AT_ONCE];
      bool in[AT_ONCE];
      float4 v[AT_ONCE], more[AT_ONCE];
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++) {
        int line = (i + j * WORKERS) >> shift;
        r[j] = (i + j * WORKERS) * 4 & width - 1, in[j] = line < mine && n0 + r[j] < out.N, more[j] = make_float4(0.f, 0.f, 0.f, 0.f);
        m[j] = min(rank + line * blocks, rows - 1);
        if (out.residual && in[j]) more[j] = out.more(m0 + m[j], n0 + r[j]);
      }
      all(in, m, r, 0, v);
      if (out.gated()) all(in, m, r, width, more);
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++) {
        float f = factors[m[j]];
        v[j] = times(v[j], f);
        if (out.gated()) out.put_gated(in[j], m0 + m[j], n0 + r[j], v[j], times(more[j], f));
        else if (in[j]) out.put4(m0 + m[j], n0 + r[j], v[j], more[j]);
      }
    }
  }
};
