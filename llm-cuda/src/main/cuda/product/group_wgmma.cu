// architectures: 90a
// Products of many rows of 16 bits by the experts that they chose, on Hopper's tensor cores: blocks stay and take unit after unit, 256 rows of an
// expert's matrix (of gated products 128 of gate and 128 of up) by a tile of pairs. A warpgroup brings weights by boxes and rows of x, as narrow.cu
// leaves them, one by one; two multiply, 128 rows of W each, by as many columns as the tile needs.
#include "common/layout.cuh"
#include "product/group_wgmma.cuh"

static constexpr int THREADS = 384, WORKERS = 256, ROWS = 256, BRINGERS = 128, LINES = BRINGERS / 8;
/** Registers a thread of those that bring, and of the others. */
static constexpr int FEW_REGISTERS = 40, MANY_REGISTERS = 232;

template <class T, int PAIRS_, int STAGES_> struct Many {
  static constexpr int PAIRS = PAIRS_, STAGES = STAGES_, EACH = PAIRS / LINES;
  static constexpr int A_BOX = 64 * LINE, A_BYTES = ROWS * LINE, STAGE = A_BYTES + PAIRS * LINE;
  static constexpr int BYTES = 1024 + STAGES * STAGE + 16 * STAGES + 2 * 8 * PAIRS;

  const TensorMap &w, &up;
  const T* x;
  int ldx;
  const float* scale;
  const Groups& groups;
  const float *bias, *upBias;
  float* y;
  int N, K, pieces, act;
  unsigned room;
  int2* told; // the pairs of two tiles, and what they are multiplied by

  __device__ __forceinline__ bool gated() const { return act >= 0; }
  __device__ __forceinline__ int width() const { return gated() ? ROWS / 2 : ROWS; }

  /** act(gate) * up; act 0 is SiLU, 1 GELU by its tanh formula, which is x / (1 + exp(-2 u)) too: both in one form. */
  __device__ __forceinline__ float activate(float gate, float up) const {
    float first = act == 0 ? 1.f : 1.5957691216057308f, third = act == 0 ? 0.f : 1.5957691216057308f * 0.044715f;
    float t = gate * (first + third * fminf(gate * gate, 1e30f));
    return __fdividef(gate, 1.f + expf(-t)) * up;
  }

  /** A warpgroup. */
  __device__ __forceinline__ void bring(int thread) const {
    Ring<STAGES> ring(room + STAGES * STAGE);
    Units units(groups, ceil_div(N, width()));
    int round = ceil_div(K, DEPTH), steps = round * pieces, piece = thread & 7, line = thread >> 3;
    unsigned rows[EACH]; // where they begin, in pieces of 16 bytes
    int unit = blockIdx.x;
    int4 tile = units.tile(unit);
    while (unit < units.all) {
      int4 next = units.tile(unit + gridDim.x);
#pragma unroll
      for (int i = 0; i < EACH; i++) rows[i] = groups.pair(tile, line + LINES * i < tile.z ? line + LINES * i : 0);
#pragma unroll
      for (int i = 0; i < EACH; i++) rows[i] = (unsigned)groups.row(rows[i]) * (unsigned)(ldx / 8) + piece;
      int n0 = tile.x * N + unit % units.across * width();
      for (int s = 0; s < steps; s++, ring.next()) {
        barrier_wait(ring.empty(), ring.parity ^ 1);
        unsigned to = room + ring.stage * STAGE;
        if (thread == 0) {
          barrier_expect(ring.full(), A_BYTES);
#pragma unroll
          for (int b = 0; b < 4; b++)
            copy_box(to + b * A_BOX, gated() && b % 2 ? up : w, s % round * DEPTH, n0 + 64 * (gated() ? b / 2 : b), ring.full());
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
          int l = line + LINES * i;
          if (l < tile.z) copy16(to + A_BYTES + place(l, piece), (const uint4*)x + rows[i] + s * (DEPTH / 8));
        }
        barrier_arrive_copied(ring.full());
      }
      tile = next, unit += gridDim.x;
    }
  }

  /** A warpgroup: rows 128 group and so on of the unit, in two parts, of gated products those of gate and those of up. */
  __device__ __forceinline__ void multiply_all(int group, int thread) const {
    Ring<STAGES> ring(room + STAGES * STAGE);
    Units units(groups, ceil_div(N, width()));
    int turn = 0;
    for (int unit = blockIdx.x; unit < units.all; unit += gridDim.x, turn ^= 1) {
      int4 tile = units.tile(unit);
      int2* pairs = told + turn * PAIRS;
      for (int m = group * 128 + thread; m < tile.z; m += WORKERS) {
        int pair = groups.pair(tile, m);
        pairs[m] = make_int2(pair, __float_as_int(scale ? row1(scale + groups.row(pair)) : 1.f));
      }
      asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory");
      int n0 = unit % units.across * width() + (gated() ? 64 : 128) * group;
      if (PAIRS > 160 && tile.z > 160) one<(PAIRS > 160 ? 192 : 32)>(ring, tile, pairs, n0, group, thread);
      else if (PAIRS > 128 && tile.z > 128) one<(PAIRS > 128 ? 160 : 32)>(ring, tile, pairs, n0, group, thread);
      else if (PAIRS > 96 && tile.z > 96) one<(PAIRS > 96 ? 128 : 32)>(ring, tile, pairs, n0, group, thread);
      else if (PAIRS > 64 && tile.z > 64) one<(PAIRS > 64 ? 96 : 32)>(ring, tile, pairs, n0, group, thread);
      else if (tile.z > 32) one<64>(ring, tile, pairs, n0, group, thread);
      else one<32>(ring, tile, pairs, n0, group, thread);
    }
  }

  template <int COLUMNS>
  __device__ __forceinline__ void one(Ring<STAGES>& ring, int4 tile, const int2* pairs, int n0, int group, int thread) const {
    float d[2][COLUMNS / 2]; // begins as zeros: else those of other widths would need registers of their own
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; i++) d[0][i] = d[1][i] = 0.f;
    unsigned before = 0;
    int steps = ceil_div(K, DEPTH) * pieces;
    for (int s = 0; s < steps; s++, ring.next()) {
      barrier_wait(ring.full(), ring.parity);
      see_copies();
      unsigned a = room + ring.stage * STAGE;
      unsigned long long first = tile_of(a + 2 * group * A_BOX), second = tile_of(a + (2 * group + 1) * A_BOX), b = tile_of(a + A_BYTES);
      wgmma_begin();
#pragma unroll
      for (int k = 0; k < DEPTH / 16; k++) {
        multiply(d[0], first + 2 * k, b + 2 * k, 1, T());
        multiply(d[1], second + 2 * k, b + 2 * k, 1, T());
      }
      wgmma_commit();
      if (s > 0) {
        wgmma_wait<1>();
        if (thread == 0) barrier_arrive(before);
      }
      before = ring.empty();
    }
    wgmma_wait<0>();
    keep(d[0]);
    keep(d[1]);
    if (thread == 0) barrier_arrive(before);
    int lane = thread & 31, n = n0 + thread / 32 * 16 + lane / 4;
    long long all = (long long)tile.x * N;
#pragma unroll
    for (int j = 0; j < COLUMNS / 8; j++) { // columns 8 j + 2 (lane % 4) and its neighbour, rows n and n + 8
#pragma unroll
      for (int c = 0; c < 2; c++) {
        int m = 8 * j + lane % 4 * 2 + c;
        if (m >= tile.z) continue;
        int2 pair = pairs[m];
        float factor = __int_as_float(pair.y);
        float* to = y + (long long)pair.x * N;
#pragma unroll
        for (int h = 0; h < 2; h++) {
          float v = d[0][4 * j + 2 * h + c] * factor, u = d[1][4 * j + 2 * h + c] * factor;
          int at = n + 8 * h;
          if (gated()) {
            if (at >= N) continue;
            if (bias) v += bias[all + at], u += upBias[all + at];
            to[at] = activate(v, u);
          } else {
            if (at < N) to[at] = bias ? v + bias[all + at] : v;
            if (at + 64 < N) to[at + 64] = bias ? u + bias[all + at + 64] : u;
          }
        }
      }
    }
  }

  __device__ __forceinline__ void run() const {
    Ring<STAGES> ring(room + STAGES * STAGE);
    if (threadIdx.x == 0) ring.init(BRINGERS + 1, WORKERS / 128);
    __syncthreads();
    dependents();
    wait_previous();
    int group = threadIdx.x / 128;
    if (group == 0) {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(FEW_REGISTERS));
      bring(threadIdx.x);
    } else {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MANY_REGISTERS));
      multiply_all(group - 1, threadIdx.x % 128);
    }
  }
};

