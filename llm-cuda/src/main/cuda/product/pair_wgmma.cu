// architectures: 90a
// y = residual + bias + W x, or act(G x) * (U x), for up to 192 rows x of 16 bits on Hopper's tensor cores: rows of W are the rows of products. Two
// blocks of a cluster have a tile of rows of W each, and bring half of the rows of x each to both; pairs of a cluster share the columns out, and put
// their sums together in order. One warp brings boxes, two or three warpgroups have 64 rows of W each.
#include "common/layout.cuh"
#include "product/sums.cuh"

static constexpr int TILE = 64, PAIR = 2; // columns of a step, 128 bytes; blocks that share rows of x

#define LIST48 LIST32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define LIST96 LIST64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87" \
               ", %88, %89, %90, %91, %92, %93, %94, %95"
#define R32(d, i) R8(d, i), R8(d, i + 8), R8(d, i + 16), R8(d, i + 24)
#define PRODUCT(N, TYPE, LIST, A, B, ADD, ...)                                                                                                  \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %" ADD ", 0; wgmma.mma_async.sync.aligned.m64n" N "k16.f32." TYPE "." TYPE " {" LIST "}, %" A   \
               ", %" B ", p, 1, 1, 0, 0;}" : __VA_ARGS__ : "l"(a), "l"(b), "r"(add))
#define PRODUCTS(TYPE)                                                                                                   \
  if constexpr (V == 16) PRODUCT("32", TYPE, LIST16, "16", "17", "18", R8(d, 0), R8(d, 8));                                    \
  else if constexpr (V == 32) PRODUCT("64", TYPE, LIST32, "32", "33", "34", R32(d, 0));                                        \
  else if constexpr (V == 48) PRODUCT("96", TYPE, LIST48, "48", "49", "50", R32(d, 0), R8(d, 32), R8(d, 40));                       \
  else if constexpr (V == 64) PRODUCT("128", TYPE, LIST64, "64", "65", "66", R32(d, 0), R32(d, 32));                           \
  else PRODUCT("192", TYPE, LIST96, "96", "97", "98", R32(d, 0), R32(d, 32), R32(d, 64))
/** Sums of 64 rows by 2 V columns, 16 products deep; adds to what stands there if `add`. */
template <class T, int V> __device__ __forceinline__ void multiply16(float (&d)[V], unsigned long long a, unsigned long long b, int add) {
  if constexpr (is_half<T>()) {
    PRODUCTS("f16");
  } else {
    PRODUCTS("bf16");
  }
}

/** Where results go: floats. */
struct Floats : Output {
  float unit; // the scale of all rows, if they have none of their own
  __device__ __forceinline__ int limit() const { return N; } // of columns that are written
  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  __device__ __forceinline__ void put_two(int m, int n, float4 gate, float4 up) const {
    float4 v = make_float4(activate(gate.x, up.x), activate(gate.y, up.y), activate(gate.z, up.z), activate(gate.w, up.w));
    put4(m, n, v, make_float4(0.f, 0.f, 0.f, 0.f));
  }
};

/** The same of gated products, in 16 bits, zeros behind the last column; rows begin at multiples of 8 bytes, and have a multiple of 4 columns. */
template <class T> struct Narrow : Outputs {
  float unit;
  T* narrow;
  float shrink; // what results are multiplied by
  __device__ __forceinline__ int limit() const { return ldy; }
  __device__ __forceinline__ float factor(int m) const { return scale && m < rows ? row1(scale + m) : unit; }
  __device__ __forceinline__ float4 more(int, int) const { return make_float4(0.f, 0.f, 0.f, 0.f); }
  __device__ __forceinline__ void put4(int, int, float4, float4) const {}
  __device__ __forceinline__ void put_two(int m, int n, float4 gate, float4 up) const {
    float v[4] = {activate(gate.x, up.x) * shrink, activate(gate.y, up.y) * shrink, activate(gate.z, up.z) * shrink, activate(gate.w, up.w) * shrink};
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = n + i < N ? v[i] : 0.f;
    *(uint2*)(narrow + (long long)m * ldy + n) = make_uint2(two(v[0], v[1]), two(v[2], v[3]));
  }
  static __device__ __forceinline__ unsigned two(float a, float b) {
    unsigned v;
    if constexpr (is_half<T>()) asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(b), "f"(a));
    else asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(b), "f"(a));
    return v;
  }
};

/** What a block does: of the steps along the columns those from `from` to `to`. */
struct Place {
  int parts, part, half, tile, from, to, lane, warp, group; // pairs of the cluster; which one the block's is, and which block of it
  __device__ __forceinline__ explicit Place(int steps) {
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(parts));
    parts /= PAIR, part = cluster_rank() / PAIR, half = cluster_rank() % PAIR;
    tile = blockIdx.x / (parts * PAIR) * PAIR + half;
    from = steps * part / parts, to = steps * (part + 1) / parts;
    lane = threadIdx.x & 31, warp = threadIdx.x >> 5, group = threadIdx.x >> 7;
  }
};

