// y = residual + bias + W x, or act(G x) * (U x), for 2 to 64 rows x and W of floats of 8 bits with scales. Rows of x have been split by
// few_split.cu, as for weights of f16; those of W become f16 on their way to the tensor cores. Products are exact, sums of 64 columns are floats,
// which scales multiply.
#include "common/layout.cuh"
#include "product/few.cuh"
#include "product/mma16.cuh"

static constexpr int TILES = 2; // of 16 rows of W a warp
static constexpr int ROWS = 16 * TILES;
static constexpr int STEP = 128; // columns that are multiplied at a time: bytes of a row of W
static constexpr int RUN = 64;   // of them share a scale
static constexpr int STAGES = 3; // that there is room for, of W and of x
typedef FewOutput<TILES> Output;

/** A step of rows of x, in PIECES. `PAD` elements between rows let reads of half a warp fall into different banks. */
template <int NT, int PIECES> struct Columns {
  static constexpr int PAD = 16, E = 8, ACROSS = STEP / E; // copies a row
  __half x[PIECES][8 * NT][STEP + PAD];

  /** Starts copies of columns from k0 on. What stands in rows that are not there does not count. The warps of a part share the rows. */
  __device__ __forceinline__ void fetch(const __half* from, int ld, int piece, int K, int k0, int rows, const FewPlace& p) {
    constexpr int TOGETHER = 32 / ACROSS; // rows
    int at = p.lane % ACROSS * E, bytes = k0 + at < K ? 16 : 0;
#pragma unroll
    for (int n = 0; n < PIECES; n++)
      for (int m = TOGETHER * p.across + p.lane / ACROSS; m < rows; m += TOGETHER * p.wide)
        copy16(&x[n][m][at], from + (long long)n * piece + (long long)m * ld + k0 + at, bytes);
  }
};

/**
 * A warp's stages of W. Of 128 bytes of a row, those from 16 i on stand at 16 (i ^ row % 8), so that copies and reads fall into different banks.
 * Behind all rows stand their scales, those of the first 64 columns before the others.
 */
template <class F> struct Rows {
  static constexpr int VALUES = ROWS * STEP, BYTES = VALUES + STEP / RUN * ROWS * 4;
  uchar* stages;
  const uchar *from, *scales; // of the lane's first copy of values, which is 16 bytes of one of four rows; of its copy of four scales
  int K, k, count, to, scaleTo, scaleK;
  bool scaled;

  __device__ __forceinline__ Rows(uchar* stages, const uchar* W, int K, const Output& out, const FewPlace& p) : stages(stages), K(K) {
    int row = p.lane / 8, piece = p.lane % 8, all = out.count(p), four = p.lane / 2 * 4;
    k = piece * 16, count = all - row;
    from = W + (out.first(p) + row) * (long long)K + k;
    to = row * STEP + (piece ^ row) * 16;
    scaleK = p.lane % 2 * RUN, scaleTo = VALUES + (p.lane % 2 * ROWS + four) * 4;
    scaled = four < ROWS && four < all;
    scales = W + F::scales(out.matrix_rows(), K) + (scaled ? F::Scales::at(out.first(p) + four, K / 32, scaleK / 32) : 0);
  }
  /** Starts the copies of a stage, columns from k0 on. */
  __device__ __forceinline__ void fetch(int stage, int k0, int lane) {
    const uchar* at = from + k0;
    uchar *first = stages + stage * BYTES, *even = first + to, *odd = first + (to ^ 64);
    int bytes = k0 + k < K ? 16 : 0;
    if (count > ROWS - 4) {
#pragma unroll
      for (int j = 0; j < ROWS / 4; j++, at += 4ll * K) copy16((j & 1 ? odd : even) + 4 * j * STEP, at, bytes);
    } else {
#pragma unroll 1
      for (int j = 0; j < ROWS / 4; j++, at += 4ll * K) copy16((j & 1 ? odd : even) + 4 * j * STEP, at, 4 * j < count ? bytes : 0);
    }
    if (lane < ROWS / 4 * 2) copy16(first + scaleTo, scales + k0 / RUN * 16, scaled && k0 + scaleK < K ? 16 : 0);
  }
  /** Of 16 rows the 32 bytes from 32 i on: for both halves of 16 bytes, rows 0 to 7 and 8 to 15. */
  __device__ __forceinline__ void read(unsigned (&a)[4], int stage, int tile, int i, int lane) const {
    int matrix = lane >> 3, row = 8 * (matrix & 1) + (lane & 7);
    load_matrices(a, stages + stage * BYTES + (16 * tile + row) * STEP + ((2 * i + (matrix >> 1) ^ lane & 7) * 16));
  }
  /** The scales of rows l / 4 and l / 4 + 8 of 16, for the first or the second 64 columns. */
  __device__ __forceinline__ float2 scale(int stage, int tile, int run, int lane) const {
    const float* at = (const float*)(stages + stage * BYTES + VALUES) + run * ROWS + 16 * tile + (lane >> 2);
    return make_float2(at[0], at[8]);
  }
};

