// architectures: 90a
// y = residual + bias + W x, or act(G x) * (U x), for up to 64 rows x on Hopper's tensor cores: rows of W are the rows of products, which meet rows
// of x as few_split.cu leaves them. One warp brings rows of x, and W if it is of 16 bits. W of blocks comes through registers, from which a
// warpgroup lays it down as f16, 256 columns at a time, while others multiply.
#include "common/layout.cuh"
#include "product/few_wgmma.cuh"

/** By which weights of blocks are too large: small scales stay normal numbers of f16. */
static constexpr float LARGER = 64.f;

/** W of 16 bits; rows of x in PIECES, the second of which begins `piece` rows further. */
template <int NT, int PIECES> struct Dense16 {
  static constexpr int STAGES = 4, A_BYTES = ROWS * 128, B_BYTES = NT * 8 * 128, STAGE = A_BYTES + PIECES * B_BYTES;
  static constexpr int BYTES = STAGES * STAGE + 16 * STAGES;

  static __device__ __forceinline__ void run(const TensorMap& x, const TensorMap& w, int piece, int K, const Output& out) {
    extern __shared__ __align__(1024) uchar memory[];
    unsigned room = shared_address(memory);
    Ring<STAGES> ring(room + STAGES * STAGE);
    if (threadIdx.x == 0) ring.init();
    __syncthreads();
    dependents();
    Place p(ceil_div(K, TILE));
    float d[NT * 4];
#pragma unroll
    for (int i = 0; i < NT * 4; i++) d[i] = 0.f;
    if (!p.works()) {
      if (p.lane == 0) {
        int first = out.row(p.tile, 0), second = out.row(p.tile, 1);
        auto weights = [&](int s) {
          barrier_expect(ring.full(), STAGE);
          copy_box(room + ring.stage * STAGE, w, s * TILE, first, ring.full());
          copy_box(room + ring.stage * STAGE + A_BYTES / 2, w, s * TILE, second, ring.full());
        };
        auto rows = [&](int s) {
          unsigned to = room + ring.stage * STAGE + A_BYTES;
          copy_box(to, x, s * TILE, 0, ring.full());
          if (PIECES == 2) copy_box(to + B_BYTES, x, s * TILE, piece, ring.full());
        };
        int ahead = min(p.to, p.from + STAGES);
        for (int s = p.from; s < ahead; s++, ring.next()) weights(s);
        wait_previous();
        ring = Ring<STAGES>(room + STAGES * STAGE);
        for (int s = p.from; s < ahead; s++, ring.next()) rows(s);
        for (int s = ahead; s < p.to; s++, ring.next()) {
          barrier_wait(ring.empty(), ring.parity ^ 1);
          weights(s);
          rows(s);
        }
      }
    } else {
      unsigned before = 0;
      for (int s = p.from; s < p.to; s++, ring.next()) {
        barrier_wait(ring.full(), ring.parity);
        unsigned a = room + ring.stage * STAGE + p.group * (A_BYTES / GROUPS), b = room + ring.stage * STAGE + A_BYTES;
        wgmma_begin();
#pragma unroll
        for (int n = 0; n < PIECES; n++)
#pragma unroll
          for (int k = 0; k < TILE / 16; k++) multiply16(d, tile_of(a) + 2 * k, tile_of(b + n * B_BYTES) + 2 * k, 1);
        wgmma_commit();
        if (s > p.from) {
          wgmma_wait<1>();
          if (threadIdx.x % 128 == 0) barrier_arrive(before);
        }
        before = ring.empty();
      }
      wgmma_wait<0>();
      keep(d);
      wait_previous();
    }
    __syncwarp();
    finish(d, (float*)memory, p, out, 1.f);
  }
};

/** Four signed bytes as f16, exactly. */
__device__ __forceinline__ uint2 halves(int bytes) {
  unsigned u = (unsigned)bytes ^ 0x80808080;
  __half2 less = __halves2half2(__ushort_as_half(0x6480), __ushort_as_half(0x6480)); // 1024 + 128
  unsigned a = __byte_perm(u, 0x64646464, 0x4140), b = __byte_perm(u, 0x64646464, 0x4342);
  __half2 low = __hsub2(*(__half2*)&a, less), high = __hsub2(*(__half2*)&b, less);
  return make_uint2(*(unsigned*)&low, *(unsigned*)&high);
}