template <class T, int NT, int GROUPS, int STAGES> struct Pairs {
  static constexpr int HEIGHT = GROUPS * 64, WORKERS = GROUPS * 128, COLUMNS = 8 * NT; // rows of W and of x
  static constexpr int A_BYTES = HEIGHT * 128, B_BYTES = COLUMNS * 128, STAGE = A_BYTES + B_BYTES, BOX_ROWS = COLUMNS / PAIR;
  static constexpr int BARRIERS = STAGES * STAGE, BYTES = BARRIERS + 16 * STAGES;
  static constexpr int LINE = HEIGHT + 4; // floats from row to row of x of sums: stores of a warp fall into different banks
  static_assert((COLUMNS * LINE + COLUMNS) * 4 <= STAGES * STAGE, "sums take the place of what has been multiplied");

  static __device__ __forceinline__ void bring(unsigned room, const Place& p, const TensorMap& x, const TensorMap& w, bool gated, int N) {
    int first = p.tile * (gated ? HEIGHT / 2 : HEIGHT), second = first + (gated ? N : HEIGHT / 2), ahead = min(p.to, p.from + STAGES), stage = 0;
    unsigned parity = 0;
    auto full = [&] { return room + BARRIERS + 8 * stage; };
    auto weights = [&](int s) {
      barrier_expect(full(), STAGE);
      copy_box(room + stage * STAGE, w, s * TILE, first, full());
      copy_box(room + stage * STAGE + A_BYTES / 2, w, s * TILE, second, full());
    };
    auto rows = [&](int s) {
      unsigned to = room + stage * STAGE + A_BYTES + p.half * (B_BYTES / PAIR);
      copy_box(to, x, s * TILE, p.half * BOX_ROWS, full(), (unsigned short)(3 << p.part * PAIR));
    };
    auto next = [&] {
      if (++stage == STAGES) stage = 0, parity ^= 1;
    };
    if (p.lane == 0)
      for (int s = p.from; s < ahead; s++, next()) weights(s);
    __syncwarp();
    cluster_wait();
    if (p.lane != 0) return;
    wait_previous();
    stage = 0, parity = 0;
    for (int s = p.from; s < ahead; s++, next()) rows(s);
    for (int s = ahead; s < p.to; s++, next()) {
      barrier_wait(full() + 8 * STAGES, parity ^ 1);
      weights(s);
      rows(s);
    }
  }

  static __device__ __forceinline__ void multiply(unsigned room, const Place& p, float (&d)[NT * 4]) {
    int stage = 0;
    unsigned parity = 0, before = 0;
    auto release = [&] {
      if (threadIdx.x % 128 < PAIR) barrier_arrive(before, p.part * PAIR + threadIdx.x % 128);
    };
    for (int s = p.from; s < p.to; s++) {
      unsigned full = room + BARRIERS + 8 * stage;
      barrier_wait(full, parity);
      unsigned long long a = tile_of(room + stage * STAGE + p.group * (A_BYTES / GROUPS)), b = tile_of(room + stage * STAGE + A_BYTES);
      wgmma_begin();
#pragma unroll
      for (int k = 0; k < TILE / 16; k++) multiply16<T>(d, a + 2 * k, b + 2 * k, s > p.from || k > 0);
      wgmma_commit();
      if (s > p.from) {
        wgmma_wait<1>();
        release();
      }
      before = full + 8 * STAGES;
      if (++stage == STAGES) stage = 0, parity ^= 1;
    }
    wgmma_wait<0>();
    keep(d);
    release();
  }

  /** The block's share of rows of x: four outputs a lane, AT_ONCE times, whose loads do not wait for each other. */
  template <class Out> static __device__ __forceinline__ void write(const Out& out, const float* sums, const float* factors, const Place& p) {
    constexpr int AT_ONCE = 4;
    int fours = out.gated() ? HEIGHT / 8 : HEIGHT / 4, n0 = p.tile * 4 * fours;
    int rows = min(out.rows, COLUMNS), mine = (rows - p.part + p.parts - 1) / p.parts;
#pragma unroll 1
    for (int i = threadIdx.x; i < mine * fours; i += AT_ONCE * WORKERS) {
      int m[AT_ONCE], r[AT_ONCE];
      bool in[AT_ONCE];
      float4 v[AT_ONCE], more[AT_ONCE];
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++) {
        int at = i + j * WORKERS, line = out.gated() ? at / (HEIGHT / 8) : at / (HEIGHT / 4);
        r[j] = (at - line * fours) * 4, in[j] = line < mine && n0 + r[j] < out.limit(), m[j] = min(p.part + line * p.parts, rows - 1);
        v[j] = more[j] = make_float4(0.f, 0.f, 0.f, 0.f);
        if (out.residual && in[j]) more[j] = out.more(m[j], n0 + r[j]);
      }
#pragma unroll 2
      for (int k = 0; k < p.parts; k++) {
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
          unsigned from = of_block(shared_address(sums + m[j] * LINE + r[j]), k * PAIR + p.half);
          float4 a = cluster_read4(from, in[j]);
          v[j].x += a.x, v[j].y += a.y, v[j].z += a.z, v[j].w += a.w;
          if (!out.gated()) continue;
          a = cluster_read4(from + 4 * 4 * (HEIGHT / 8), in[j]);
          more[j].x += a.x, more[j].y += a.y, more[j].z += a.z, more[j].w += a.w;
        }
      }
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++) {
        if (!in[j]) continue;
        float f = factors[m[j]];
        if (out.gated()) out.put_two(m[j], n0 + r[j], times(v[j], f), times(more[j], f));
        else out.put4(m[j], n0 + r[j], times(v[j], f), more[j]);
      }
    }
  }

  template <class Out> static __device__ __forceinline__ void run(const TensorMap& x, const TensorMap& w, int K, const Out& out) {
    extern __shared__ __align__(1024) uchar memory[];
    unsigned room = shared_address(memory);
    if (threadIdx.x == 0) {
      for (int s = 0; s < STAGES; s++) barrier_init(room + BARRIERS + 8 * s, 1), barrier_init(room + BARRIERS + 8 * (STAGES + s), GROUPS * PAIR);
      asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
    }
    __syncthreads();
    cluster_arrive();
    dependents();
    Place p(ceil_div(K, TILE));
    float *sums = (float*)memory, *factors = sums + COLUMNS * LINE;
    bool works = p.group < GROUPS;
    if (!works) {
      bring(room, p, x, w, out.gated(), out.N);
    } else {
      cluster_wait();
      wait_previous();
      float factor = threadIdx.x < COLUMNS ? out.factor(threadIdx.x) : 0.f, d[NT * 4];
      multiply(room, p, d);
      asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory"); // all have multiplied
      float* to = sums + 2 * (p.lane & 3) * LINE + p.warp * 16 + (p.lane >> 2);
#pragma unroll
      for (int i = 0; i < NT * 4; i++) to[(i / 4 * 8 + i % 2) * LINE + i / 2 % 2 * 8] = d[i];
      if (threadIdx.x < COLUMNS) factors[threadIdx.x] = factor;
    }
    __syncwarp();
    cluster_sync();
    if (works) write(out, sums, factors, p);
    __syncwarp();
    cluster_sync(); // others read what this block has
  }
};