/**
 * A stage of W by rows of x. A lane has four neighbouring columns of each sixteen, which are columns 2 t, 2 t + 1, 2 t + 8 and 2 t + 9 of mma: so it
 * has the same four of x.
 */
template <class F, int NT, int PIECES>
__device__ __forceinline__ void multiply(float (&acc)[TILES][NT][4], const Rows<F>& rows, int stage, const Columns<NT, PIECES>& x, int lane) {
#pragma unroll
  for (int run = 0; run < STEP / RUN; run++) {
    float sum[TILES][NT][4] = {};
#pragma unroll
    for (int i = 0; i < RUN / 32; i++) {
      unsigned w[TILES][4];
#pragma unroll
      for (int n = 0; n < TILES; n++) rows.read(w[n], stage, n, run * (RUN / 32) + i, lane);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        unsigned a[TILES][4];
#pragma unroll
        for (int n = 0; n < TILES; n++) {
          a[n][0] = halves_of_eights(w[n][2 * half]), a[n][1] = halves_of_eights(w[n][2 * half + 1]);
          a[n][2] = halves_of_eights(w[n][2 * half] >> 16), a[n][3] = halves_of_eights(w[n][2 * half + 1] >> 16);
        }
#pragma unroll
        for (int t = 0; t < NT; t++)
#pragma unroll
          for (int piece = 0; piece < PIECES; piece++) {
            uint2 b = *(const uint2*)&x.x[piece][8 * t + (lane >> 2)][run * RUN + 32 * i + 16 * half + 4 * (lane & 3)];
#pragma unroll
            for (int n = 0; n < TILES; n++) mma16<__half>(sum[n][t], a[n], b.x, b.y);
          }
      }
    }
#pragma unroll
    for (int n = 0; n < TILES; n++) {
      float2 s = rows.scale(stage, n, run, lane);
#pragma unroll
      for (int t = 0; t < NT; t++)
#pragma unroll
        for (int j = 0; j < 4; j++) acc[n][t][j] = fmaf(sum[n][t][j], j < 2 ? s.x : s.y, acc[n][t][j]);
    }
  }
}

template <class F, int NT, int PIECES>
__device__ __forceinline__ void few_scaled(const uchar* W, const __half* x, int ld, int piece, const float* scale, int K, Output out) {
  typedef Columns<NT, PIECES> X;
  extern __shared__ __align__(16) uchar room[];
  dependents();
  FewPlace p(out.parts);
  long long m = out.take(8 * NT);
  x += m * ld, scale += m;
  Rows<F> rows(room + p.warp * (STAGES * Rows<F>::BYTES), W, K, out, p);
  X* columns = (X*)(room + (blockDim.x >> 5) * (STAGES * Rows<F>::BYTES)) + STAGES * p.part;
  int steps = ceil_div(K, STEP), mine = max(0, (steps - p.part + out.parts - 1) / out.parts);
  auto column = [&](int step) { return (p.part + step * out.parts) * STEP; };
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++)
    if (i < mine) rows.fetch(i, column(i), p.lane);
  wait_previous();
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) {
    if (i < mine) columns[i].fetch(x, ld, piece, K, column(i), out.rows, p);
    end_copies();
  }
  float acc[TILES][NT][4] = {};
  int stage = 0, free = STAGES - 1; // the one that is multiplied, and the one before it
#pragma unroll 1
  for (int n = 0; n < mine; n++) {
    wait_copies<STAGES - 2>();
    p.meet(); // what is multiplied is there for all, and all have left what was before
    if (n + STAGES - 1 < mine) {
      rows.fetch(free, column(n + STAGES - 1), p.lane);
      columns[free].fetch(x, ld, piece, K, column(n + STAGES - 1), out.rows, p);
    }
    end_copies();
    multiply<F, NT, PIECES>(acc, rows, stage, columns[stage], p.lane);
    free = stage, stage = stage == STAGES - 1 ? 0 : stage + 1;
  }
  wait_copies<0>();
  out.by_rows(acc, scale, p);
  out.template finish<NT, false>(acc, p, (float*)room);
}

#define ONE(FMT, F, NT, PIECES)                                                                                  \
  extern "C" __global__ void __launch_bounds__(32 * FEW_WARPS, NT <= 2 ? 2 : 1)                                  \
      few_##FMT##_n##NT(const uchar* W, const __half* x, int ld, int piece, const float* scale, FEW_OUTPUT) {    \
    few_scaled<F, NT, PIECES>(W, x, ld, piece, scale, K, FEW_PASS);                                              \
  }
#define NONE(FMT, NUMBER, F)
#define SCALED(FMT, NUMBER, F) ONE(FMT, F, 1, 2) ONE(FMT, F, 2, 2) ONE(FMT, F, 4, 1) ONE(FMT, F, 8, 1)
FORMATS(NONE, SCALED, NONE)

// Rows of W a warp; bytes of shared memory a warp; and for each part of the columns, 8 rows of x and piece.
EXPORT_SHAPE(few_scaled, ROWS, STAGES * Rows<F8x64>::BYTES, STAGES * (int)sizeof(Columns<1, 1>))
