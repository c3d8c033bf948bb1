// What tasks of chains of a few rows by blocks share: how they are told, how rows of x and weights stand in shared memory and meet, how a matrix is
// shared out.
#pragma once
#include "chain/place.cuh"
#include "chain/ring.cuh"

static constexpr int MOST_ROWS = 16, MOST_LINKS = 8; // of x: one or two tiles of 8
static constexpr int ROWS = 32;     // of W of a unit: so many outputs become bytes together
static constexpr int RECORD = 64;   // columns of a record of x
static constexpr int PART = 256;    // columns of W that stand side by side in a stage, as the swizzle has them
static constexpr int MAP_BYTES = 128; // of a map of a matrix

// A stage of weights.
static constexpr int WARPS = 8;     // that multiply
static constexpr int PER = 2;       // records of x that a warp meets
static constexpr int COLUMNS = WARPS * PER * RECORD, PARTS = COLUMNS / PART;
static constexpr int NIBBLE_BYTES = ROWS * COLUMNS / 2;
static constexpr int SCALE_BOX = ROWS / 4 * 128, SCALE_COLUMNS = 512; // bytes and columns of a box of scales
static constexpr int STAGE_BYTES = NIBBLE_BYTES + COLUMNS / SCALE_COLUMNS * SCALE_BOX;

/** A task as Java lays it out: its members are in BLOCK_LINK_MEMBERS too. */
struct __align__(16) BlockLink {
  const void* from;         // maps of the nibbles and of the scales of W
  const uchar* in;          // records of x or, where there are scales, rows of bytes
  const Scale* scales;      // of these, or 0
  const float* squaresIn;   // sums of squares of x, for each 32 columns and row, if the product is normed, or 0
  const float* bias;        // or 0
  const float* residual;    // or 0
  float* y;                 // or 0
  uchar* out;               // records of the outputs, or 0
  const float* norm;        // what outputs are multiplied by on their way to `out`, or 0
  float* squaresOut;        // or 0
  int N, K, act;            // act is -1 without a gate; with one, N outputs are of 2 N rows of W
  int ldr, ldy;
  float eps;
};
#define BLOCK_LINK_MEMBERS(M, S)                                                                                                              \
  M(S, from) M(S, in) M(S, scales) M(S, squaresIn) M(S, bias) M(S, residual) M(S, y) M(S, out) M(S, norm) M(S, squaresOut)    \
  M(S, N) M(S, K) M(S, act) M(S, ldr) M(S, ldy) M(S, eps)

/**
 * A record of x: 64 columns of NT times 8 rows, a row's four parts of 16 bytes swizzled by half its number; then the scales, for each tile and lanes
 * c of mma those of rows 2 c and 2 c + 1 of the first 32 columns and of the others.
 */
template <int NT> __host__ __device__ constexpr int record_bytes() { return 8 * NT * (RECORD + 2 * 4); }

/** Where the scale of a row is, of the first 32 columns or the others. */
template <int NT> __host__ __device__ constexpr int scale_at(int row, int half) {
  return 8 * NT * RECORD + (row >> 1) * 16 + half * 8 + (row & 1) * 4;
}

/** Sums start here, so that as bits they are floats: exact ones, since they are far below 2^22. */
static constexpr int START = 0x4b400000;
static constexpr float START_FLOAT = 12582912.f;
static constexpr float TIMES = 16.f; // sums are so many times as large

/** How a matrix is shared out: each block takes every so many-th unit. Units of tasks follow each other, so that shares become even. */
struct UnitShare {
  int units, first;
  __device__ __forceinline__ UnitShare(int N, unsigned& offset) : units(ceil_div(N, ROWS)) {
    int grid = gridDim.x;
    first = (int)(blockIdx.x + grid - offset % grid) % grid, offset += units;
  }
};

#if __CUDA_ARCH__ >= 900
/**
 * A box of nibbles: of eight groups of four rows the first ones, then the second ones and so on, 128 bytes each; then the same of the next 256
 * columns.
 */
__device__ __forceinline__ void copy_nibbles(void* to, const void* map, int group, int part, uint64_t* barrier, uint64_t policy) {
  asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4, %3, %5}], [%2], %6;"
               ::"r"(shared_address(to)), "l"(map), "r"(shared_address(barrier)), "r"(0), "r"(group), "r"(part), "l"(policy) : "memory");
}
/** A box of scales: eight groups of four rows, 16 sub-blocks each. */
__device__ __forceinline__ void copy_scales(void* to, const void* map, int at, int group, uint64_t* barrier, uint64_t policy) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4}], [%2], %5;"
               ::"r"(shared_address(to)), "l"(map), "r"(shared_address(barrier)), "r"(at), "r"(group), "l"(policy) : "memory");
}

__device__ __forceinline__ void bring16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/** Where 16 columns of a row stand in a record. */
__device__ __forceinline__ int piece_at(int row, int piece) { return row * RECORD + (piece ^ row >> 1 & 3) * 16; }

