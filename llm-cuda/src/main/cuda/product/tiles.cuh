// Tiles of products by many rows on Hopper's tensor cores. Blocks stay and take tile after tile of 128 rows of x by 256 or 128 rows of W. One warp
// brings boxes of both, 64 columns at a time, some stages ahead; two warpgroups multiply, 64 rows each. Two blocks of a cluster with the same rows of
// W bring half of them each to both; or a cluster shares the columns out, and puts its sums together in the order of its blocks. Where rows of x are
// in several pieces, which stand side by side, each piece meets the whole of W.
#pragma once
#include "common/layout.cuh"
#include "product/hopper.cuh"
#include "product/outputs.cuh"

static constexpr int THREADS = 384, ROWS = 128, DEPTH = 64, CONSUMERS = 2, BOX_BYTES = 128;
/** Registers a thread of the producer, and of the others. */
static constexpr int FEW_REGISTERS = 40, MANY_REGISTERS = 232;

/** A kind of tiles: columns; blocks of a cluster that share rows of W, or that share the columns out; groups of rows of tiles. */
template <int COLUMNS_, int PAIR_, int SPLIT_, int STAGES_, bool HALVES_ = false> struct Kind {
  static constexpr int COLUMNS = COLUMNS_, PAIR = PAIR_, SPLIT = SPLIT_, STAGES = STAGES_, CLUSTER = PAIR * SPLIT;
  static constexpr int A_BYTES = ROWS * BOX_BYTES, B_BYTES = COLUMNS * BOX_BYTES, STAGE_BYTES = A_BYTES + B_BYTES;
  /** Floats from row to row of what the blocks of a cluster show each other: eight rows' neighbouring pairs fall into different banks. */
  static constexpr int PITCH = COLUMNS + 8;
  static constexpr int SUM_BYTES = SPLIT > 1 ? ROWS * PITCH * 4 : 0;
  static constexpr int BARRIERS = 2 * STAGES + 2, SHARED_BYTES = 1024 + STAGES * STAGE_BYTES + SUM_BYTES + 8 * BARRIERS;
  /** Whether tiles of the last round, if they are few, are halved, and each half goes to a cluster of its own. */
  static constexpr bool HALVES = HALVES_;
  /** Rows of W that are brought at once. */
  static constexpr int BOX_ROWS = HALVES ? COLUMNS / 4 : COLUMNS / 2;
  typedef Walk<PAIR == 2 ? 8 : 16> Tiles;
};

/** Shared memory of a block, as addresses. */
template <class KIND> struct Room {
  unsigned stages, sums, barriers;
  __device__ __forceinline__ explicit Room(const void* memory) {
    stages = (shared_address(memory) + 1023) & ~1023u;
    sums = stages + KIND::STAGES * KIND::STAGE_BYTES;
    barriers = sums + KIND::SUM_BYTES;
  }
  __device__ __forceinline__ unsigned a(int stage) const { return stages + stage * KIND::STAGE_BYTES; }
  __device__ __forceinline__ unsigned b(int stage) const { return a(stage) + KIND::A_BYTES; }
  __device__ __forceinline__ unsigned full(int stage) const { return barriers + 8 * stage; }
  __device__ __forceinline__ unsigned empty(int stage) const { return barriers + 8 * (KIND::STAGES + stage); }
  /** All blocks' sums are there; all blocks have read them. */
  __device__ __forceinline__ unsigned shown() const { return barriers + 16 * KIND::STAGES; }
  __device__ __forceinline__ unsigned seen() const { return shown() + 8; }
};

/** Steps of a tile that this block does. */
template <class KIND> struct Steps {
  int from, to, round; // of 64 columns; a piece has `round` of them
  __device__ __forceinline__ Steps(int K, int pieces, int rank) {
    round = ceil_div(K, DEPTH);
    int all = round * pieces;
    from = KIND::SPLIT == 1 ? 0 : all * rank / KIND::SPLIT, to = KIND::SPLIT == 1 ? all : all * (rank + 1) / KIND::SPLIT;
  }
};

/** What a cluster does: a tile, or the left or right half of its columns. */
struct Unit {
  int2 tile;
  int right; // whether it is the right half
  bool whole;
};

