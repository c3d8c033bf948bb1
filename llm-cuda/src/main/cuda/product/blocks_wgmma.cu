// architectures: 90a
// y = residual + bias + W x, or act(G x) * (U x), for 33 to some hundred rows x on Hopper's tensor cores, where W consists of blocks. A warp brings
// rows of x as few_split.cu leaves them. A thread of two warpgroups turns four neighbouring rows of a sub-block into values of f16 in its registers,
// from where the tensor cores take them: rows 2 i and 2 i + 1 of the four are rows g and g + 8 of the i-th product of 64 rows.
#include "common/layout.cuh"
#include "product/blocks_wgmma.cuh"

template <class F, int NT> struct Blocks {
  typedef typename F::Read Read;
  typedef typename F::RowTile RowTile;
  typedef typename Read::Group Group;
  static constexpr int COLUMNS = NT * 8, STAGES = NT > 8 ? 5 : 8;
  typedef Sums<COLUMNS, GROUPS, WORKERS> AllSums;
  static constexpr int BOX_BYTES = COLUMNS * 128, BYTES = 1024 + STAGES * BOX_BYTES + AllSums::BYTES + 8 * (2 * STAGES + 2);

  Output out;
  Share share;
  int high;  // units of the same rows of W
  int lane, warp, group;
  unsigned room, barriers;
  AllSums sums;

  __device__ __forceinline__ unsigned full(int stage) const { return barriers + 8 * stage; }
  __device__ __forceinline__ unsigned empty(int stage) const { return barriers + 8 * (STAGES + stage); }
  /** Sums of all blocks of the cluster are there; all have read them. */
  __device__ __forceinline__ unsigned shown() const { return barriers + 16 * STAGES; }
  __device__ __forceinline__ unsigned seen() const { return shown() + 8; }

  __device__ __forceinline__ void init() const {
    for (int s = 0; s < STAGES; s++) barrier_init(full(s), 1), barrier_init(empty(s), 1);
    barrier_init(shown(), WARPS * share.blocks), barrier_init(seen(), WARPS * share.blocks);
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
  }

  /** One thread. */
  __device__ __forceinline__ void bring(const TensorMap& x) const {
    int stage = 0;
    unsigned parity = 1;
    for (int unit = share.unit; unit < share.units; unit += share.clusters) {
      for (int s = share.from * BOXES; s < share.to * BOXES; s++) {
        barrier_wait(empty(stage), parity);
        barrier_expect(full(stage), BOX_BYTES);
        copy_box(room + stage * BOX_BYTES, x, s * BOX, unit % high * COLUMNS, full(stage));
        if (++stage == STAGES) stage = 0, parity ^= 1;
      }
    }
  }

  /** The row of W that is row `at` of a unit: half of them are of `up` where products are gated. */
  __device__ __forceinline__ int row_of(int unit, int at) const {
    int tile = unit / high;
    return out.gated() ? tile * (ROWS / 2) + (at < ROWS / 2 ? 0 : out.N - ROWS / 2) + at : tile * ROWS + at;
  }

  /** Values 4 j to 4 j + 3 of a row of a sub-block. */
  static __device__ __forceinline__ void values(const RowTile& t, int j, unsigned& first, unsigned& second) {
    __half2 scale = __float2half2_rn(LARGER * t.scale[RowTile::SCALES == 2 ? j / 4 : 0]);
    __half2 minimum = __float2half2_rn(RowTile::MINIMA > 0 ? -LARGER * t.minimum[RowTile::MINIMA == 2 ? j / 4 : 0] : 0.f);
    uint2 q = RowTile::FLOATS ? make_uint2(halves_of_eights(t.w[j]), halves_of_eights((unsigned)t.w[j] >> 16)) : halves(t.w[j]);
    __half2 a = *(__half2*)&q.x, b = *(__half2*)&q.y;
    a = RowTile::MINIMA > 0 ? __hfma2(a, scale, minimum) : __hmul2(a, scale);
    b = RowTile::MINIMA > 0 ? __hfma2(b, scale, minimum) : __hmul2(b, scale);
    first = *(unsigned*)&a, second = *(unsigned*)&b;
  }

  /** A warpgroup's part: one of GROUPS steps. */
  __device__ __forceinline__ void multiply(const uchar* W, int K) const {
    int N = out.matrix_rows(), nb = K / 32, length = share.to - share.from;
    int at = warp % 4 * 32 + lane / SUBS * 4; // row of the unit's, the first of four
    Read read(W, N, K);
    // What is loaded next: a step of a unit. It is on its way while the one before is multiplied.
    int unit = share.unit, s = share.from, row = row_of(unit, at);
    auto forward = [&](int steps) {
      s += steps;
      while (s >= share.to && unit < share.units) s -= length, row = row_of(unit += share.clusters, at);
    };
    Group next;
    auto load = [&] {
      int c = s * SUBS + lane % SUBS;
      read.load(next, row, N, c, row < N && unit < share.units && c < nb);
    };
    if (length > 0) {
      forward(group);
      load();
    }
    wait_previous();
    float d[2][NT * 4];
    unsigned f[2][2][2][4];
    int stage = group * BOXES, before = -1;
    unsigned parity = 0, round = 0;
    auto step = [&] {
      RowTile t[4];
#pragma unroll
      for (int r = 0; r < 4; r++) {
        Read::tile(next, r, t[r]);
#pragma unroll
        for (int i = 0; i < 8; i++) asm volatile("" : "+r"(t[r].w[i])); // so that what has been read makes room for what comes next
      }
      forward(GROUPS);
      load();
#pragma unroll
      for (int q = 0; q < 4; q++) { // two products deep 16 columns each
#pragma unroll
        for (int k = 0; k < 2; k++)
#pragma unroll
          for (int r = 0; r < 4; r++) values(t[r], 2 * q + k, f[q & 1][k][r / 2][r % 2], f[q & 1][k][r / 2][2 + r % 2]);
        if (q % 2 == 0) barrier_wait(full(stage), parity);
        unsigned long long b = tile_of(room + stage * BOX_BYTES) + q % 2 * 4;
        wgmma_begin();
#pragma unroll
        for (int k = 0; k < 2; k++) multiply_held(d[0], f[q & 1][k][0], b + 2 * k), multiply_held(d[1], f[q & 1][k][1], b + 2 * k);
        wgmma_commit();
        wgmma_wait<1>();
        if (q % 2 == 0) {
          if (before >= 0 && threadIdx.x % 128 == 0) barrier_arrive(empty(before));
          before = stage;
        } else {
          stage += q == 3 ? 1 + (GROUPS - 1) * BOXES : 1;
          if (stage >= STAGES) stage -= STAGES, parity ^= 1;
        }
      }
    };
    int done = group; // steps, of all units
#pragma unroll 1
    for (int u = share.unit, end = length; u < share.units; u += share.clusters, end += length) {
      int m = u % high * COLUMNS + threadIdx.x;
      float factor = threadIdx.x < COLUMNS ? out.factor(m) : 0.f;
#pragma unroll
      for (int i = 0; i < NT * 4; i++) d[0][i] = d[1][i] = 0.f;
#pragma unroll 1
      for (; done < end; done += GROUPS) step();
      wgmma_wait<0>();
      keep(d[0]), keep(d[1]);
      if (before >= 0 && threadIdx.x % 128 == 0) barrier_arrive(empty(before));
      before = -1;
      all_read(round ^ 1); // of the unit before
      if (threadIdx.x < COLUMNS) sums.factors[threadIdx.x] = factor * (1.f / LARGER);
      float* to = sums.sums + group * AllSums::PART + 2 * (lane & 3) * PITCH + at;
#pragma unroll
      for (int b = 0; b < NT; b++)
#pragma unroll
        for (int o = 0; o < 2; o++)
          *(float4*)(to + (8 * b + o) * PITCH) = make_float4(d[0][4 * b + o], d[0][4 * b + 2 + o], d[1][4 * b + o], d[1][4 * b + 2 + o]);
      all_there(round);
      sums.write(out, u % high * COLUMNS, u / high);
      __syncwarp();
      if (share.blocks > 1 && lane < share.blocks) barrier_arrive(seen(), lane);
      round ^= 1;
    }
    if (share.blocks > 1) barrier_see(seen(), round ^ 1); // others read what this block has
  }

  /** Waits until nobody reads sums of an earlier unit any more. */
  __device__ __forceinline__ void all_read(unsigned parity) const {
    if (share.blocks > 1) barrier_see(seen(), parity);
    else asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory");
  }
  /** Waits until all sums of a unit are there. */
  __device__ __forceinline__ void all_there(unsigned parity) const {
    if (share.blocks == 1) {
      asm volatile("bar.sync 1, %0;" ::"n"(WORKERS) : "memory");
      return;
    }
    __syncwarp();
    if (lane < share.blocks) barrier_show(shown(), lane);
    barrier_see(shown(), parity);
  }
};