/** Starts copies of a record of x from rows of bytes, of zeros behind K; by a warp. */
template <int NT> __device__ __forceinline__ void bring_rows(uchar* to, int record, const BlockLink& t, int rows, int lane) {
  int piece = lane & 3, m = lane & 8 * NT - 1, half = lane / (8 * NT), k = record * RECORD, K = t.K;
  for (int n = lane >> 2; n < rows; n += 8) {
    int bytes = k + 16 * piece < K ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to + piece_at(n, piece))),
                 "l"(t.in + (bytes ? (long long)n * K + k + 16 * piece : 0)), "r"(bytes)
                 : "memory");
  }
  if (half < 2 && m < rows) {
    int bytes = k + 32 * half < K ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to + scale_at<NT>(m, half))),
                 "l"(&t.scales[bytes ? (long long)m * (K / 32) + k / 32 + half : 0].d), "r"(bytes)
                 : "memory");
  }
}
/** 32 outputs of a row, one a lane, as bytes to their record; behind the last ones of all a record has zeros. */
template <int NT> __device__ __forceinline__ void put_outputs(uchar* out, int unit, bool last, int n, float v, int lane) {
  constexpr float LEAST = 1e-30f;
  uchar* to = out + (long long)(unit >> 1) * record_bytes<NT>();
  int half = unit & 1;
  float m = __uint_as_float(__reduce_max_sync(ALL, __float_as_uint(fabsf(v)))), inverse = m < LEAST ? 0.f : __fdividef(127.f, m);
  to[piece_at(n, 2 * half + (lane >> 4)) + (lane & 15)] = (uchar)__float2int_rn(v * inverse);
  if (lane == 0) *(float*)(to + scale_at<NT>(n, half)) = m * (1.f / 127.f);
  if (lane == 1 && last && half == 0) *(float*)(to + scale_at<NT>(n, 1)) = 0.f;
}

__device__ __forceinline__ void load_matrices(unsigned (&v)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3]) : "r"(address));
}

/** Eight nibbles less 8 as bytes, TIMES as large. */
__device__ __forceinline__ void spread(unsigned q, unsigned& low, unsigned& high) {
  constexpr unsigned HIGH = 0xf0f0f0f0, SIGN = 0x80808080; // the upper half of a byte with its sign turned is 16 times what the number is less 8
  low = and_xor(q << 4, HIGH, SIGN), high = and_xor(q, HIGH, SIGN);
}
/** 16 rows of 32 bytes by 8 rows of x. */
__device__ __forceinline__ void mma_bytes(int (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(START));
}

/** What a lane has of a stage's rows of W and of a record of x. */
template <int NT> struct Fetched {
  unsigned a[2][4], b[NT][4];
  uint4 scale;
  float4 d[NT];

  /** x of a record that is not there counts nothing. */
  __device__ __forceinline__ void fetch(const uchar* stage, const uchar* x, int record, bool there, int lane) {
    int g = lane >> 2, matrix = lane >> 3, row = lane & 7, part = record / 4, block = 2 * (record % 4);
    unsigned at = shared_address(stage) + part * (ROWS * 128) + (matrix & 1) * (8 * 128) + row * 128 + (((block + (matrix >> 1)) ^ row) * 16);
    load_matrices(a[0], at);
    load_matrices(a[1], at + 2 * 8 * 128);
    scale = *(const uint4*)(stage + NIBBLE_BYTES + record / 8 * SCALE_BOX + g * 128 + ((record % 8) ^ g) * 16);
#pragma unroll
    for (int i = 0; i < NT; i++) {
      load_matrices(b[i], shared_address(x) + i * (8 * RECORD) + piece_at(row, matrix));
      d[i] = *(const float4*)(x + NT * 8 * RECORD + i * 64 + (lane & 3) * 16);
      if (!there) d[i] = make_float4(0.f, 0.f, 0.f, 0.f);
    }
  }
  __device__ __forceinline__ void multiply(float (&acc)[NT][2][4]) const {
    int v[NT][2][2][4];
#pragma unroll
    for (int k = 0; k < 2; k++) {
#pragma unroll
      for (int t = 0; t < 2; t++) {
        unsigned w[4];
        spread(a[t][2 * k], w[0], w[2]);
        spread(a[t][2 * k + 1], w[1], w[3]);
#pragma unroll
        for (int i = 0; i < NT; i++)
          mma_bytes(v[i][k][t], w, b[i][2 * k], b[i][2 * k + 1]);
      }
    }
#pragma unroll
    for (int k = 0; k < 2; k++) {
#pragma unroll
      for (int t = 0; t < 2; t++) {
        float2 s = half2_bits(k ? (t ? scale.w : scale.z) : (t ? scale.y : scale.x));
        float n0 = -START_FLOAT * s.x, n1 = -START_FLOAT * s.y;
#pragma unroll
        for (int i = 0; i < NT; i++) {
          float first = k ? d[i].z : d[i].x, second = k ? d[i].w : d[i].y;
          acc[i][t][0] = fmaf(fmaf(__int_as_float(v[i][k][t][0]), s.x, n0), first, acc[i][t][0]);
          acc[i][t][1] = fmaf(fmaf(__int_as_float(v[i][k][t][1]), s.x, n0), second, acc[i][t][1]);
          acc[i][t][2] = fmaf(fmaf(__int_as_float(v[i][k][t][2]), s.y, n1), first, acc[i][t][2]);
          acc[i][t][3] = fmaf(fmaf(__int_as_float(v[i][k][t][3]), s.y, n1), second, acc[i][t][3]);
        }
      }
    }
  }
};
#endif