/** W of blocks. */
template <class F, int NT> struct Blocks {
  typedef typename F::Read Read;
  typedef typename F::RowTile RowTile;
  typedef typename Read::Group Group;
  static constexpr int STEP = 256, TILES = STEP / TILE, SUBS = STEP / 32, STAGES = 6;
  static constexpr int TILE_BYTES = 64 * 128, A_BYTES = TILES * TILE_BYTES, B_BYTES = NT * 8 * 128;
  static constexpr int BYTES = GROUPS * A_BYTES + STAGES * B_BYTES + 16 * STAGES;

  /** Lays four rows of a sub-block down: eight columns in each of the tiles, so that those of all sub-blocks of a row fall into different banks. */
  static __device__ __forceinline__ void put(const Group& g, uchar* to, int row, int sub) {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      RowTile t;
      Read::tile(g, r, t);
      uchar* line = to + (row + r) * 128 + ((sub ^ (row + r) & 7) << 4);
#pragma unroll
      for (int j = 0; j < TILES; j++) {
        __half2 scale = __float2half2_rn(LARGER * t.scale[RowTile::SCALES == 2 ? j / 2 : 0]);
        __half2 minimum = __float2half2_rn(RowTile::MINIMA > 0 ? -LARGER * t.minimum[RowTile::MINIMA == 2 ? j / 2 : 0] : 0.f);
        unsigned out[4];
#pragma unroll
        for (int i = 0; i < 2; i++) {
          uint2 q = halves(t.w[2 * j + i]);
          __half2 a = *(__half2*)&q.x, b = *(__half2*)&q.y;
          a = RowTile::MINIMA > 0 ? __hfma2(a, scale, minimum) : __hmul2(a, scale);
          b = RowTile::MINIMA > 0 ? __hfma2(b, scale, minimum) : __hmul2(b, scale);
          out[2 * i] = *(unsigned*)&a, out[2 * i + 1] = *(unsigned*)&b;
        }
        *(uint4*)(line + j * TILE_BYTES) = make_uint4(out[0], out[1], out[2], out[3]);
      }
    }
  }

  static __device__ __forceinline__ void run(const uchar* W, const TensorMap& x, int K, const Output& out) {
    extern __shared__ __align__(1024) uchar memory[];
    unsigned room = shared_address(memory), columns = room + GROUPS * A_BYTES;
    Ring<STAGES> ring(columns + STAGES * B_BYTES);
    if (threadIdx.x == 0) ring.init();
    __syncthreads();
    dependents();
    Place p(ceil_div(K, STEP));
    float d[NT * 4];
#pragma unroll
    for (int i = 0; i < NT * 4; i++) d[i] = 0.f;
    if (!p.works()) {
      if (p.lane == 0) {
        wait_previous();
        for (int s = p.from * TILES; s < p.to * TILES; s++, ring.next()) {
          barrier_wait(ring.empty(), ring.parity ^ 1);
          barrier_expect(ring.full(), B_BYTES);
          copy_box(columns + ring.stage * B_BYTES, x, s * TILE, 0, ring.full());
        }
      }
    } else {
      // Each warp lays the rows down that it multiplies.
      int N = out.gated() ? 2 * out.N : out.N, row = p.warp % 4 * 16 + p.lane / SUBS * 4, sub = p.lane % SUBS, nb = K / 32;
      int from = out.row(p.tile, p.group) + row;
      uchar* mine = memory + p.group * A_BYTES;
      Read read(W, N, K);
      Group group;
      auto load = [&](int s) {
        int c = s * SUBS + sub;
        read.load(group, from, N, c, from < N && s < p.to && c < nb);
      };
      load(p.from);
#pragma unroll 1
      for (int s = p.from; s < p.to; s++) {
        put(group, mine, row, sub);
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        load(s + 1);
        asm volatile("bar.sync %0, 128;" ::"r"(2 + p.group) : "memory");
        unsigned before = 0;
#pragma unroll
        for (int t = 0; t < TILES; t++, ring.next()) {
          barrier_wait(ring.full(), ring.parity);
          wgmma_begin();
#pragma unroll
          for (int k = 0; k < TILE / 16; k++)
            multiply16(d, tile_of(shared_address(mine) + t * TILE_BYTES) + 2 * k, tile_of(columns + ring.stage * B_BYTES) + 2 * k, 1);
          wgmma_commit();
          if (t > 0) {
            wgmma_wait<1>();
            if (threadIdx.x % 128 == 0) barrier_arrive(before);
          }
          before = ring.empty();
        }
        wgmma_wait<0>();
        if (threadIdx.x % 128 == 0) barrier_arrive(before);
      }
      keep(d);
      wait_previous();
    }
    __syncwarp();
    finish(d, (float*)memory, p, out, 1.f / LARGER);
  }
};

#define OUTPUT                                                                                                                        \
  const float *scale, const float *bias, const float *residual, int ldr, float *y, int ldy, signed char *yq, Scale *ys, int N, int K, \
      int rows, int act
#define PASS Output{scale, bias, residual, ldr, y, ldy, yq, ys, N, rows, act}
#define BOUNDED __launch_bounds__(THREADS, 2)
#define DENSE16(NT, PIECES)                                                                                                        \
  extern "C" __global__ void BOUNDED few_wgmma_f16_n##NT(const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap w, \
                                                         int piece, OUTPUT) {                                                      \
    Dense16<NT, PIECES>::run(x, w, piece, K, PASS);                                                                                \
  }
DENSE16(2, 2) DENSE16(4, 1) DENSE16(8, 1)
#define NONE(FMT, NUMBER, F)
#define BLOCKS(FMT, NUMBER, F)                                                                                                 \
  extern "C" __global__ void BOUNDED few_wgmma_##FMT##_n8(const __grid_constant__ TensorMap x, const uchar* W, OUTPUT) {        \
    Blocks<F, 8>::run(W, x, K, PASS);                                                                                          \
  }
FORMATS(NONE, BLOCKS)

// Threads; rows of W a block; columns that rows of x are rounded up to; rows of the boxes of dense W; bytes of shared memory.
EXPORT_SHAPE(few_wgmma_f16_n2, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<2, 2>::BYTES)
EXPORT_SHAPE(few_wgmma_f16_n4, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<4, 1>::BYTES)
EXPORT_SHAPE(few_wgmma_f16_n8, THREADS, ROWS, TILE, ROWS / GROUPS, Dense16<8, 1>::BYTES)
EXPORT_SHAPE(few_wgmma_blocks_n8, THREADS, ROWS, Blocks<Q40, 8>::STEP, 0, Blocks<Q40, 8>::BYTES)