template <class F, int NT> __device__ __forceinline__ void blocks_wgmma(const uchar* W, const TensorMap& x, int K, const Output& out) {
  typedef Blocks<F, NT> All;
  extern __shared__ uchar memory[];
  unsigned start = shared_address(memory), room = (start + 1023) & ~1023u, sums = room + All::STAGES * All::BOX_BYTES;
  unsigned barriers = sums + All::AllSums::BYTES;
  int high = ceil_div(out.rows, All::COLUMNS), thread = threadIdx.x;
  Share share(ceil_div(out.matrix_rows(), ROWS) * high, ceil_div(K, STEP));
  All all = {out, share, high, thread & 31, thread >> 5, thread >> 7, room, barriers,
             typename All::AllSums((float*)(memory + (sums - start)), share.rank, share.blocks)};
  if (thread == 0) all.init();
  __syncthreads();
  if (share.blocks > 1) cluster_sync();
  dependents();
  if (all.group == GROUPS) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(FEW_REGISTERS));
    if (thread == WORKERS) {
      wait_previous();
      all.bring(x);
    }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MANY_REGISTERS));
    all.multiply(W, K);
  }
}

#define KERNEL(FMT, F, NT)                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) blocks_wgmma_##FMT##_n##NT(                                                      \
      const __grid_constant__ TensorMap x, const uchar* W, const float* scale, const float* bias, const float* residual, int ldr, float* y, \
      int ldy, signed char* yq, Scale* ys, int N, int K, int rows, int act) {                                                               \
    blocks_wgmma<F, NT>(W, x, K, Output{{scale, bias, residual, ldr, y, ldy, N, rows, act}, yq, ys});                                       \
  }
#define NONE(FMT, NUMBER, F)
#define BLOCKS(FMT, NUMBER, F) KERNEL(FMT, F, 8) KERNEL(FMT, F, 16)
#define SCALED(FMT, NUMBER, F) BLOCKS(FMT, NUMBER, F::Blocks)
FORMATS(NONE, SCALED, BLOCKS)

/**
 * Threads; rows of W a block; warpgroups; columns of a step; rows of x; bytes of shared memory; and what Java chooses by: the nanoseconds that a step
 * of all warpgroups takes, and those of a unit besides, as measured on an H200.
 */
#define SHAPE(NT, STEP_NANOS, UNIT_NANOS) \
  EXPORT_SHAPE(blocks_wgmma_n##NT, THREADS, ROWS, GROUPS, STEP, Blocks<Q40, NT>::COLUMNS, Blocks<Q40, NT>::BYTES, STEP_NANOS, UNIT_NANOS)
SHAPE(8, 1000, 8500) SHAPE(16, 1450, 9000)
