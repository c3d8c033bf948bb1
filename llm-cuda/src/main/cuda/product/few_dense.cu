// y = residual + bias + W x, or act(G x) * (U x), for 2 to 64 rows x and dense W. For weights of 16 bits rows of x have been split by few_split.cu:
// each is one row of the weights' own type or the sum of two, times a scale. Weights of f32 and what they meet become two numbers of 19 bits each.
// Products are exact, tensor cores sum them as floats.
#include "common/layout.cuh"
#include "product/few.cuh"
#include "product/mma16.cuh"

static constexpr int TILES = 2;      // of 16 rows of W a warp
static constexpr int ROWS = 16 * TILES;
static constexpr int STEP = 128;     // columns of x that are copied at a time
static constexpr int STAGE = 128;    // bytes of a row of W that are copied at a time
static constexpr int STAGES = 3;     // that a warp has room for
static constexpr int SLOTS = 2;      // steps of x that there is room for
typedef FewOutput<TILES> Output;

/** Rows of x in shared memory, in PIECES. `PAD` elements between rows let reads of a warp fall into different banks. */
template <class T, int NT, int PIECES> struct Columns {
  static constexpr int PAD = 8, E = 16 / sizeof(T), ACROSS = STEP / E; // copies a row
  T x[PIECES][8 * NT][STEP + PAD];

  /**
   * Starts copies of columns from k0 on. What stands in rows that are not there does not count; behind K are zeros. The warps of a part share the
   * rows.
   */
  __device__ __forceinline__ void fetch(const T* from, int ld, int piece, int K, int k0, int rows, const FewPlace& p) {
    constexpr int TOGETHER = 32 / ACROSS; // rows
    int at = p.lane % ACROSS * E, bytes = max(0, min(16, (K - k0 - at) * (int)sizeof(T)));
#pragma unroll
    for (int n = 0; n < PIECES; n++)
      for (int m = TOGETHER * p.across + p.lane / ACROSS; m < rows; m += TOGETHER * p.wide)
        copy16(&x[n][m][at], from + (long long)n * piece + (long long)m * ld + k0 + at, bytes);
  }
};

/**
 * A warp's stages of W. Of 128 bytes of a row, those from 16 i on stand at 16 (i ^ row % 8), so that copies and reads fall into different banks.
 */
template <class T> struct Rows {
  static constexpr int COLS = STAGE / sizeof(T), BYTES = ROWS * STAGE;
  uchar* stages;
  const uchar* from; // of the lane's first copy: a copy is 16 bytes of one of four rows
  long long down;    // bytes to the next four rows
  int to, K, k, count;

  __device__ __forceinline__ Rows(uchar* stages, const uchar* W, int K, const Output& out, const FewPlace& p) : stages(stages), K(K) {
    long long pitch = Dense<T>::stride(K) * (long long)sizeof(T);
    int row = p.lane / 8, piece = p.lane % 8;
    k = piece * (16 / sizeof(T)), count = out.count(p) - row, down = 4 * pitch;
    from = W + (out.first(p) + row) * pitch + piece * 16;
    to = row * STAGE + (piece ^ row) * 16;
  }
  /** Starts the copies of a stage, columns from k0 on. */
  __device__ __forceinline__ void fetch(int stage, int k0) {
    const uchar* at = from + (long long)k0 * (int)sizeof(T);
    uchar *even = stages + stage * BYTES + to, *odd = stages + stage * BYTES + (to ^ 64);
    int bytes = k0 + k < K ? 16 : 0;
    if (count > ROWS - 4) {
#pragma unroll
      for (int j = 0; j < ROWS / 4; j++, at += down) copy16((j & 1 ? odd : even) + 4 * j * STAGE, at, bytes);
    } else {
#pragma unroll 1
      for (int j = 0; j < ROWS / 4; j++, at += down) copy16((j & 1 ? odd : even) + 4 * j * STAGE, at, 4 * j < count ? bytes : 0);
    }
  }
  /** Of 16 rows the 32 bytes from 32 i on: for both halves of 16 bytes, rows 0 to 7 and 8 to 15. */
  __device__ __forceinline__ void read(unsigned (&a)[4], int stage, int tile, int i, int lane) const {
    int matrix = lane >> 3, row = 8 * (matrix & 1) + (lane & 7);
    load_matrices(a, stages + stage * BYTES + (16 * tile + row) * STAGE + ((2 * i + (matrix >> 1) ^ lane & 7) * 16));
  }
};

/**
 * The loop over columns: `fetch` copies a step of x from a column on to a slot, `use` multiplies a stage of W by columns from a place on, and `after`
 * ends a step.
 */