template <class KIND, class OUT> struct Product {
  const TensorMap &a, &b;
  OUT out;
  int K, pieces, rank;
  Room<KIND> room;
  typename KIND::Tiles tiles;

  /** Outputs of a tile. */
  __device__ __forceinline__ int columns() const { return out.columns(KIND::COLUMNS); }
  __device__ __forceinline__ int row(const Unit& u) const { return (u.tile.x * KIND::PAIR + (KIND::PAIR == 2 ? rank : 0)) * ROWS; }
  __device__ __forceinline__ int column(const Unit& u) const { return u.tile.y * columns() + u.right * columns() / 2; }
  template <class Do> __device__ __forceinline__ void each(Do action) const {
    int clusters = gridDim.x / KIND::CLUSTER, all = tiles.tiles(), whole = all;
    if (KIND::HALVES && all % clusters * 2 <= clusters) whole = all - all % clusters;
    for (int u = blockIdx.x / KIND::CLUSTER; u < 2 * all - whole; u += clusters) {
      bool half = KIND::HALVES && u >= whole;
      action(Unit{tiles.at(half ? whole + (u - whole) / 2 : u), half ? (u - whole) & 1 : 0, !half});
    }
  }

  /** One thread. */
  __device__ __forceinline__ void bring() const {
    Steps<KIND> steps(K, pieces, rank);
    Turn<KIND::STAGES> turn;
    each([&](const Unit& u) {
      int width = u.whole ? KIND::COLUMNS : KIND::COLUMNS / 2, m = row(u), n0 = column(u), n1 = out.half(n0, width), bytes = width * BOX_BYTES;
      for (int s = steps.from; s < steps.to; s++) {
        int at = s % steps.round * DEPTH;
        unsigned full = room.full(turn.stage), to = room.b(turn.stage);
        barrier_wait(room.empty(turn.stage), turn.parity ^ 1);
        barrier_expect(full, KIND::A_BYTES + bytes);
        copy_box(room.a(turn.stage), a, s * DEPTH, m, full);
        if constexpr (KIND::PAIR == 2) { // half of them each
          to += rank * bytes / 2;
          int n = rank == 0 ? n0 : n1;
          copy_box(to, b, at, n, full, 3);
          if (KIND::HALVES && u.whole) copy_box(to + bytes / 4, b, at, n + KIND::BOX_ROWS, full, 3);
        } else {
          copy_box(to, b, at, n0, full);
          copy_box(to + bytes / 2, b, at, n1, full);
        }
        turn.next();
        if (KIND::SPLIT == 1) out.expect(m, n0, ROWS, out.columns(width), s, steps.to);
      }
    });
  }

  /** A stage may be filled again. */
  __device__ __forceinline__ void release(int stage, int thread) const {
    if constexpr (KIND::PAIR == 2) {
      if (thread < 2) barrier_arrive(room.empty(stage), thread);
    } else if (thread == 0) {
      barrier_arrive(room.empty(stage));
    }
  }

  /** Sums of a unit of so many columns. */
  template <class T, int COLUMNS>
  __device__ __forceinline__ void sum(float (&sums)[COLUMNS / 2], const Steps<KIND>& steps, Turn<KIND::STAGES>& turn, int group, int thread) const {
    int last = 0;
    for (int s = steps.from; s < steps.to; s++) {
      barrier_wait(room.full(turn.stage), turn.parity);
      unsigned long long x = tile_of(room.a(turn.stage) + group * (KIND::A_BYTES / CONSUMERS)), w = tile_of(room.b(turn.stage));
      wgmma_begin();
#pragma unroll
      for (int k = 0; k < DEPTH / 16; k++) wgmma<T>(sums, x + 2 * k, w + 2 * k, s > steps.from || k > 0);
      wgmma_commit();
      if (s > steps.from) {
        wgmma_wait<1>();
        release(last, thread);
      }
      last = turn.stage;
      turn.next();
    }
    wgmma_wait<0>();
    keep(sums);
    if (KIND::SPLIT == 1 || steps.from < steps.to) {
      release(last, thread);
    } else { // fewer steps than blocks
#pragma unroll
      for (int i = 0; i < COLUMNS / 2; i++) sums[i] = 0.f;
    }
  }

  /** A warpgroup. */
  template <class T> __device__ __forceinline__ void multiply(int group, int thread) const {
    Steps<KIND> steps(K, pieces, rank);
    Turn<KIND::STAGES> turn;
    unsigned parity = 0; // of the sums that a cluster shows
    each([&](const Unit& u) {
      int m0 = row(u), n0 = column(u), m = m0 + group * 64 + thread / 32 * 16 + thread % 32 / 4;
      typename OUT::Ahead ahead = out.ahead(m, n0); // on its way while products are
      if (u.whole) {
        float sums[KIND::COLUMNS / 2];
        sum<T, KIND::COLUMNS>(sums, steps, turn, group, thread);
        if constexpr (KIND::SPLIT == 1) out.template write<KIND::COLUMNS>(sums, ahead, m, n0);
        else share(sums, m0, n0, group, thread, parity);
      } else if constexpr (KIND::HALVES) {
        float sums[KIND::COLUMNS / 4];
        sum<T, KIND::COLUMNS / 2>(sums, steps, turn, group, thread);
        out.template write<KIND::COLUMNS / 2>(sums, ahead, m, n0);
      }
      parity ^= 1;
    });
  }

  /** Puts the sums of the cluster's blocks together, of which each writes some of the rows. */
  __device__ __forceinline__ void share(float (&sums)[KIND::COLUMNS / 2], int m0, int n0, int group, int thread, unsigned parity) const {
    constexpr int MINE = ROWS / KIND::SPLIT, WARPS = CONSUMERS * 4;
    int lane = thread % 32, warp = group * 4 + thread / 32;
    barrier_see(room.seen(), parity ^ 1); // of the tile before
    unsigned to = room.sums + ((warp * 16 + lane / 4) * KIND::PITCH + lane % 4 * 2) * 4;
#pragma unroll
    for (int i = 0; i < KIND::COLUMNS / 4; i++) {
      asm volatile("st.shared::cta.v2.f32 [%0], {%1, %2};" ::"r"(to + (i % 2 * 8 * KIND::PITCH + i / 2 * 8) * 4), "f"(sums[2 * i]),
                   "f"(sums[2 * i + 1]) : "memory");
    }
    __syncwarp();
    if (lane < KIND::SPLIT) barrier_show(room.shown(), lane);
    barrier_see(room.shown(), parity);
#pragma unroll
    for (int i = 0; i < MINE / WARPS; i++) {
      int in = rank * MINE + warp + i * WARPS, m = m0 + in;
      float2 v[2] = {make_float2(0.f, 0.f), make_float2(0.f, 0.f)};
#pragma unroll
      for (int r = 0; r < KIND::SPLIT; r++) {
        unsigned from = of_block(room.sums + (in * KIND::PITCH + 2 * lane) * 4, r);
#pragma unroll
        for (int h = 0; h < 2; h++) {
          float2 part = cluster_read2(from + h * KIND::COLUMNS / 2 * 4);
          v[h].x += part.x, v[h].y += part.y;
        }
      }
      out.write_two(m, n0 + 2 * lane, KIND::COLUMNS / 2, v);
    }
    __syncwarp();
    if (lane < KIND::SPLIT) barrier_show(room.seen(), lane);
  }
};