#define KERNEL(FMT, T, NT, GROUPS, STAGES, STEP_NANOS)                                                                                         \
  extern "C" __global__ void __launch_bounds__(GROUPS * 128 + 32, 1) pair_wgmma_##FMT##_n##NT##_g##GROUPS(                                     \
      const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap w, const float* scale, float unit, const float* bias,             \
      const float* residual, int ldr, float* y, int ldy, int N, int K, int rows, int act) {                                                    \
    Pairs<T, NT, GROUPS, STAGES>::run(x, w, K, Floats{{{scale, bias, residual, ldr, y, ldy, N, rows, act}, 0, 0}, unit});                      \
  }                                                                                                                                             \
  extern "C" __global__ void __launch_bounds__(GROUPS * 128 + 32, 1) pair_wgmma_narrow_##FMT##_n##NT##_g##GROUPS(                              \
      const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap w, const float* scale, float unit, T* y, int ldy, float shrink,   \
      int N, int K, int rows, int act) {                                                                                                       \
    Pairs<T, NT, GROUPS, STAGES>::run(x, w, K, Narrow<T>{{scale, 0, 0, 0, 0, ldy, N, rows, act}, unit, y, shrink});                            \
  }
#define EXPORT(FMT, T, NT, GROUPS, STAGES, STEP_NANOS)                                                                                     \
  typedef Pairs<__half, NT, GROUPS, STAGES> Shape##NT##GROUPS;                                                                             \
  EXPORT_SHAPE(pair_wgmma_n##NT##_g##GROUPS, Shape##NT##GROUPS::WORKERS + 32, Shape##NT##GROUPS::HEIGHT, TILE, Shape##NT##GROUPS::COLUMNS, \
               Shape##NT##GROUPS::BOX_ROWS, PAIR, Shape##NT##GROUPS::BYTES, STEP_NANOS, 10000)
#define NAME_OF(FMT, T, NT, GROUPS, ...) " n" #NT "_g" #GROUPS
/** Eights of rows of x; warpgroups; stages; and what Java chooses by: the nanoseconds that a step takes, as measured on an H200. */
#define KINDS(M, FMT, T)      \
  M(FMT, T, 4, 2, 10, 180)    \
  M(FMT, T, 4, 3, 7, 255)     \
  M(FMT, T, 8, 2, 8, 185)     \
  M(FMT, T, 8, 3, 6, 262)     \
  M(FMT, T, 12, 2, 7, 195)    \
  M(FMT, T, 12, 3, 5, 278)    \
  M(FMT, T, 16, 2, 6, 215)    \
  M(FMT, T, 16, 3, 5, 350)    \
  M(FMT, T, 24, 2, 5, 390)    \
  M(FMT, T, 24, 3, 4, 610)
KINDS(KERNEL, f16, __half)
KINDS(KERNEL, bf16, bf16)
KINDS(EXPORT, , )
extern "C" __constant__ const char pair_wgmma_kinds[] = KINDS(NAME_OF, , );