template <class T, class Fetch, class Use, class After>
__device__ __forceinline__ void stream(Rows<T>& weights, const Output& out, const FewPlace& p, Fetch fetch, Use use, After after) {
  constexpr int COLS = Rows<T>::COLS, EACH = STEP / COLS; // stages a step
  static_assert(EACH >= STAGES - 1 && SLOTS == 2, "rows of x are copied before the weights that they meet");
  int steps = ceil_div(weights.K, STEP), mine = max(0, (steps - p.part + out.parts - 1) / out.parts), all = mine * EACH;
  auto column = [&](int step) { return (p.part + step * out.parts) * STEP; };
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++)
    if (i < all) weights.fetch(i, column(0) + i * COLS);
  wait_previous();
  if (mine > 0) fetch(column(0), 0);
  end_copies();
#pragma unroll
  for (int i = 1; i < STAGES - 1; i++) end_copies(); // so that each stage has an end of its own
  wait_copies<0>();
  int stage = 0, free = STAGES - 1; // the one that is multiplied, and the one before it
#pragma unroll 1
  for (int n = 0; n < mine; n++) {
#pragma unroll
    for (int j = 0; j < EACH; j++) {
      wait_copies<STAGES - 2>();
      if (j == 0) p.meet(); // the rows of x are there for all, and all have left those of the step before
      else __syncwarp();
      constexpr int AHEAD = STAGES - 1;
      if (n * EACH + j + AHEAD < all) weights.fetch(free, column(n + (j + AHEAD) / EACH) + (j + AHEAD) % EACH * COLS);
      if (j == 0 && n + 1 < mine) fetch(column(n + 1), n + 1 & 1);
      end_copies();
      use(stage, j * COLS);
      free = stage, stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    after();
  }
  wait_copies<0>();
}

/** The upper 19 bits of a float. */
__device__ __forceinline__ unsigned upper(float x) { return __float_as_uint(x) & 0xffffe000; }
__device__ __forceinline__ unsigned lower(float x, unsigned upper) { return __float_as_uint(x - __uint_as_float(upper)) & 0xffffe000; }

