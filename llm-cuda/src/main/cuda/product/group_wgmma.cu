// architectures: 90a
// Products of many rows of 16 bits by the experts that they chose, on Hopper's tensor cores: blocks stay and take unit after unit, 256 rows of an
// expert's matrix (of gated products 128 of gate and 128 of up) by a tile of pairs. A warpgroup brings weights by boxes and rows of x, as narrow.cu
// leaves them, one by one; two multiply, 128 rows of W each. Of 2,000 tokens, 8 of 128 experts each of 768 by 2,048, both products take an H200
// 580 us so, with tiles of up to 160 pairs 634, and those of group_mma.cu 878.
#include "common/layout.cuh"
#include "product/group.cuh"
#include "product/hopper.cuh"

static constexpr int THREADS = 384, WORKERS = 256, ROWS = 256, BRINGERS = 128, LINES = BRINGERS / 8;
static constexpr int PAIRS = 64, STAGES = 5;
/** Registers a thread of those that bring, and of the others. */
static constexpr int FEW_REGISTERS = 40, MANY_REGISTERS = 232;

static constexpr int DEPTH = 64, LINE = 128; // columns of a box, and their bytes

/** Arrives at a barrier when all copies of this thread are there. */
__device__ __forceinline__ void barrier_arrive_copied(unsigned barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void copy16(unsigned to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
}
/** Tensor cores see what threads have copied, once a barrier has told of it. */
__device__ __forceinline__ void see_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
/** In 16 bits, beyond the range as its end. */
template <class T> __device__ __forceinline__ T bounded(float v) {
  if constexpr (is_half<T>()) {
    unsigned two;
    asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %1;" : "=r"(two) : "f"(v));
    return __ushort_as_half((unsigned short)two);
  } else {
    return from_float<T>(v);
  }
}
/** Where a piece of 16 bytes of a line stands, as the copy engine would have put it down. */
__device__ __forceinline__ unsigned place(int line, int piece) { return line * LINE + ((piece ^ (line & 7)) << 4); }

/** What a block does: units, each some outputs of a tile of pairs. */
struct Units {
  const Groups& groups;
  int across, all;
  __device__ __forceinline__ Units(const Groups& groups, int across)
      : groups(groups), across(across), all(__ldcg((const int*)groups.tiles) * across) {}
  __device__ __forceinline__ int4 tile(int unit) const {
    return unit < all ? __ldcg(groups.tiles + 1 + unit / across) : make_int4(0, 0, 0, 0);
  }
};

#define R16(d, i) R8(d, i), R8(d, i + 8)
#define R32(d, i) R16(d, i), R16(d, i + 16)
#define GROUP_WGMMA(N, TYPE, LIST, A, B, ADD, ...)                                                                                              \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" N "k16.f32." TYPE "." TYPE " {" LIST "}, %" A ", %" B \
               ", p, 1, 1, 0, 0;}"                                                                                                              \
               : __VA_ARGS__                                                                                                                     \
               : "l"(a), "l"(b), "r"(add))
#define MULTIPLY(T, TYPE)                                                                                                           \
  template <int V> __device__ __forceinline__ void multiply(float (&d)[V], unsigned long long a, unsigned long long b, int add, T) { \
    if constexpr (V == 16) GROUP_WGMMA("32", TYPE, LIST16, "16", "17", "18", R16(d, 0));                                            \
    else GROUP_WGMMA("64", TYPE, LIST32, "32", "33", "34", R32(d, 0));                                                              \
  }
/** Sums of 64 rows by 2 V columns, 16 products deep; adds to what stands there if `add`. */
MULTIPLY(__half, "f16")
MULTIPLY(bf16, "bf16")

template <class T> struct Many {
  static constexpr int EACH = PAIRS / LINES;
  static constexpr int A_BOX = 64 * LINE, A_BYTES = ROWS * LINE, STAGE = A_BYTES + PAIRS * LINE;
  static constexpr int BYTES = 1024 + STAGES * STAGE + 16 * STAGES + 2 * 8 * PAIRS;

  const TensorMap &w, &up;
  const T* x;
  int ldx;
  const float* scale;
  float unit; // what x is multiplied by without scales
  const Groups& groups;
  const float *bias, *upBias;
  float* y;
  T* narrow; // where results go instead if it is there, of gated products
  int ldn;
  float shrink; // what they are multiplied by there
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
        pairs[m] = make_int2(pair, __float_as_int(scale ? row1(scale + groups.row(pair)) : unit));
      }
      asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory");
      int n0 = unit % units.across * width() + (gated() ? 64 : 128) * group;
      if (tile.z > 32) one<64>(ring, tile, pairs, n0, group, thread);
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
            if (at < N && bias) v += bias[all + at], u += upBias[all + at];
            if (narrow) {
              if (at < ldn) narrow[(long long)pair.x * ldn + at] = bounded<T>(at < N ? activate(v, u) * shrink : 0.f);
            } else if (at < N) {
              to[at] = activate(v, u);
            }
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

#define KERNEL(FMT, T)                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) group_wgmma_##FMT(                                                                 \
      const __grid_constant__ TensorMap w, const __grid_constant__ TensorMap up, const T* x, int ldx, const float* scale, float unit, GROUPS, \
      const float* bias, const float* upBias, float* y, T* narrow, int ldn, float shrink, int N, int K, int pieces, int act) {                \
    extern __shared__ uchar memory[];                                                                                                         \
    typedef Many<T> Kind;                                                                                                                     \
    unsigned room = (shared_address(memory) + 1023) & ~1023u;                                                                                 \
    int2* told = (int2*)(memory + (room - shared_address(memory)) + STAGES * Kind::STAGE + 16 * STAGES);                                      \
    Groups groups = PASS_GROUPS;                                                                                                              \
    Kind{w, up, x, ldx, scale, unit, groups, bias, upBias, y, narrow, ldn, shrink, N, K, pieces, act, room, told}.run();                      \
  }
KERNEL(f16, __half)
KERNEL(bf16, bf16)
// Threads, rows of W a block, pairs of a tile, bytes of shared memory.
EXPORT_SHAPE(group_wgmma, THREADS, ROWS, PAIRS, Many<__half>::BYTES)