template <class T, class KIND, class OUT>
__device__ __forceinline__ void product(const TensorMap& a, const TensorMap& b, const OUT& out, int K, int pieces) {
  static_assert(KIND::SPLIT == 1 || KIND::COLUMNS == 128, "a lane has two pairs of a row");
  extern __shared__ uchar memory[];
  Room<KIND> room(memory);
  if (threadIdx.x == 0) {
    for (int s = 0; s < KIND::STAGES; s++) barrier_init(room.full(s), 1), barrier_init(room.empty(s), CONSUMERS * KIND::PAIR);
    barrier_init(room.shown(), CONSUMERS * 4 * KIND::SPLIT);
    barrier_init(room.seen(), CONSUMERS * 4 * KIND::SPLIT);
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;" ::: "memory");
  }
  __syncthreads();
  if (KIND::CLUSTER > 1) cluster_sync();
  dependents();
  wait_previous();
  int rank = KIND::CLUSTER == 1 ? 0 : cluster_rank(), group = threadIdx.x / 128;
  typename KIND::Tiles tiles = {ceil_div(out.rows, ROWS * KIND::PAIR), ceil_div(out.N, out.columns(KIND::COLUMNS))};
  Product<KIND, OUT> all = {a, b, out, K, pieces, rank, room, tiles};
  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(FEW_REGISTERS));
    if (threadIdx.x == 0) all.bring();
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(MANY_REGISTERS));
    all.template multiply<T>(group - 1, threadIdx.x % 128);
  }
  if (KIND::CLUSTER > 1) { // until all have read this block's memory, and it has taken what others send
    __syncwarp();
    cluster_sync();
  }
}