__device__ __forceinline__ void mma8(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/** Tensor cores cut what they add to: sums of a step start at 0 and are added to those before by other units. */
template <int NT> __device__ __forceinline__ void take(float (&acc)[TILES][NT][4], float (&sum)[TILES][NT][4]) {
#pragma unroll
  for (int i = 0; i < TILES; i++)
#pragma unroll
    for (int t = 0; t < NT; t++)
#pragma unroll
      for (int j = 0; j < 4; j++) acc[i][t][j] += sum[i][t][j], sum[i][t][j] = 0.f;
}

/** For weights of 32 bits. */
template <int NT> __device__ __forceinline__ void few_floats(const uchar* W, const float* x, int ldx, int K, Output out) {
  typedef Columns<float, NT, 1> X;
  extern __shared__ __align__(16) uchar room[];
  dependents();
  FewPlace p(out.parts);
  x += out.take(8 * NT) * ldx;
  Rows<float> rows(room + p.warp * (STAGES * Rows<float>::BYTES), W, K, out, p);
  X* columns = (X*)(room + (blockDim.x >> 5) * (STAGES * Rows<float>::BYTES)) + SLOTS * p.part;
  float acc[TILES][NT][4] = {}, sum[TILES][NT][4] = {};
  int slot = 0;
  stream(
      rows, out, p, [&](int k0, int to) { columns[to].fetch(x, ldx, 0, K, k0, out.rows, p); },
      [&](int stage, int at) {
        const float* from = &columns[slot].x[0][p.lane >> 2][at + (p.lane & 3)];
#pragma unroll
        for (int i = 0; i < STAGE / 32; i++) {
          unsigned high[TILES][4], low[TILES][4];
#pragma unroll
          for (int n = 0; n < TILES; n++) {
            unsigned a[4];
            rows.read(a, stage, n, i, p.lane);
#pragma unroll
            for (int j = 0; j < 4; j++) high[n][j] = upper(__uint_as_float(a[j])), low[n][j] = lower(__uint_as_float(a[j]), high[n][j]);
          }
#pragma unroll
          for (int t = 0; t < NT; t++) {
            float v0 = from[8 * t * (STEP + X::PAD) + 8 * i], v1 = from[8 * t * (STEP + X::PAD) + 8 * i + 4];
            unsigned b0 = upper(v0), b1 = upper(v1), c0 = lower(v0, b0), c1 = lower(v1, b1);
#pragma unroll
            for (int n = 0; n < TILES; n++) {
              mma8(sum[n][t], high[n], b0, b1);
              mma8(sum[n][t], high[n], c0, c1);
              mma8(sum[n][t], low[n], b0, b1);
            }
          }
        }
      },
      [&] {
        take<NT>(acc, sum);
        slot ^= 1;
      });
  out.template finish<NT, false>(acc, p, (float*)room);
}

/** A stage of W by rows of x in pieces. */
template <class T, int NT, int PIECES>
__device__ __forceinline__ void multiply(float (&sum)[TILES][NT][4], const Rows<T>& rows, int stage, const Columns<T, NT, PIECES>& x, int at,
                                         int lane) {
  int matrix = lane >> 3;
#pragma unroll
  for (int i = 0; i < STAGE / 32; i++) {
    unsigned a[TILES][4], b[4];
#pragma unroll
    for (int n = 0; n < TILES; n++) rows.read(a[n], stage, n, i, lane);
    if constexpr (NT == 1) { // both pieces together
      static_assert(PIECES == 2, "");
      load_matrices(b, &x.x[matrix >> 1][lane & 7][at + 16 * i + 8 * (matrix & 1)]);
#pragma unroll
      for (int k = 0; k < TILES; k++) mma16<T>(sum[k][0], a[k], b[0], b[1]), mma16<T>(sum[k][0], a[k], b[2], b[3]);
    } else {
#pragma unroll
      for (int t = 0; t < NT; t += 2)
#pragma unroll
        for (int n = 0; n < PIECES; n++) {
          load_matrices(b, &x.x[n][8 * (t + (matrix >> 1)) + (lane & 7)][at + 16 * i + 8 * (matrix & 1)]);
#pragma unroll
          for (int k = 0; k < TILES; k++) mma16<T>(sum[k][t], a[k], b[0], b[1]), mma16<T>(sum[k][t + 1], a[k], b[2], b[3]);
        }
    }
  }
}

/** For weights of 16 bits, by rows which have been split in PIECES with a scale each; `ld` elements from row to row, `piece` from piece to piece. */
template <class T, int NT, int PIECES>
__device__ __forceinline__ void few_pieces(const uchar* W, const T* x, int ld, int piece, const float* scale, int K, Output out) {
  typedef Columns<T, NT, PIECES> X;
  extern __shared__ __align__(16) uchar room[];
  dependents();
  FewPlace p(out.parts);
  long long m = out.take(8 * NT);
  x += m * ld, scale += m;
  Rows<T> rows(room + p.warp * (STAGES * Rows<T>::BYTES), W, K, out, p);
  X* columns = (X*)(room + (blockDim.x >> 5) * (STAGES * Rows<T>::BYTES)) + SLOTS * p.part;
  float acc[TILES][NT][4] = {};
  int slot = 0;
  stream(
      rows, out, p, [&](int k0, int to) { columns[to].fetch(x, ld, piece, K, k0, out.rows, p); },
      [&](int stage, int at) { multiply<T, NT, PIECES>(acc, rows, stage, columns[slot], at, p.lane); },
      [&] { slot ^= 1; });
  out.by_rows(acc, scale, p);
  out.template finish<NT, false>(acc, p, (float*)room);
}

/** In how many numbers rows are split: many rows of f16 in one, which has 11 bits; bf16 has 8. */
template <class T> __host__ __device__ constexpr int pieces_of(int) { return 2; }
template <> __host__ __device__ constexpr int pieces_of<__half>(int NT) { return NT > 2 ? 1 : 2; }

#define BOUNDED __launch_bounds__(32 * FEW_WARPS, 1)
#define FLOATS1(NT)                                                                                                                              \
  extern "C" __global__ void BOUNDED few_f32_n##NT(const uchar* W, const float* x, int ldx, FEW_OUTPUT) { few_floats<NT>(W, x, ldx, K, FEW_PASS); }
#define PIECES1(FMT, T, NT)                                                                                                                      \
  extern "C" __global__ void BOUNDED few_##FMT##_n##NT(const uchar* W, const T* x, int ld, int piece, const float* scale, FEW_OUTPUT) {          \
    few_pieces<T, NT, pieces_of<T>(NT)>(W, x, ld, piece, scale, K, FEW_PASS);                                                                    \
  }
FLOATS1(1) FLOATS1(2) FLOATS1(4) FLOATS1(8)
PIECES1(f16, __half, 1) PIECES1(f16, __half, 2) PIECES1(f16, __half, 4) PIECES1(f16, __half, 8)
PIECES1(bf16, bf16, 1) PIECES1(bf16, bf16, 2) PIECES1(bf16, bf16, 4) PIECES1(bf16, bf16, 8)

// Rows of W a warp; bytes of shared memory a warp; and for each part of the columns and 8 rows of x: of floats, of one piece.
EXPORT_SHAPE(few_dense, ROWS, STAGES * ROWS * STAGE, SLOTS * (int)sizeof(Columns<float, 1, 1>), SLOTS * (int)sizeof(Columns<__half, 1, 1>))
// For 1, 2, 4 and 8 times 8 rows.
EXPORT_SHAPE(few_pieces_f16, pieces_of<__half>(1), pieces_of<__half>(2), pieces_of<__half>(4), pieces_of<__half>(8))
EXPORT_SHAPE(few_pieces_bf16, pieces_of<bf16>(1), pieces_of<bf16>(2), pieces_of<bf16>(4), pieces_of<bf16>(8))