#define KERNEL(FMT, T, PAIRS, STAGES)                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) group_wgmma_##FMT##_r##PAIRS(                                                       \
      const __grid_constant__ TensorMap w, const __grid_constant__ TensorMap up, const T* x, int ldx, const float* scale, GROUPS,             \
      const float* bias, const float* upBias, float* y, int N, int K, int pieces, int act) {                                                  \
    extern __shared__ uchar memory[];                                                                                                         \
    typedef Many<T, PAIRS, STAGES> Kind;                                                                                                      \
    unsigned room = (shared_address(memory) + 1023) & ~1023u;                                                                                 \
    int2* told = (int2*)(memory + (room - shared_address(memory)) + STAGES * Kind::STAGE + 16 * STAGES);                                      \
    Groups groups = PASS_GROUPS;                                                                                                              \
    Kind{w, up, x, ldx, scale, groups, bias, upBias, y, N, K, pieces, act, room, told}.run();                                                 \
  }
KERNEL(f16, __half, 160, 4)
#ifndef BENCH
KERNEL(f16, __half, 64, 5)
KERNEL(bf16, bf16, 64, 5)
KERNEL(bf16, bf16, 160, 4)
#endif
// Threads, rows of W a block, bytes of shared memory for tiles of 64 and of 160 pairs.
EXPORT_SHAPE(group_wgmma, THREADS, ROWS, Many<__half, 64, 5>::BYTES, Many<__half, 160, 4>::BYTES)
